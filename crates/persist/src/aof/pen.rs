//! The pen: what the journal says, in the form of the file, and how far the file is.
//!
//! Whoever writes has it: a worker, the file's thread, the sync's thread. One at a time does.

use super::disk::Append;
use super::orders::{Heard, Manner, Orders, Status, SyncError};
use super::writer::{Notice, reason};
use config::AppendFsync;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use store::journal::{Batch, Reader, Record};

/// How many bytes are gathered before they are written.
pub(super) const GATHER: usize = 1 << 20;
/// How many bytes a buffer keeps when it is empty.
const KEEP: usize = 4 << 20;
/// From here on a write is slow: workers leave the next one to the file's thread.
const SLOW: Duration = Duration::from_millis(1);

const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

/// What is left after gathering.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Left {
    /// Nothing.
    Nothing,
    /// More than the buffer takes.
    More,
    /// Behind what was gathered a new increment begins.
    Rotation,
}

/// The pen.
pub(super) struct Pen {
    pub(super) file: Arc<dyn Append>,
    pub(super) reader: Reader,
    /// Records that were read and belong behind a rotation.
    leftover: Option<Batch>,
    pub(super) manner: Arc<Manner>,
    pub(super) notice: Arc<dyn Notice>,
    pub(super) status: Arc<Status>,
    /// The database that the increment is in, if one was selected.
    db: Option<u16>,
    in_multi: bool,
    stamped: i64,
    buffer: Vec<u8>,
    /// The sequence of the last record in `buffer` or before.
    gathered: u64,
    /// The sequence of the last record that was written.
    pub(super) written: u64,
    /// Whether something was written that no sync has begun for.
    pub(super) unsynced: bool,
    /// The failures of syncs that it knows of.
    pub(super) heard: Heard,
    /// Bytes of the increment that are known to be whole.
    length: u64,
    /// Whether the last write was slow.
    pub(super) slow: bool,
    /// When a write or a sync failed last.
    pub(super) failed_at: Option<Instant>,
    /// The failure that the log has heard of.
    logged: Option<Instant>,
    /// The file is closed: nothing is written any more.
    pub(super) closed: bool,
}

impl Pen {
    pub(super) fn new(
        (file, length): (Arc<dyn Append>, u64),
        (reader, sequence): (Reader, u64),
        manner: Arc<Manner>,
        notice: Arc<dyn Notice>,
        status: Arc<Status>,
    ) -> Pen {
        Pen {
            file,
            reader,
            leftover: None,
            manner,
            notice,
            status,
            db: None,
            in_multi: false,
            stamped: 0,
            buffer: Vec::new(),
            gathered: sequence,
            written: sequence,
            unsynced: false,
            heard: Heard::default(),
            length,
            slow: false,
            failed_at: None,
            logged: None,
            closed: false,
        }
    }

    /// Reads from the journal into the buffer.
    pub(super) fn gather(&mut self, orders: &Orders) -> Left {
        // While writing fails, what waits stays in the journal.
        while self.buffer.len() < GATHER {
            let ordered = orders.rotation();
            let batch = self.leftover.take().or_else(|| self.reader.next_batch());
            let Some(mut batch) = batch else {
                return if ordered.is_some() {
                    Left::Rotation
                } else {
                    Left::Nothing
                };
            };
            // A rotation is ordered before anything behind its place is appended, so that it is
            // known here at the latest.
            let rotation = orders.rotation();
            let belongs = |record: &Record<'_>| rotation.is_none_or(|at| record.sequence <= at);
            for record in batch.records().take_while(belongs) {
                self.take(&record);
            }
            batch.forget(self.gathered);
            if batch.records().next().is_some() {
                self.leftover = Some(batch);
                return Left::Rotation;
            }
            if batch.is_last {
                // What has come meanwhile waits: chasing every record would keep the journal's lock
                // from those who append.
                return Left::Nothing;
            }
        }
        Left::More
    }

    /// Puts a record into the buffer.
    fn take(&mut self, record: &Record<'_>) {
        self.gathered = record.sequence;
        if !record.audience.aof() {
            return;
        }
        if !self.in_multi && self.manner.timestamps() {
            let now = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |since| since.as_secs() as i64);
            if now != self.stamped {
                self.stamped = now;
                rdb::aof::put_timestamp(&mut self.buffer, now);
            }
        }
        // The selection belongs to the unit, as in Redis: a unit begins with its MULTI.
        let frame = matches!(record.command, MULTI | EXEC);
        if !frame && self.db != Some(record.db) {
            self.db = Some(record.db);
            let number = record.db.to_string();
            rdb::aof::put_command(&mut self.buffer, &[b"SELECT", number.as_bytes()]);
        }
        match record.command {
            MULTI => self.in_multi = true,
            EXEC => self.in_multi = false,
            _ => {}
        }
        self.buffer.extend_from_slice(record.command);
    }

    /// Writes the buffer out and lets go what waits for it; whether the file can be written.
    pub(super) fn write_out(&mut self) -> bool {
        let began = (!self.buffer.is_empty()).then(Instant::now);
        let (done, error) = self.write_buffer();
        self.slow = began.is_some_and(|began| began.elapsed() > SLOW);
        if self.slow {
            self.status.slow_writes.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(error) = error {
            self.write_failed(&error, done);
            return false;
        }
        self.account(done);
        self.buffer.clear();
        self.buffer.shrink_to(KEEP);
        self.tell_buffer();
        self.written = self.gathered;
        self.status.set_written(self.written);
        if self.failed_at.is_some() && self.works_again() {
            self.failed_at = None;
            self.logged = None;
            self.status.set_failure(None);
            self.notice.log(
                true,
                "AOF write error looks solved. The server can write again.",
            );
            self.notice.failed(None);
        }
        if self.failed_at.is_some() {
            return false;
        }
        self.keep_promises();
        true
    }

    /// Writes as much of the buffer as the file takes: how much, and why not all.
    fn write_buffer(&mut self) -> (usize, Option<io::Error>) {
        let mut done = 0;
        while done < self.buffer.len() {
            match self.file.write(&self.buffer[done..]) {
                Ok(0) => return (done, Some(io::ErrorKind::WriteZero.into())),
                Ok(n) => {
                    done += n;
                    self.unsynced = true;
                }
                Err(refused) if refused.kind() == io::ErrorKind::Interrupted => {}
                Err(refused) => return (done, Some(refused)),
            }
        }
        (done, None)
    }

    /// Bytes that wait in the buffer.
    pub(super) fn waits(&self) -> usize {
        self.buffer.len()
    }

    pub(super) fn tell_buffer(&self) {
        let (waits, room) = (self.buffer.len(), self.buffer.capacity());
        let status = &self.status;
        status.buffered.store(waits as u64, Ordering::Relaxed);
        status.buffer_room.store(room as u64, Ordering::Relaxed);
    }

    fn account(&mut self, bytes: usize) {
        self.length += bytes as u64;
        self.status.size.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Lets go what waits for what was written; under `always` it waits for the sync.
    pub(super) fn keep_promises(&mut self) {
        if !self.manner.syncs_always() {
            self.notice.released(self.written);
        }
    }

    /// Makes all that was written last, and lets go what waits for that. Where the sync's thread is
    /// at it, it is not known yet whether that succeeds: waits for its end. Not for workers.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if self.unsynced || self.status.syncing.load(Ordering::SeqCst) {
            match self.status.sync(&*self.file, self.heard) {
                Ok(()) => self.unsynced = false,
                Err(SyncError::Doubtful(error)) => return Err(error),
                Err(SyncError::Failed(error, heard)) => {
                    self.heard = heard;
                    return Err(error);
                }
            }
        }
        self.status.set_synced(self.written);
        if self.failed_at.is_none() {
            self.notice.released(self.written);
        }
        Ok(())
    }

    /// Goes over to another file, at whose beginning nothing is known.
    pub(super) fn begin(&mut self, file: Arc<dyn Append>) {
        self.file = file;
        (self.length, self.db, self.stamped) = (0, None, 0);
    }

    /// After a failure: whether a sync succeeds too. A policy that never syncs takes a write for
    /// it.
    fn works_again(&mut self) -> bool {
        if self.manner.policy() == AppendFsync::No {
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
    fn write_failed(&mut self, error: &io::Error, done: usize) {
        if done > 0 && self.file.truncate(self.length).is_err() {
            self.account(done);
            self.buffer.drain(..done);
        }
        self.tell_buffer();
        let reason = reason(error);
        if self.manner.syncs_always() {
            self.notice.fatal(&format!(
                "Can't recover from AOF write error when the AOF fsync policy is 'always' \
                 ({reason}). Exiting..."
            ));
        }
        self.fail(&format!("Error writing to the AOF file: {reason}"), &reason);
    }

    /// A sync failed: what was written since the one before may be lost.
    pub(super) fn sync_failed(&mut self, error: &io::Error) {
        self.unsynced = true;
        let reason = reason(error);
        if self.manner.syncs_always() {
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
