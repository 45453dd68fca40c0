//! Calling a command: its slots, and what else it turns out to need.

use super::admission::{changes, is_paused};
use super::running::{Command, run};
use super::{MISSES, PATIENCE, Slots, lock};
use crate::ahead::{KnownKey, Seen, each_key};
use crate::fail::{self, Fail};
use crate::route::{self, Wish};
use crate::{Engine, Keyspace, Outcome, Session, Worker, leaving};
use base::Slot;
use commands::{Cmd, RunBy, Spec, flag};
use resp::Args;
use store::Guards;

/// How often a command is run again for one more slot, before it takes the token and waits for
/// whatever it meets.
const RESTARTS: u8 = 4;

/// Tells the log of a command that needs a slot after it has changed something.
#[cold]
pub(crate) fn tell_of_undeclared(engine: &Engine, spec: &'static Spec, slot: Slot) {
    let name = spec.full_name;
    engine.host().fault(&format!(
        "The command '{name}' needs slot {slot}, which its keys do not name, after it changed \
         something. Its connection is closed. This is a defect of the server: please report it."
    ));
}

impl Worker {
    /// Locks the command's slots and runs it.
    pub(crate) fn call(
        &mut self,
        session: &mut Session,
        spec: &'static Spec,
        seen: Seen,
        args: Args<'_>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        if spec.has(flag::WORLD) {
            return self.call_with_world(session, spec, args, out);
        }
        let mut slots = Slots::new();
        let known = self.ahead.keys(seen);
        if known.len() > 1 {
            slots.extend(known.iter().map(|key| key.slot));
            slots.sort_unstable();
            slots.dedup();
            if slots.len() > 1 && self.settings.cluster && !session.caller.replays() {
                return self.refuse(session, Some(spec), fail::CROSSSLOT.into(), out);
            }
        }
        let result = if session.misses >= MISSES {
            self.call_patiently(session, spec, args, (seen, &slots), out)
        } else {
            self.call_under(session, spec, args, (seen, &slots), out, false)
        };
        match result {
            Ok(outcome) => outcome,
            Err(fail) => self.call_anew(session, spec, args, (seen, &slots), (out, fail)),
        }
    }

    /// Goes on with a command that has ended in an error, which may only say what it needs.
    #[cold]
    fn call_anew(
        &mut self,
        session: &mut Session,
        spec: &'static Spec,
        args: Args<'_>,
        known: (Seen, &[Slot]),
        (out, fail): (&mut Vec<u8>, Fail),
    ) -> Outcome {
        let seen = known.0;
        let keys = self.ahead.keys(seen).iter().map(|key| key.slot);
        let mut slots: Slots = keys.collect();
        let (mut result, mut restarts) = (Err(fail), 0);
        while let Err(Fail::More(slot)) = result
            && restarts < RESTARTS
        {
            restarts += 1;
            slots.push(slot);
            slots.sort_unstable();
            slots.dedup();
            result = self.call_under(session, spec, args, (seen, &slots), out, false);
        }
        if matches!(result, Err(Fail::Token | Fail::More(_))) {
            result = self.call_patiently(session, spec, args, known, out);
        }
        match result {
            Ok(outcome) => outcome,
            Err(Fail::World) => self.call_with_world(session, spec, args, out),
            Err(Fail::Busy(slot)) => Outcome::Busy(slot),
            Err(Fail::Token | Fail::More(_)) => Outcome::Token,
            Err(Fail::Blocked) => Outcome::Blocked,
            Err(Fail::Undeclared(slot)) => self.end_undeclared(spec, slot),
            Err(fail) => {
                self.write_error(session, &fail, out);
                Outcome::Done
            }
        }
    }

    /// Ends a connection whose command needs a slot after it has changed something: its reply would
    /// tell of half of the command.
    #[cold]
    fn end_undeclared(&self, spec: &'static Spec, slot: Slot) -> Outcome {
        tell_of_undeclared(&self.engine, spec, slot);
        Outcome::Close
    }

    /// [`Worker::call_under`] with the token.
    #[cold]
    fn call_patiently(
        &mut self,
        session: &mut Session,
        spec: &'static Spec,
        args: Args<'_>,
        known: (Seen, &[Slot]),
        out: &mut Vec<u8>,
    ) -> Result<Outcome, Fail> {
        self.call_under(session, spec, args, known, out, true)
    }

    /// Locks the slots and runs the command, with the token if asked for; without the token a slot
    /// that is locked ends it. `slots` are those of the keys when there are several.
    #[inline(always)]
    fn call_under(
        &mut self,
        session: &mut Session,
        spec: &'static Spec,
        args: Args<'_>,
        (seen, slots): (Seen, &[Slot]),
        out: &mut Vec<u8>,
        with_token: bool,
    ) -> Result<Outcome, Fail> {
        let (when, db) = (
            self.when(session),
            self.engine.store.physical_db(session.db),
        );
        let now = self.clock.stamp();
        let (locker, parts, ahead) = self.parts_and_keys();
        let known = ahead.keys(seen);
        let command = Command { spec, args, known };
        let token = with_token.then(|| locker.try_token().ok_or(Fail::Token));
        let token = token.transpose()?;
        let slots = match known {
            [KnownKey { slot, .. }] if slots.is_empty() => std::slice::from_ref(slot),
            _ => slots,
        };
        let routed = parts.desk.settings.cluster && !session.caller.replays() && !known.is_empty();
        let mut guards = lock(locker, slots, token.as_ref(), &mut session.misses)?;
        // MIGRATE waits itself, no longer than its time.
        if !session.caller.replays()
            && spec.id != Cmd::Migrate
            && let Some(key) = leaving::among(&mut guards, args, known)
        {
            return Ok(Outcome::Leaving(key));
        }
        if routed && let Some(guard) = guards.first_mut() {
            let keys: route::Keys<'_> = &mut |visit| each_key(args, known, visit);
            let wish = Wish::of(session, spec, keys, (when, now));
            if let Err(fail) = parts.desk.engine.check_route(wish, guard) {
                drop(guards);
                drop(token);
                return Ok(self.refuse(session, Some(spec), fail, out));
            }
        }
        if spec.run_by == RunBy::Host {
            // The program around the engine may wait: nothing is locked meanwhile.
            drop(guards);
            drop(token);
            let keys = Keyspace::new(locker, Guards::default(), db, when);
            return run(parts, session, command, keys, None, out);
        }
        let mut keys = Keyspace::new(locker, guards, db, when);
        if let Some(token) = &token {
            keys = keys.with_token(token);
        }
        run(parts, session, command, keys, None, out)
    }

    /// Runs a command under the world.
    fn call_with_world(
        &mut self,
        session: &mut Session,
        spec: &'static Spec,
        args: Args<'_>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        self.locker.close();
        self.look_at_pause();
        let (when, level) = (self.when(session), self.paused);
        let generation = self.generation;
        let (locker, parts) = self.parts();
        let outcome = match locker.try_world(PATIENCE) {
            None => Ok(Outcome::Token),
            // The gate was closed: a pause may have begun, or ended, and whoever changed the
            // settings trusts that no command goes by what was before.
            Some(_) if parts.desk.engine.pause.level() != level => Ok(Outcome::Token),
            Some(_) if parts.desk.engine.generation() != generation => Ok(Outcome::Token),
            Some(_) if is_paused(level, session, || changes(session, spec)) => Ok(Outcome::Paused),
            Some(world) => {
                // Another may have swapped databases.
                let db = parts.desk.engine.store.physical_db(session.db);
                let keys = Keyspace::of_world(locker, Guards::default(), db, when);
                let known = &[];
                let command = Command { spec, args, known };
                run(parts, session, command, keys, Some(&world), out)
            }
        };
        self.reopen();
        match outcome {
            Ok(outcome) => outcome,
            Err(Fail::Blocked) => Outcome::Blocked,
            Err(Fail::Undeclared(slot)) => self.end_undeclared(spec, slot),
            Err(fail) => {
                self.write_error(session, &fail, out);
                Outcome::Done
            }
        }
    }
}
