//! Running one command outside of a transaction: handler, effect, counters.

use crate::Outcome;
use crate::clock::Stretch;
use crate::fail::Fail;
use crate::family::slow;
use crate::stats::WorkerStats;
use crate::{Clock, Cx, Dice, Effects, Engine, Keyspace, Session, Settings, access, handlers};
use commands::{Cmd, Spec, flag};
use resp::{Args, Reply};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use store::gate::World;

/// The parts of a worker that a running command uses.
pub(crate) struct Parts<'w> {
    pub(crate) engine: &'w Arc<Engine>,
    pub(crate) settings: &'w Settings,
    pub(crate) effects: &'w mut Effects,
    pub(crate) dice: &'w mut Dice,
    pub(crate) stats: &'w WorkerStats,
    pub(crate) clock: &'w mut Clock,
    pub(crate) stretch: &'w mut Stretch,
    pub(crate) mark: &'w mut u64,
}

/// The sequence that the file must have before anybody may see what a command saw: that of the last
/// effect of its slots, or of what changed all slots. Who saw more than slots waits for the end of the
/// journal.
pub(crate) fn seen(engine: &Engine, keys: &mut Keyspace<'_>, all: bool) -> u64 {
    let journal = &engine.store.journal;
    if all {
        journal.sequence()
    } else {
        let seen = keys.last_seen();
        seen.map_or(0, |sequence| sequence.max(journal.floor()))
    }
}

/// Notes the place in the journal of what was done under these keys' slots; with the world, it may
/// have changed any slot.
pub(crate) fn note_effect(engine: &Engine, keys: &mut Keyspace<'_>, sequence: u64, world: bool) {
    keys.guards().set_last_effect(sequence);
    if world {
        engine.store.journal.raise_floor(sequence);
    }
}

/// What comes before the handler: how lookups mark keys, and where effects go.
pub(crate) fn prepare(
    engine: &Engine,
    settings: &Settings,
    session: &Session,
    keys: &mut Keyspace<'_>,
    effects: &mut Effects,
) {
    if !session.no_touch && !session.trusted {
        keys.set_touch(Some(access::stamp(keys.when.now, settings)));
    }
    if session.trusted {
        effects.begin_silent();
    } else if settings.replica {
        keys.set_local(true);
        effects.begin_local(&engine.store.journal);
    } else {
        effects.begin(&engine.store.journal);
    }
}

/// Runs one command outside of a transaction: handler, effect, counters.
#[inline(always)]
pub(super) fn run<'a>(
    parts: Parts<'a>,
    session: &'a mut Session,
    spec: &'static Spec,
    args: Args<'a>,
    mut keys: Keyspace<'a>,
    world: Option<&'a World<'a>>,
    out: &'a mut Vec<u8>,
) -> Result<Outcome, Fail> {
    let Parts {
        engine,
        settings,
        effects,
        dice,
        stats,
        clock,
        stretch,
        mark,
    } = parts;
    let track = settings.latency_tracking;
    stretch.begin(spec.id, clock, stats, track);
    prepare(engine, settings, session, &mut keys, effects);
    let start = out.len();
    let resp3 = session.resp3;
    let reply = Reply::new(out, resp3);
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
        in_exec: false,
    };
    let result = handlers::of(spec.id)(&mut cx);
    let sequence = commit(&mut cx);
    if sequence != 0 {
        note_effect(engine, &mut cx.keys, sequence, world.is_some());
        cx.session.write_offset = cx.effects.offset();
        cx.session.write_sequence = sequence;
    }
    if settings.commit_gate {
        let slotless = cx.keys.guards().is_empty() && spec.has(flag::READONLY | flag::WRITE);
        *mark = seen(engine, &mut cx.keys, world.is_some() || slotless);
    }
    if !matches!(result, Err(Fail::Busy(_) | Fail::World | Fail::Token)) {
        slow::show(engine, cx.session, spec, args);
    }
    cx.keys.release();
    let reply_len = cx.reply.position().saturating_sub(start);
    let alone = is_timed_alone(settings, cx.session, spec, reply_len);
    let took = stretch.ran(alone, clock, stats, track);
    let failed = match &result {
        Ok(()) => cx.reply.is_error_at(start),
        Err(Fail::Busy(_) | Fail::World | Fail::Token) => {
            cx.reply.rewind(start);
            return result.map(|()| Outcome::Done);
        }
        Err(Fail::Blocked) => false,
        Err(_) => {
            cx.reply.rewind(start);
            true
        }
    };
    stats.called(spec.id, failed);
    if let Some(took) = took
        && !matches!(result, Err(Fail::Blocked))
    {
        slow::note(engine, settings, cx.session, spec, args, took);
    }
    result.map(|()| outcome_of(spec.id, cx.session))
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

/// Appends the command's effects; returns their sequence number, 0 when there is none.
fn commit(cx: &mut Cx<'_>) -> u64 {
    // A transaction of a primary's stream is journalled at its EXEC.
    if cx.session.trusted && cx.session.in_multi() {
        return 0;
    }
    let store = &cx.engine.store;
    if store.is_broken(store::Mutant::AppendAfterUnlock) {
        cx.keys.release();
        // Long enough for another worker to come in between, on any machine.
        std::thread::sleep(std::time::Duration::from_micros(100));
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
