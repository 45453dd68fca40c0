//! MULTI: commands that wait for EXEC.

use crate::fail::{self, Fail};
use crate::family::slow;
use crate::route::Wish;
use crate::worker::{MISSES, Parts, Slots, lock, slots_of};
use crate::{Cx, Keyspace, Outcome, Session, Worker, handlers, leaving};
use base::Slot;
use commands::{Cmd, Spec};
use resp::{Args, ArgsBuf, Reply};
use std::time::Duration;
use store::gate::World;
use store::{Guards, Locker};

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
}

impl Transaction {
    /// Queues a command.
    pub fn push(&mut self, spec: &'static Spec, args: resp::Args<'_>) {
        self.bytes += args.payload_len();
        self.queue.push(Queued {
            spec,
            args: args.to_buf(),
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
    /// EXEC: runs what was queued under the slots of all its keys and of the watched keys.
    pub(crate) fn exec(
        &mut self,
        session: &mut Session,
        args: Args<'_>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        self.end_stretch();
        let Some(transaction) = session.transaction.take() else {
            return self.fail_exec(session, fail::EXEC_WITHOUT_MULTI, args, out);
        };
        if transaction.failed {
            unwatch(session, self.locker());
            return self.fail_exec(session, fail::EXECABORT, args, out);
        }
        let (began, start) = (self.now(), out.len());
        let outcome = self.exec_queue(session, &transaction, out);
        if outcome == Outcome::Done {
            // The last of its commands has just looked at the clock.
            let took = self.now() - began;
            let (failed, track) = (
                out[start..].starts_with(b"-"),
                self.settings.latency_tracking,
            );
            self.stats.timed(Cmd::Exec, took, failed, track);
            slow::show(&self.engine, session, Cmd::Exec.spec(), args);
        }
        if outcome.is_undone() {
            session.transaction = Some(transaction);
        }
        outcome
    }

    fn exec_queue(
        &mut self,
        session: &mut Session,
        transaction: &Transaction,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let queue = &transaction.queue;
        let when = self.when(session);
        let db = self.engine.store.physical_db(session.db);
        if queue
            .iter()
            .any(|queued| handlers::needs_world_in_exec(queued.spec.id))
        {
            return self.exec_with_world(session, queue, when, db, out);
        }
        let mut slots = Slots::new();
        for queued in queue {
            slots_of(queued.spec, queued.args.as_args(), &mut slots);
        }
        slots.extend(session.watched.iter().map(|(_, key)| Slot::of_key(key)));
        slots.sort_unstable();
        slots.dedup();
        let routed = self.settings.cluster && !session.trusted && !slots.is_empty();
        if routed && slots.len() > 1 {
            return self.refuse_exec(session, fail::CROSSSLOT.into(), out);
        }
        let now = self.now();
        let (locker, parts) = self.parts();
        let token = (session.misses >= MISSES).then(|| locker.try_token());
        let Some(token) = token.map_or(Some(None), |token| token.map(Some)) else {
            return Outcome::Token;
        };
        let mut guards = match lock(locker, &slots, token.as_ref(), &mut session.misses) {
            Ok(guards) => guards,
            Err(Fail::Busy(slot)) => return Outcome::Busy(slot),
            Err(_) => return Outcome::Later,
        };
        if !session.trusted
            && let Some(key) = touches_leaving(&mut guards, queue)
        {
            return Outcome::Leaving(key);
        }
        if routed && let Some(guard) = guards.first_mut() {
            let writes = transaction.writes();
            let refused = queue.iter().find_map(|Queued { spec, args }| {
                let args = args.as_args();
                let wish = Wish {
                    session,
                    spec,
                    args,
                    writes,
                    when,
                    now,
                };
                parts.engine.check_route(&wish, guard).err()
            });
            if let Some(fail) = refused {
                drop(guards);
                drop(token);
                return self.refuse_exec(session, fail, out);
            }
        }
        let keys = Keyspace::new(locker, guards, db, when);
        run_queue(parts, session, queue, keys, None, out)
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
        slow::show(&self.engine, session, Cmd::Exec.spec(), args);
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
        queue: &[Queued],
        when: store::When,
        db: u16,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let (locker, parts) = self.parts();
        locker.close();
        let outcome = match locker.try_world(crate::worker::PATIENCE) {
            None => Outcome::Token,
            Some(world) => {
                let mut keys = Keyspace::of_world(locker, db, when);
                let mut queued = queue.iter();
                let met = queued.find_map(|Queued { spec, args }| {
                    leaving::met(&mut keys, spec, args.as_args())
                });
                match met {
                    Some(key) if !session.trusted => Outcome::Leaving(key),
                    _ => run_queue(parts, session, queue, keys, Some(&world), out),
                }
            }
        };
        locker.open();
        outcome
    }
}

/// Runs the queue with all its slots locked, as one unit of the journal.
fn run_queue<'a>(
    parts: Parts<'a>,
    session: &'a mut Session,
    queue: &'a [Queued],
    mut keys: Keyspace<'a>,
    world: Option<&'a World<'a>>,
    out: &'a mut Vec<u8>,
) -> Outcome {
    if is_dirty(session, &mut keys) {
        end_watches(session, &mut keys);
        Reply::new(out, session.resp3).null_array();
        return Outcome::Done;
    }
    end_watches(session, &mut keys);
    let Parts {
        engine,
        settings,
        effects,
        dice,
        stats,
        clock,
        stretch: _,
        mark,
    } = parts;
    crate::worker::prepare(engine, settings, session, &mut keys, effects);
    let mut reply = Reply::new(out, session.resp3);
    reply.array(queue.len());
    let Some(first) = queue.first() else {
        return Outcome::Done;
    };
    let (spec, args) = (first.spec, first.args.as_args());
    let mut cx = Cx {
        engine,
        settings,
        session,
        spec,
        args,
        keys,
        reply,
        effects,
        dice,
        world,
        in_exec: true,
    };
    for Queued { spec, args } in queue {
        (cx.spec, cx.args) = (spec, args.as_args());
        cx.session.note_command(spec, cx.args);
        cx.keys.set_db(engine.store.physical_db(cx.session.db));
        let start = cx.reply.position();
        let result = handlers::of(spec.id)(&mut cx);
        let failed = result.is_err() || cx.reply.is_error_at(start);
        if let Err(fail) = result {
            cx.reply.rewind(start);
            let text: &[u8] = match &fail {
                Fail::Error(text) => text.as_bytes(),
                Fail::Raw(text) => text,
                Fail::Busy(_) | Fail::World | Fail::Token | Fail::Blocked => {
                    b"ERR not possible in a transaction"
                }
            };
            stats.error(text);
            cx.reply.error(text);
        }
        let took = clock.lap();
        stats.timed(spec.id, took, failed, settings.latency_tracking);
        slow::show(engine, cx.session, spec, cx.args);
        slow::note(engine, settings, cx.session, spec, cx.args, took);
    }
    let sequence = cx.effects.commit_transaction(&engine.store.journal);
    if sequence != 0 {
        cx.keys.guards().set_last_effect(sequence);
        cx.session.write_offset = cx.effects.offset();
        cx.session.write_sequence = sequence;
    }
    if settings.commit_gate {
        let slotless = cx.keys.guards().is_empty();
        *mark = crate::worker::seen(engine, &mut cx.keys, world.is_some() || slotless);
    }
    Outcome::Done
}

/// The first key of a queued command that is on its way to another server.
fn touches_leaving(guards: &mut Guards<'_>, queue: &[Queued]) -> Option<Box<[u8]>> {
    let mut queue = queue.iter();
    queue.find_map(|queued| leaving::among(guards, queued.spec, queued.args.as_args()))
}

/// Whether a watched key changed, or has expired since it was watched.
fn is_dirty(session: &Session, keys: &mut Keyspace<'_>) -> bool {
    let now = keys.when.now;
    let expired = |(number, key): &(u16, Box<[u8]>)| {
        let db = keys.locker().store().physical_db(*number);
        let guard = keys.guard(Slot::of_key(key));
        guard.has_expired(db, key, &session.watch, now)
    };
    session.watch.is_dirty() || session.watched.iter().any(expired)
}

fn end_watches(session: &mut Session, keys: &mut Keyspace<'_>) {
    if session.watched.is_empty() && !session.watch.is_dirty() {
        return;
    }
    for (number, key) in std::mem::take(&mut session.watched) {
        let db = keys.locker().store().physical_db(number);
        keys.guard(Slot::of_key(&key))
            .unwatch(db, &key, &session.watch);
    }
    session.begin_watch();
}
