//! One connection: its socket, what it has sent and not been answered yet, what it is still to
//! get.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use resp::Parser;

use crate::handler::{CloseReason, Detached};
use crate::output::Output;
use crate::stream::Stream;

/// Counters of one connection. Its worker writes them after each batch; any thread reads.
#[derive(Debug)]
pub struct ConnStats {
    opened: Instant,
    /// Milliseconds from `opened` to the last input.
    active: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    commands: AtomicU64,
    query: AtomicUsize,
    query_capacity: AtomicUsize,
    out_tail: AtomicUsize,
    out_pieces: AtomicUsize,
    out_len: AtomicUsize,
    out_memory: AtomicUsize,
}

impl ConnStats {
    pub(crate) fn new() -> Self {
        ConnStats {
            opened: Instant::now(),
            active: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            query: AtomicUsize::new(0),
            query_capacity: AtomicUsize::new(0),
            out_tail: AtomicUsize::new(0),
            out_pieces: AtomicUsize::new(0),
            out_len: AtomicUsize::new(0),
            out_memory: AtomicUsize::new(0),
        }
    }

    /// How long ago the connection was opened.
    pub fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// How long ago it last sent anything.
    pub fn idle(&self) -> Duration {
        self.age()
            .saturating_sub(Duration::from_millis(self.active.load(Relaxed)))
    }

    /// Bytes read.
    pub fn bytes_in(&self) -> u64 {
        self.bytes_in.load(Relaxed)
    }

    /// Bytes written.
    pub fn bytes_out(&self) -> u64 {
        self.bytes_out.load(Relaxed)
    }

    /// Commands executed.
    pub fn commands(&self) -> u64 {
        self.commands.load(Relaxed)
    }

    /// Bytes that wait to become a command (`qbuf` of CLIENT LIST).
    pub fn query_len(&self) -> usize {
        self.query.load(Relaxed)
    }

    /// Bytes of memory that these take, with what is reserved for more and for the places of
    /// arguments (`qbuf` plus `qbuf-free` plus `argv-mem`).
    pub fn query_memory(&self) -> usize {
        self.query_capacity.load(Relaxed)
    }

    /// Unsent bytes at the end of the output queue (`obl`).
    pub fn output_tail(&self) -> usize {
        self.out_tail.load(Relaxed)
    }

    /// Pieces before these (`oll`).
    pub fn output_pieces(&self) -> usize {
        self.out_pieces.load(Relaxed)
    }

    /// All unsent bytes: what the output limits are about.
    pub fn output_len(&self) -> usize {
        self.out_len.load(Relaxed)
    }

    /// Memory of the output queue, in bytes.
    pub fn output_memory(&self) -> usize {
        self.out_memory.load(Relaxed)
    }

    /// Memory of the connection in this crate, in bytes.
    pub fn memory(&self) -> usize {
        // What it takes at rest, its entry in the table and in the poller included.
        const AT_REST: usize = 600;
        AT_REST + self.query_memory() + self.output_memory()
    }

    pub(crate) fn active(&self, now: Instant, bytes: usize) {
        let since = now.saturating_duration_since(self.opened);
        self.active.store(since.as_millis() as u64, Relaxed);
        add(&self.bytes_in, bytes as u64);
    }

    pub(crate) fn executed(&self) {
        add(&self.commands, 1);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        add(&self.bytes_out, bytes as u64);
    }

    pub(crate) fn holds_input(&self, len: usize, memory: usize) {
        self.query.store(len, Relaxed);
        self.query_capacity.store(memory, Relaxed);
    }

    pub(crate) fn holds_output(&self, out: &Output) {
        let (tail, pieces) = out.shape();
        self.out_tail.store(tail, Relaxed);
        self.out_pieces.store(pieces, Relaxed);
        self.out_len.store(out.len(), Relaxed);
        self.out_memory.store(out.memory(), Relaxed);
    }
}

/// Adds to a counter that only this thread writes: no locked instruction is needed.
pub(crate) fn add(counter: &AtomicU64, value: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(value), Relaxed);
}

/// A client's place in the count that `maxclients` limits, given back when dropped.
#[derive(Debug)]
pub struct Ticket(Arc<AtomicUsize>);

impl Ticket {
    pub(crate) fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Relaxed);
        Ticket(count.clone())
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Reasons why a connection's input stands still; each is a bit.
pub(crate) mod stall {
    /// A command will be executed again.
    pub(crate) const PARKED: u8 = 1;
    /// The same, but the peer's leaving ends it.
    pub(crate) const HELD: u8 = 2;
    /// A reply comes later.
    pub(crate) const BLOCKED: u8 = 4;
    /// Too much output is withheld.
    pub(crate) const WITHHELD: u8 = 8;
    /// It is being closed or detached.
    pub(crate) const ENDING: u8 = 16;
    /// There is more unsent output than its handler lets it have and still be read from.
    pub(crate) const UNREAD: u8 = 32;
}

/// How a connection is being ended.
pub(crate) enum Ending {
    /// After all output is sent.
    Flushed(CloseReason),
    /// After what is not withheld was offered to the socket once more.
    Offered(CloseReason),
    /// At the next opportunity.
    Now(CloseReason),
    /// By handing it over.
    Detach(Box<dyn FnOnce(Detached) + Send>),
}

/// A connection of a worker. `C` is the handler's state.
pub(crate) struct Connection<C> {
    pub(crate) generation: u32,
    pub(crate) stall: u8,
    /// The socket may have more to read.
    pub(crate) readable: bool,
    /// The poller has said that the peer will send no more.
    pub(crate) hangup: bool,
    /// The poller was asked to say when the socket takes more.
    pub(crate) wants_write: bool,
    /// A command of this batch was not done, so none behind it may be: input is parsed again from
    /// there.
    pub(crate) halted: bool,
    /// On the list of connections to serve.
    pub(crate) in_ready: bool,
    /// On the list of connections to write.
    pub(crate) in_dirty: bool,
    /// On the list of those with marks.
    pub(crate) in_marked: bool,
    /// On the list of those with commands in the batch, or input to settle after it.
    pub(crate) in_batch: bool,
    pub(crate) state: C,
    pub(crate) out: Output,
    pub(crate) stream: Stream,
    pub(crate) parser: Parser,
    /// Input that could not be executed at once. Empty while input is in the worker's buffer.
    pub(crate) query: Vec<u8>,
    /// Where this round's input lies in the worker's buffer, if it is there.
    pub(crate) chunk: Option<(usize, usize)>,
    /// Input up to here is executed; counted from the beginning of `query` or `chunk`.
    pub(crate) done: usize,
    /// Input up to here is parsed; likewise.
    pub(crate) parsed: usize,
    /// Bytes that the argument being read still lacks, if that is known.
    pub(crate) missing: usize,
    /// Input has ended: what to do once all commands before are executed.
    pub(crate) finish: Option<CloseReason>,
    pub(crate) ending: Option<Ending>,
    /// Since when its output is above the soft limit.
    pub(crate) over_soft: Option<Instant>,
    pub(crate) stats: Arc<ConnStats>,
    pub(crate) ticket: Ticket,
}

impl<C> Connection<C> {
    /// Ends it, unless it is being ended already; `Now` overrides the slower ways.
    pub(crate) fn end(&mut self, ending: Ending) {
        let overrides =
            matches!(ending, Ending::Now(_)) && !matches!(self.ending, None | Some(Ending::Now(_)));
        if self.ending.is_none() || overrides {
            self.ending = Some(ending);
        }
        self.stall |= stall::ENDING;
    }

    /// Bytes read and not executed.
    pub(crate) fn waiting_input(&self) -> usize {
        self.query.len() - if self.chunk.is_none() { self.done } else { 0 }
    }
}
