//! The switch of the append-only file: CONFIG SET turns it on and off, a replica that loads has it
//! begin anew, and a first rewrite that failed is tried again.
//!
//! Both take their time: to turn it on begins with a rewrite, to turn it off ends with a sync. So
//! each turn has a number, and what a turn does is in force only while there was none after it.

use super::rewriting::{RETRY_PERIOD, begin, cut, end, give_up, write_base};
use super::{AppendOnly, Phase, State, Writing, files, say, set_gate, write_on};
use crate::node::Node;
use crate::persistence::NOT_WHOLE;
use config::Config;
use engine::{Engine, Fail, Taken, Ticket};
use persist::aof::{LogLock, RewriteError};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use store::journal::{Audience, Reader};
use store::{Locker, Tap};

const TURNED_OFF: &str = "it was turned off meanwhile";

impl State {
    /// A new turn; its number.
    pub(super) fn turn(&mut self, phase: Phase) -> u64 {
        self.turns += 1;
        (self.phase, self.retry_at) = (phase, None);
        self.turns
    }

    /// Whether the rewrite that runs makes the first base of this turn.
    pub(super) fn makes_first_base(&self) -> bool {
        let first = self.rewrite.as_ref().and_then(|rewrite| rewrite.first);
        self.phase == Phase::Waiting && first == Some(self.turns)
    }

    /// Nothing is written from now on; the writer is left to be closed.
    fn leave_writer(&mut self, engine: &Engine) {
        engine.store.journal.set_active(Audience::AOF, false);
        if let Some(writer) = self.writer.take() {
            self.left.push(writer);
            self.closing += 1;
        }
    }

    /// Turns the file off; whether that stops a rewrite.
    fn turn_off(&mut self, engine: &Engine) -> bool {
        self.turn(Phase::Off);
        self.leave_writer(engine);
        if let Some(rewrite) = &self.rewrite {
            rewrite.progress.stop.store(true, Ordering::Relaxed);
        }
        self.rewrite.is_some()
    }
}

impl Writing {
    /// Has it write and sync what is in the journal, and waits for its end.
    pub(super) fn end(self) {
        self.orders.stop();
        // A writer that panicked has ended the process.
        let _ = self.thread.join();
    }
}

impl AppendOnly {
    /// The writer of a turn begins, and the lock of its files is kept. Given back where there was
    /// another turn meanwhile.
    pub(super) fn take_writer(
        &self,
        turn: u64,
        writer: Writing,
        lock: Arc<LogLock>,
    ) -> Result<(), Writing> {
        let mut state = self.state.lock();
        if state.turns != turn {
            return Err(writer);
        }
        self.hold.keep(Some(lock));
        state.writer = Some(writer);
        self.changes.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Waits until no writer of an earlier turn is being closed.
    pub(super) fn wait_until_closed(&self) {
        let mut state = self.state.lock();
        while state.closing > 0 {
            self.closed.wait(&mut state);
        }
    }

    fn is_at(&self, turn: u64) -> bool {
        self.state.lock().turns == turn
    }
}

/// What the log and those who wait hear when the file was turned off.
fn tell_off(node: &Node, stops_rewrite: bool) {
    node.append_only.changes.fetch_add(1, Ordering::Release);
    if stops_rewrite {
        // Tools look for a line about a child process that ends.
        let line = "Killing the AOF rewrite (Redis: its child): the file is turned off.";
        say(node, false, line);
    }
    node.waiting.news();
}

/// Closes the writers that were left: what is in the journal is written and synced first.
fn close(node: &Node, engine: &Engine) {
    let left = std::mem::take(&mut node.append_only.state.lock().left);
    let count = left.len();
    left.into_iter().for_each(Writing::end);
    if count > 0 {
        // Nothing is written before they are closed.
        engine.change_settings(|settings| settings.append_only_failure = None);
    }
    {
        let mut state = node.append_only.state.lock();
        state.closing -= count;
        if state.closing == 0 && state.phase == Phase::Off {
            give_up_lock(node);
        }
    }
    node.append_only.closed.notify_all();
    set_gate(node, engine);
}

/// The file is off: its lock is given up, unless it is off only until there is a whole data set.
/// Otherwise another server might write what this one goes on with.
fn give_up_lock(node: &Node) {
    if !node.config.read().appendonly {
        node.append_only.hold.keep(None);
    }
}

/// Turns the file off, and waits until what is in the journal is written and synced.
pub(crate) fn disable(node: &Node, engine: &Engine) {
    let stops_rewrite = node.append_only.state.lock().turn_off(engine);
    tell_off(node, stops_rewrite);
    close(node, engine);
}

/// The data set was replaced while the file was off: it begins anew, if it is still to be on.
/// Nobody waits for that: where it cannot begin it is tried again.
///
/// # Errors
/// When no thread can be started; it is tried again.
pub(crate) fn begin_anew(node: &Arc<Node>, engine: &Arc<Engine>) -> Result<(), Fail> {
    if node.append_only.is_on() {
        // It was turned on meanwhile, with something of the data set before.
        disable(node, engine);
    }
    let turn = {
        let mut state = node.append_only.state.lock();
        if !node.config.read().appendonly {
            return Ok(());
        }
        state.turn(Phase::Waiting)
    };
    turn_on(node, engine, (turn, true), |_| {})
}

/// The data set is whole, perhaps again: the file that waits for that begins soon, if it is still
/// to be on. Nobody waits here.
pub(crate) fn begin_later(node: &Node) {
    let mut state = node.append_only.state.lock();
    if state.phase == Phase::Off && node.config.read().appendonly {
        state.retry_at = Some(Instant::now());
    }
}

/// What CONFIG SET has done.
enum Turned {
    On(u64),
    Off { stops_rewrite: bool },
}

/// How the file is written, by `appendfsync` and `aof-timestamp-enabled`.
pub(crate) fn set_writer(node: &Node, config: &Config) {
    if let Some((orders, _)) = node.append_only.writer() {
        orders.set_policy(config.appendfsync);
        orders.set_timestamps(config.aof_timestamp_enabled);
    }
}

/// Turns the file on or off after CONFIG SET of `appendonly`. The ticket is that of a connection
/// that can wait.
///
/// # Errors
/// When the file cannot be turned on.
pub(crate) fn switch(
    node: &Arc<Node>,
    engine: &Arc<Engine>,
    ticket: Option<Ticket>,
) -> Result<Option<Taken>, Fail> {
    set_gate(node, engine);
    let turned = {
        // The configuration as it is under the lock: of two clients that set it, the later one has
        // the last word.
        let mut state = node.append_only.state.lock();
        match (state.phase != Phase::Off, node.config.read().appendonly) {
            // It begins when there is a whole data set for it.
            (false, true) if !node.replication().is_whole() => {
                state.retry_at = Some(Instant::now());
                return Ok(None);
            }
            (true, false) => Turned::Off {
                stops_rewrite: state.turn_off(engine),
            },
            (false, true) => Turned::On(state.turn(Phase::Waiting)),
            (false, false) => {
                // It may have been on until the data set went.
                state.retry_at = None;
                if state.closing == 0 {
                    give_up_lock(node);
                }
                return Ok(None);
            }
            (true, true) => return Ok(None),
        }
    };
    match turned {
        Turned::Off { stops_rewrite } => {
            tell_off(node, stops_rewrite);
            Ok(close_later(node, engine, ticket))
        }
        Turned::On(turn) => {
            let later = ticket.is_some();
            let answer = move |begun: Result<(), String>| {
                if let Some(ticket) = ticket {
                    match begun {
                        Ok(()) => ticket.ok(),
                        Err(_) => ticket.error(
                            "ERR CONFIG SET failed (possibly related to argument 'appendonly') - \
                             Unable to turn on AOF. Check server logs.",
                        ),
                    }
                }
            };
            turn_on(node, engine, (turn, false), answer).inspect_err(|_| stay_off(node, turn))?;
            Ok(later.then_some(Taken::Later))
        }
    }
}

/// Closes the writer while the connection waits, and its worker goes on. Where there is no
/// connection it is done at once.
fn close_later(node: &Arc<Node>, engine: &Arc<Engine>, ticket: Option<Ticket>) -> Option<Taken> {
    if node.append_only.state.lock().closing > 0
        && let Some(ticket) = ticket
    {
        let for_chore = engine.clone();
        let taken = node.chore_for(ticket, move |node, ticket| {
            close(node, &for_chore);
            node.append_only.wait_until_closed();
            ticket.ok();
        });
        if taken.is_ok() {
            return taken.ok();
        }
    }
    close(node, engine);
    None
}

/// The thread of a turn that turns the file on: from one instant on everything is written to it,
/// and a base of what was there at that instant is written beside it. `begun` hears whether the
/// writing could begin; where it could not the file stays off, unless this was tried `again`.
///
/// # Errors
/// When no thread can be started; it is tried again unless there is another turn.
pub(super) fn turn_on(
    node: &Arc<Node>,
    engine: &Arc<Engine>,
    (turn, again): (u64, bool),
    begun: impl FnOnce(Result<(), String>) + Send + 'static,
) -> Result<(), Fail> {
    let (for_thread, engine) = (node.clone(), engine.clone());
    let spawned = std::thread::Builder::new()
        .name("aof-rewrite".into())
        .spawn(move || make_first_base(&for_thread, &engine, (turn, again), begun));
    spawned.map(drop).map_err(|error| {
        let mut state = node.append_only.state.lock();
        if state.turns == turn {
            state.retry_at = Some(Instant::now() + RETRY_PERIOD);
        }
        Fail::from(format!("ERR cannot start a thread to rewrite: {error}"))
    })
}

fn make_first_base(
    node: &Arc<Node>,
    engine: &Arc<Engine>,
    (turn, again): (u64, bool),
    begun: impl FnOnce(Result<(), String>),
) {
    let progress = loop {
        node.append_only.wait_until_closed();
        if !node.append_only.is_at(turn) {
            return begun(Err(TURNED_OFF.into()));
        }
        match begin(node, Some(turn)) {
            Ok(progress) => break progress,
            // There is a rewrite from before.
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let locker = Locker::new(&engine.store);
    let (tap, reader) = cut(engine, &locker, |tap| {
        let state = node.append_only.state.lock();
        if state.turns != turn {
            return Err(TURNED_OFF);
        }
        if !node.replication().is_whole() {
            // It is no failure; it is tried again when the data set is whole.
            progress.stop.store(true, Ordering::Relaxed);
            return Err(NOT_WHOLE);
        }
        engine.store.journal.set_active(Audience::AOF, true);
        let reader = engine.store.journal.reader(Some(tap.cut));
        reader.ok_or("the journal has moved on")
    });
    let opened = open(node, engine, turn, &tap, reader);
    let could_begin = opened.is_ok();
    let (sender, rotated) = channel();
    // A failure goes this way too, so that the tap is walked to its end in any case.
    let _ = sender.send(opened.clone());
    let mut refusal = None;
    let result = match opened {
        Ok(()) => {
            begun(Ok(()));
            write_base(node, &locker, &progress, tap, Some(&rotated))
        }
        Err(text) => {
            refusal = Some((begun, text.clone()));
            let line = format!("Can't open the append-only file: {text}");
            say(node, true, &line);
            give_up(tap, &locker);
            Err(RewriteError::Writer(text))
        }
    };
    if result.is_err() {
        take_back(node, engine, turn);
    }
    end(node, engine, &progress, &result);
    if !could_begin && !again {
        // CONFIG SET was refused.
        stay_off(node, turn);
    }
    // Whoever hears of it finds it so.
    if let Some((begun, text)) = refusal {
        begun(Err(text));
    }
}

/// Begins to write what comes behind the tap's cut.
fn open(
    node: &Arc<Node>,
    engine: &Arc<Engine>,
    turn: u64,
    tap: &Tap,
    reader: Result<Reader, &str>,
) -> Result<(), String> {
    let reader = reader?;
    let config = node.config.read();
    let files = files(node, &config).map_err(|error| error.to_string())?;
    let place = (reader, tap.cut.sequence);
    write_on(node, engine, files, place, true, turn).map_err(|error| error.to_string())
}

/// After a refusal to turn the file on: it stays off, and CONFIG GET says so.
fn stay_off(node: &Node, turn: u64) {
    crate::configure::in_turn(node, |config| {
        let mut state = node.append_only.state.lock();
        if state.turns == turn && state.phase == Phase::Waiting {
            state.turn(Phase::Off);
            node.append_only.hold.keep(None);
            config.change(|config| config.appendonly = false);
        }
    });
}

/// After a failed first rewrite: stops writing what has no base. Whoever has turned the file off
/// meanwhile has the writer.
fn take_back(node: &Node, engine: &Engine, turn: u64) {
    {
        let mut state = node.append_only.state.lock();
        if state.turns != turn {
            return;
        }
        state.leave_writer(engine);
    }
    node.append_only.changes.fetch_add(1, Ordering::Release);
    close(node, engine);
}
