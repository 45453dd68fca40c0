//! A handler whose commands exercise the loop, the server it runs in, and a client.

use std::collections::{HashMap, HashSet};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use net::{
    Address, Args, CloseReason, ConnId, ConnStats, Conns, Detached, Flow, Handler, Listen, Options,
    Output, OutputLimits, PeerInfo, ReadLimits, Server, Start, Workers,
};
use testkit::Reply;

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What the handlers tell the test.
#[derive(Debug)]
pub enum Seen {
    Opened(ConnId, PeerInfo),
    Closed(ConnId, CloseReason),
    Waits(ConnId),
    Detached(Detached),
}

pub type Call = Box<dyn FnOnce(&mut Conns<'_, Lab>) + Send>;

/// What the handlers of all workers and the test share.
#[derive(Default)]
pub struct Shared {
    pub map: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
    /// Names for which PARK and HOLD run.
    pub permits: Mutex<HashSet<Vec<u8>>>,
    pub read: Mutex<ReadLimits>,
    pub output: Mutex<OutputLimits>,
    pub idle: Mutex<Option<Duration>>,
    pub due: Mutex<Option<Instant>>,
    pub ticks: AtomicUsize,
    /// The largest number of commands that lay between a beginning and an end of a batch.
    pub widest: AtomicUsize,
}

pub struct Lab {
    shared: Arc<Shared>,
    seen: Sender<Seen>,
    /// Commands since the batch began; `None` outside of one.
    batch: Option<usize>,
    looked_at: Vec<usize>,
    worker: usize,
    workers: Workers<Call>,
    /// Connections to wake when the batch ends.
    to_wake: Vec<ConnId>,
}

pub struct Conn {
    id: ConnId,
    authenticated: bool,
    inbox_first: bool,
    commands: usize,
}

impl Lab {
    fn wait(&mut self, conn: &Conn, name: &[u8], out: &mut Output, flow: Flow) -> Flow {
        let mut permits = self.shared.permits.lock().unwrap();
        if permits.contains(name) {
            if name.starts_with(b"by ") {
                permits.remove(name);
            }
            out.reply().status("ran");
            return Flow::Done;
        }
        drop(permits);
        let id = conn.id;
        let woken = match name {
            b"by inbox" => self
                .workers
                .send(self.worker, Box::new(move |conns| conns.unpark(id))),
            b"by end" => {
                self.to_wake.push(id);
                true
            }
            _ => false,
        };
        if woken {
            // The next time it runs, and not the time after.
            self.shared.permits.lock().unwrap().insert(name.to_vec());
        } else {
            let _ = self.seen.send(Seen::Waits(id));
        }
        flow
    }
}

impl Handler for Lab {
    type Conn = Conn;
    type Msg = Call;

    fn open(&mut self, id: ConnId, peer: &PeerInfo) -> Result<Conn, Vec<u8>> {
        if self.shared.permits.lock().unwrap().contains(&b"nobody"[..]) {
            return Err(b"-DENIED\r\n".to_vec());
        }
        let _ = self.seen.send(Seen::Opened(id, peer.clone()));
        Ok(Conn {
            id,
            authenticated: false,
            inbox_first: false,
            commands: 0,
        })
    }

    fn close(&mut self, conn: Conn, why: CloseReason) {
        let _ = self.seen.send(Seen::Closed(conn.id, why));
    }

    fn batch_begin(&mut self) {
        assert!(self.batch.is_none());
        self.batch = Some(0);
    }

    fn batch_end(&mut self, conns: &mut Conns<'_, Self>) {
        self.to_wake.drain(..).for_each(|id| conns.unpark(id));
        let commands = self.batch.take().expect("a batch");
        assert!(commands <= 64);
        self.shared.widest.fetch_max(commands, Ordering::Relaxed);
    }

    fn look_ahead(&mut self, _: &Conn, cmd: Args<'_>, nth: usize) {
        assert!(self.batch == Some(0) && nth < 64);
        self.looked_at.resize(nth, 0);
        self.looked_at.push(cmd.len());
    }

    fn prefetch(&mut self) {
        assert!(self.batch == Some(0) && !self.looked_at.is_empty());
    }

    fn execute(&mut self, conn: &mut Conn, cmd: Args<'_>, nth: usize, out: &mut Output) -> Flow {
        assert_eq!(self.looked_at.get(nth), Some(&cmd.len()));
        *self.batch.as_mut().expect("a batch") += 1;
        conn.commands += 1;
        let number = |i: usize| {
            std::str::from_utf8(cmd.get(i))
                .unwrap()
                .parse::<u64>()
                .unwrap()
        };
        match cmd.get(0) {
            b"PING" => out.reply().raw(resp::shared::PONG),
            b"ECHO" => out.reply().bulk(cmd.get(1)),
            b"COUNT" => out.reply().int(conn.commands as i64),
            b"BIG" => out.reply().bulk(vec![b'x'; number(1) as usize]),
            b"SET" => {
                let (key, value) = (cmd.get(1).to_vec(), cmd.get(2).to_vec());
                self.shared.map.lock().unwrap().insert(key, value);
                out.reply().ok();
            }
            b"GET" => match self.shared.map.lock().unwrap().get(cmd.get(1)) {
                Some(value) => out.reply().bulk(value),
                None => out.reply().null(),
            },
            b"AUTH" => {
                conn.authenticated = true;
                out.reply().ok();
            }
            b"PARK" => return self.wait(conn, cmd.get(1), out, Flow::Park),
            b"HOLD" => return self.wait(conn, cmd.get(1), out, Flow::Hold),
            b"BLOCK" => {
                let _ = self.seen.send(Seen::Waits(conn.id));
                return Flow::Blocked;
            }
            b"ASK" => {
                // The answer comes through the inbox, from wherever.
                let (id, text) = (conn.id, cmd.get(1).to_vec());
                let answer: Call = Box::new(move |conns| {
                    if let Some((_, out)) = conns.write(id) {
                        out.push().bulk(text);
                        conns.unblock(id);
                    }
                });
                self.workers.send(self.worker, answer);
                return Flow::Blocked;
            }
            b"MARK" => {
                out.reply().status("marked");
                out.mark_reply(number(1));
            }
            b"ORDERED" => {
                conn.inbox_first = true;
                out.reply().ok();
            }
            b"POST" => {
                // Waits until the test has put something into the inbox.
                let _ = self.seen.send(Seen::Waits(conn.id));
                let deadline = Instant::now() + PATIENCE;
                while !self.shared.permits.lock().unwrap().contains(cmd.get(1)) {
                    assert!(Instant::now() < deadline);
                    std::thread::yield_now();
                }
                out.reply().status("posted");
            }
            b"SILENT" => out.set_discard(cmd.get(1) == b"on"),
            b"CLOSE" => {
                out.reply().ok();
                return Flow::Close;
            }
            b"CLOSENOW" => return Flow::CloseNow,
            b"DETACH" => {
                out.reply().status("leaving");
                let seen = self.seen.clone();
                return Flow::Detach(Box::new(move |detached| {
                    let _ = seen.send(Seen::Detached(detached));
                }));
            }
            name => out.reply().error([b"ERR unknown command ", name].concat()),
        }
        Flow::Done
    }

    fn on_msg(&mut self, call: Call, conns: &mut Conns<'_, Self>) {
        call(conns);
    }

    fn tick(&mut self, _: &mut Conns<'_, Self>) -> Duration {
        assert!(self.batch.is_none());
        self.shared.ticks.fetch_add(1, Ordering::Relaxed);
        *self.shared.due.lock().unwrap() = None;
        Duration::from_secs(3600)
    }

    fn due(&mut self) -> Option<Instant> {
        *self.shared.due.lock().unwrap()
    }

    fn read_limits(&mut self, conn: &Conn) -> ReadLimits {
        let mut limits = *self.shared.read.lock().unwrap();
        limits.request.authenticated |= conn.authenticated;
        limits
    }

    fn output_limits(&self, _: &Conn) -> OutputLimits {
        *self.shared.output.lock().unwrap()
    }

    fn idle_limit(&self, _: &Conn) -> Option<Duration> {
        *self.shared.idle.lock().unwrap()
    }

    fn inbox_first(&self, conn: &Conn) -> bool {
        conn.inbox_first
    }
}

/// A running server and what it has reported.
pub struct Bench {
    pub server: Server<Call>,
    pub shared: Arc<Shared>,
    pub seen: Receiver<Seen>,
}

impl Bench {
    pub fn start(workers: usize) -> Bench {
        Self::with(Options {
            workers,
            ..Options::default()
        })
    }

    pub fn with(mut options: Options) -> Bench {
        if options.listen.is_empty() {
            options.listen.push(Listen::Tcp(([127, 0, 0, 1], 0).into()));
        }
        let shared = Arc::new(Shared::default());
        let (sender, seen) = channel();
        let sender = Mutex::new(sender);
        let shared2 = shared.clone();
        let server = Server::start(options, move |start: Start<Call>| Lab {
            shared: shared2.clone(),
            seen: sender.lock().unwrap().clone(),
            batch: None,
            looked_at: Vec::new(),
            worker: start.worker,
            workers: start.workers,
            to_wake: Vec::new(),
        });
        Bench {
            server: server.expect("a server"),
            shared,
            seen,
        }
    }

    pub fn addr(&self) -> SocketAddr {
        match &self.server.addresses()[0] {
            Address::Tcp(addr) => *addr,
            Address::Unix(path) => panic!("{path:?} is no TCP address"),
        }
    }

    /// A new connection, its name on the server and its counters.
    pub fn connect(&self) -> (Client<TcpStream>, ConnId, Arc<ConnStats>) {
        let client = self.dial();
        match self.next() {
            Seen::Opened(id, peer) => (client, id, peer.stats),
            other => panic!("{other:?} instead of an opened connection"),
        }
    }

    pub fn dial(&self) -> Client<TcpStream> {
        let stream = TcpStream::connect(self.addr()).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client {
            stream,
            bytes: Vec::new(),
        }
    }

    pub fn next(&self) -> Seen {
        self.seen.recv_timeout(PATIENCE).expect("an event")
    }

    /// The next event, which must be a close.
    pub fn closed(&self) -> (ConnId, CloseReason) {
        match self.next() {
            Seen::Closed(id, why) => (id, why),
            other => panic!("{other:?} instead of a close"),
        }
    }

    /// The next event, which must be a connection that begins to wait.
    pub fn waits(&self) -> ConnId {
        match self.next() {
            Seen::Waits(id) => id,
            other => panic!("{other:?} instead of waiting"),
        }
    }

    pub fn permit(&self, name: &str) {
        self.shared.permits.lock().unwrap().insert(name.into());
    }

    /// Has a worker do something and waits until it is done.
    pub fn call<T: Send + 'static>(
        &self,
        worker: u16,
        call: impl FnOnce(&mut Conns<'_, Lab>) -> T + Send + 'static,
    ) -> T {
        let (sender, receiver) = channel();
        self.post(worker, move |conns| {
            let _ = sender.send(call(conns));
        });
        receiver.recv_timeout(PATIENCE).expect("an answer")
    }

    /// Has a worker do something some time.
    pub fn post(&self, worker: u16, call: impl FnOnce(&mut Conns<'_, Lab>) + Send + 'static) {
        assert!(self.server.workers().send(worker.into(), Box::new(call)));
    }

    pub fn stop(self) {
        self.server.stop(PATIENCE).expect("a clean stop");
    }
}

/// Waits until something is so.
#[track_caller]
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

/// The other end of a connection.
pub struct Client<S> {
    pub stream: S,
    pub bytes: Vec<u8>,
}

impl<S: Read + Write> Client<S> {
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("a write");
    }

    /// The next reply.
    #[track_caller]
    pub fn reply(&mut self) -> Reply {
        loop {
            let mut rest = self.bytes.as_slice();
            match Reply::read(&mut rest) {
                Ok(reply) => {
                    let read = self.bytes.len() - rest.len();
                    self.bytes.drain(..read);
                    return reply;
                }
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    assert!(self.fill(), "the connection was closed");
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The text of the next reply, a status or a string.
    #[track_caller]
    pub fn reply_bytes(&mut self) -> Vec<u8> {
        match self.reply() {
            Reply::Simple(text) => text.into_bytes(),
            Reply::Bulk(bytes) => bytes,
            other => panic!("expected text, got {other:?}"),
        }
    }

    /// Reads some more. Whether the connection is still open.
    pub fn fill(&mut self) -> bool {
        let mut piece = vec![0; 256 * 1024];
        match self.stream.read(&mut piece) {
            Ok(read) => {
                self.bytes.extend_from_slice(&piece[..read]);
                read > 0
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// All bytes until the connection is closed.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.bytes)
    }

    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let wanted = text.as_bytes();
        while self.bytes.len() < wanted.len() && self.fill() {}
        let len = wanted.len().min(self.bytes.len());
        let got: Vec<u8> = self.bytes.drain(..len).collect();
        assert_eq!(
            got.escape_ascii().to_string(),
            wanted.escape_ascii().to_string()
        );
    }

    /// Sends and demands the reply.
    #[track_caller]
    pub fn ask(&mut self, request: &str, reply: &str) {
        self.send(request);
        self.expect(reply);
    }
}

/// A command as multibulk.
pub fn command(args: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// Small random numbers, the same for the same seed.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % end
    }
}
