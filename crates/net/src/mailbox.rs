//! Inboxes: how other threads reach a worker. Sending never waits for the worker.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use mio::Waker;

use crate::conn::{Ticket, add};
use crate::stream::{Address, Stream};

/// What can lie in an inbox.
pub(crate) enum Letter<M> {
    /// From the embedding program.
    Msg(M),
    /// A new connection.
    Adopt(Arrival),
    /// Send what is to be sent until then, close everything, and end.
    Stop(Instant),
}

/// A connection that was accepted.
pub(crate) struct Arrival {
    pub(crate) stream: Stream,
    pub(crate) peer: Address,
    pub(crate) local: Address,
    pub(crate) ticket: Ticket,
}

/// Counters of one worker.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct WorkerStats {
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) reads: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) commands: AtomicU64,
    pub(crate) rounds: Rounds,
}

/// What a worker did between two sleeps, counted.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    count: AtomicU64,
    nanoseconds: AtomicU64,
    ticks: AtomicU64,
    longest: AtomicU64,
    most_commands: AtomicU64,
}

impl Rounds {
    /// Counts a round: how long it took, how much of that its tick took if there was one, and how
    /// many commands it executed.
    pub(crate) fn add(&self, took: Duration, tick: Option<Duration>, commands: u64) {
        let nanoseconds = took.as_nanos() as u64;
        add(&self.count, 1);
        add(&self.nanoseconds, nanoseconds);
        if let Some(tick) = tick {
            add(&self.ticks, tick.as_nanos() as u64);
        }
        for (most, value) in [
            (&self.longest, nanoseconds),
            (&self.most_commands, commands),
        ] {
            if value > most.load(Ordering::Relaxed) {
                most.store(value, Ordering::Relaxed);
            }
        }
    }
}

/// The sending side of one worker's inbox.
struct Mailbox<M> {
    sender: Sender<Letter<M>>,
    shared: Arc<Doorbell>,
    /// Connections that the worker has.
    load: Arc<AtomicUsize>,
    stats: Arc<WorkerStats>,
}

/// Wakes the worker, but only from sleep.
struct Doorbell {
    asleep: AtomicBool,
    waker: Waker,
}

/// The receiving side.
pub(crate) struct Inbox<M> {
    receiver: Receiver<Letter<M>>,
    doorbell: Arc<Doorbell>,
    /// A letter found on the way to bed.
    first: Option<Letter<M>>,
}

impl<M> Inbox<M> {
    /// The next letter, if there is one.
    pub(crate) fn take(&mut self) -> Option<Letter<M>> {
        self.first.take().or_else(|| self.receiver.try_recv().ok())
    }

    /// Announces that the worker is about to sleep. `false` when it must not: there is a letter.
    pub(crate) fn may_sleep(&mut self) -> bool {
        self.doorbell.asleep.store(true, Ordering::Relaxed);
        // Pairs with the fence in `deliver`: either the sender sees `asleep`, or this thread
        // sees the letter.
        fence(Ordering::SeqCst);
        self.first = self.take();
        if self.first.is_some() {
            self.awake();
        }
        self.first.is_none()
    }

    /// Announces that it is awake.
    pub(crate) fn awake(&self) {
        self.doorbell.asleep.store(false, Ordering::Relaxed);
    }
}

/// The inboxes of all workers. Cheap to clone.
pub struct Workers<M> {
    boxes: Arc<[Mailbox<M>]>,
}

impl<M> Clone for Workers<M> {
    fn clone(&self) -> Self {
        Workers {
            boxes: self.boxes.clone(),
        }
    }
}

impl<M> Workers<M> {
    /// Makes an inbox for each poller; its waker has the token `wake`.
    pub(crate) fn new(
        pollers: &[mio::Poll],
        wake: mio::Token,
    ) -> io::Result<(Self, Vec<Inbox<M>>)> {
        let mut boxes = Vec::new();
        let mut inboxes = Vec::new();
        for poll in pollers {
            let waker = Waker::new(poll.registry(), wake)?;
            let doorbell = Arc::new(Doorbell {
                asleep: AtomicBool::new(false),
                waker,
            });
            let (sender, receiver) = channel();
            boxes.push(Mailbox {
                sender,
                shared: doorbell.clone(),
                load: Arc::default(),
                stats: Arc::default(),
            });
            inboxes.push(Inbox {
                receiver,
                doorbell,
                first: None,
            });
        }
        Ok((
            Workers {
                boxes: boxes.into(),
            },
            inboxes,
        ))
    }

    /// How many workers there are.
    pub fn len(&self) -> usize {
        self.boxes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.boxes.is_empty()
    }

    /// Puts a message into a worker's inbox and wakes it if it sleeps. Never waits. `false` when
    /// that worker has ended (or never was); the message is lost then.
    pub fn send(&self, worker: usize, msg: M) -> bool {
        self.deliver(worker, Letter::Msg(msg))
    }

    pub(crate) fn deliver(&self, worker: usize, letter: Letter<M>) -> bool {
        let Some(mailbox) = self.boxes.get(worker) else {
            return false;
        };
        if mailbox.sender.send(letter).is_err() {
            return false;
        }
        fence(Ordering::SeqCst);
        let doorbell = &mailbox.shared;
        if doorbell.asleep.load(Ordering::Relaxed) && doorbell.asleep.swap(false, Ordering::AcqRel)
        {
            // An event counter that cannot be written is one that is full: the worker wakes.
            let _ = doorbell.waker.wake();
        }
        true
    }

    pub(crate) fn stats(&self, worker: usize) -> Arc<WorkerStats> {
        self.boxes[worker].stats.clone()
    }

    pub(crate) fn load(&self, worker: usize) -> &Arc<AtomicUsize> {
        &self.boxes[worker].load
    }

    /// Connections that a worker has, those detached from it included.
    pub fn connections(&self, worker: usize) -> usize {
        self.boxes
            .get(worker)
            .map_or(0, |mailbox| mailbox.load.load(Ordering::Relaxed))
    }

    /// Sums over all workers: bytes read, bytes written, commands executed.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for mailbox in self.boxes.iter() {
            totals.bytes_in += mailbox.stats.bytes_in.load(Ordering::Relaxed);
            totals.bytes_out += mailbox.stats.bytes_out.load(Ordering::Relaxed);
            totals.reads += mailbox.stats.reads.load(Ordering::Relaxed);
            totals.writes += mailbox.stats.writes.load(Ordering::Relaxed);
            totals.commands += mailbox.stats.commands.load(Ordering::Relaxed);
            totals.connections += mailbox.load.load(Ordering::Relaxed);
            let rounds = &mailbox.stats.rounds;
            totals.rounds += rounds.count.load(Ordering::Relaxed);
            totals.round_nanoseconds += rounds.nanoseconds.load(Ordering::Relaxed);
            totals.tick_nanoseconds += rounds.ticks.load(Ordering::Relaxed);
            let longest = rounds.longest.load(Ordering::Relaxed);
            totals.longest_round_nanoseconds = totals.longest_round_nanoseconds.max(longest);
            let most = rounds.most_commands.load(Ordering::Relaxed);
            totals.most_commands = totals.most_commands.max(most);
        }
        totals
    }

    /// Forgets the longest round and that with the most commands.
    pub fn reset_records(&self) {
        for mailbox in self.boxes.iter() {
            let rounds = &mailbox.stats.rounds;
            rounds.longest.store(0, Ordering::Relaxed);
            rounds.most_commands.store(0, Ordering::Relaxed);
        }
    }
}

/// Sums over all workers since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Bytes read from clients.
    pub bytes_in: u64,
    /// Bytes written to clients.
    pub bytes_out: u64,
    /// Times that a socket was read.
    pub reads: u64,
    /// Times that a socket was written to.
    pub writes: u64,
    /// Commands executed.
    pub commands: u64,
    /// Connections open now.
    pub connections: usize,
    /// Rounds of the workers' loops: from waking to sleeping again.
    pub rounds: u64,
    /// How long they took together.
    pub round_nanoseconds: u64,
    /// How much of that went into [`Handler::tick`](crate::Handler::tick).
    pub tick_nanoseconds: u64,
    /// The longest round, since [`Workers::reset_records`].
    pub longest_round_nanoseconds: u64,
    /// The most commands of one round, since [`Workers::reset_records`].
    pub most_commands: u64,
}
