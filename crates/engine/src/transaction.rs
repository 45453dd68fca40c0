//! MULTI: commands that wait for EXEC.

mod rest;
mod unit;

use crate::ahead::KnownKey;
use crate::fail::{self, Fail};
use crate::family::monitor;
use crate::worker::{Command, MISSES, Slots, is_paused, lock};
use crate::{Keyspace, Outcome, Session, Worker};
use base::Slot;
use commands::{Cmd, Spec, flag};
use resp::{Args, ArgsBuf};
use smallvec::SmallVec;
use std::time::Duration;
use store::Locker;

pub(crate) use rest::Rest;
use unit::{Refusal, Unit};

/// A transaction that is being queued.
#[derive(Default)]
pub struct Transaction {
    /// The commands in order.
    pub queue: Vec<Queued>,
    /// An error was met while queueing: EXEC will refuse.
    pub failed: bool,
    /// Bytes of the queued arguments.
    pub bytes: usize,
}

/// A command of a transaction.
pub struct Queued {
    /// Its row.
    pub spec: &'static Spec,
    /// Its arguments.
    pub args: ArgsBuf,
    /// The keys among them, as they were found when it was queued.
    keys: SmallVec<[KnownKey; 1]>,
}

impl Queued {
    fn command(&self) -> Command<'_> {
        Command {
            spec: self.spec,
            args: self.args.as_args(),
            known: &self.keys,
        }
    }
}

impl Transaction {
    /// Queues a command whose keys are known.
    pub(crate) fn push(&mut self, spec: &'static Spec, args: Args<'_>, keys: &[KnownKey]) {
        self.bytes += args.payload_len();
        self.queue.push(Queued {
            spec,
            args: args.to_buf(),
            keys: keys.into(),
        });
    }

    /// Whether any queued command changes keys.
    pub fn writes(&self) -> bool {
        self.has(commands::flag::WRITE)
    }

    /// Whether any queued command has one of these flags.
    pub fn has(&self, flags: u32) -> bool {
        self.queue.iter().any(|queued| queued.spec.has(flags))
    }

    /// Whether all queued commands have the flag.
    pub fn all_have(&self, flag: u32) -> bool {
        self.queue.iter().all(|queued| queued.spec.has(flag))
    }

    /// Whether any queued command has keys.
    pub fn has_keys(&self) -> bool {
        self.queue.iter().any(|queued| queued.spec.has_keys())
    }
}

/// Ends the transaction and all watches.
pub(crate) fn discard(session: &mut Session, locker: &Locker) {
    session.transaction = None;
    unwatch(session, locker);
}

/// Ends the transaction whose EXEC did not begin; the error that says so.
pub(crate) fn abort(session: &mut Session, locker: &Locker, why: Fail) -> Fail {
    discard(session, locker);
    fail::aborted(why)
}

/// Ends all watches. Where a slot is locked by another, that is done in the background: the flag
/// that is set until then is nobody's any more.
pub(crate) fn unwatch(session: &mut Session, locker: &Locker) {
    if session.watched.is_empty() && !session.watch.is_dirty() {
        return;
    }
    for (number, key) in std::mem::take(&mut session.watched) {
        let db = locker.store().physical_db(number);
        match locker.try_lock(Slot::of_key(&key)) {
            Some(mut guard) => guard.unwatch(db, &key, &session.watch),
            None => locker.store().unwatch_later(db, &key, &session.watch),
        }
    }
    session.begin_watch();
}

impl Worker {
    /// EXEC: runs what was queued.
    pub(crate) fn exec(
        &mut self,
        session: &mut Session,
        args: Args<'_>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        self.end_stretch();
        if session.rest.is_some() {
            return self.go_on(session, out);
        }
        let Some(transaction) = session.transaction.take() else {
            return self.fail_exec(session, fail::EXEC_WITHOUT_MULTI, args, out);
        };
        if transaction.failed {
            unwatch(session, self.locker());
            return self.fail_exec(session, fail::EXECABORT, args, out);
        }
        let (began, start, db) = (self.now(), out.len(), session.db);
        let behind = rest::behind(&transaction.queue);
        let mut unit = Unit {
            queue: &transaction.queue,
            behind: &behind,
            ends: None,
        };
        let outcome = self.exec_unit(session, &mut unit, out);
        let ends = unit.ends;
        if outcome == Outcome::Done {
            // The last of its commands has just looked at the clock.
            let took = self.now() - began;
            let (failed, track) = (
                out[start..].starts_with(b"-"),
                self.settings.latency_tracking,
            );
            self.stats.timed(Cmd::Exec, took, failed, track);
        }
        if outcome.is_undone() {
            session.transaction = Some(transaction);
            return outcome;
        }
        if let (false, Some(ends)) = (behind.is_empty(), ends) {
            let replies = (&out[start..], ends.as_slice());
            let databases = (db, self.engine.store.databases());
            let mark = self.take_mark();
            let rest = Rest::new(transaction.queue, behind, replies, mark, databases);
            out.truncate(start);
            session.rest = Some(Box::new(rest));
            return self.go_on(session, out);
        }
        if outcome == Outcome::Done {
            monitor::show(&self.engine, session, Cmd::Exec.spec(), args);
        }
        outcome
    }

    /// Runs the unit of a transaction under the slots of all its keys and of what is watched.
    fn exec_unit(
        &mut self,
        session: &mut Session,
        unit: &mut Unit<'_>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let routed = self.settings.cluster && !session.caller.replays();
        let mut slots: Slots = match routed {
            true => unit.routed_keys().map(|key| key.slot).collect(),
            false => unit.keys().map(|key| key.slot).collect(),
        };
        slots.sort_unstable();
        slots.dedup();
        if routed && slots.len() > 1 {
            return self.refuse_exec(session, fail::CROSSSLOT.into(), out);
        }
        let home = slots.first().copied().filter(|_| routed);
        slots.extend(session.watched.iter().map(|(_, key)| Slot::of_key(key)));
        slots.sort_unstable();
        slots.dedup();
        if unit.has(flag::WORLD | flag::WORLD_IN_EXEC) {
            return self.exec_with_world(session, unit, (home, &slots), out);
        }
        let (when, now) = (self.when(session), self.now());
        let (locker, parts) = self.parts();
        let with_token = unit.has(flag::WANDERS) || session.misses >= MISSES;
        let token = with_token.then(|| locker.try_token());
        let Some(token) = token.map_or(Some(None), |token| token.map(Some)) else {
            return Outcome::Token;
        };
        let guards = match lock(locker, &slots, token.as_ref(), &mut session.misses) {
            Ok(guards) => guards,
            Err(Fail::Busy(slot)) => return Outcome::Busy(slot),
            Err(_) => return Outcome::Token,
        };
        let db = parts.desk.engine.store.physical_db(session.db);
        let mut keys = Keyspace::new(locker, guards, db, when);
        if let Some(token) = &token {
            keys = keys.with_token(token);
        }
        match unit.check(parts.desk.engine, session, home, &mut keys, now) {
            Ok(()) => unit.run(parts, session, keys, None, out),
            Err(Refusal::Leaving(key)) => Outcome::Leaving(key),
            Err(Refusal::Fail(fail)) => {
                drop(keys);
                drop(token);
                self.refuse_exec(session, fail, out)
            }
        }
    }

    /// EXEC ends in an error without having begun.
    fn fail_exec(
        &mut self,
        session: &Session,
        text: &'static str,
        args: Args<'_>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        self.write_error(session, &text.into(), out);
        let track = self.settings.latency_tracking;
        self.stats.timed(Cmd::Exec, Duration::ZERO, true, track);
        monitor::show(&self.engine, session, Cmd::Exec.spec(), args);
        Outcome::Done
    }

    fn refuse_exec(&mut self, session: &mut Session, fail: Fail, out: &mut Vec<u8>) -> Outcome {
        unwatch(session, self.locker());
        self.write_error(session, &fail, out);
        Outcome::Done
    }

    fn exec_with_world(
        &mut self,
        session: &mut Session,
        unit: &mut Unit<'_>,
        (home, slots): (Option<Slot>, &Slots),
        out: &mut Vec<u8>,
    ) -> Outcome {
        self.locker.close();
        self.look_at_pause();
        let (when, level, now) = (self.when(session), self.paused, self.now());
        let generation = self.generation();
        let (locker, parts) = self.parts();
        let outcome = match locker.try_world(crate::worker::PATIENCE) {
            None => Ok(Outcome::Token),
            // The gate was closed: a pause may have begun, or ended.
            Some(_) if parts.desk.engine.pause.level() != level => Ok(Outcome::Token),
            Some(_) if parts.desk.engine.generation() != generation => Ok(Outcome::Token),
            Some(_)
                if is_paused(level, session, || {
                    unit.has(flag::WRITE | flag::MAY_REPLICATE)
                }) =>
            {
                Ok(Outcome::Paused)
            }
            Some(world) => {
                let guards = locker.lock_all(world.token(), slots);
                let db = parts.desk.engine.store.physical_db(session.db);
                let mut keys = Keyspace::of_world(locker, guards, db, when);
                unit.check(parts.desk.engine, session, home, &mut keys, now)
                    .map(|()| unit.run(parts, session, keys, Some(&world), out))
            }
        };
        self.reopen();
        match outcome {
            Ok(outcome) => outcome,
            Err(Refusal::Leaving(key)) => Outcome::Leaving(key),
            Err(Refusal::Fail(fail)) => self.refuse_exec(session, fail, out),
        }
    }
}
