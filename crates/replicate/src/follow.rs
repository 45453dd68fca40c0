//! A replica's side: the thread that follows a primary.

use crate::serve::is_timeout;
use crate::steady_ms;
use crate::traffic::Traffic;
use base::{Offset, ReplId};
use parking_lot::Mutex;
use replproto::{Level, ReplicaConfig, ReplicaEffect, ReplicaSession};
use socket2::{Domain, Socket, Type};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a replica does with what its primary sends. Called on the link's thread.
pub trait Apply: Send {
    /// A snapshot is complete in this file: put it in the place of the data set, and the history.
    ///
    /// # Errors
    /// Why it cannot be loaded.
    fn load(
        &mut self,
        path: &std::path::Path,
        place: Option<(ReplId, Offset)>,
    ) -> Result<(), String>;

    /// Applies a whole unit of the stream and journals its bytes as they are. False: clients are
    /// paused and so is the stream; nothing was done, and the unit comes again.
    ///
    /// # Errors
    /// Why it cannot be applied: the link stops, nothing is skipped.
    fn unit(&mut self, bytes: &[u8]) -> Result<bool, String>;

    /// The stream goes on; the primary's history has this id.
    fn continued(&mut self, id: ReplId);

    /// The link went up, over this connection, or down.
    fn link(&mut self, up: Option<Connection>);

    /// How far what was applied is also on the disk; `None` without an append-only file.
    fn fsynced(&mut self) -> Option<Offset>;

    /// Writes a log line.
    fn log(&mut self, level: Level, line: &str);
}

/// A connection over which the stream flows.
pub struct Connection {
    /// The primary's end.
    pub peer: SocketAddr,
    /// This end.
    pub local: SocketAddr,
    /// Its file descriptor.
    pub fd: i32,
    /// Ends it, from any thread: what came over it and is not applied yet is dropped, and the link
    /// is made anew.
    pub cut: Box<dyn Fn() + Send + Sync>,
}

/// How a connection to a primary is made, and what is said at its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// User and password, if the primary wants them.
    pub auth: Option<Credentials>,
    /// The port that the primary is to show for us.
    pub announce_port: u16,
    /// The address that the primary is to show for us, if not the one we come from.
    pub announce_ip: Option<String>,
    /// The address that the connection comes from (`bind-source-addr`), if this machine has it.
    pub source: Option<IpAddr>,
}

/// Whom to follow and how.
pub struct FollowOptions {
    /// What the session needs.
    pub config: ReplicaConfig,
    /// `repl-timeout`, in ms. Asked anew whenever it is needed.
    pub timeout_ms: Box<dyn Fn() -> u64 + Send + Sync>,
    /// How a connection is made. Asked anew for each.
    pub terms: Box<dyn Fn() -> Terms + Send + Sync>,
    /// Where an earlier stream ended, if it may be continued.
    pub place: Option<(ReplId, Offset)>,
    /// Where snapshots are kept while they come in.
    pub directory: PathBuf,
    /// Where the link's bytes are counted.
    pub traffic: Arc<Traffic>,
}

/// Connects, from `source` if that is possible.
fn dial(address: SocketAddr, source: Option<IpAddr>, wait: Duration) -> io::Result<TcpStream> {
    if let Some(source) = source {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        if socket.bind(&SocketAddr::new(source, 0).into()).is_ok() {
            socket.connect_timeout(&address.into(), wait)?;
            return Ok(socket.into());
        }
    }
    TcpStream::connect_timeout(&address, wait)
}

/// How the link stands, for INFO and ROLE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkStatus {
    /// In the words of ROLE.
    pub state: &'static str,
    /// Whether the stream flows.
    pub online: bool,
    /// In ms of the steady clock, when something last came, or when the link went down.
    pub last_input: u64,
    /// Since when the link is down, in ms of the steady clock.
    pub down_since: Option<u64>,
    /// Whether it was ever up.
    pub ever_up: bool,
    /// Bytes of the stream that came and are not applied yet.
    pub unapplied: usize,
}

impl Default for LinkStatus {
    fn default() -> LinkStatus {
        LinkStatus {
            state: "connect",
            online: false,
            last_input: 0,
            down_since: None,
            ever_up: false,
            unapplied: 0,
        }
    }
}

/// What the link's thread is told while it waits for its primary.
#[derive(Default)]
struct Shared {
    /// Acknowledge as soon as possible.
    acknowledge: AtomicBool,
    /// A handle of the socket, to end a read with.
    socket: Mutex<Option<TcpStream>>,
}

/// A user's name, unless it is the default one's, and the password.
pub type Credentials = (Option<String>, String);

/// A link to a primary.
pub struct Follower {
    stop: Arc<AtomicBool>,
    shared: Arc<Shared>,
    status: Arc<Mutex<LinkStatus>>,
    thread: Option<JoinHandle<Option<(ReplId, Offset)>>>,
}

impl Follower {
    /// Starts to follow.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(options: FollowOptions, apply: Box<dyn Apply>) -> std::io::Result<Follower> {
        let (stop, shared) = (Arc::new(AtomicBool::new(false)), Arc::<Shared>::default());
        let status = Arc::new(Mutex::new(LinkStatus::default()));
        let link = Link {
            session: ReplicaSession::new(options.config.clone(), options.place),
            options,
            apply,
            stop: stop.clone(),
            shared: shared.clone(),
            status: status.clone(),
            socket: None,
            cut: Arc::default(),
            file: None,
            snapshot: None,
            held: None,
        };
        let thread = std::thread::Builder::new().name("follow".into());
        let thread = Some(thread.spawn(move || link.run())?);
        Ok(Follower {
            stop,
            shared,
            status,
            thread,
        })
    }

    /// How the link stands.
    pub fn status(&self) -> LinkStatus {
        *self.status.lock()
    }

    /// Acknowledges to the primary as soon as possible.
    pub fn acknowledge_now(&self) {
        self.shared.acknowledge.store(true, Ordering::Release);
    }

    /// Ends the link: the unit that is being applied is finished, what follows is dropped. Returns
    /// the place where the stream ended.
    pub fn end(mut self) -> Option<(ReplId, Offset)> {
        self.stop.store(true, Ordering::Release);
        let thread = self.thread.take()?;
        thread.thread().unpark();
        // A promotion must not wait for a primary that says nothing.
        if let Some(socket) = &*self.shared.socket.lock() {
            let _ = socket.shutdown(Shutdown::Read);
        }
        // A panic there has ended the process already.
        thread.join().ok().flatten()
    }
}

struct Link {
    session: ReplicaSession,
    options: FollowOptions,
    apply: Box<dyn Apply>,
    stop: Arc<AtomicBool>,
    shared: Arc<Shared>,
    status: Arc<Mutex<LinkStatus>>,
    socket: Option<TcpStream>,
    /// Whether the present connection is to be ended.
    cut: Arc<AtomicBool>,
    file: Option<(PathBuf, File)>,
    snapshot: Option<Option<(ReplId, Offset)>>,
    /// The length of a unit that waits because clients are paused.
    held: Option<usize>,
}

/// Bytes of the stream that are kept while clients are paused; the rest waits in the socket.
const MOST_HELD: usize = 16 << 20;

/// How long a read waits: so often the session's time passes and a stop is seen.
const READ_WAIT: Duration = Duration::from_millis(100);

/// How often a connection under way looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(5);

impl Link {
    fn run(mut self) -> Option<(ReplId, Offset)> {
        let mut chunk = vec![0; 64 * 1024];
        while !self.stop.load(Ordering::Acquire) {
            self.take_orders();
            self.lose_if_cut();
            self.session.tick(steady_ms(), (self.options.timeout_ms)());
            self.carry_out();
            self.publish();
            if self.stop.load(Ordering::Acquire) {
                break;
            }
            let full = self.held.is_some() && self.session.bytes().len() >= MOST_HELD;
            let wants = self.session.wants_input() && !full;
            let Some(socket) = self.socket.as_mut().filter(|_| wants) else {
                std::thread::park_timeout(READ_WAIT);
                continue;
            };
            match socket.read(&mut chunk) {
                Ok(0) => self.lost("connection closed by the primary"),
                Ok(read) => {
                    self.options.traffic.read_from_primary(read);
                    self.session.input(steady_ms(), &chunk[..read]);
                }
                Err(error) if is_timeout(&error) => {}
                Err(error) => self.lost(&error.to_string()),
            }
        }
        self.drop_file();
        self.session.end()
    }

    /// What others want of this link.
    fn take_orders(&mut self) {
        self.session.set_fsynced(self.apply.fsynced());
        if self.shared.acknowledge.swap(false, Ordering::AcqRel) {
            self.session.acknowledge_now();
        }
    }

    fn lost(&mut self, reason: &str) {
        self.session.disconnected(reason);
        self.closed();
    }

    /// Somebody ended the connection: its kernel buffer may still hold what was not to come.
    fn lose_if_cut(&mut self) -> bool {
        let cut = self.socket.is_some() && self.cut.load(Ordering::Acquire);
        if cut {
            self.lost("the connection was killed");
        }
        cut
    }

    fn closed(&mut self) {
        self.socket = None;
        self.held = None;
        *self.shared.socket.lock() = None;
        self.drop_file();
        self.apply.link(None);
    }

    fn connection(&self) -> Option<Connection> {
        let socket = self.socket.as_ref()?;
        let (flag, other) = (self.cut.clone(), socket.try_clone().ok()?);
        Some(Connection {
            peer: socket.peer_addr().ok()?,
            local: socket.local_addr().ok()?,
            fd: socket.as_raw_fd(),
            cut: Box::new(move || {
                flag.store(true, Ordering::Release);
                // One that is gone already is what is wanted.
                let _ = other.shutdown(Shutdown::Both);
            }),
        })
    }

    fn drop_file(&mut self) {
        if let Some((path, _)) = self.file.take() {
            // A leftover is overwritten by the next snapshot.
            let _ = std::fs::remove_file(path);
        }
    }

    fn publish(&mut self) {
        let online = self.session.is_online();
        let mut status = self.status.lock();
        status.state = self.session.role_state();
        status.last_input = self.session.last_input();
        status.unapplied = if online {
            self.session.bytes().len()
        } else {
            0
        };
        if online != status.online {
            status.online = online;
            status.ever_up |= online;
            status.down_since = (!online).then(steady_ms);
            drop(status);
            let connection = self.connection().filter(|_| online);
            self.apply.link(connection);
        }
    }

    /// Applies the unit that is lent, of this length; while clients are paused it waits, and with
    /// it what follows. What has to be sent goes on.
    fn apply(&mut self, len: usize) {
        self.held = None;
        match self.apply.unit(&self.session.bytes()[..len]) {
            Ok(true) => self.session.done(),
            Ok(false) => self.held = Some(len),
            Err(reason) => {
                self.session.done();
                self.apply.log(Level::Warning, &reason);
                self.lost("the stream holds what this server cannot apply");
            }
        }
    }

    fn carry_out(&mut self) {
        if let Some(len) = self.held {
            self.apply(len);
        }
        while let Some(effect) = self.session.poll() {
            match effect {
                ReplicaEffect::Connect => self.connect(),
                ReplicaEffect::Send(bytes) => {
                    let sent = self.socket.as_mut().map(|socket| socket.write_all(&bytes));
                    match sent {
                        Some(Ok(())) => self.options.traffic.sent_to_primary(bytes.len()),
                        Some(Err(error)) => self.lost(&error.to_string()),
                        None => {}
                    }
                }
                ReplicaEffect::Log(level, line) => self.apply.log(level, &line),
                ReplicaEffect::FullResync(place) => self.snapshot = Some(place),
                ReplicaEffect::PartialResync(id) => self.apply.continued(id),
                ReplicaEffect::SnapshotBegins(_) => self.begin_file(),
                ReplicaEffect::Snapshot(piece) => {
                    let bytes = &self.session.bytes()[..piece.len];
                    let written = self.file.as_mut().map(|(_, file)| file.write_all(bytes));
                    self.session.done();
                    if let Some(Err(error)) = written {
                        self.lost(&format!("cannot write the snapshot: {error}"));
                    }
                }
                ReplicaEffect::SnapshotEnds => self.load(),
                ReplicaEffect::Unit(_) if self.lose_if_cut() => {}
                ReplicaEffect::Unit(unit) => {
                    self.apply(unit.len);
                    if self.stop.load(Ordering::Acquire) {
                        return;
                    }
                }
                ReplicaEffect::Close => self.closed(),
            }
        }
    }

    fn connect(&mut self) {
        let terms = (self.options.terms)();
        let place = (terms.announce_port, terms.announce_ip);
        self.session.set_introduction(terms.auth, place);
        match self.reach(terms.source) {
            Ok(socket) => {
                *self.shared.socket.lock() = socket.try_clone().ok();
                self.cut = Arc::default();
                self.socket = Some(socket);
                self.session.connected(steady_ms());
            }
            Err(error) => self.session.disconnected(&error.to_string()),
        }
    }

    /// Connects on another thread: a host that is gone may take seconds to tell, and a promotion
    /// must not wait for that.
    fn reach(&self, source: Option<IpAddr>) -> std::io::Result<TcpStream> {
        let (host, port) = (self.options.config.host.clone(), self.options.config.port);
        let timeout = Duration::from_millis((self.options.timeout_ms)().clamp(100, 5000));
        let connect = move || {
            let address = (host.as_str(), port).to_socket_addrs()?.next();
            let address = address.ok_or(ErrorKind::AddrNotAvailable)?;
            let socket = dial(address, source, timeout)?;
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(READ_WAIT))?;
            socket.set_write_timeout(Some(Duration::from_secs(10)))?;
            Ok::<_, std::io::Error>(socket)
        };
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::Builder::new().name("reach".into());
        thread.spawn(move || {
            // Nobody waits any more if the link was ended.
            let _ = sender.send(connect());
        })?;
        loop {
            match receiver.recv_timeout(LOOK) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Disconnected) => return Err(ErrorKind::Other.into()),
                Err(RecvTimeoutError::Timeout) if self.stop.load(Ordering::Acquire) => {
                    return Err(ErrorKind::Interrupted.into());
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn begin_file(&mut self) {
        let name = format!("temp-follow-{}.rdb", std::process::id());
        let path = self.options.directory.join(name);
        match File::create(&path) {
            Ok(file) => self.file = Some((path, file)),
            Err(error) => self.lost(&format!("cannot keep the snapshot: {error}")),
        }
    }

    fn load(&mut self) {
        let place = self.snapshot.take().flatten();
        let result = match &self.file {
            Some((path, _)) => self.apply.load(path, place),
            None => Err("the snapshot was not kept".into()),
        };
        self.drop_file();
        self.session.loaded(
            steady_ms(),
            result.as_ref().map(drop).map_err(String::as_str),
        );
    }
}
