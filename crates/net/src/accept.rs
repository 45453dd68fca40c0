//! The thread that accepts connections and hands them to workers.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::io::Errno;

use crate::conn::Ticket;
use crate::listen::{Listen, ListenError, Listener};
use crate::mailbox::{Arrival, Letter, Workers};
use crate::options::{Notice, Options};
use crate::stream::{Address, Stream};

/// Connections accepted from one listener before the others get their turn.
const ROUND: usize = 1000;
/// How long to wait when there are no descriptors left.
const RETRY: Duration = Duration::from_millis(100);

/// How often it is told at most that connections are refused for want of descriptors.
const COMPLAINT_PERIOD: Duration = Duration::from_secs(10);

/// What the acceptor shares with the server's handle.
pub(crate) struct Admission {
    pub(crate) max_clients: AtomicUsize,
    /// What else counts as clients, such as links of a cluster.
    pub(crate) others: AtomicUsize,
    /// Descriptors from this number on are not for connections.
    pub(crate) kept_from: AtomicUsize,
    /// Seconds; 0 for none.
    pub(crate) keepalive: AtomicU64,
    pub(crate) paused: AtomicBool,
    pub(crate) accepted: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) backlog: i32,
    pub(crate) full: Vec<u8>,
    pub(crate) notice: Box<dyn Fn(Notice) + Send + Sync>,
}

impl Admission {
    pub(crate) fn new(options: Options) -> Admission {
        Admission {
            max_clients: AtomicUsize::new(options.max_clients),
            others: AtomicUsize::new(0),
            kept_from: AtomicUsize::new(options.kept_from),
            keepalive: AtomicU64::new(options.keepalive),
            paused: AtomicBool::new(options.paused),
            accepted: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            backlog: options.backlog,
            full: options.full,
            notice: options.notice,
        }
    }
}

/// What the acceptor is asked to do.
pub(crate) enum Order {
    /// Listen at these places and no others; those that stay are kept open.
    Listen(Vec<Listen>, Sender<Result<Vec<Address>, ListenError>>),
    /// Look at everything again.
    Look,
    /// End.
    Stop,
}

pub(crate) struct Acceptor<M> {
    pub(crate) poll: Poll,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) orders: Receiver<Order>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) workers: Workers<M>,
    /// Whether descriptors ran out when accepting was last tried.
    pub(crate) starved: bool,
    /// A descriptor that is given up for a moment when there is no other, so that whoever connects
    /// is told and does not wait for nothing.
    pub(crate) spare: Option<OwnedFd>,
    /// When it was last told that connections are refused for want of descriptors.
    pub(crate) complained: Option<Instant>,
    /// The worker that got the last connection.
    pub(crate) last: usize,
}

impl<M> Acceptor<M> {
    /// Runs until told to stop.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(64);
        loop {
            let timeout = self.starved.then_some(RETRY);
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            while let Ok(order) = self.orders.try_recv() {
                match order {
                    Order::Listen(places, answer) => {
                        // Whoever asked may have stopped waiting.
                        let _ = answer.send(self.listen(&places));
                    }
                    Order::Look => {}
                    Order::Stop => return Ok(()),
                }
            }
            // Readiness is reported once: every listener is drained whatever woke us.
            let mut more = true;
            while more && !self.admission.paused.load(Relaxed) {
                more = self.accept_all();
            }
        }
    }

    pub(crate) fn register(&self, listener: &Listener) -> io::Result<()> {
        // Listeners are all drained at every event, so one name does for all.
        let source = &mut SourceFd(&listener.fd());
        self.poll
            .registry()
            .register(source, Token(0), Interest::READABLE)
    }

    fn listen(&mut self, places: &[Listen]) -> Result<Vec<Address>, ListenError> {
        let mut opened = Vec::new();
        for place in places {
            if !self.listeners.iter().any(|listener| listener.at == *place) {
                let listener = Listener::open(place, self.admission.backlog)?;
                self.register(&listener).map_err(|source| ListenError {
                    at: place.clone(),
                    source,
                })?;
                opened.push(listener);
            }
        }
        self.listeners
            .retain(|listener| places.contains(&listener.at));
        self.listeners.append(&mut opened);
        Ok(self
            .listeners
            .iter()
            .map(|listener| listener.address.clone())
            .collect())
    }

    /// Accepts some connections from every listener. Whether there may be more at once.
    fn accept_all(&mut self) -> bool {
        let mut more = false;
        for at in 0..self.listeners.len() {
            more |= self.accept(at);
        }
        more
    }

    fn accept(&mut self, at: usize) -> bool {
        for _ in 0..ROUND {
            match self.listeners[at].accept() {
                Ok((stream, peer, local)) => {
                    self.starved = false;
                    self.admit(stream, peer, local);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) if is_starving(&error) => {
                    // Told once; tried again after a while, not at once.
                    if !self.starved {
                        (self.admission.notice)(Notice::AcceptFailed(error));
                    }
                    self.starved = true;
                    if !self.refuse_one(at) {
                        return false;
                    }
                }
                // The peer has left already.
                Err(_) => {}
            }
        }
        true
    }

    /// Without descriptors: gives up the spare one, so that a connection can be accepted and told
    /// so. Whether there was one.
    fn refuse_one(&mut self, at: usize) -> bool {
        let told = self.spare.take().is_some()
            && self.listeners[at]
                .accept()
                .is_ok_and(|(stream, ..)| self.refuse(&stream));
        // Somebody else may have been quicker; it is tried again with the next connection.
        self.spare = spare();
        told
    }

    /// Tells a connection that there are too many; always true.
    fn refuse(&self, stream: &Stream) -> bool {
        self.admission.rejected.fetch_add(1, Relaxed);
        // A peer that has left already needs no answer.
        let _ = stream.write(&self.admission.full);
        stream.linger();
        true
    }

    /// Whether the connection has one of the descriptors that are kept for what is no client. The
    /// system gives the lowest number that is free, so that then all below are in use.
    fn is_kept(&mut self, stream: &Stream) -> bool {
        let from = self.admission.kept_from.load(Relaxed);
        if (stream.as_raw_fd() as usize) < from {
            return false;
        }
        if self
            .complained
            .is_none_or(|at| at.elapsed() > COMPLAINT_PERIOD)
        {
            self.complained = Some(Instant::now());
            (self.admission.notice)(Notice::DescriptorsKept(from));
        }
        true
    }

    fn admit(&mut self, stream: Stream, peer: Address, local: Address) {
        let kept = self.is_kept(&stream);
        let admission = &self.admission;
        let count = self.workers.len();
        let clients: usize = (0..count)
            .map(|worker| self.workers.connections(worker))
            .sum();
        let clients = clients + admission.others.load(Relaxed);
        if kept || clients >= admission.max_clients.load(Relaxed) {
            self.refuse(&stream);
            return;
        }
        admission.accepted.fetch_add(1, Relaxed);
        let keepalive = admission.keepalive.load(Relaxed);
        stream.tune((keepalive > 0).then(|| Duration::from_secs(keepalive)));
        // The least loaded; among equals the next in turn.
        let turn = (1..=count).map(|step| (self.last + step) % count);
        let worker = turn
            .min_by_key(|&worker| self.workers.connections(worker))
            .unwrap_or(0);
        self.last = worker;
        let ticket = Ticket::new(self.workers.load(worker));
        self.workers.deliver(
            worker,
            Letter::Adopt(Arrival {
                stream,
                peer,
                local,
                ticket,
            }),
        );
    }
}

/// A descriptor of nothing.
pub(crate) fn spare() -> Option<OwnedFd> {
    std::fs::File::open("/dev/null").map(OwnedFd::from).ok()
}

fn is_starving(error: &io::Error) -> bool {
    let starving = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| starving.contains(&errno))
}
