//! MONITOR: connections that are shown every command.

use crate::clients::flags;
use crate::fail::Done;
use crate::handlers::Handler;
use crate::redact::{REDACTED, secrets};
use crate::{ClientCard, Cx, Engine, Session};
use base::quote;
use commands::family::monitor::Handlers;
use commands::{Cmd, Spec, flag};
use parking_lot::RwLock;
use resp::Args;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::order::{Short, brief};

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers { Monitor: monitor };

/// The connections that are shown every command.
#[derive(Default)]
pub struct Monitors {
    any: AtomicBool,
    cards: RwLock<Vec<Arc<ClientCard>>>,
}

impl Monitors {
    /// A connection has gone or is shown nothing any more.
    pub fn remove(&self, id: u64) {
        if self.any.load(Ordering::Relaxed) {
            let _order = brief(Short::Registries);
            let mut cards = self.cards.write();
            cards.retain(|card| card.id != id);
            self.any.store(!cards.is_empty(), Ordering::Relaxed);
        }
    }

    fn add(&self, card: Arc<ClientCard>) {
        let _order = brief(Short::Registries);
        self.cards.write().push(card);
        self.any.store(true, Ordering::Relaxed);
    }
}

/// MONITOR
pub(crate) fn monitor(cx: &mut Cx<'_>) -> Done {
    if !cx.caller.may_wait() {
        return Err("ERR MONITOR isn't allowed for DENY BLOCKING client".into());
    }
    if !cx.session.monitor {
        cx.session.monitor = true;
        cx.session.card.set_flag(flags::MONITOR, true);
        cx.engine.monitors.add(cx.session.card.clone());
    }
    cx.reply.ok();
    Ok(())
}

/// Shows a command that ran to the monitors. It is called while its slots are locked, so that they
/// see each slot's commands in order.
#[inline]
pub(crate) fn show(engine: &Engine, session: &Session, spec: &'static Spec, args: Args<'_>) {
    if engine.monitors.any.load(Ordering::Relaxed)
        && !spec.has(flag::ADMIN)
        && (spec.id == Cmd::Exec || !spec.has(flag::SKIP_MONITOR))
        && !session.caller.replays()
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
    for card in engine.monitors.cards.read().iter() {
        engine.host().push(card, line.clone());
    }
}
