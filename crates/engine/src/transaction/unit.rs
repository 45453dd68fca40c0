//! The unit of a transaction: the commands that run with all their slots locked, as one unit of the
//! journal.

use super::Queued;
use crate::ahead::{KnownKey, each_key};
use crate::clients::flags;
use crate::fail::Fail;
use crate::family::{monitor, slowlog};
use crate::route::Wish;
use crate::worker::{Command, Parts};
use crate::{Clock, Cx, Engine, Keyspace, Outcome, Session, handlers};
use base::Slot;
use commands::flag;
use resp::Reply;
use std::time::Instant;
use store::gate::World;

/// The commands of a transaction's queue that run in its unit.
pub(super) struct Unit<'q> {
    pub(super) queue: &'q [Queued],
    /// The places of those that run behind it, ascending.
    pub(super) behind: &'q [usize],
    /// Where each reply of the unit ends, behind where the first begins; none if it did not run.
    pub(super) ends: Option<Vec<usize>>,
}

/// Why a unit does not run.
pub(super) enum Refusal {
    /// This key of it is on its way to another server.
    Leaving(Box<[u8]>),
    /// It is not served here.
    Fail(Fail),
}

impl<'q> Unit<'q> {
    fn commands(&self) -> impl Iterator<Item = &'q Queued> {
        let behind = self.behind;
        let mine = move |(nth, _): &(usize, &Queued)| behind.binary_search(nth).is_err();
        self.queue.iter().enumerate().filter(mine).map(|(_, q)| q)
    }

    /// The keys of all its commands.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'q KnownKey> {
        self.commands().flat_map(|queued| &queued.keys)
    }

    /// Whether one of its commands has any of these flags.
    pub(super) fn has(&self, flags: u32) -> bool {
        self.commands().any(|queued| queued.spec.has(flags))
    }

    /// The keys by which the transaction is routed: those of MIGRATE count, which runs behind the
    /// unit. On its own it is served wherever a slot is on its way; in a transaction it is not.
    pub(super) fn routed_keys(&self) -> impl Iterator<Item = &'q KnownKey> {
        self.queue.iter().flat_map(|queued| &queued.keys)
    }

    /// Whether it may run here, now that its slots are locked. In cluster mode `home` is the slot
    /// of the transaction's keys, if it has any: all of them together decide.
    pub(super) fn check(
        &self,
        engine: &Engine,
        session: &Session,
        home: Option<Slot>,
        keys: &mut Keyspace<'_>,
        now: Instant,
    ) -> Result<(), Refusal> {
        if session.caller.replays() {
            return Ok(());
        }
        let leaving = |queued: &Queued| keys.leaving_among(queued.args.as_args(), &queued.keys);
        if let Some(key) = self.commands().find_map(leaving) {
            return Err(Refusal::Leaving(key));
        }
        let Some(home) = home else { return Ok(()) };
        let all = &mut |visit: &mut dyn FnMut(&[u8], u64)| {
            for Queued { args, keys, .. } in self.queue {
                each_key(args.as_args(), keys, visit);
            }
        };
        let wish = Wish {
            asking: session.asking,
            readonly: session.readonly,
            migrates: false,
            writes: self.queue.iter().any(|queued| queued.spec.has(flag::WRITE)),
            memory_refusal: session.memory_refusal,
            keys: all,
            when: keys.when,
            now,
        };
        let guard = keys.reach(home).map_err(Refusal::Fail)?;
        engine.check_route(wish, guard).map_err(Refusal::Fail)
    }

    /// Runs it. Its replies follow one another; where it is all of the transaction, the length of
    /// the whole comes before them.
    pub(super) fn run<'a>(
        &mut self,
        parts: Parts<'a>,
        session: &'a mut Session,
        mut keys: Keyspace<'a>,
        world: Option<&'a World<'a>>,
        out: &'a mut Vec<u8>,
    ) -> Outcome
    where
        'q: 'a,
    {
        let Parts { desk, books } = parts;
        let dirty = is_dirty(session, &mut keys);
        end_watches(session, &mut keys);
        let mut reply = Reply::new(out, session.resp3);
        if dirty {
            // Nothing is run. The reply tells of what another has changed, and waits for that.
            reply.null_array();
            if desk.settings.commit_gate {
                *books.mark = crate::worker::seen(desk.engine, &keys, world.is_some());
            }
            return Outcome::Done;
        }
        if self.behind.is_empty() {
            reply.array(self.queue.len());
        }
        let (start, mut ends) = (reply.position(), Vec::new());
        let Some(first) = self.queue.first() else {
            return Outcome::Done;
        };
        let mut cx = desk.begin((session, reply), first.command(), keys, world);
        cx.caller = cx.caller.in_exec();
        for queued in self.commands() {
            run_queued(&mut cx, queued, books.clock, books.stats);
            ends.push(cx.reply.position() - start);
        }
        self.ends = Some(ends);
        let slotless = cx.keys.holds_none();
        crate::worker::append_effects(&mut cx, slotless, books.mark);
        Outcome::Done
    }
}

/// Runs one command of the unit.
fn run_queued<'a>(
    cx: &mut Cx<'a>,
    queued: &'a Queued,
    clock: &mut Clock,
    stats: &crate::stats::WorkerStats,
) {
    let (engine, settings) = (cx.engine, cx.settings);
    let Command { spec, args, known } = queued.command();
    (cx.spec, cx.args, cx.known) = (spec, args, known);
    cx.session.note_command(spec, cx.args);
    cx.keys.set_db(engine.store.physical_db(cx.session.db));
    let start = cx.reply.position();
    let result = handlers::of(spec.id)(cx);
    cx.effects.end_command();
    let failed = result.is_err() || cx.reply.is_error_at(start);
    if let Err(fail) = result {
        cx.reply.rewind(start);
        if let Fail::Undeclared(slot) = fail {
            crate::worker::tell_of_undeclared(engine, spec, slot);
            cx.session.card.set_flag(flags::CLOSING, true);
        }
        let text = fail.text().unwrap_or(b"ERR not possible in a transaction");
        stats.error(text);
        cx.reply.error(text);
    }
    if cx.reply.position() == start {
        // CLIENT REPLY SKIP answers nothing: the array has a place for it all the same.
        cx.reply.ok();
    }
    let took = clock.lap();
    stats.timed(spec.id, took, failed, settings.latency_tracking);
    monitor::show(engine, cx.session, spec, cx.args);
    slowlog::note(engine, settings, cx.session, spec, cx.args, took);
}

/// Whether a watched key changed, or has expired since it was watched.
fn is_dirty(session: &Session, keys: &mut Keyspace<'_>) -> bool {
    let now = keys.when.now;
    let expired = |(number, key): &(u16, Box<[u8]>)| {
        let db = keys.locker().store().physical_db(*number);
        keys.watched(key)
            .is_some_and(|guard| guard.has_expired(db, key, &session.watch, now))
    };
    session.watch.is_dirty() || session.watched.iter().any(expired)
}

fn end_watches(session: &mut Session, keys: &mut Keyspace<'_>) {
    if session.watched.is_empty() && !session.watch.is_dirty() {
        return;
    }
    for (number, key) in std::mem::take(&mut session.watched) {
        let db = keys.locker().store().physical_db(number);
        if let Some(guard) = keys.watched(&key) {
            guard.unwatch(db, &key, &session.watch);
        }
    }
    session.begin_watch();
}
