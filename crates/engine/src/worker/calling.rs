//! Calling a command: its slots, and what else it turns out to need.

use super::running::run;
use super::{MISSES, PATIENCE, Slots, lock};
use crate::ahead::{KnownKey, Seen};
use crate::fail::{self, Fail};
use crate::route::Wish;
use crate::{Keyspace, Outcome, Session, Worker, handlers, leaving};
use base::Slot;
use commands::{Spec, flag};
use resp::Args;

impl Worker {
    /// Locks the command's slots and runs it.
    pub(super) fn call(
        &mut self,
        session: &mut Session,
        spec: &'static Spec,
        seen: Seen,
        args: Args<'_>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        if handlers::needs_world(spec.id) {
            return self.call_with_world(session, spec, args, out);
        }
        let mut slots = Slots::new();
        let known = self.ahead.keys(seen);
        if known.len() > 1 {
            slots.extend(known.iter().map(|key| key.slot));
            slots.sort_unstable();
            slots.dedup();
            if slots.len() > 1 && self.settings.cluster && !session.trusted {
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
        let result = match fail {
            Fail::Token => self.call_patiently(session, spec, args, known, out),
            fail => Err(fail),
        };
        match result {
            Ok(outcome) => outcome,
            Err(Fail::World) => self.call_with_world(session, spec, args, out),
            Err(Fail::Busy(slot)) => Outcome::Busy(slot),
            Err(Fail::Token) => Outcome::Token,
            Err(Fail::Blocked) => Outcome::Blocked,
            Err(fail) => {
                self.write_error(session, &fail, out);
                Outcome::Done
            }
        }
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
        let token = with_token.then(|| locker.try_token().ok_or(Fail::Token));
        let token = token.transpose()?;
        let slots = match known {
            [KnownKey { slot, .. }] => std::slice::from_ref(slot),
            _ => slots,
        };
        let routed = parts.settings.cluster && !session.trusted && !known.is_empty();
        let mut guards = lock(locker, slots, token.as_ref(), &mut session.misses)?;
        if !session.trusted
            && let Some(key) = leaving::among(&mut guards, spec, args)
        {
            return Ok(Outcome::Leaving(key));
        }
        if routed && let Some(guard) = guards.first_mut() {
            let writes = spec.has(flag::WRITE);
            let wish = Wish {
                session,
                spec,
                args,
                writes,
                when,
                now,
            };
            if let Err(fail) = parts.engine.check_route(&wish, guard) {
                drop(guards);
                drop(token);
                return Ok(self.refuse(session, Some(spec), fail, out));
            }
        }
        let mut keys = Keyspace::new(locker, guards, db, when).knowing(args, known);
        if let Some(token) = &token {
            keys = keys.with_token(token);
        }
        run(parts, session, spec, args, keys, None, out)
    }

    /// Runs a command under the world.
    fn call_with_world(
        &mut self,
        session: &mut Session,
        spec: &'static Spec,
        args: Args<'_>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let (when, db) = (
            self.when(session),
            self.engine.store.physical_db(session.db),
        );
        let (locker, parts) = self.parts();
        locker.close();
        let outcome = match locker.try_world(PATIENCE) {
            None => Ok(Outcome::Token),
            Some(world) => {
                let mut keys = Keyspace::of_world(locker, db, when);
                match leaving::met(&mut keys, spec, args) {
                    Some(key) if !session.trusted => Ok(Outcome::Leaving(key)),
                    _ => run(parts, session, spec, args, keys, Some(&world), out),
                }
            }
        };
        self.locker.open();
        match outcome {
            Ok(outcome) => outcome,
            Err(Fail::Blocked) => Outcome::Blocked,
            Err(fail) => {
                self.write_error(session, &fail, out);
                Outcome::Done
            }
        }
    }
}
