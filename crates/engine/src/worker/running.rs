//! Running one command outside of a transaction: handler, effect, counters.

use crate::Outcome;
use crate::ahead::KnownKey;
use crate::clock::Stretch;
use crate::fail::{Done, Fail};
use crate::family::{monitor, slowlog};
use crate::stats::WorkerStats;
use crate::{
    Caller, Clock, Cx, Dice, Effects, Engine, Keyspace, Session, Settings, access, handlers,
};
use commands::{Cmd, Spec, flag};
use resp::{Args, Reply};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use store::Guards;
use store::gate::World;

/// The parts of a worker that a running command uses.
pub(crate) struct Parts<'w> {
    pub(crate) desk: Desk<'w>,
    pub(crate) books: Books<'w>,
}

/// What its handler is given.
pub(crate) struct Desk<'w> {
    pub(crate) engine: &'w Arc<Engine>,
    pub(crate) settings: &'w Settings,
    pub(crate) effects: &'w mut Effects,
    pub(crate) dice: &'w mut Dice,
}

/// What times and counts it, and the sequence that its reply waits for.
pub(crate) struct Books<'w> {
    pub(crate) stats: &'w WorkerStats,
    pub(crate) clock: &'w mut Clock,
    pub(crate) stretch: &'w mut Stretch,
    pub(crate) mark: &'w mut u64,
}

/// A command with its row, and its keys as they were found.
#[derive(Clone, Copy)]
pub(crate) struct Command<'a> {
    pub(crate) spec: &'static Spec,
    pub(crate) args: Args<'a>,
    pub(crate) known: &'a [KnownKey],
}

impl<'a> Desk<'a> {
    /// Begins a command, or a transaction with its first: how lookups mark keys, and where effects
    /// go.
    #[inline(always)]
    pub(crate) fn begin(
        self,
        (session, reply): (&'a mut Session, Reply<'a>),
        command: Command<'a>,
        mut keys: Keyspace<'a>,
        world: Option<&'a World<'a>>,
    ) -> Cx<'a> {
        prepare(self.engine, self.settings, session, &mut keys, self.effects);
        let caller = session.caller;
        Cx {
            engine: self.engine,
            settings: self.settings,
            session,
            spec: command.spec,
            args: command.args,
            known: command.known,
            keys,
            reply,
            effects: self.effects,
            dice: self.dice,
            world,
            caller,
        }
    }
}

/// The sequence that the file must have before anybody may see what a command saw: that of the last
/// effect of its slots, or of what changed all slots. Who saw more than slots waits for the end of
/// the journal.
pub(crate) fn seen(engine: &Engine, keys: &Keyspace<'_>, all: bool) -> u64 {
    let journal = &engine.store.journal;
    if all {
        journal.sequence()
    } else {
        let seen = keys.last_seen();
        seen.map_or(0, |sequence| sequence.max(journal.floor()))
    }
}

/// What comes before the handler: how lookups mark keys, and where effects go.
#[inline(always)]
fn prepare(
    engine: &Engine,
    settings: &Settings,
    session: &Session,
    keys: &mut Keyspace<'_>,
    effects: &mut Effects,
) {
    if !session.no_touch && !session.caller.replays() {
        keys.set_touch(Some(access::stamp(keys.when.now, settings)));
    }
    if session.caller.replays() {
        effects.begin_silent();
    } else if settings.replica {
        keys.set_local(true);
        effects.begin_local(&engine.store);
    } else {
        effects.begin(&engine.store);
    }
}

/// Runs one command outside of a transaction: handler, effect, counters.
#[inline(always)]
pub(super) fn run<'a>(
    parts: Parts<'a>,
    session: &'a mut Session,
    command: Command<'a>,
    keys: Keyspace<'a>,
    world: Option<&'a World<'a>>,
    out: &'a mut Vec<u8>,
) -> Result<Outcome, Fail> {
    let Parts { desk, books } = parts;
    let (engine, settings) = (desk.engine, desk.settings);
    let Books {
        stats,
        clock,
        stretch,
        mark,
    } = books;
    let Command { spec, args, .. } = command;
    let track = settings.latency_tracking;
    stretch.begin(spec.id, clock, stats, track);
    let start = out.len();
    let reply = Reply::new(out, session.resp3);
    // The slots are free when this ends, before anything is timed or counted. No handler gives them
    // back: what stands behind it in a transaction still needs them.
    let (result, session, mut reply) = {
        let mut cx = desk.begin((session, reply), command, keys, world);
        let result = handlers::of(spec.id)(&mut cx);
        cx.effects.end_command();
        let slotless = cx.keys.holds_none() && spec.has(flag::READONLY | flag::WRITE);
        if cx.caller != Caller::Stream || settle_stream(&mut cx, &result, start) {
            append_effects(&mut cx, slotless, mark);
        }
        if !matches!(&result, Err(fail) if fail.is_restart()) {
            monitor::show(engine, cx.session, spec, args);
        }
        let Cx { session, reply, .. } = cx;
        (result, session, reply)
    };
    let reply_len = reply.position().saturating_sub(start);
    let alone = is_timed_alone(settings, session, spec, reply_len);
    let took = stretch.ran(alone, clock, stats, track);
    let failed = match &result {
        Ok(()) => reply.is_error_at(start),
        Err(fail) if fail.is_restart() => {
            reply.rewind(start);
            return result.map(|()| Outcome::Done);
        }
        Err(Fail::Blocked) => false,
        Err(_) => {
            reply.rewind(start);
            true
        }
    };
    stats.called(spec.id, failed);
    if let Some(took) = took
        && !matches!(result, Err(Fail::Blocked))
    {
        slowlog::note(engine, settings, session, spec, args, took);
    }
    result.map(|()| outcome_of(spec.id, session))
}

/// Before a command of a primary's stream is journalled: whether it is, which one that is started
/// again is not yet.
fn settle_stream(cx: &mut Cx<'_>, result: &Done, start: usize) -> bool {
    match result {
        Err(fail) if fail.is_restart() => return false,
        Ok(()) if !cx.reply.is_error_at(start) => {}
        _ => cx.effects.keep_from_file(),
    }
    true
}

/// Arguments or a reply above this may take their time with any command, in bytes.
const LONG: usize = 64 << 10;
/// A limit of the slow log below this asks for the time of each command, in microseconds.
const EXACT: i64 = 1000;

/// Whether the clock is looked at after a command. Reading it costs a tenth of what a quick command
/// costs, so that those that cannot be slow share a reading with the others of their kind. In a
/// cluster the stamp also tells a node that was paused: there each command gets its own.
#[inline]
fn is_timed_alone(
    settings: &Settings,
    session: &Session,
    spec: &'static Spec,
    reply_len: usize,
) -> bool {
    let quick = spec.has(flag::FAST) || spec.id == Cmd::Set;
    let argument_bytes = session.card.numbers.argument_bytes.load(Ordering::Relaxed);
    !quick
        || settings.cluster
        || (0..EXACT).contains(&settings.slowlog_slower_than)
        || reply_len > LONG
        || argument_bytes > LONG as u64
}

/// Appends the effects of the command or transaction, while its slots are locked, and says what its
/// reply waits for; `slotless`: what it saw was not in its slots.
#[inline(always)]
pub(crate) fn append_effects(cx: &mut Cx<'_>, slotless: bool, mark: &mut u64) {
    let (sequence, world) = (commit(cx), cx.world.is_some());
    if sequence != 0 {
        cx.keys.set_last_effect(sequence);
        if world {
            // It may have changed any slot.
            cx.engine.store.journal.raise_floor(sequence);
        }
        cx.session.write_offset = cx.effects.offset();
        cx.session.write_sequence = sequence;
    }
    cx.effects.post(&cx.engine.store);
    if cx.settings.commit_gate {
        *mark = seen(cx.engine, &cx.keys, world || slotless);
    }
}

/// For the mutant: long enough for another worker to come in between, on any machine.
#[expect(clippy::disallowed_methods, reason = "it is broken on purpose")]
fn let_others_in() {
    std::thread::sleep(std::time::Duration::from_micros(100));
}

/// Appends the command's effects; returns their sequence number, 0 when there is none.
fn commit(cx: &mut Cx<'_>) -> u64 {
    // A transaction of a primary's stream is journalled at its EXEC.
    if cx.session.caller.replays() && cx.session.in_multi() {
        return 0;
    }
    let store = &cx.engine.store;
    if store.is_broken(store::Mutant::AppendAfterUnlock) {
        cx.keys = Keyspace::new(cx.keys.locker(), Guards::default(), 0, cx.keys.when);
        let_others_in();
    }
    cx.effects.commit(&store.journal)
}

fn outcome_of(cmd: Cmd, session: &Session) -> Outcome {
    match cmd {
        Cmd::Quit => Outcome::Close,
        Cmd::Psync | Cmd::Sync if session.becomes_replica => Outcome::Replicate,
        _ => Outcome::Done,
    }
}
