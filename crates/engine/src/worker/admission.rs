//! Whether the server's state lets a command run, now or later.

use crate::fail::{self, Done};
use crate::transaction::Transaction;
use crate::{PauseKind, Session, Settings, Worker};
use commands::{Cmd, Spec, flag};
use std::time::Duration;

/// Refuses what must not run while loading, on a stale or read-only replica, or while writes are
/// stopped: whatever it looks at but [`flag::PROTECTED`], [`Settings::let_all_run`] looks at too.
pub(super) fn by_state(settings: &Settings, session: &Session, spec: &'static Spec) -> Done {
    let debugs = match settings.debug {
        0 => false,
        1 => session.card.is_local(),
        _ => true,
    };
    if spec.has(flag::PROTECTED) && !debugs {
        return Err(fail::NO_DEBUG.into());
    }
    // EXEC may do what all of its commands may, and does what any of them does.
    let queue = session.transaction.as_ref();
    let queue = queue.filter(|_| spec.id == Cmd::Exec);
    let may = |flag| spec.has(flag) && queue.is_none_or(|queue| queue.all_have(flag));
    if settings.loading && !may(flag::LOADING) {
        return Err(fail::LOADING.into());
    }
    // In a cluster a client of a node that just became a replica must hear where the slot is now:
    // commands with keys are redirected before the replica's own rules count.
    let keyed = queue.map_or_else(|| spec.has_keys(), Transaction::has_keys);
    let routed = settings.cluster && keyed;
    let serves_here = session.readonly || !routed;
    if settings.stale && serves_here && !may(flag::STALE) {
        return Err(fail::MASTERDOWN.into());
    }
    let writes = spec.has(flag::WRITE) || queue.is_some_and(Transaction::writes);
    if writes && settings.replica && settings.replica_read_only && !routed {
        return Err(fail::READONLY.into());
    }
    if let Some(text) = settings.refuse_writes
        && !settings.replica
        && (writes || (spec.id == Cmd::Ping && text.starts_with("MISCONF")))
    {
        return Err(text.into());
    }
    if let Some(reason) = &settings.append_only_failure
        && !settings.replica
        && (writes || spec.id == Cmd::Ping)
    {
        let text = format!("MISCONF Errors writing to the AOF file: {reason}");
        return Err(fail::Fail::Raw(text.into_bytes()));
    }
    Ok(())
}

/// So long a command waits for the end of a load before it is told of it. Redis looks at its
/// clients during a load only now and then, so that nobody hears of one that is over in a moment:
/// programs that set up a cluster take LOADING for a node that is lost.
const QUICK_LOAD: Duration = Duration::from_millis(100);

impl Worker {
    /// Refuses what may need memory, past `maxmemory`, where it is queued too. In a cluster a
    /// command with keys is redirected first, where its slot is another node's: the refusal goes
    /// with it.
    pub(super) fn admit_memory(
        &self,
        session: &mut Session,
        spec: &'static Spec,
        limit: u64,
    ) -> Done {
        let queue = session.transaction.as_ref();
        let executes = queue.filter(|_| spec.id == Cmd::Exec);
        let needs =
            spec.has(flag::DENYOOM) || executes.is_some_and(|queue| queue.has(flag::DENYOOM));
        if !needs || !self.engine.is_past(limit) {
            return Ok(());
        }
        let keyed = executes.map_or_else(|| spec.has_keys(), Transaction::has_keys);
        if self.settings.cluster && keyed {
            session.memory_refusal = Some(match spec.id {
                Cmd::Exec => fail::EXECABORT_OOM,
                _ => fail::OOM,
            });
            return Ok(());
        }
        Err(fail::OOM.into())
    }

    /// Whether the command waits for the end of a load that may be over in a moment.
    pub(super) fn waits_for_load(&self, session: &Session, spec: &'static Spec) -> bool {
        let refused =
            self.settings.loading && !session.caller.replays() && !spec.has(flag::LOADING);
        refused
            && self
                .loading_since
                .is_some_and(|since| self.now().saturating_duration_since(since) < QUICK_LOAD)
    }

    /// Whether the command waits for the end of a pause.
    #[inline]
    pub(super) fn waits_for_pause(&self, session: &Session, spec: &'static Spec) -> bool {
        is_paused(self.paused, session, || changes(session, spec))
    }

    /// Whether the command waits until a disk has caught up with what others have changed.
    #[inline]
    pub(super) fn waits_for_room(&self, session: &Session, spec: &'static Spec) -> bool {
        self.engine.store.is_full() && !session.caller.replays() && changes(session, spec)
    }
}

/// Whether what changes something, or does not, waits for the end of a pause.
#[inline]
pub(crate) fn is_paused(
    level: Option<PauseKind>,
    session: &Session,
    changes: impl FnOnce() -> bool,
) -> bool {
    match level {
        None => false,
        Some(_) if session.caller.replays() => false,
        Some(PauseKind::Writes) => changes(),
        Some(PauseKind::All) => true,
    }
}

/// Whether the command changes something or would be replicated.
pub(super) fn changes(session: &Session, spec: &'static Spec) -> bool {
    let queued = session
        .transaction
        .as_ref()
        .is_some_and(|queue| queue.writes());
    spec.has(flag::WRITE | flag::MAY_REPLICATE) || (spec.id == Cmd::Exec && queued)
}

impl Worker {
    /// Answers a command that nobody knows.
    #[cold]
    pub(super) fn refuse_unknown(
        &mut self,
        session: &mut Session,
        unknown: commands::Unknown,
        args: resp::Args<'_>,
        out: &mut Vec<u8>,
    ) -> crate::Outcome {
        if !session.caller.replays() && is_of_http(args.get(0)) {
            return crate::Outcome::Intruder;
        }
        let argv = commands::ByIndex::new(args.len(), |index| args.get(index));
        session
            .card
            .numbers
            .command
            .store(0, std::sync::atomic::Ordering::Relaxed);
        let mut text = b"ERR ".to_vec();
        text.extend_from_slice(&unknown.text(&argv));
        self.refuse(session, None, fail::Fail::Raw(text), out)
    }
}

/// Whether a command is what a web page has a browser send: then its text holds commands that the
/// page's author chose. GET is one of ours, so that the header behind it is what tells.
fn is_of_http(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:")
}
