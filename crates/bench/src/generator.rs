//! The load of one thread: its connections and their poller.

use std::io::{self, Read, Write};
use std::net::ToSocketAddrs as _;
use std::time::{Duration, Instant};

use client::{Address, Skim, Skimmer};
use hdrhistogram::Histogram;
use mio::net::{TcpStream, UnixStream};
use mio::{Events, Interest, Poll, Token};

use crate::Failure;
use crate::plan::Plan;
use crate::target::Node;
use crate::template::{Random, Template};

/// The longest latency that is told apart, in microseconds.
pub(crate) const LATENCY_MAX: u64 = 3_000_000;

/// How often a thread without events looks whether the test was stopped.
const STEP: Duration = Duration::from_millis(250);

/// A histogram of microseconds, as redis-benchmark keeps it.
pub(crate) fn histogram(digits: u8) -> Histogram<u64> {
    // The bounds and the digits are in range, whatever the options say.
    Histogram::new_with_bounds(10, LATENCY_MAX, digits.clamp(1, 4))
        .unwrap_or_else(|_| unreachable!("1 to 4 digits between 10 us and 3 s"))
}

enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Connects and waits for it, so that a refusal is known at once.
    fn connect(address: &Address) -> io::Result<Self> {
        match address {
            Address::Unix(path) => {
                let socket = std::os::unix::net::UnixStream::connect(path)?;
                socket.set_nonblocking(true)?;
                Ok(Socket::Unix(UnixStream::from_std(socket)))
            }
            Address::Tcp { host, port } => {
                let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
                for to in (host.as_str(), *port).to_socket_addrs()? {
                    match std::net::TcpStream::connect(to) {
                        Ok(socket) => {
                            socket.set_nodelay(true)?;
                            socket.set_nonblocking(true)?;
                            return Ok(Socket::Tcp(TcpStream::from_std(socket)));
                        }
                        Err(e) => last = e,
                    }
                }
                Err(last)
            }
        }
    }

    fn register(&mut self, poll: &Poll, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        match self {
            Socket::Tcp(s) => poll.registry().register(s, token, interest),
            Socket::Unix(s) => poll.registry().register(s, token, interest),
        }
    }

    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(s) => s.read(out),
            Socket::Unix(s) => s.read(out),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(s) => s.write(bytes),
            Socket::Unix(s) => s.write(bytes),
        }
    }
}

/// One connection.
struct Client {
    socket: Socket,
    node: usize,
    template: Template,
    /// What goes out before the next batch: the greeting of a fresh connection.
    greeting: Vec<u8>,
    greeting_due: usize,
    /// How much of greeting and batch is written.
    written: usize,
    skimmer: Skimmer,
    /// Bytes of a reply that is not complete.
    rest: Vec<u8>,
    /// Replies due to the current batch.
    due: usize,
    start: Instant,
    latency: Option<Duration>,
}

/// What became of a connection after an event.
enum State {
    Busy,
    /// The batch is answered.
    Answered,
    /// A reply says that a slot lives elsewhere.
    Moved,
}

/// One thread's share.
pub(crate) struct Generator<'a> {
    plan: &'a Plan<'a>,
    poll: Poll,
    clients: Vec<Option<Client>>,
    nodes: Vec<Node>,
    fetched: u64,
    random: Random,
    latencies: Histogram<u64>,
    /// Where replies are read to.
    buffer: Vec<u8>,
}

impl<'a> Generator<'a> {
    /// Opens the connections numbered `numbers`.
    pub(crate) fn new(
        plan: &'a Plan<'a>,
        numbers: impl Iterator<Item = usize>,
        seed: u64,
    ) -> Result<Self, Failure> {
        let poll = Poll::new().map_err(|e| Failure(e.to_string()))?;
        let (nodes, fetched) = plan.nodes();
        let mut generator = Generator {
            plan,
            poll,
            clients: Vec::new(),
            nodes,
            fetched,
            random: Random::new(seed),
            latencies: histogram(plan.options.precision),
            buffer: vec![0; 64 * 1024],
        };
        for number in numbers {
            let node = number % generator.nodes.len();
            let client = generator.open(node, generator.clients.len())?;
            generator.clients.push(Some(client));
        }
        Ok(generator)
    }

    fn open(&self, node: usize, token: usize) -> Result<Client, Failure> {
        let address = &self.nodes[node].address;
        let failed = |source| {
            Failure(
                client::Error::Connect {
                    address: address.clone(),
                    source,
                }
                .to_string(),
            )
        };
        let mut socket = Socket::connect(address).map_err(failed)?;
        socket.register(&self.poll, Token(token)).map_err(failed)?;
        Ok(Client {
            socket,
            node,
            template: self.plan.template.clone(),
            greeting: self.plan.greeting.clone(),
            greeting_due: self.plan.greeting_replies,
            written: 0,
            skimmer: Skimmer::new(),
            rest: Vec::new(),
            due: 0,
            start: Instant::now(),
            latency: None,
        })
    }

    /// Runs to the end of the test and gives the latencies.
    pub(crate) fn run(mut self) -> Histogram<u64> {
        if let Err(reason) = self.drive() {
            self.plan.fail(reason);
        }
        self.latencies
    }

    fn drive(&mut self) -> Result<(), Failure> {
        for at in 0..self.clients.len() {
            self.begin(at)?;
        }
        let mut events = Events::with_capacity(1024);
        while self.clients.iter().any(Option::is_some) && !self.plan.is_stopped() {
            match self.poll.poll(&mut events, Some(STEP)) {
                Err(e) if e.kind() != io::ErrorKind::Interrupted => {
                    return Err(Failure(e.to_string()));
                }
                _ => {}
            }
            for event in &events {
                self.wake(event.token().0)?;
            }
        }
        Ok(())
    }

    /// Waits with the connections open, for ever or until the server closes one.
    pub(crate) fn idle(&mut self) -> Result<(), Failure> {
        let mut events = Events::with_capacity(1024);
        loop {
            match self.poll.poll(&mut events, Some(STEP)) {
                Err(e) if e.kind() != io::ErrorKind::Interrupted => {
                    return Err(Failure(e.to_string()));
                }
                _ => {}
            }
            for event in events.iter().filter(|event| event.is_readable()) {
                if let Some(client) = &mut self.clients[event.token().0] {
                    // Nothing was asked, so what comes is a reason or the end.
                    client.due = 1;
                    receive(client, &mut self.buffer, self.plan, &mut self.latencies)?;
                }
            }
            print!("clients: {}\r", self.clients.len());
            let _ = io::stdout().flush();
        }
    }

    /// Sends the next batch, or closes the connection when there is none.
    fn begin(&mut self, at: usize) -> Result<(), Failure> {
        if !self.plan.take_batch() {
            self.clients[at] = None;
            return Ok(());
        }
        self.send(at)
    }

    /// Sends a batch that was taken.
    fn send(&mut self, at: usize) -> Result<(), Failure> {
        if self.fetched != self.plan.fetched() {
            (self.nodes, self.fetched) = self.plan.nodes();
            // Connections to nodes that are masters no more go to others.
            let node = at % self.nodes.len();
            self.clients[at] = Some(self.open(node, at)?);
        }
        let Some(client) = &mut self.clients[at] else {
            return Ok(());
        };
        if let Some(keyspace) = self.plan.options.keyspace {
            client.template.randomise(keyspace, &mut self.random);
        }
        let tags = &self.nodes[client.node].tags;
        if client.template.has_tags() && !tags.is_empty() {
            let chosen = self.random.below(tags.len() as u64) as usize;
            client.template.tag(tags[chosen]);
        }
        client.written = 0;
        client.due = self.plan.options.pipeline;
        client.latency = None;
        client.start = Instant::now();
        self.write(at)
    }

    fn write(&mut self, at: usize) -> Result<(), Failure> {
        let Some(client) = &mut self.clients[at] else {
            return Ok(());
        };
        loop {
            let greeting = client.greeting.len();
            let bytes = client.template.bytes();
            if client.written >= greeting + bytes.len() {
                return Ok(());
            }
            let part = match client.written < greeting {
                true => &client.greeting[client.written..],
                false => &bytes[client.written - greeting..],
            };
            match client.socket.write(part) {
                Ok(n) => client.written += n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Failure(format!("Error writing to the server: {e}"))),
            }
        }
    }

    /// An event on a connection: it can take more bytes, or has some.
    fn wake(&mut self, at: usize) -> Result<(), Failure> {
        self.write(at)?;
        let Some(client) = &mut self.clients[at] else {
            return Ok(());
        };
        let state = receive(client, &mut self.buffer, self.plan, &mut self.latencies)?;
        match state {
            State::Busy => Ok(()),
            State::Moved => {
                self.plan.refresh(self.fetched);
                self.send(at)
            }
            State::Answered => {
                client.greeting.clear();
                if !self.plan.options.keep_alive {
                    let node = client.node;
                    self.clients[at] = Some(self.open(node, at)?);
                }
                self.begin(at)
            }
        }
    }
}

/// Reads what has come and counts the replies in it.
fn receive(
    client: &mut Client,
    buffer: &mut [u8],
    plan: &Plan<'_>,
    latencies: &mut Histogram<u64>,
) -> Result<State, Failure> {
    loop {
        let got = match client.socket.read(buffer) {
            Ok(0) if client.due == 0 => return Ok(State::Busy),
            Ok(0) => return Err(Failure("Error: Server closed the connection".to_owned())),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(State::Busy),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Failure(format!("Error: {e}"))),
        };
        let latency = *client.latency.get_or_insert_with(|| client.start.elapsed());
        let before = client.due;
        let moved = if client.rest.is_empty() {
            let used = count(client, &buffer[..got], plan)?;
            client.rest.extend(&buffer[used.at..got]);
            used.moved
        } else {
            let mut input = std::mem::take(&mut client.rest);
            input.extend(&buffer[..got]);
            let used = count(client, &input, plan)?;
            input.drain(..used.at);
            client.rest = input;
            used.moved
        };
        let counted = plan.finish((before - client.due) as u64, latency);
        let micros = u64::try_from(latency.as_micros())
            .unwrap_or(u64::MAX)
            .min(LATENCY_MAX);
        latencies.saturating_record_n(micros, counted);
        if moved {
            return Ok(State::Moved);
        }
        if client.due == 0 && client.greeting_due == 0 {
            return Ok(State::Answered);
        }
        // A read that did not fill the buffer took all there was.
        if got < buffer.len() {
            return Ok(State::Busy);
        }
    }
}

/// How much of the input was used, and whether it sends us elsewhere.
struct Used {
    at: usize,
    moved: bool,
}

fn count(client: &mut Client, input: &[u8], plan: &Plan<'_>) -> Result<Used, Failure> {
    let mut at = 0;
    loop {
        match client.skimmer.advance(&input[at..]) {
            Skim::Bad => return Err(Failure("Error: the server sent no reply".to_owned())),
            Skim::More { used } => {
                return Ok(Used {
                    at: at + used,
                    moved: false,
                });
            }
            // An invalidation belongs to no request.
            Skim::Reply { used, kind: b'>' } => at += used,
            Skim::Reply { used, kind } => {
                if kind == b'-' && error(client, &input[at..at + used], plan)? {
                    return Ok(Used {
                        at: at + used,
                        moved: true,
                    });
                }
                at += used;
                if client.greeting_due > 0 {
                    client.greeting_due -= 1;
                } else {
                    client.due = client.due.saturating_sub(1);
                }
            }
        }
    }
}

/// An error reply ends the benchmark, unless it only tells where a tag's slot has gone.
fn error(client: &Client, reply: &[u8], plan: &Plan<'_>) -> Result<bool, Failure> {
    let text = String::from_utf8_lossy(&reply[1..])
        .trim_end_matches(['\r', '\n'])
        .to_owned();
    let elsewhere = text.starts_with("MOVED ") || text.starts_with("ASK ");
    if plan.options.cluster && elsewhere && client.template.has_tags() {
        return Ok(true);
    }
    Err(Failure(match plan.options.cluster {
        true => {
            let (nodes, _) = plan.nodes();
            let node = nodes
                .get(client.node)
                .map(|n| n.address.to_string())
                .unwrap_or_default();
            format!("Error from server {node}: {text}")
        }
        false => format!("Error from server: {text}"),
    }))
}
