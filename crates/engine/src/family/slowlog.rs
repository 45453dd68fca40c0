//! SLOWLOG: the commands that took long.

use crate::fail::{Done, bad_subcommand};
use crate::family::command;
use crate::handlers::Handler;
use crate::redact::{REDACTED, secrets};
use crate::{Cx, Engine, Session, Settings};
use base::num;
use commands::family::slowlog::Handlers;
use commands::{Cmd, Spec, flag};
use parking_lot::Mutex;
use resp::Args;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use store::order::{Short, brief};

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    SlowlogGet: get,
    SlowlogHelp: command::help,
    SlowlogLen: len,
    SlowlogReset: reset,
};

/// Arguments of a command that the slow log keeps.
const KEPT_ARGUMENTS: usize = 32;
/// Bytes of an argument that it keeps.
const KEPT_BYTES: usize = 128;

/// The slow log.
#[derive(Default)]
pub struct SlowLog(Mutex<Log>);

#[derive(Default)]
struct Log {
    entries: VecDeque<Entry>,
    next_id: i64,
}

struct Entry {
    id: i64,
    at_seconds: i64,
    microseconds: i64,
    args: Vec<Vec<u8>>,
    peer: String,
    name: Vec<u8>,
}

/// Notes a command that took longer than the limit allows.
#[inline]
pub(crate) fn note(
    engine: &Engine,
    settings: &Settings,
    session: &Session,
    spec: &'static Spec,
    args: Args<'_>,
    took: Duration,
) {
    note_kept(engine, settings, session, spec, || kept(spec, args), took);
}

#[inline]
fn note_kept(
    engine: &Engine,
    settings: &Settings,
    session: &Session,
    spec: &'static Spec,
    args: impl FnOnce() -> Vec<Vec<u8>>,
    took: Duration,
) {
    // CONFIG SET goes by what it has set.
    let changed = (spec.id == Cmd::ConfigSet).then(|| engine.settings());
    let settings = changed.as_deref().unwrap_or(settings);
    let micros = took.as_micros() as i64;
    if settings.latency_threshold > 0 && micros as u64 / 1000 >= settings.latency_threshold {
        let fast = spec.has(flag::FAST);
        let event = if fast { "fast-command" } else { "command" };
        engine.latency.note(event, micros as u64 / 1000);
    }
    if settings.slowlog_slower_than >= 0 && micros >= settings.slowlog_slower_than {
        enter(engine, settings, session, spec, args(), micros);
    }
}

/// A command that another thread does: its connection waits, its worker goes on.
pub(crate) struct Elsewhere {
    spec: &'static Spec,
    began: Instant,
    /// The arguments as the slow log keeps them.
    args: Vec<Vec<u8>>,
}

/// Remembers a command that another thread does, for when it is done. Waiting for something to
/// happen is not being slow.
pub(crate) fn done_elsewhere(cx: &mut Cx<'_>, began: Instant) {
    cx.session.elsewhere = (!cx.spec.has(flag::BLOCKING)).then(|| {
        Box::new(Elsewhere {
            spec: cx.spec,
            began,
            args: kept(cx.spec, cx.args),
        })
    });
}

impl Engine {
    /// The command that a connection waited for is done: the slow log hears of it.
    pub fn answered(&self, session: &mut Session) {
        if let Some(done) = session.elsewhere.take() {
            let Elsewhere { spec, began, args } = *done;
            let settings = self.settings();
            note_kept(self, &settings, session, spec, || args, began.elapsed());
        }
    }
}

#[cold]
fn enter(
    engine: &Engine,
    settings: &Settings,
    session: &Session,
    spec: &'static Spec,
    args: Vec<Vec<u8>>,
    microseconds: i64,
) {
    // Without room for entries none is numbered.
    if session.caller.replays() || spec.has(flag::SKIP_SLOWLOG) || settings.slowlog_max_len == 0 {
        return;
    }
    let _order = brief(Short::Registries);
    let mut log = engine.slow_log.0.lock();
    let id = log.next_id;
    log.next_id += 1;
    log.entries.push_front(Entry {
        id,
        at_seconds: crate::wall_us() / 1_000_000,
        microseconds,
        args,
        peer: session.card.peer.clone(),
        name: session.card.label.lock().name.clone(),
    });
    log.entries.truncate(settings.slowlog_max_len);
}

/// The arguments as far as they are kept.
fn kept(spec: &Spec, args: Args<'_>) -> Vec<Vec<u8>> {
    let all = args.len();
    let shown = if all > KEPT_ARGUMENTS {
        KEPT_ARGUMENTS - 1
    } else {
        all
    };
    let secrets = secrets(spec, args);
    let cut = |(index, arg): (usize, &[u8])| {
        if secrets.binary_search(&index).is_ok() {
            return REDACTED.to_vec();
        }
        if arg.len() <= KEPT_BYTES {
            return arg.to_vec();
        }
        let mut text = arg[..KEPT_BYTES].to_vec();
        let more = arg.len() - KEPT_BYTES;
        text.extend_from_slice(format!("... ({more} more bytes)").as_bytes());
        text
    };
    let mut kept: Vec<_> = args.iter().enumerate().take(shown).map(cut).collect();
    if shown < all {
        kept.push(format!("... ({} more arguments)", all - shown).into_bytes());
    }
    kept
}

/// SLOWLOG GET [count]
pub(crate) fn get(cx: &mut Cx<'_>) -> Done {
    let count = match cx.args.opt(2) {
        None => 10,
        Some(_) if cx.args.len() > 3 => return Err(bad_subcommand(cx.args)),
        Some(count) => {
            let count = num::parse_i64(count).filter(|count| *count >= -1);
            count.ok_or("ERR count should be greater than or equal to -1")?
        }
    };
    let _order = brief(Short::Registries);
    let log = cx.engine.slow_log.0.lock();
    let count =
        usize::try_from(count).map_or(log.entries.len(), |count| count.min(log.entries.len()));
    let reply = &mut cx.reply;
    reply.array(count);
    for entry in log.entries.iter().take(count) {
        reply.array(6);
        reply.int(entry.id);
        reply.int(entry.at_seconds);
        reply.int(entry.microseconds);
        reply.array(entry.args.len());
        entry.args.iter().for_each(|arg| reply.bulk(arg));
        reply.bulk(&entry.peer);
        reply.bulk(&entry.name);
    }
    Ok(())
}

/// SLOWLOG LEN
pub(crate) fn len(cx: &mut Cx<'_>) -> Done {
    let count = cx.engine.slow_log.0.lock().entries.len();
    cx.reply.int(count as i64);
    Ok(())
}

/// SLOWLOG RESET
pub(crate) fn reset(cx: &mut Cx<'_>) -> Done {
    cx.engine.slow_log.0.lock().entries.clear();
    cx.reply.ok();
    Ok(())
}
