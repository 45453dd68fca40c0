//! Starting the bus: the file, the port, the threads.

use crate::driver::{Driver, WAKER, now};
use crate::file::{ConfLock, LockError};
use crate::handle::{Clock, Handle, Shared};
use crate::mailbox::{Mail, Mailbox};
use base::{NodeId, ShardId, SlotSet};
use cluster::{Boot, Cluster, ConfError, Event, Level, NodesConf, Settings, View};
use mio::net::TcpListener;
use mio::{Interest, Poll, Token};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Instant;

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
    /// The address that links to other nodes come from (`bind-source-addr`), if this machine has
    /// it.
    pub source: Option<IpAddr>,
    /// Descriptors from this number on are not for links on which no known node has spoken.
    pub kept_from: usize,
    /// Whether nodes.conf is there but the data set that this node served is not: see
    /// [`cluster::Boot::data_lost`].
    pub data_lost: bool,
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
    /// This node may serve until then, unless told a later time.
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

/// The sockets on which a bus listens. Peers wait in them until the bus has started.
pub struct Doors(Vec<TcpListener>);

impl Doors {
    /// Begins to listen at a port of these addresses.
    ///
    /// # Errors
    /// [`StartError::Bind`].
    pub fn open(bind: &[IpAddr], port: u16) -> Result<Doors, StartError> {
        let listener = |ip: &IpAddr| {
            let address = SocketAddr::new(*ip, port);
            listen_at(address).map_err(|source| StartError::Bind { address, source })
        };
        Ok(Doors(bind.iter().map(listener).collect::<Result<_, _>>()?))
    }
}

/// Starts the bus and returns once nodes.conf is on disk and the first view is there.
///
/// # Errors
/// See [`StartError`]; nothing is left running.
pub fn start(options: Options, hooks: Box<dyn Hooks>) -> Result<Handle, StartError> {
    let conf = ConfLock::take(&options.conf_path)?;
    let doors = Doors::open(&options.bind, options.settings.bus_port)?;
    start_at(doors, conf, options, hooks)
}

/// As [`start`], with sockets that listen already and nodes.conf locked.
///
/// # Errors
/// As those of [`start`].
pub fn start_at(
    doors: Doors,
    conf: ConfLock,
    options: Options,
    hooks: Box<dyn Hooks>,
) -> Result<Handle, StartError> {
    let ConfLock { mut file, text } = conf;
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
        data_lost: options.data_lost,
    };
    let machine = Cluster::new(boot, now(clock));
    let poll = Poll::new()?;
    let mailbox = Mailbox::new(mio::Waker::new(poll.registry(), WAKER)?);
    let view = Mutex::new(Arc::new(machine.view()));
    let shared = Arc::new(Shared {
        mailbox,
        view,
        clock,
        link_bytes: Default::default(),
        kept_from: options.kept_from.into(),
    });
    let listeners = register(&poll, doors)?;
    let (saves, to_save) = mpsc::channel();
    let mut driver = Driver::new(poll, listeners, machine, shared.clone(), hooks, saves);
    (driver.link_limit, driver.source) = (options.link_limit, options.source);
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

fn register(poll: &Poll, doors: Doors) -> Result<Vec<TcpListener>, StartError> {
    let mut listeners = doors.0;
    for (index, listener) in listeners.iter_mut().enumerate() {
        let token = Token(1 + index);
        poll.registry()
            .register(listener, token, Interest::READABLE)?;
    }
    Ok(listeners)
}

/// A listening socket. One for IPv6 takes no IPv4 connections, so that both can be had at a port.
fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(511)?;
    Ok(TcpListener::from_std(socket.into()))
}
