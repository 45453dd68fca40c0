//! Going over to a new increment, and to a new base; whose the files are.

use super::{IDLE, NOT_WRITABLE, Pen, Writer, reason};
use crate::aof::lock::Kept;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// What the writer knows of the lock of its files.
pub(super) struct LockWatch {
    /// When it looked last.
    at: Instant,
    /// What is wrong, as the log was told.
    told: Option<String>,
}

impl Default for LockWatch {
    fn default() -> LockWatch {
        LockWatch {
            at: Instant::now(),
            told: None,
        }
    }
}

impl Writer {
    /// Goes over to a new increment. What was gathered so far ends the old one.
    pub(super) fn rotate(&mut self, pen: &mut Pen) {
        let order = self.orders.waiting.lock().rotate.take();
        let Some((_, reply)) = order else { return };
        let _ = reply.send(self.try_rotate(pen));
    }

    fn try_rotate(&mut self, pen: &mut Pen) -> Result<(), String> {
        if !pen.write_out() {
            return Err(NOT_WRITABLE.into());
        }
        if let Err(error) = pen.sync() {
            pen.sync_failed(&error);
            return Err(reason(&error));
        }
        if self.unlisted {
            // It began at this cut: there is nothing before it.
            return Ok(());
        }
        let file = self.files.begin_incr().map_err(|error| {
            let text = format!("cannot begin a new increment: {}", reason(&error));
            pen.notice.log(true, &text);
            text
        })?;
        let name = self
            .files
            .manifest()
            .incr
            .last()
            .map(|incr| incr.name.clone());
        let name = String::from_utf8_lossy(&name.unwrap_or_default()).into_owned();
        pen.notice.log(
            false,
            &format!("Creating AOF incr file {name} on background rewrite"),
        );
        pen.begin(file.into());
        self.status.increments.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Puts a new base in force; the files that it supersedes.
    pub(super) fn adopt(
        &mut self,
        base: &std::path::Path,
        rdb: bool,
    ) -> Result<Vec<std::path::PathBuf>, String> {
        let adopted = self.files.adopt_base(base, rdb, self.unlisted, 1);
        adopted.map_err(|error| reason(&error))?;
        self.unlisted = false;
        self.files.leave_moved();
        let size = self.files.total_length().map_err(|error| reason(&error))?;
        self.status.size.store(size, Ordering::Relaxed);
        self.status.base_size.store(size, Ordering::Relaxed);
        self.status
            .increments
            .store(self.files.manifest().incr.len() as u64, Ordering::Relaxed);
        Ok(self.files.history())
    }

    /// Looks now and then whether other servers find the lock of the files, and tells the log once
    /// if they do not.
    pub(super) fn look_at_lock(&mut self) {
        if self.lock_watch.at.elapsed() < IDLE {
            return;
        }
        self.lock_watch.at = Instant::now();
        let news = match self.files.keep_lock() {
            Ok(Kept::Same) => None,
            Ok(Kept::Anew) => Some(format!(
                "The lock of the append-only files in {} had been removed or replaced; it is taken \
                 anew. If the files were replaced too, BGREWRITEAOF writes them anew.",
                self.files.directory().display()
            )),
            Ok(Kept::NoFolder) => Some(format!(
                "The folder of the append-only files {} is not there any more: what is written now \
                 is not found after a restart. BGREWRITEAOF writes the folder and the files anew.",
                self.files.directory().display()
            )),
            Err(error) => Some(error.to_string()),
        };
        if let Some(text) = news.as_ref().filter(|_| news != self.lock_watch.told) {
            let notice = self.desk.with_pen(|pen| pen.notice.clone());
            notice.log(true, text);
        }
        self.lock_watch.told = news;
    }
}
