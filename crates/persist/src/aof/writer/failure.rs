//! What happens when the disk refuses.

use super::{Writer, reason};
use config::AppendFsync;
use std::io;
use std::time::{Duration, Instant};

impl Writer {
    /// After a failure: whether a sync succeeds too. A policy that never syncs takes a write for it.
    pub(super) fn works_again(&mut self) -> bool {
        if self.policy == AppendFsync::No {
            return true;
        }
        match self.sync() {
            Ok(()) => true,
            Err(error) => {
                self.sync_failed(&error);
                false
            }
        }
    }

    /// A write failed when `done` bytes of the buffer were written: takes them back, or keeps them
    /// and goes on behind them next time.
    pub(super) fn write_failed(&mut self, error: &io::Error, done: usize) {
        if done > 0 && self.file.truncate(self.length).is_err() {
            self.account(done);
            self.buffer.drain(..done);
        }
        let reason = reason(error);
        if self.policy == AppendFsync::Always {
            self.notice.fatal(&format!(
                "Can't recover from AOF write error when the AOF fsync policy is 'always' \
                 ({reason}). Exiting..."
            ));
        }
        self.fail(&format!("Error writing to the AOF file: {reason}"), &reason);
    }

    pub(super) fn sync_failed(&mut self, error: &io::Error) {
        let reason = reason(error);
        if self.policy == AppendFsync::Always {
            self.notice.fatal(&format!(
                "Can't persist AOF for fsync error when the AOF fsync policy is 'always': \
                 {reason}. Exiting..."
            ));
        }
        self.fail(&format!("Fail to fsync the AOF file: {reason}"), &reason);
    }

    fn fail(&mut self, line: &str, reason: &str) {
        const QUIET: Duration = Duration::from_secs(30);
        if self.logged.is_none_or(|at| at.elapsed() >= QUIET) {
            self.logged = Some(Instant::now());
            self.notice.log(true, line);
        }
        self.failed_at = Some(Instant::now());
        self.status.set_failure(Some(reason.into()));
        self.notice.failed(Some(reason));
    }
}
