//! The way of a streamed snapshot to its replica.

use super::Serving;
use crate::steady_ms;
use crate::traffic::ToReplica;
use std::io::{self, Write};
use std::sync::atomic::Ordering;

/// Bytes that are sent at once: a replica that reads at all takes so many in time.
const PIECE: usize = 64 << 10;

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
        let blocked = &self.serving.blocked_since;
        blocked.store(steady_ms().max(1), Ordering::Relaxed);
        let written = self.socket.write(piece);
        blocked.store(0, Ordering::Relaxed);
        let written = written?;
        self.serving.session.lock().snapshot_progress(steady_ms());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
