//! The way of a streamed snapshot to its replica.

use super::Serving;
use crate::steady_ms;
use crate::traffic::ToReplica;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are sent at once: a replica that reads at all takes so many in time.
const PIECE: usize = 64 << 10;

/// A replica that takes less in a second of a snapshot, in bytes, loses it to those that wait for
/// one.
const SLOWEST: u64 = 64 << 10;

/// How a replica takes its snapshot. Only the time counts that it was waited for.
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

    /// How long the piece has waited that waits now, in ms.
    fn blocked(&self, now: u64) -> u64 {
        match self.blocked_since.load(Ordering::Relaxed) {
            0 => 0,
            since => now.saturating_sub(since),
        }
    }

    /// Whether it has taken nothing for longer than `timeout` ms, or, while others wait for a
    /// snapshot, too little in all.
    pub(super) fn is_too_slow(&self, timeout: u64, others_wait: bool) -> bool {
        let blocked = self.blocked(steady_ms());
        let waited = self.waited.load(Ordering::Relaxed) + blocked;
        let taken = self.taken.load(Ordering::Relaxed);
        blocked > timeout || (others_wait && is_slow(waited, taken, timeout))
    }
}

/// Whether `taken` bytes in `waited` ms are too few. The first `timeout` ms say nothing yet.
fn is_slow(waited: u64, taken: u64, timeout: u64) -> bool {
    waited > timeout && taken < waited / 1000 * SLOWEST
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
    use super::{SLOWEST, is_slow};

    #[test]
    fn a_thin_line_is_slow_below_its_least_rate_only() {
        let (timeout, minute) = (10_000, 60_000);
        assert!(!is_slow(9_000, 0, timeout), "it may still wake up");
        assert!(is_slow(minute, 59 * SLOWEST, timeout));
        assert!(!is_slow(minute, 60 * SLOWEST, timeout));
    }
}
