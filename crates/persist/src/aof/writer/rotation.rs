//! Going over to a new increment, and to a new base.

use super::{NOT_WRITABLE, Pen, Writer, reason};
use std::sync::atomic::Ordering;

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
        let size = self.files.total_length().map_err(|error| reason(&error))?;
        self.status.size.store(size, Ordering::Relaxed);
        self.status.base_size.store(size, Ordering::Relaxed);
        self.status
            .increments
            .store(self.files.manifest().incr.len() as u64, Ordering::Relaxed);
        Ok(self.files.history())
    }
}
