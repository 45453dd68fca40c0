//! Executing commands: checks, slots, the handler, the effect.

mod admission;
mod calling;
mod locking;
mod running;

use crate::ahead::{KnownKey, Lookahead, Seen, each_key};
use crate::clock::Stretch;
use crate::fail::{self, Done, Fail};
use crate::route::{self, Wish};
use crate::session::ReplyMode;
use crate::stats::WorkerStats;
use crate::{Clock, Dice, Effects, Engine, Outcome, Session, Settings, witness};
use commands::{Cmd, RunBy, Spec, flag};
use resp::{Args, Reply};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Expiry, Locker, When};

/// How long a request for the world waits for other batches to end.
pub(crate) const PATIENCE: Duration = Duration::from_millis(1);

/// One thread's part of the engine.
pub struct Worker {
    pub(crate) engine: Arc<Engine>,
    pub(crate) settings: Arc<Settings>,
    generation: u64,
    /// [`Settings::let_all_run`], as of these settings.
    calm: bool,
    /// [`Settings::memory_limit`], as of these settings.
    memory_limit: Option<u64>,
    /// When this thread first saw that the data set is being loaded, while it is.
    loading_since: Option<Instant>,
    pub(crate) locker: Locker,
    clock: Clock,
    stretch: Stretch,
    pub(crate) effects: Effects,
    pub(crate) dice: Dice,
    pub(crate) stats: Arc<WorkerStats>,
    /// Whether the caller has the append-only file written after batches.
    writes_file: bool,
    /// The pause that was in force when the command was admitted. It is looked at once for each: a
    /// command that changes something does not run while expired keys are only hidden.
    pub(crate) paused: Option<crate::PauseKind>,
    /// The sequence that the reply of the command which ran last waits for.
    mark: u64,
    pub(crate) ahead: Lookahead,
}

impl Worker {
    /// A worker for the calling thread.
    pub fn new(engine: &Arc<Engine>) -> Worker {
        // First the number: settings that change meanwhile are then taken over at the first batch.
        let generation = engine.generation();
        let settings = engine.settings();
        let locker = Locker::new(&engine.store);
        Worker {
            engine: engine.clone(),
            calm: settings.let_all_run(),
            memory_limit: settings.memory_limit(),
            loading_since: settings.loading.then(Instant::now),
            settings,
            generation,
            effects: Effects::of(&locker),
            locker,
            clock: Clock::new(),
            stretch: Stretch::default(),
            dice: Dice::new(),
            stats: engine.stats.worker(),
            writes_file: false,
            paused: None,
            mark: 0,
            ahead: Lookahead::default(),
        }
    }

    /// The sequence that the file must have before what the last command wrote may leave; 0: none.
    #[inline]
    pub fn take_mark(&mut self) -> u64 {
        std::mem::take(&mut self.mark)
    }

    /// Sets that sequence.
    pub(crate) fn set_mark(&mut self, mark: u64) {
        self.mark = mark;
    }

    /// The thread's way to slots.
    pub fn locker(&self) -> &Locker {
        &self.locker
    }

    /// The shared engine.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Settings as of this batch.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Begins a batch: commands may be executed until [`Worker::end_batch`].
    pub fn begin_batch(&mut self) {
        self.locker.open();
        self.clock.refresh();
        self.refresh();
    }

    /// Takes over changed settings, between batches too.
    pub fn refresh(&mut self) {
        let generation = self.engine.generation();
        if generation != self.generation {
            self.generation = generation;
            self.settings = self.engine.settings();
            self.calm = self.settings.let_all_run();
            self.memory_limit = self.settings.memory_limit();
            self.loading_since = match self.loading_since {
                since @ Some(_) if self.settings.loading => since,
                _ => self.settings.loading.then(Instant::now),
            };
        }
    }

    /// Opens the gate again within a batch. It was a boundary like any other: others count on it
    /// that what they have changed is seen from here on.
    pub(crate) fn reopen(&mut self) {
        self.locker.open();
        self.refresh();
    }

    /// Which settings the worker goes by.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Ends a batch. Where replies wait for the append-only file, the caller has it written next.
    pub fn end_batch(&mut self) {
        self.end_stretch();
        if self.settings.commit_gate && self.writes_file {
            self.locker.close_to_write();
        } else {
            self.locker.close();
        }
        store::memory::tell();
    }

    /// Says that the caller has the append-only file written after batches whose replies wait for
    /// it.
    pub fn will_write_file(&mut self) {
        self.writes_file = true;
    }

    /// Ends a batch that another follows at once: see [`Locker::close_and_go_on`].
    pub fn end_batch_and_go_on(&mut self) {
        self.end_stretch();
        let writes = self.settings.commit_gate && self.writes_file;
        self.locker.close_and_go_on(writes);
        store::memory::tell();
    }

    /// Times what ran since the clock was looked at.
    pub(crate) fn end_stretch(&mut self) {
        let track = self.settings.latency_tracking;
        self.stretch.end(&mut self.clock, &self.stats, track);
    }

    /// A connection is gone: its watches end and it leaves the registry.
    pub fn forget(&mut self, session: &mut Session) {
        // It comes between batches, and slots are locked with the gate open only.
        let batch = session.is_watching().then(|| self.locker.enter());
        crate::transaction::discard(session, &self.locker);
        drop(batch);
        self.engine.clients.remove(session.card.id);
        self.engine.monitors.remove(session.card.id);
    }

    /// Executes one command and writes its reply.
    pub fn execute(&mut self, session: &mut Session, args: Args<'_>, out: &mut Vec<u8>) -> Outcome {
        let seen = self.see(args);
        self.execute_seen(session, seen, args, out)
    }

    /// Executes the command that [`Worker::look_ahead`] looked at as number `nth`.
    pub fn execute_nth(
        &mut self,
        session: &mut Session,
        nth: usize,
        args: Args<'_>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let seen = self.seen(nth, args);
        self.execute_seen(session, seen, args, out)
    }

    #[inline]
    fn execute_seen(
        &mut self,
        session: &mut Session,
        seen: Seen,
        args: Args<'_>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let spec = match seen.spec {
            Ok(spec) => spec,
            Err(unknown) => return self.refuse_unknown(session, unknown, args, out),
        };
        session.note_command(spec, args);
        self.look_at_pause();
        witness::begins(spec, self.ahead.keys(seen).first().map(|key| key.slot));
        if !self.calm && self.waits_for_load(session, spec) {
            return Outcome::Later;
        }
        if let Err(fail) = self.admit(session, spec, args) {
            return self.refuse(session, Some(spec), fail, out);
        }
        if queues(session, spec) {
            match self.check_queued(session, spec, seen, args) {
                Ok(()) => {}
                Err(Fail::Busy(slot)) => return Outcome::Busy(slot),
                Err(fail) => return self.refuse(session, Some(spec), fail, out),
            }
            if let Some(transaction) = &mut session.transaction {
                transaction.push(spec, args, self.ahead.keys(seen));
            }
            session.note_transaction();
            let start = out.len();
            Reply::new(out, session.resp3).status("QUEUED");
            apply_reply_mode(session, spec.id, start, out);
            return Outcome::Done;
        }
        if self.waits_for_pause(session, spec) {
            return Outcome::Paused;
        }
        if self.waits_for_room(session, spec) {
            return Outcome::Later;
        }
        let start = out.len();
        let outcome = if spec.id == Cmd::Exec {
            self.exec(session, args, out)
        } else {
            self.call(session, spec, seen, args, out)
        };
        self.settle(session, spec, start, out, outcome)
    }

    /// What comes after a command: ASKING is used up, CLIENT REPLY takes effect.
    fn settle(
        &mut self,
        session: &mut Session,
        spec: &'static Spec,
        start: usize,
        out: &mut Vec<u8>,
        outcome: Outcome,
    ) -> Outcome {
        if outcome.is_undone() {
            return outcome;
        }
        end_asking(session, spec.id);
        session.keys_so_far = None;
        session.note_transaction();
        if outcome == Outcome::Blocked {
            // Its reply comes later, and is withheld or sent then.
            return outcome;
        }
        apply_reply_mode(session, spec.id, start, out);
        if outcome == Outcome::Done && session.card.has_flag(crate::clients::flags::CLOSING) {
            return Outcome::Close;
        }
        outcome
    }

    /// Checks that need no slot.
    #[inline]
    fn admit(&self, session: &mut Session, spec: &'static Spec, args: Args<'_>) -> Done {
        if !spec.takes(args.len()) || spec.run_by == RunBy::Nobody {
            return Err(fail::wrong_arity(spec.full_name));
        }
        if session.caller.replays() {
            return Ok(());
        }
        if !self.settings.admits(session) && !spec.has(flag::NO_AUTH) {
            return Err(fail::NOAUTH.into());
        }
        if session.in_multi() && spec.has(flag::NO_MULTI) {
            return Err("ERR Command not allowed inside a transaction".into());
        }
        session.memory_refusal = None;
        if let Some(limit) = self.memory_limit {
            self.admit_memory(session, spec, limit)?;
        }
        if self.calm && !spec.has(flag::PROTECTED) {
            return Ok(());
        }
        admission::by_state(&self.settings, session, spec)
    }

    /// Writes the error of a command that did not run.
    fn refuse(
        &mut self,
        session: &mut Session,
        spec: Option<&'static Spec>,
        mut fail: Fail,
        out: &mut Vec<u8>,
    ) -> Outcome {
        if let Some(transaction) = &mut session.transaction {
            transaction.failed = true;
        }
        if let Some(spec) = spec {
            self.stats.rejected(spec.id);
            if spec.id == Cmd::Exec {
                fail = crate::transaction::abort(session, &self.locker, fail);
            }
        }
        let start = out.len();
        self.write_error(session, &fail, out);
        end_asking(session, Cmd::Ping);
        session.keys_so_far = None;
        apply_reply_mode(session, Cmd::Ping, start, out);
        Outcome::Done
    }

    pub(crate) fn write_error(&self, session: &Session, fail: &Fail, out: &mut Vec<u8>) {
        let Some(text) = fail.text() else { return };
        self.stats.error(text);
        Reply::new(out, session.resp3).error(text);
    }

    /// The running clock's last stamp.
    pub(crate) fn now(&self) -> std::time::Instant {
        self.clock.stamp()
    }

    /// The locker and the parts that a running command uses.
    pub(crate) fn parts(&mut self) -> (&Locker, Parts<'_>) {
        let (locker, parts, _) = self.parts_and_keys();
        (locker, parts)
    }

    /// These, and the keys that were looked at.
    fn parts_and_keys(&mut self) -> (&Locker, Parts<'_>, &Lookahead) {
        let parts = Parts {
            desk: Desk {
                engine: &self.engine,
                settings: &self.settings,
                effects: &mut self.effects,
                dice: &mut self.dice,
            },
            books: Books {
                stats: &self.stats,
                clock: &mut self.clock,
                stretch: &mut self.stretch,
                mark: &mut self.mark,
            },
        };
        (&self.locker, parts, &self.ahead)
    }

    /// Looks at the pause anew: a command begins, or its gate was closed meanwhile.
    #[inline]
    pub(crate) fn look_at_pause(&mut self) {
        self.paused = self.engine.pause.level();
    }

    /// The command's clock stamp, and what expired keys mean to it.
    pub(crate) fn when(&self, session: &Session) -> When {
        let expiry = if session.caller.replays() {
            Expiry::Ignore
        } else if self.settings.replica || self.paused.is_some() {
            Expiry::Hide
        } else {
            Expiry::Delete
        };
        When {
            now: self.clock.now_ms(),
            expiry,
        }
    }

    /// In cluster mode: whether a command that is to be queued is served here.
    fn check_queued(
        &self,
        session: &Session,
        spec: &'static Spec,
        seen: Seen,
        args: Args<'_>,
    ) -> Done {
        if !self.settings.cluster || session.caller.replays() {
            return Ok(());
        }
        let known = self.ahead.keys(seen);
        let Some(KnownKey { slot, .. }) = known.first() else {
            return Ok(());
        };
        if known.iter().any(|key| key.slot != *slot) {
            return Err(fail::CROSSSLOT.into());
        }
        let mut guard = self.locker.try_lock(*slot).ok_or(Fail::Busy(*slot))?;
        let keys: route::Keys<'_> = &mut |visit| each_key(args, known, visit);
        let times = (self.when(session), self.clock.stamp());
        let wish = Wish::of(session, spec, keys, times);
        self.engine.check_route(wish, &mut guard)
    }
}

/// What CLIENT REPLY means for a reply that was written, whatever it says: an error and QUEUED are
/// replies too. CLIENT REPLY SKIP itself has none; one inside of EXEC is about the command behind
/// it.
#[inline]
fn apply_reply_mode(session: &mut Session, id: Cmd, start: usize, out: &mut Vec<u8>) {
    match session.reply_mode {
        ReplyMode::On => {}
        ReplyMode::Off => out.truncate(start),
        ReplyMode::Skip => {
            out.truncate(start);
            session.reply_mode = ReplyMode::On;
        }
        ReplyMode::SkipNext => {
            if id == Cmd::ClientReply {
                out.truncate(start);
            }
            session.reply_mode = ReplyMode::Skip;
        }
    }
}

/// ASKING holds for the next command; before MULTI it holds for the whole transaction, which is how
/// clients send one to a slot that is on its way.
fn end_asking(session: &mut Session, after: Cmd) {
    if after != Cmd::Asking && !session.in_multi() {
        session.asking = false;
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.engine.stats.retire(&self.stats);
    }
}

/// Whether the command is queued instead of run.
fn queues(session: &Session, spec: &'static Spec) -> bool {
    session.in_multi() && !spec.has(flag::NOT_QUEUED)
}

pub(crate) use admission::is_paused;
pub(crate) use calling::tell_of_undeclared;
pub(crate) use locking::{MISSES, Slots, lock};
pub(crate) use running::{Books, Command, Desk, Parts, append_effects, seen};

#[cfg(test)]
mod tests;
