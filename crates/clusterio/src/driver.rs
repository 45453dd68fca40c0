//! The bus thread.

use crate::file::{ConfFile, LockError};
use crate::handle::{Clock, Handle, Shared};
use crate::link::{Link, ReadEnd};
use crate::mailbox::{Mail, Mailbox, OnReply};
use base::{NodeId, ShardId, SlotSet, UnixMs};
use bus::{IpText, Packet};
use cluster::{
    Boot, Cluster, ConfError, Effect, Event, Level, LinkId, NodesConf, Now, PersistId, Reply,
    Settings, View,
};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often the machine is given the time.
const TICK: Duration = Duration::from_millis(100);
/// Most links that others may have open to us.
const MOST_INBOUND: usize = 10_000;
const WAKER: Token = Token(0);

/// How the bus is to be started.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the machine reads of the configuration; `bus_port` is the port to listen on.
    pub settings: Settings,
    /// Addresses to listen on.
    pub bind: Vec<IpAddr>,
    /// nodes.conf.
    pub conf_path: PathBuf,
    /// `cluster-link-sendbuf-limit` in bytes, 0 for none.
    pub link_limit: usize,
}

/// Whom to replicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Primary {
    /// Its id.
    pub id: NodeId,
    /// Its address.
    pub ip: String,
    /// Its plain port.
    pub port: u16,
    /// Its TLS port, 0 if it has none.
    pub tls_port: u16,
}

/// What the rest of the server does for the machine. All are called on the bus thread, in the
/// order in which the machine wants them done, and must not block: they post to workers.
pub trait Hooks: Send + 'static {
    /// Route by this view from now on.
    fn view(&mut self, view: Arc<View>);
    /// A primary may serve until then, unless told a later time.
    fn serve_until(&mut self, until: Instant);
    /// Replicate this node.
    fn replicate(&mut self, primary: Primary);
    /// Stop replicating and be a primary.
    fn become_primary(&mut self);
    /// Delete the keys of these slots, once no command sees the old route.
    fn slots_lost(&mut self, slots: SlotSet);
    /// Delete the whole data set.
    fn empty_data(&mut self);
    /// Pause writes until then, and call [`Handle::paused`] when the offset stands.
    fn pause(&mut self, until: Instant);
    /// End the pause.
    fn unpause(&mut self);
    /// Give a message to the subscribers here.
    fn deliver(&mut self, channel: Vec<u8>, message: Vec<u8>, sharded: bool);
    /// Write a line to the log.
    fn log(&mut self, level: Level, text: String);
}

/// Why the bus cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// nodes.conf is another's, or out of reach.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// nodes.conf is damaged.
    #[error("Unrecoverable error: corrupted cluster config file \"{path}\": {error}")]
    Conf {
        /// The file.
        path: String,
        /// Line and reason.
        error: ConfError,
    },
    /// nodes.conf cannot be written.
    #[error("Could not save the cluster configuration file {path}: {reason}")]
    Save {
        /// The file.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// The bus port is taken or not allowed.
    #[error("Failed listening on port {} (cluster), aborting: {address}: {source}", address.port())]
    Bind {
        /// Where.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// Threads, pollers or random bytes cannot be had.
    #[error("cannot start the cluster bus: {0}")]
    System(io::Error),
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> StartError {
        StartError::System(error)
    }
}

/// Starts the bus and returns once nodes.conf is on disk and the first view is there.
///
/// # Errors
/// See [`StartError`]; nothing is left running.
pub fn start(options: Options, hooks: Box<dyn Hooks>) -> Result<Handle, StartError> {
    let (mut file, text) = ConfFile::open(&options.conf_path)?;
    let path = options.conf_path.display().to_string();
    let conf = match text {
        None => None,
        Some(text) => match NodesConf::parse(&text) {
            Ok(conf) => Some(conf),
            Err(error) => return Err(StartError::Conf { path, error }),
        },
    };
    let mut random = [0; 72];
    getrandom::fill(&mut random)
        .map_err(|e| StartError::System(io::Error::other(e.to_string())))?;
    let clock = Clock {
        origin: Instant::now(),
    };
    let mut seed = [0; 4];
    for (word, bytes) in seed.iter_mut().zip(random[40..].chunks_exact(8)) {
        *word = bytes
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    let take20 = |at: usize| {
        let mut bytes = [0; 20];
        bytes.copy_from_slice(&random[at..at + 20]);
        bytes
    };
    let boot = Boot {
        settings: options.settings.clone(),
        conf,
        fresh_id: NodeId::from_random(take20(0)),
        fresh_shard: ShardId::from_random(take20(20)),
        seed,
    };
    let machine = Cluster::new(boot, now(clock));
    let poll = Poll::new()?;
    let mailbox = Mailbox::new(mio::Waker::new(poll.registry(), WAKER)?);
    let view = Mutex::new(Arc::new(machine.view()));
    let shared = Arc::new(Shared {
        mailbox,
        view,
        clock,
    });
    let listeners = listen(&poll, &options)?;
    let (saves, to_save) = mpsc::channel();
    let mut driver = Driver::new(poll, listeners, machine, shared.clone(), hooks, saves);
    driver.link_limit = options.link_limit;
    driver.give(Event::Tick);
    // The first file is written here: a node that cannot is not to start.
    if let Ok((id, text)) = to_save.try_recv() {
        let saved = file.save(&text);
        saved.map_err(|e| StartError::Save {
            path,
            reason: e.to_string(),
        })?;
        driver.give(Event::Persisted(id));
    }
    let mail = shared.clone();
    let writer = std::thread::Builder::new().name("nodes-conf".to_owned());
    let writer = writer.spawn(move || {
        while let Ok((id, text)) = to_save.recv() {
            let result = file.save(&text).map_err(|e| e.to_string());
            mail.mailbox.post(Mail::Written(id, result));
        }
    })?;
    let bus = std::thread::Builder::new().name("bus".to_owned());
    let bus = bus.spawn(move || driver.run())?;
    Ok(Handle {
        shared,
        threads: Arc::new(Mutex::new(vec![bus, writer])),
    })
}

fn listen(poll: &Poll, options: &Options) -> Result<Vec<TcpListener>, StartError> {
    let mut listeners = Vec::new();
    for ip in &options.bind {
        let address = SocketAddr::new(*ip, options.settings.bus_port);
        let failed = |source| StartError::Bind { address, source };
        let mut listener = TcpListener::bind(address).map_err(failed)?;
        let token = Token(1 + listeners.len());
        poll.registry()
            .register(&mut listener, token, Interest::READABLE)?;
        listeners.push(listener);
    }
    Ok(listeners)
}

fn now(clock: Clock) -> Now {
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Now {
        mono: clock.now(),
        wall: UnixMs(wall.as_millis() as i64),
    }
}

struct Driver {
    poll: Poll,
    listeners: Vec<TcpListener>,
    machine: Cluster,
    shared: Arc<Shared>,
    hooks: Box<dyn Hooks>,
    saves: mpsc::Sender<(PersistId, String)>,
    links: HashMap<Token, Link>,
    tokens: HashMap<LinkId, Token>,
    next_token: usize,
    next_in: u64,
    inbound: usize,
    replies: HashMap<u64, OnReply>,
    next_reply: u64,
    link_limit: usize,
    /// Links with output to be written, and links with more to read.
    to_flush: Vec<Token>,
    to_read: Vec<Token>,
    /// Events that effects brought about, to be given after them.
    later: Vec<Event>,
    encoded: Option<(Arc<Packet>, Arc<[u8]>)>,
    stopped: bool,
}

impl Driver {
    fn new(
        poll: Poll,
        listeners: Vec<TcpListener>,
        machine: Cluster,
        shared: Arc<Shared>,
        hooks: Box<dyn Hooks>,
        saves: mpsc::Sender<(PersistId, String)>,
    ) -> Driver {
        let next_token = 1 + listeners.len();
        Driver {
            poll,
            listeners,
            machine,
            shared,
            hooks,
            saves,
            links: HashMap::new(),
            tokens: HashMap::new(),
            next_token,
            next_in: 1,
            inbound: 0,
            replies: HashMap::new(),
            next_reply: 1,
            link_limit: 0,
            to_flush: Vec::new(),
            to_read: Vec::new(),
            later: Vec::new(),
            encoded: None,
            stopped: false,
        }
    }

    fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        let mut next_tick = Instant::now() + TICK;
        while !self.stopped {
            let left = next_tick.saturating_duration_since(Instant::now());
            let wait = if self.to_read.is_empty() {
                left
            } else {
                Duration::ZERO
            };
            if let Err(error) = self.poll.poll(&mut events, Some(wait))
                && error.kind() != ErrorKind::Interrupted
            {
                self.hooks.log(
                    Level::Warning,
                    format!("The cluster bus cannot poll: {error}"),
                );
                return;
            }
            for token in std::mem::take(&mut self.to_read) {
                self.read(token);
            }
            for event in &events {
                let token = event.token();
                if token == WAKER {
                    continue;
                }
                if token.0 <= self.listeners.len() {
                    self.accept(token.0 - 1);
                    continue;
                }
                if event.is_writable() {
                    self.writable(token);
                }
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    self.read(token);
                }
            }
            for mail in self.shared.mailbox.take() {
                self.open_mail(mail);
            }
            if Instant::now() >= next_tick {
                next_tick = Instant::now() + TICK;
                // What accept could not take for want of descriptors is tried again here.
                (0..self.listeners.len()).for_each(|i| self.accept(i));
                self.give(Event::Tick);
            }
            self.flush();
        }
    }

    fn open_mail(&mut self, mail: Mail) {
        let event = match mail {
            Mail::Request(request, on_reply) => {
                let token = self.next_reply;
                self.next_reply += 1;
                self.replies.insert(token, on_reply);
                Event::Request { token, request }
            }
            Mail::Publish {
                channel,
                message,
                sharded,
            } => Event::Publish {
                channel,
                message,
                sharded,
            },
            Mail::Replication(replication) => Event::Replication(replication),
            Mail::Paused(offset) => Event::Paused { offset },
            Mail::Stuck(since) => Event::WorkersStuck(since),
            Mail::Settings(settings, limit) => {
                self.link_limit = limit;
                Event::Settings(settings)
            }
            Mail::Written(id, Ok(())) => Event::Persisted(id),
            Mail::Written(id, Err(reason)) => Event::PersistFailed { id, reason },
            Mail::Stop => {
                self.stopped = true;
                return;
            }
        };
        self.give(event);
    }

    /// Gives an event to the machine and does what it wants done.
    fn give(&mut self, event: Event) {
        let mut effects = Vec::new();
        let mut next = Some(event);
        while let Some(event) = next {
            self.machine
                .handle(now(self.shared.clock), event, &mut effects);
            for effect in effects.drain(..) {
                self.perform(effect);
            }
            next = if self.later.is_empty() {
                None
            } else {
                Some(self.later.remove(0))
            };
        }
    }

    fn perform(&mut self, effect: Effect) {
        let clock = self.shared.clock;
        match effect {
            Effect::Connect { link, ip, port } => self.connect(link, ip, port),
            Effect::Disconnect(link) => self.drop_link(link),
            Effect::Send { link, packet } => self.send(link, packet),
            Effect::Persist { id, text } => _ = self.saves.send((id, text)),
            Effect::ViewChanged => {
                let view = Arc::new(self.machine.view());
                *self.shared.view.lock().unwrap_or_else(|e| e.into_inner()) = view.clone();
                self.hooks.view(view);
            }
            Effect::ServeUntil(until) => self.hooks.serve_until(clock.instant(until)),
            Effect::SetReplicaOf {
                id,
                ip,
                port,
                tls_port,
            } => {
                let ip = ip.as_str().to_owned();
                self.hooks.replicate(Primary {
                    id,
                    ip,
                    port,
                    tls_port,
                });
            }
            Effect::BecomePrimary => self.hooks.become_primary(),
            Effect::SlotsLost(slots) => self.hooks.slots_lost(slots),
            Effect::EmptyData => self.hooks.empty_data(),
            Effect::PauseClients { until } => self.hooks.pause(clock.instant(until)),
            Effect::UnpauseClients => self.hooks.unpause(),
            Effect::Deliver {
                channel,
                message,
                sharded,
            } => {
                self.hooks.deliver(channel, message, sharded);
            }
            Effect::Log { level, text } => self.hooks.log(level, text),
            Effect::Reply { token, mut reply } => {
                if let Reply::Links(rows) = &mut reply {
                    for row in rows {
                        let link = self.tokens.get(&row.link).and_then(|t| self.links.get(t));
                        let used = link.map_or(0, |l| l.queued as u64);
                        (row.buffer_allocated, row.buffer_used) = (used, used);
                    }
                }
                if let Some(on_reply) = self.replies.remove(&token) {
                    on_reply(reply);
                }
            }
        }
    }

    fn connect(&mut self, id: LinkId, ip: IpText, port: u16) {
        let address = ip.as_str().parse::<IpAddr>().map_err(io::Error::other);
        let stream = address.and_then(|ip| TcpStream::connect(SocketAddr::new(ip, port)));
        let added = stream.and_then(|stream| self.add_link(id, stream, false));
        if added.is_err() {
            self.later.push(Event::LinkDown {
                link: id,
                overflow: false,
            });
        }
    }

    fn add_link(&mut self, id: LinkId, mut stream: TcpStream, connected: bool) -> io::Result<()> {
        let token = Token(self.next_token);
        self.next_token += 1;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, token, both)?;
        _ = stream.set_nodelay(true);
        self.links.insert(token, Link::new(id, stream, connected));
        self.tokens.insert(id, token);
        if matches!(id, LinkId::In(_)) {
            self.inbound += 1;
        }
        Ok(())
    }

    fn accept(&mut self, listener: usize) {
        // Without descriptors, or with too many links, the rest waits for the next tick.
        while self.inbound < MOST_INBOUND
            && let Ok((stream, peer)) = self.listeners[listener].accept()
        {
            let local = stream
                .local_addr()
                .map(|a| a.ip().to_canonical().to_string());
            let text = |ip: &str| IpText::new(ip).unwrap_or(IpText::EMPTY);
            let local = text(&local.unwrap_or_default());
            let peer = text(&peer.ip().to_canonical().to_string());
            let link = LinkId::In(self.next_in);
            self.next_in += 1;
            if self.add_link(link, stream, true).is_ok() {
                self.give(Event::Accepted { link, peer, local });
            }
        }
    }

    /// Forgets a link; true if it was there.
    fn drop_link(&mut self, id: LinkId) {
        let Some(token) = self.tokens.remove(&id) else {
            return;
        };
        if let Some(mut link) = self.links.remove(&token) {
            _ = self.poll.registry().deregister(&mut link.stream);
        }
        if matches!(id, LinkId::In(_)) {
            self.inbound -= 1;
        }
    }

    /// A link ended by itself, or must.
    fn lose_link(&mut self, id: LinkId, overflow: bool) {
        if self.tokens.contains_key(&id) {
            self.drop_link(id);
            self.give(Event::LinkDown { link: id, overflow });
        }
    }

    fn send(&mut self, id: LinkId, packet: Arc<Packet>) {
        let Some(&token) = self.tokens.get(&id) else {
            return;
        };
        // A broadcast is encoded once.
        let bytes = match &self.encoded {
            Some((last, bytes)) if Arc::ptr_eq(last, &packet) => bytes.clone(),
            _ => {
                let bytes: Arc<[u8]> = packet.encode().into();
                self.encoded = Some((packet, bytes.clone()));
                bytes
            }
        };
        let Some(link) = self.links.get_mut(&token) else {
            return;
        };
        if link.queued == 0 {
            self.to_flush.push(token);
        }
        link.push(bytes);
        if self.link_limit > 0 && link.queued > self.link_limit {
            let text = format!(
                "Freeing outbound cluster link due to exceeding the send buffer memory limit: {}",
                link.queued
            );
            self.hooks.log(Level::Warning, text);
            self.drop_link(id);
            self.later.push(Event::LinkDown {
                link: id,
                overflow: true,
            });
        }
    }

    fn flush(&mut self) {
        while let Some(token) = self.to_flush.pop() {
            let Some(link) = self.links.get_mut(&token) else {
                continue;
            };
            if link.flush().is_err() {
                let id = link.id;
                self.lose_link(id, false);
            }
        }
        self.encoded = None;
    }

    fn writable(&mut self, token: Token) {
        let Some(link) = self.links.get_mut(&token) else {
            return;
        };
        let id = link.id;
        if !link.connected {
            let failed = link
                .stream
                .take_error()
                .map_or(true, |error| error.is_some());
            if failed {
                self.lose_link(id, false);
                return;
            }
            match link.stream.peer_addr() {
                Ok(_) => link.connected = true,
                // Not yet.
                Err(error) if error.kind() == ErrorKind::NotConnected => return,
                Err(_) => {
                    self.lose_link(id, false);
                    return;
                }
            }
            self.give(Event::LinkUp { link: id });
        }
        self.to_flush.push(token);
    }

    fn read(&mut self, token: Token) {
        let Some(link) = self.links.get_mut(&token) else {
            return;
        };
        let id = link.id;
        let mut packets = Vec::new();
        let end = link.read(|packet| packets.push(packet));
        for packet in packets {
            // A packet may make the machine close the link it came by.
            if self.tokens.contains_key(&id) {
                self.give(Event::Received {
                    link: id,
                    packet: Arc::new(packet),
                });
            }
        }
        match end {
            ReadEnd::Drained => {}
            ReadEnd::More => self.to_read.push(token),
            ReadEnd::Closed => self.lose_link(id, false),
            ReadEnd::Garbage(reason) => {
                let text = format!(
                    "Bad message length or signature received from the Cluster bus: {reason}."
                );
                self.hooks.log(Level::Warning, text);
                self.lose_link(id, false);
            }
        }
    }
}
