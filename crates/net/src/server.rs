//! The handle: starts workers and acceptor, and stops them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mio::{Poll, Waker};

use crate::accept::{Acceptor, Admission, Order};
use crate::handler::Handler;
use crate::listen::{Listen, ListenError, Listener};
use crate::mailbox::{Letter, Totals, Workers};
use crate::options::{Notice, Options};
use crate::stream::Address;
use crate::worker::{WAKE, Worker};

/// What a handler is made from.
pub struct Start<M> {
    /// Its worker's index.
    pub worker: usize,
    /// The inboxes of all workers.
    pub workers: Workers<M>,
}

/// The answer of the acceptor that is to listen somewhere else.
pub struct Listening(Receiver<Result<Vec<Address>, ListenError>>);

impl Listening {
    /// Waits until it does; where it listens.
    ///
    /// # Errors
    /// It cannot, and nothing has changed.
    pub fn wait(self) -> Result<Vec<Address>, StartError> {
        let ended = || io::Error::other("the acceptor has ended");
        let listening = self.0.recv().map_err(|_| ended())?;
        listening.map_err(StartError::Listen)
    }
}

/// Why the server did not start.
#[derive(Debug)]
pub enum StartError {
    /// An address that cannot be listened at.
    Listen(ListenError),
    /// No poller, or no thread.
    Io(io::Error),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StartError::Listen(error) => error.fmt(f),
            StartError::Io(error) => write!(f, "cannot start the workers: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        StartError::Io(error)
    }
}

/// A running server. Dropping it without [`Server::stop`] leaves its threads running.
pub struct Server<M: Send + 'static> {
    workers: Workers<M>,
    threads: Vec<JoinHandle<()>>,
    acceptor: JoinHandle<()>,
    orders: Sender<Order>,
    waker: Waker,
    admission: Arc<Admission>,
    addresses: Vec<Address>,
}

impl<M: Send + 'static> Server<M> {
    /// Starts workers and acceptor. `make` is called once on each worker's thread. It listens
    /// before the first thread starts, so that a port in use is an error at once.
    pub fn start<H, F>(options: Options, make: F) -> Result<Self, StartError>
    where
        H: Handler<Msg = M>,
        F: Fn(Start<M>) -> H + Send + Sync + 'static,
    {
        let listeners = bind(&options)?;
        let addresses = listeners
            .iter()
            .map(|listener| listener.address.clone())
            .collect();
        let count = options.workers.max(1);
        let pollers = (0..count)
            .map(|_| Poll::new())
            .collect::<io::Result<Vec<Poll>>>()?;
        let (workers, inboxes) = Workers::new(&pollers, WAKE)?;
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let (orders, receiver) = channel();
        let admission = Arc::new(Admission::new(options));
        let acceptor = Acceptor {
            poll,
            listeners,
            orders: receiver,
            admission: admission.clone(),
            workers: workers.clone(),
            starved: false,
            spare: crate::accept::spare(),
            complained: None,
            last: count - 1,
        };
        for listener in &acceptor.listeners {
            acceptor.register(listener)?;
        }
        let make = Arc::new(make);
        let mut threads = Vec::new();
        for (index, (poll, inbox)) in pollers.into_iter().zip(inboxes).enumerate() {
            let registry = poll.registry().try_clone()?;
            let start = Start {
                worker: index,
                workers: workers.clone(),
            };
            let stats = workers.stats(index);
            let make = make.clone();
            let run = move || {
                // Where that is not to be had, clients wait a little longer at a busy core.
                let _ = crate::sys::run_soon_after_waking();
                Worker::new(make(start), index as u16, poll, registry, inbox, stats).run()
            };
            threads.push(spawn(format!("worker-{index}"), &admission, run)?);
        }
        let acceptor = spawn("acceptor".into(), &admission, move || acceptor.run())?;
        Ok(Server {
            workers,
            threads,
            acceptor,
            orders,
            waker,
            admission,
            addresses,
        })
    }

    /// The workers' inboxes.
    pub fn workers(&self) -> &Workers<M> {
        &self.workers
    }

    /// Where it listens, with the ports that were chosen.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Listens at these places and no others; those in both sets stay open all the time. On an
    /// error nothing has changed.
    pub fn listen(&mut self, places: Vec<Listen>) -> Result<(), StartError> {
        self.addresses = self.begin_to_listen(places)?.wait()?;
        Ok(())
    }

    /// As [`Server::listen`], for who must not keep the server to himself while he waits; what
    /// [`Server::addresses`] says stays as it was.
    pub fn begin_to_listen(&self, places: Vec<Listen>) -> Result<Listening, StartError> {
        let (answer, receiver) = channel();
        self.order(Order::Listen(places, answer))?;
        Ok(Listening(receiver))
    }

    /// Stops accepting connections, or starts again; those that come meanwhile wait.
    pub fn pause_accepting(&self, pause: bool) -> io::Result<()> {
        self.admission.paused.store(pause, Relaxed);
        self.order(Order::Look)
    }

    fn order(&self, order: Order) -> io::Result<()> {
        // An acceptor that has ended hears nothing.
        let _ = self.orders.send(order);
        self.waker.wake()
    }

    /// Sets `maxclients`.
    pub fn set_max_clients(&self, max: usize) {
        self.admission.max_clients.store(max, Relaxed);
    }

    /// Sets which descriptors are kept for what is no connection: those from this number on.
    pub fn keep_descriptors_from(&self, number: usize) {
        self.admission.kept_from.store(number, Relaxed);
    }

    /// Sets how many connections that are none of the workers' count as clients.
    pub fn set_other_clients(&self, others: usize) {
        self.admission.others.store(others, Relaxed);
    }

    /// Sets `tcp-keepalive` for connections accepted from now on; 0 for none.
    pub fn set_keepalive(&self, seconds: u64) {
        self.admission.keepalive.store(seconds, Relaxed);
    }

    /// Connections accepted, and connections refused for `maxclients`, since the start.
    pub fn arrivals(&self) -> (u64, u64) {
        (
            self.admission.accepted.load(Relaxed),
            self.admission.rejected.load(Relaxed),
        )
    }

    /// Sums over all workers.
    pub fn totals(&self) -> Totals {
        self.workers.totals()
    }

    /// Stops: no new connections, no more commands; what is to be sent is sent until `grace` has
    /// passed. Returns when all threads have ended.
    pub fn stop(self, grace: Duration) -> io::Result<()> {
        self.order(Order::Stop)?;
        let ended = || io::Error::other("a thread of the server has panicked");
        self.acceptor.join().map_err(|_| ended())?;
        let deadline = Instant::now() + grace;
        for worker in 0..self.workers.len() {
            self.workers.deliver(worker, Letter::Stop(deadline));
        }
        for thread in self.threads {
            thread.join().map_err(|_| ended())?;
        }
        Ok(())
    }
}

fn bind(options: &Options) -> Result<Vec<Listener>, StartError> {
    let open = |place| Listener::open(place, options.backlog);
    options
        .listen
        .iter()
        .map(open)
        .collect::<Result<_, _>>()
        .map_err(StartError::Listen)
}

/// Starts a thread whose end before its time is told.
fn spawn(
    name: String,
    admission: &Arc<Admission>,
    run: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let admission = admission.clone();
    thread::Builder::new().name(name).spawn(move || {
        if let Err(error) = run() {
            (admission.notice)(Notice::PollerFailed(error));
        }
    })
}
