//! The event loop of one worker.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Interest, Poll, Registry, Token};
use resp::Parser;

use crate::batch::Batch;
use crate::conn::{ConnStats, Connection, Ending, stall};
use crate::conns::Conns;
use crate::delivery::token;
use crate::handler::{CloseReason, Handler, PeerInfo};
use crate::input::INPUT;
use crate::mailbox::{Arrival, Inbox, Letter, WorkerStats};
use crate::output::Output;
use crate::table::Table;

/// The poller's name for the inbox.
pub(crate) const WAKE: Token = Token(usize::MAX);
/// Events taken from the poller at once.
const EVENTS: usize = 1024;
/// Letters taken from the inbox before connections are served.
const LETTERS: usize = 4096;
/// How often some of the connections are looked over for what time brings.
const SWEEP: Duration = Duration::from_millis(100);
/// After so many sweeps all of them have been.
const SWEEPS: u32 = 5;

/// A worker: everything that its thread owns.
pub(crate) struct Worker<H: Handler> {
    pub(crate) handler: H,
    pub(crate) table: Table<H::Conn>,
    pub(crate) batch: Batch,
    /// What was read in this round and is not settled: see [`Connection::chunk`].
    pub(crate) input: Box<[u8]>,
    pub(crate) input_used: usize,
    pub(crate) registry: Registry,
    pub(crate) stats: Arc<WorkerStats>,
    /// When the poller last returned.
    pub(crate) now: Instant,
    /// When the last command had been executed.
    pub(crate) clock: Instant,
    /// When output was last written, or the round began.
    pub(crate) written: Instant,
    poll: Poll,
    inbox: Inbox<H::Msg>,
    /// Letters that must not be read within a batch.
    postponed: Vec<Letter<H::Msg>>,
    next_tick: Instant,
    next_sweep: Instant,
    swept: u32,
    /// When to give up sending, once the server stops.
    stopping: Option<Instant>,
}

impl<H: Handler> Worker<H> {
    pub(crate) fn new(
        handler: H,
        worker: u16,
        poll: Poll,
        registry: Registry,
        inbox: Inbox<H::Msg>,
        stats: Arc<WorkerStats>,
    ) -> Self {
        let now = Instant::now();
        Worker {
            handler,
            table: Table::new(worker),
            batch: Batch::default(),
            input: vec![0; INPUT].into(),
            input_used: 0,
            registry,
            stats,
            now,
            clock: now,
            written: now,
            poll,
            inbox,
            postponed: Vec::new(),
            next_tick: now,
            next_sweep: now + SWEEP,
            swept: 0,
            stopping: None,
        }
    }

    /// Runs until the server stops. An error is the poller's, which no worker can do without.
    pub(crate) fn run(mut self) -> std::io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let mut round = Vec::new();
        let mut ended = Instant::now();
        loop {
            let timeout = self.timeout(ended);
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != std::io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            self.inbox.awake();
            self.now = Instant::now();
            self.written = self.now;
            let commands = self.stats.commands.load(Ordering::Relaxed);
            // The inbox goes first: who was told to go on is served before who has just sent.
            self.take_letters();
            for event in &events {
                self.note(event);
            }
            let tick = self.tick();
            std::mem::swap(&mut round, &mut self.table.ready);
            for index in round.drain(..) {
                self.serve(index);
            }
            self.run_batch(None);
            self.handler.rest(&mut Conns::new(&mut self.table));
            self.write_dirty();
            self.bury();
            if self.now >= self.next_sweep {
                self.sweep();
            }
            ended = Instant::now();
            let commands = self.stats.commands.load(Ordering::Relaxed) - commands;
            self.stats.rounds.add(ended - self.now, tick, commands);
            if let Some(deadline) = self.stopping
                && self.stop(deadline)
            {
                return Ok(());
            }
        }
    }

    /// Lets the handler look after itself, if it is time; how long that took.
    fn tick(&mut self) -> Option<Duration> {
        if self.now < self.next_tick {
            return None;
        }
        let began = Instant::now();
        let wait = self.handler.tick(&mut Conns::new(&mut self.table));
        self.next_tick = self.now + wait.max(Duration::from_millis(1));
        Some(began.elapsed())
    }

    /// How long the poller may sleep.
    fn timeout(&mut self, now: Instant) -> Option<Duration> {
        if let Some(due) = self.handler.due() {
            // A worker that is always busy still comes by here.
            self.next_tick = self.next_tick.min(due);
        }
        let busy = !self.table.ready.is_empty()
            || !self.table.ended.is_empty()
            || !self.table.dirty.is_empty();
        if busy || !self.inbox.may_sleep() {
            return Some(Duration::ZERO);
        }
        let mut wake = self.next_tick;
        if self.table.len() > 0 {
            wake = wake.min(self.next_sweep);
        }
        if let Some(deadline) = self.stopping {
            wake = wake.min(deadline);
        }
        Some(wake.saturating_duration_since(now))
    }

    /// Remembers what an event says.
    fn note(&mut self, event: &Event) {
        if event.token() == WAKE {
            return;
        }
        let index = event.token().0 as u32;
        let Some(conn) = self.table.at(index) else {
            return;
        };
        if token(index, conn.generation) != event.token() {
            return;
        }
        if event.is_error()
            && let Err(error) = conn.stream.take_error()
        {
            self.table.end_now(index, CloseReason::Io(error));
            return;
        }
        if event.is_read_closed() {
            conn.hangup = true;
        }
        if event.is_readable() || event.is_read_closed() {
            conn.readable = true;
            self.table.make_ready(index);
        }
        if event.is_writable() {
            self.writable(index);
        }
    }

    fn take_letters(&mut self) {
        for _ in 0..LETTERS {
            match self.postponed.pop().or_else(|| self.inbox.take()) {
                None => return,
                Some(Letter::Msg(msg)) => {
                    self.handler.on_msg(msg, &mut Conns::new(&mut self.table));
                    if std::mem::take(&mut self.table.swollen) {
                        self.write_dirty();
                    }
                }
                Some(Letter::Adopt(arrival)) => self.open(arrival),
                Some(Letter::Stop(deadline)) => self.begin_to_stop(deadline),
            }
        }
    }

    /// Takes messages in the midst of a batch.
    pub(crate) fn take_messages(&mut self) {
        for _ in 0..LETTERS {
            match self.inbox.take() {
                None => return,
                Some(Letter::Msg(msg)) => {
                    self.handler.on_msg(msg, &mut Conns::new(&mut self.table));
                }
                Some(other) => self.postponed.push(other),
            }
        }
    }

    fn open(&mut self, arrival: Arrival) {
        let Arrival {
            stream,
            peer,
            local,
            ticket,
        } = arrival;
        if self.stopping.is_some() {
            return;
        }
        let id = self.table.next_id();
        let stats = Arc::new(ConnStats::new());
        let fd = std::os::fd::AsRawFd::as_raw_fd(&stream);
        let peer = PeerInfo {
            peer,
            local,
            fd,
            stats: stats.clone(),
        };
        let state = match self.handler.open(id, &peer) {
            Ok(state) => state,
            Err(refusal) => {
                // There is no one to tell if that fails.
                let _ = stream.write(&refusal);
                stream.linger();
                return;
            }
        };
        let name = token(id.index, id.generation);
        if let Err(error) = stream.register(&self.registry, name, Interest::READABLE) {
            self.handler.close(state, CloseReason::Io(error));
            return;
        }
        let conn = Connection {
            generation: id.generation,
            stall: 0,
            readable: false,
            hangup: false,
            wants_write: false,
            halted: false,
            in_ready: false,
            in_dirty: false,
            in_marked: false,
            in_batch: false,
            state,
            out: Output::default(),
            stream,
            parser: Parser::new(),
            query: Vec::new(),
            chunk: None,
            done: 0,
            parsed: 0,
            missing: 0,
            finish: None,
            ending: None,
            over_soft: None,
            stats,
            ticket,
        };
        self.table.insert(id, Box::new(conn));
    }

    /// Writes what connections have to send. Not within a batch.
    pub(crate) fn write_dirty(&mut self) {
        self.handler
            .before_delivery(&mut Conns::new(&mut self.table));
        let mut dirty = std::mem::take(&mut self.table.dirty);
        for index in dirty.drain(..) {
            self.deliver(index);
        }
        // Delivery makes nothing dirty; the list keeps its memory.
        if self.table.dirty.is_empty() {
            self.table.dirty = dirty;
        }
        if !self.table.marked.is_empty() {
            self.handler.withholds(&mut Conns::new(&mut self.table));
        }
    }

    /// Looks over a part of the connections.
    fn sweep(&mut self) {
        self.next_sweep = self.now + SWEEP;
        let end = self.table.index_end();
        let from = end / SWEEPS * self.swept;
        self.swept = (self.swept + 1) % SWEEPS;
        let to = if self.swept == 0 {
            end
        } else {
            end / SWEEPS * self.swept
        };
        for index in from..to {
            self.look_over(index);
        }
        if self.swept == 0 {
            self.table.pool.shrink();
        }
        self.bury();
    }

    fn look_over(&mut self, index: u32) {
        self.shrink_query(index);
        let Some(conn) = self.table.at(index) else {
            return;
        };
        if conn.over_soft.is_some() {
            self.limit_output(index);
            self.deliver(index);
        }
        let Some(conn) = self.table.at(index) else {
            return;
        };
        let idle = conn.stats.idle();
        let waits = stall::PARKED | stall::HELD | stall::BLOCKED | stall::ENDING;
        if conn.stall & waits == 0
            && self
                .handler
                .idle_limit(&conn.state)
                .is_some_and(|limit| idle > limit)
        {
            self.table.end_now(index, CloseReason::Idle);
        }
    }

    fn begin_to_stop(&mut self, deadline: Instant) {
        self.stopping = Some(deadline);
        for index in 0..self.table.index_end() {
            self.table.end(index, Ending::Flushed(CloseReason::Stopped));
        }
    }

    /// Whether all connections are gone; past the deadline it makes them so.
    fn stop(&mut self, deadline: Instant) -> bool {
        if self.now >= deadline {
            for index in 0..self.table.index_end() {
                self.table.end_now(index, CloseReason::Stopped);
            }
            self.bury();
        }
        self.table.len() == 0
    }
}
