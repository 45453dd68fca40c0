//! The way of a streamed snapshot to its replica.

use super::Serving;
use crate::steady_ms;
use crate::traffic::ToReplica;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are sent at once: a replica that reads at all takes so many in time.
const PIECE: usize = 64 << 10;

/// A replica that takes less in a second of a snapshot, in bytes, loses it when others wait for
/// what it holds.
const SLOWEST: u64 = 64 << 10;

/// What a replica has taken of its snapshot. Only the time counts that it was waited for.
#[derive(Default)]
pub(super) struct Pace {
    /// Since when a piece waits for the replica, in ms of the steady clock; 0: none does.
    blocked_since: AtomicU64,
    /// How long pieces have waited for it, in ms.
    waited: AtomicU64,
    /// How many bytes it has taken.
    taken: AtomicU64,
}

impl Pace {
    /// Sends a piece, which may wait for the replica.
    pub(super) fn send<T>(
        &self,
        send: impl FnOnce() -> io::Result<T>,
        bytes: impl FnOnce(&T) -> u64,
    ) -> io::Result<T> {
        let began = steady_ms().max(1);
        self.blocked_since.store(began, Ordering::Relaxed);
        let sent = send();
        self.blocked_since.store(0, Ordering::Relaxed);
        let took = steady_ms().saturating_sub(began);
        self.waited.fetch_add(took, Ordering::Relaxed);
        let sent = sent?;
        self.taken.fetch_add(bytes(&sent), Ordering::Relaxed);
        Ok(sent)
    }

    /// How it stands at `now`, in ms of the steady clock.
    pub(super) fn standing(&self, now: u64) -> Standing {
        let blocked = match self.blocked_since.load(Ordering::Relaxed) {
            0 => 0,
            since => now.saturating_sub(since),
        };
        Standing {
            blocked,
            waited: self.waited.load(Ordering::Relaxed) + blocked,
            taken: self.taken.load(Ordering::Relaxed),
        }
    }
}

/// How a replica stands that takes a snapshot.
#[derive(Clone, Copy, Default)]
pub(super) struct Standing {
    /// How long the piece has waited that waits now, in ms.
    pub(super) blocked: u64,
    /// How long pieces have waited in all, in ms.
    waited: u64,
    /// How many bytes it has taken.
    taken: u64,
}

/// Judges how fast a replica takes its snapshot, by its last whole span of time.
#[derive(Default)]
pub(super) struct Speed {
    /// How it stood when the present span began.
    began: Standing,
    slow: bool,
}

impl Speed {
    /// Whether it was too slow in the last span of `span` ms for which it was waited for.
    pub(super) fn is_slow(&mut self, standing: Standing, span: u64) -> bool {
        let waited = standing.waited.saturating_sub(self.began.waited);
        if waited >= span.max(1) {
            let taken = standing.taken.saturating_sub(self.began.taken);
            self.slow = u128::from(taken) * 1000 < u128::from(waited) * u128::from(SLOWEST);
            self.began = standing;
        }
        self.slow
    }
}

/// A socket that tells the session of progress.
pub(super) struct Progressing<'a> {
    pub(super) socket: &'a mut ToReplica,
    pub(super) serving: &'a Serving,
    pub(super) dead: bool,
}

impl Write for Progressing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.dead || self.serving.is_over() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let piece = &bytes[..bytes.len().min(PIECE)];
        let sent = |written: &usize| *written as u64;
        let written = self.serving.pace.send(|| self.socket.write(piece), sent)?;
        self.serving.session.lock().snapshot_progress(steady_ms());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{SLOWEST, Speed, Standing};

    const SPAN: u64 = 10_000;

    fn after(seconds: u64, taken: u64) -> Standing {
        Standing {
            blocked: 0,
            waited: seconds * 1000,
            taken,
        }
    }

    #[test]
    fn a_thin_line_is_slow_below_its_least_rate_only() {
        let slow = |taken| Speed::default().is_slow(after(60, taken), SPAN);
        assert!(slow(60 * SLOWEST - 1) && !slow(60 * SLOWEST));
        assert!(!Speed::default().is_slow(after(9, 0), SPAN), "not known");
    }

    #[test]
    fn what_was_long_ago_does_not_count() {
        let mut speed = Speed::default();
        let much = 1 << 30;
        assert!(!speed.is_slow(after(10, much), SPAN));
        assert!(!speed.is_slow(after(19, much), SPAN), "the span goes on");
        assert!(speed.is_slow(after(20, much), SPAN), "it took nothing");
        assert!(!speed.is_slow(after(30, 2 * much), SPAN), "it has woken up");
    }
}
