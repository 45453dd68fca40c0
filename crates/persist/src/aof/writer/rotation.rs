//! Going over to a new increment, and to a new base.

use super::{NOT_WRITABLE, Writer, reason};
use std::sync::atomic::Ordering;

impl Writer {
    /// Behind which sequence the next increment is to begin, if that was ordered.
    pub(super) fn pending_rotation(&self) -> Option<u64> {
        if !self.orders.any.load(Ordering::SeqCst) {
            return None;
        }
        let waiting = self.orders.waiting.lock();
        waiting.rotate.as_ref().map(|(at, _)| *at)
    }

    /// Goes over to a new increment. What was gathered so far ends the old one.
    pub(super) fn rotate(&mut self) {
        let order = self.orders.waiting.lock().rotate.take();
        let Some((_, reply)) = order else { return };
        let _ = reply.send(self.try_rotate());
    }

    fn try_rotate(&mut self) -> Result<(), String> {
        if !self.write_out() {
            return Err(NOT_WRITABLE.into());
        }
        if let Err(error) = self.sync() {
            self.sync_failed(&error);
            return Err(reason(&error));
        }
        self.notice.released(self.written);
        if self.unlisted {
            // It began at this cut: there is nothing before it.
            return Ok(());
        }
        let file = self.files.begin_incr().map_err(|error| {
            let text = format!("cannot begin a new increment: {}", reason(&error));
            self.notice.log(true, &text);
            text
        })?;
        let name = self
            .files
            .manifest()
            .incr
            .last()
            .map(|incr| incr.name.clone());
        let name = String::from_utf8_lossy(&name.unwrap_or_default()).into_owned();
        self.notice.log(
            false,
            &format!("Creating AOF incr file {name} on background rewrite"),
        );
        self.file = file;
        (self.length, self.db, self.stamped) = (0, None, 0);
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
        let size = self.files.total_length().map_err(|error| reason(&error))?;
        self.status.size.store(size, Ordering::Relaxed);
        self.status.base_size.store(size, Ordering::Relaxed);
        self.status
            .increments
            .store(self.files.manifest().incr.len() as u64, Ordering::Relaxed);
        Ok(self.files.history())
    }
}
