//! Batches: commands of several connections, looked at together and then executed in turn.

use std::time::{Duration, Instant};

use resp::{Arena, Args, Command};

use crate::conn::{Connection, Ending, add, stall};
use crate::conns::Conns;
use crate::handler::{CloseReason, Flow, Handler};
use crate::worker::Worker;

/// Most commands in a batch.
pub(crate) const BATCH_MAX: usize = 64;
/// Commands after which a connection is looked at that may have little output only.
const BATCH_LONG: usize = 16;
/// How long a batch may take before the handler gets a boundary.
const BATCH_TIME: Duration = Duration::from_micros(200);
/// How long a round may go on before what it has to send is written.
const ROUND_TIME: Duration = Duration::from_millis(1);
/// Output is held against the limits only above this: small limits would otherwise strike at
/// replies that Redis keeps in its fixed buffer of this size, which it does not count.
pub(crate) const UNCOUNTED_OUTPUT: usize = 16 * 1024;

/// A command that waits for its batch.
#[derive(Clone, Copy)]
struct Pending {
    conn: u32,
    generation: u32,
    /// Where its connection's input begins in the worker's buffer, if it is there.
    base: Option<usize>,
    /// Where it begins in its connection's input.
    start: usize,
    command: Command,
}

/// The commands of a batch and the connections that have a part in it.
#[derive(Default)]
pub(crate) struct Batch {
    pending: Vec<Pending>,
    pub(crate) arena: Arena,
    /// Connections to settle afterwards: see [`Worker::settle`].
    pub(crate) touched: Vec<u32>,
}

impl Batch {
    pub(crate) fn is_full(&self) -> bool {
        self.pending.len() >= BATCH_MAX
    }

    /// Whether there are enough commands to look at what they have answered.
    pub(crate) fn is_long(&self) -> bool {
        self.pending.len() >= BATCH_LONG
    }

    /// Whether a connection's command is the last that was added.
    pub(crate) fn ends_with(&self, index: u32) -> bool {
        self.pending
            .last()
            .is_some_and(|pending| pending.conn == index)
    }

    /// Adds a command that was found where `conn` is parsed up to.
    pub(crate) fn add<C>(&mut self, index: u32, conn: &Connection<C>, command: Command) {
        self.pending.push(Pending {
            conn: index,
            generation: conn.generation,
            base: conn.chunk.map(|(start, _)| start),
            start: conn.parsed,
            command,
        });
    }
}

impl Pending {
    #[inline]
    fn args<'a>(&self, input: &'a [u8], query: &'a [u8], arena: &'a Arena) -> Args<'a> {
        let bytes = match self.base {
            Some(base) => &input[base + self.start..],
            None => &query[self.start..],
        };
        arena.args(&self.command, bytes)
    }
}

impl<H: Handler> Worker<H> {
    /// Executes the commands of the batch and settles the connections that had a part in it,
    /// except `current`, whose input is still being parsed.
    pub(crate) fn run_batch(&mut self, current: Option<u32>) {
        if !self.batch.pending.is_empty() {
            self.handler.batch_begin();
            self.prefetch();
            self.execute();
            self.handler.batch_end(&mut Conns::new(&mut self.table));
            add(&self.stats.commands, self.batch.pending.len() as u64);
            self.batch.pending.clear();
            self.batch.arena.clear();
        }
        let mut touched = std::mem::take(&mut self.batch.touched);
        for &index in &touched {
            if Some(index) == current {
                self.deliver_early(index);
            } else {
                self.settle(index);
                // Written at the end of the round: peers on the same machine then sleep and wake
                // once for many replies and not for each.
                self.table.make_dirty(index);
            }
        }
        touched.retain(|&index| Some(index) == current);
        self.batch.touched = touched;
        if current.is_none() {
            self.input_used = 0;
        }
        if self.clock.saturating_duration_since(self.written) > ROUND_TIME {
            self.written = self.clock;
            self.handler.rest(&mut Conns::new(&mut self.table));
            self.write_dirty();
        }
    }

    fn prefetch(&mut self) {
        for (nth, pending) in self.batch.pending.iter().enumerate() {
            let Some(conn) = self.table.peek(pending.conn) else {
                continue;
            };
            if conn.generation == pending.generation {
                let args = pending.args(&self.input, &conn.query, &self.batch.arena);
                self.handler.look_ahead(&conn.state, args, nth);
            }
        }
        self.handler.prefetch();
    }

    fn execute(&mut self) {
        let mut began = self.handler.clock();
        for nth in 0..self.batch.pending.len() {
            let pending = self.batch.pending[nth];
            let Some(conn) = self.table.enter(pending.conn) else {
                continue;
            };
            if conn.generation != pending.generation {
                continue;
            }
            // Whoever has parked, blocked or been closed executes nothing more of this batch, even
            // if it was woken meanwhile. Too much withheld output only stops parsing.
            if conn.halted || conn.stall & !stall::WITHHELD != 0 {
                conn.halted = true;
                continue;
            }
            let Connection {
                query, state, out, ..
            } = conn;
            out.begin();
            let inbox_first = self.handler.inbox_first(state);
            let args = pending.args(&self.input, query, &self.batch.arena);
            let flow = self.handler.execute(state, args, nth, out);
            conn.stats.executed();
            conn.done = pending.start + pending.command.len;
            // First, because what wakes the connection may lie in the inbox.
            if !matches!(flow, Flow::Done) || conn.out.len() > UNCOUNTED_OUTPUT {
                self.apply(pending.conn, pending.start, flow);
            }
            if inbox_first {
                self.take_inbox_before_reply(pending.conn);
            }
            if nth % H::CLOCK_EVERY != H::CLOCK_EVERY - 1 {
                continue;
            }
            self.clock = self.handler.clock();
            if self.clock.saturating_duration_since(began) > BATCH_TIME
                && nth + 1 < self.batch.pending.len()
            {
                self.handler.batch_end(&mut Conns::new(&mut self.table));
                self.handler.batch_begin();
                began = self.clock;
            }
        }
    }

    /// Lets what is in the inbox reach the connection before the reply just written.
    fn take_inbox_before_reply(&mut self, index: u32) {
        let Some(conn) = self.table.at(index) else {
            return;
        };
        let generation = conn.generation;
        let reply = conn.out.take_reply();
        self.take_messages();
        if let Some(conn) = self
            .table
            .at(index)
            .filter(|conn| conn.generation == generation)
        {
            conn.out.put_reply(&reply);
        }
    }

    /// Does what the handler said about a command that began at `start`, and looks at how much
    /// there is to send.
    fn apply(&mut self, index: u32, start: usize, flow: Flow) {
        let now = self.now;
        let Some(conn) = self.table.at(index) else {
            return;
        };
        match flow {
            Flow::Done => {}
            Flow::Park => {
                conn.stall |= stall::PARKED;
                conn.halted = true;
                conn.done = start;
            }
            Flow::Hold => {
                conn.stall |= stall::HELD;
                conn.halted = true;
                conn.done = start;
            }
            Flow::Blocked => conn.stall |= stall::BLOCKED,
            Flow::Close => conn.end(Ending::Flushed(CloseReason::Asked)),
            Flow::CloseNow => conn.end(Ending::Now(CloseReason::Asked)),
            Flow::Detach(hand_over) => conn.end(Ending::Detach(hand_over)),
        }
        if conn.out.len() > UNCOUNTED_OUTPUT {
            let limits = self.handler.output_limits(&conn.state);
            check_output(conn, limits, now);
        }
    }

    /// Holds a connection's unsent output against its limits.
    pub(crate) fn limit_output(&mut self, index: u32) {
        let now = self.now;
        let Some(conn) = self.table.at(index) else {
            return;
        };
        let limits = self.handler.output_limits(&conn.state);
        check_output(conn, limits, now);
    }
}

fn check_output<C>(conn: &mut Connection<C>, limits: crate::OutputLimits, now: Instant) {
    let bytes = conn.out.len() + limits.pushed;
    if bytes <= UNCOUNTED_OUTPUT {
        conn.over_soft = None;
        return;
    }
    if limits.hard > 0 && bytes > limits.hard {
        return conn.end(Ending::Now(CloseReason::OutputLimit { bytes, soft: false }));
    }
    if limits.soft == 0 || bytes <= limits.soft {
        conn.over_soft = None;
        return;
    }
    let since = *conn.over_soft.get_or_insert(now);
    if now.saturating_duration_since(since) > limits.soft_for {
        conn.end(Ending::Now(CloseReason::OutputLimit { bytes, soft: true }));
    }
}
