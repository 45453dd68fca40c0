//! Commands that others look at: those that took long (SLOWLOG), and all of them (MONITOR).

use crate::clients::flags;
use crate::fail::{Done, bad_subcommand};
use crate::{ClientCard, Cx, Engine, Session, Settings};
use base::{num, quote};
use commands::{Cmd, Spec, flag};
use parking_lot::{Mutex, RwLock};
use resp::Args;
use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use store::order::{Short, brief};

/// Arguments of a command that the slow log keeps.
const KEPT_ARGUMENTS: usize = 32;
/// Bytes of an argument that it keeps.
const KEPT_BYTES: usize = 128;

/// The slow log and the monitors.
#[derive(Default)]
pub struct Onlookers {
    log: Mutex<Log>,
    watched: AtomicBool,
    monitors: RwLock<Vec<Arc<ClientCard>>>,
}

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

impl Onlookers {
    /// A connection has gone or watches no longer.
    pub fn remove(&self, id: u64) {
        if self.watched.load(Ordering::Relaxed) {
            let _order = brief(Short::Registries);
            let mut monitors = self.monitors.write();
            monitors.retain(|card| card.id != id);
            self.watched.store(!monitors.is_empty(), Ordering::Relaxed);
        }
    }

    fn add(&self, card: Arc<ClientCard>) {
        let _order = brief(Short::Registries);
        self.monitors.write().push(card);
        self.watched.store(true, Ordering::Relaxed);
    }
}

/// Shows a command that ran to the monitors. It is called while its slots are locked, so that they
/// see each slot's commands in order.
#[inline]
pub(crate) fn show(engine: &Engine, session: &Session, spec: &'static Spec, args: Args<'_>) {
    if engine.onlookers.watched.load(Ordering::Relaxed)
        && !spec.has(flag::ADMIN)
        && (spec.id == Cmd::Exec || !spec.has(flag::SKIP_MONITOR))
        && !session.trusted
    {
        show_now(engine, session, spec, args);
    }
}

#[cold]
fn show_now(engine: &Engine, session: &Session, spec: &'static Spec, args: Args<'_>) {
    let now = crate::wall_us();
    let (seconds, micros) = (now / 1_000_000, now % 1_000_000);
    let mut line = Vec::with_capacity(64 + args.payload_len());
    // Writing to a vector cannot fail.
    let _ = write!(
        line,
        "+{seconds}.{micros:06} [{} {}]",
        session.db, session.card.peer
    );
    let secrets = secrets(spec, args);
    for (index, arg) in args.iter().enumerate() {
        line.push(b' ');
        let secret = secrets.binary_search(&index).is_ok();
        quote(&mut line, if secret { REDACTED } else { arg });
    }
    line.extend_from_slice(b"\r\n");
    let line: Arc<[u8]> = line.into();
    let _order = brief(Short::Registries);
    for card in engine.onlookers.monitors.read().iter() {
        engine.host().push(card, line.clone());
    }
}

/// What is shown in place of a secret.
const REDACTED: &[u8] = b"(redacted)";

/// The indexes of the arguments that nobody is to see, in order: as the command's row and the
/// table of options have it.
fn secrets(spec: &Spec, args: Args<'_>) -> Vec<usize> {
    let argv = commands::ByIndex::new(args.len(), |index| args.get(index));
    let mut found = Vec::new();
    commands::secrets(spec, &argv, config::is_secret, &mut |index| {
        found.push(index);
    });
    found
}

/// MONITOR
pub(crate) fn monitor(cx: &mut Cx<'_>) -> Done {
    if cx.in_exec {
        return Err("ERR MONITOR isn't allowed for DENY BLOCKING client".into());
    }
    if !cx.session.monitor {
        cx.session.monitor = true;
        cx.session.card.set_flag(flags::MONITOR, true);
        cx.engine.onlookers.add(cx.session.card.clone());
    }
    cx.reply.ok();
    Ok(())
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
    if session.trusted || spec.has(flag::SKIP_SLOWLOG) || settings.slowlog_max_len == 0 {
        return;
    }
    let _order = brief(Short::Registries);
    let mut log = engine.onlookers.log.lock();
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
pub(crate) fn slowlog_get(cx: &mut Cx<'_>) -> Done {
    let count = match cx.args.opt(2) {
        None => 10,
        Some(_) if cx.args.len() > 3 => return Err(bad_subcommand(cx.args)),
        Some(count) => {
            let count = num::parse_i64(count).filter(|count| *count >= -1);
            count.ok_or("ERR count should be greater than or equal to -1")?
        }
    };
    let _order = brief(Short::Registries);
    let log = cx.engine.onlookers.log.lock();
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
pub(crate) fn slowlog_len(cx: &mut Cx<'_>) -> Done {
    let count = cx.engine.onlookers.log.lock().entries.len();
    cx.reply.int(count as i64);
    Ok(())
}

/// SLOWLOG RESET
pub(crate) fn slowlog_reset(cx: &mut Cx<'_>) -> Done {
    cx.engine.onlookers.log.lock().entries.clear();
    cx.reply.ok();
    Ok(())
}
