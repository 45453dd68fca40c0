//! The bus thread: polls links, mail and the clock, and does what the machine wants done.

mod strangers;

pub use strangers::STRANGERS;

use crate::handle::{Clock, Shared};
use crate::link::{LONGEST_OF_STRANGERS, Link, ReadEnd};
use crate::mailbox::{Mail, OnReply};
use crate::start::{Hooks, Primary};
use base::UnixMs;
use bus::{IpText, Packet};
use cluster::{Cluster, Effect, Event, Level, LinkId, Now, PersistId, Reply};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Socket, Type};
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often the machine is given the time.
const TICK: Duration = Duration::from_millis(100);
pub(crate) const WAKER: Token = Token(0);

/// The time of the machine.
pub(crate) fn now(clock: Clock) -> Now {
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Now {
        mono: clock.now(),
        wall: UnixMs(wall.as_millis() as i64),
    }
}

pub(crate) struct Driver {
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
    pub link_limit: usize,
    /// The address that links come from.
    pub source: Option<IpAddr>,
    /// Links with output to be written, and links with more to read.
    to_flush: Vec<Token>,
    to_read: Vec<Token>,
    /// Listeners with more to accept.
    to_accept: Vec<usize>,
    /// When it was last told that links of strangers are closed for want of room.
    complained: Option<Instant>,
    /// Events that effects brought about, to be given after them.
    later: Vec<Event>,
    encoded: Option<(Arc<Packet>, Arc<[u8]>)>,
    stopped: bool,
}

impl Driver {
    pub fn new(
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
            source: None,
            to_flush: Vec::new(),
            to_read: Vec::new(),
            to_accept: Vec::new(),
            complained: None,
            later: Vec::new(),
            encoded: None,
            stopped: false,
        }
    }

    pub fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        let mut next_tick = Instant::now() + TICK;
        while !self.stopped {
            let due = self.machine.wake_at();
            let next = due.map_or(next_tick, |at| next_tick.min(self.shared.clock.instant(at)));
            let left = next.saturating_duration_since(Instant::now());
            let wait = match self.accept_wait() {
                _ if !self.to_read.is_empty() => Duration::ZERO,
                Some(wait) => left.min(wait),
                None => left,
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
                    self.has_links(token.0 - 1);
                    continue;
                }
                if event.is_writable() {
                    self.writable(token);
                }
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    self.read(token);
                }
            }
            // Links that are there are read before new ones may take their places.
            self.accept_all();
            for mail in self.shared.mailbox.take() {
                self.open_mail(mail);
            }
            if Instant::now() >= next_tick {
                next_tick = Instant::now() + TICK;
                // What accept could not take for want of descriptors is tried again here.
                (0..self.listeners.len()).for_each(|i| self.has_links(i));
                self.close_silent_strangers();
                self.give(Event::Tick);
                self.measure_links();
            } else if due.is_some_and(|at| now(self.shared.clock).mono >= at) {
                self.give(Event::Due);
            }
            self.flush();
        }
    }

    fn measure_links(&self) {
        let bytes = self.links.values().map(Link::memory).sum::<usize>() as u64;
        self.shared.link_bytes.store(bytes, Ordering::Relaxed);
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
            Mail::Loaded(slots) => Event::DataLoaded(slots),
            Mail::Stuck(since) => Event::WorkersStuck(since),
            Mail::Settings(settings, limit, source) => {
                (self.link_limit, self.source) = (limit, source);
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
    pub fn give(&mut self, event: Event) {
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
        let stream = match self.may_dial(id) {
            true => address.and_then(|ip| dial(SocketAddr::new(ip, port), self.source)),
            false => Err(ErrorKind::QuotaExceeded.into()),
        };
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
        if !connected {
            self.get_acquainted(id);
        }
        if matches!(id, LinkId::In(_)) {
            self.inbound += 1;
        }
        Ok(())
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
        let limit = match link.known {
            true if self.link_limit == 0 => usize::MAX,
            true => self.link_limit,
            false => LONGEST_OF_STRANGERS,
        };
        if link.queued > limit {
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
                self.get_acquainted(id);
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

/// Begins to connect, from `source` if that is possible.
fn dial(address: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    if let Some(source) = source {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        if socket.bind(&SocketAddr::new(source, 0).into()).is_ok() {
            return match socket.connect(&address.into()) {
                Err(error)
                    if error.raw_os_error()
                        != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
                {
                    Err(error)
                }
                _ => Ok(TcpStream::from_std(socket.into())),
            };
        }
    }
    TcpStream::connect(address)
}
