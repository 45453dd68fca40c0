//! The thread that writes the append-only file.

use super::disk::Append;
use super::files::Files;
use super::orders::{Orders, Reply, Status};
use config::AppendFsync;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use store::journal::{Reader, Record};

mod failure;
mod rotation;

/// How many bytes are gathered before they are written.
const GATHER: usize = 1 << 20;
/// How often the file is synced under `everysec`.
const SYNC_PERIOD: Duration = Duration::from_secs(1);
/// How long until a failed write is tried again.
const RETRY_PERIOD: Duration = Duration::from_secs(1);
/// How long the thread lets more come together after it has written, unless replies wait for it.
/// Under load each write then takes many batches of the workers, which need not wake the thread at
/// the end of each.
const REST: Duration = Duration::from_millis(1);
/// How long the thread sleeps when nothing is due.
const IDLE: Duration = Duration::from_millis(500);
/// How many bytes a buffer keeps when it is empty.
const KEEP: usize = 4 << 20;

const NOT_WRITABLE: &str = "the append-only file cannot be written";
const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

/// What the writer has to say to the server around it.
pub trait Notice: Send {
    /// Everything up to this sequence may be seen: it is synced, or the policy asks for no sync.
    fn released(&self, sequence: u64);

    /// A line for the log; `warning` or else a notice.
    fn log(&self, warning: bool, text: &str);

    /// The file cannot be written, and why; or it can again.
    fn failed(&self, why: Option<&str>);

    /// Nothing can be promised any more: under `always` the process ends. Does not return in a
    /// server.
    fn fatal(&self, text: &str);
}

/// What a writer begins with.
pub struct Setup {
    /// The files; the last increment is written on.
    pub files: Files,
    /// The journal from the place where the files end.
    pub reader: Reader,
    /// The sequence of the last record before that place.
    pub sequence: u64,
    /// When the file is synced.
    pub policy: AppendFsync,
    /// Whether lines with the time are written.
    pub timestamps: bool,
    /// Whether the increment is not listed until a rewrite has made a base for it.
    pub unlisted: bool,
}

/// The state of the thread.
pub struct Writer {
    files: Files,
    file: Box<dyn Append>,
    reader: Reader,
    policy: AppendFsync,
    timestamps: bool,
    unlisted: bool,
    notice: Box<dyn Notice>,
    orders: Arc<Orders>,
    status: Arc<Status>,
    /// The database that the increment is in, if one was selected.
    db: Option<u16>,
    in_multi: bool,
    stamped: i64,
    buffer: Vec<u8>,
    /// The sequence of the last record in `buffer` or before.
    gathered: u64,
    /// The sequence of the last record that was written.
    written: u64,
    /// Whether something was written since the last sync.
    unsynced: bool,
    /// Bytes of the increment that are known to be whole.
    length: u64,
    last_sync: Instant,
    /// When a write failed last.
    failed_at: Option<Instant>,
    /// The failure that the log has heard of.
    logged: Option<Instant>,
}

/// Starts the thread; it ends after [`Orders::stop`].
///
/// # Errors
/// When the increment cannot be opened or the thread not be started.
pub fn start(
    setup: Setup,
    notice: Box<dyn Notice>,
) -> io::Result<(Arc<Orders>, Arc<Status>, std::thread::JoinHandle<()>)> {
    let mut writer = Writer::open(setup, notice)?;
    let (orders, status) = (writer.orders.clone(), writer.status.clone());
    let handle = std::thread::Builder::new()
        .name("aof".into())
        .spawn(move || {
            *writer.orders.thread.lock() = Some(std::thread::current());
            while writer.turn() {}
            *writer.orders.thread.lock() = None;
        })?;
    Ok((orders, status, handle))
}

impl Writer {
    /// Opens the increment.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(setup: Setup, notice: Box<dyn Notice>) -> io::Result<Writer> {
        let Setup {
            mut files,
            mut reader,
            sequence,
            policy,
            timestamps,
            unlisted,
        } = setup;
        reader.see_everything();
        let (file, length) = if unlisted {
            (files.begin_unlisted()?, 0)
        } else {
            files.open_last()?
        };
        let status = Arc::new(Status::default());
        let size = files.total_length()?;
        status.size.store(size, Ordering::Relaxed);
        status.base_size.store(size, Ordering::Relaxed);
        status
            .increments
            .store(files.manifest().incr.len() as u64, Ordering::Relaxed);
        status.set_written(sequence);
        status.set_synced(sequence);
        Ok(Writer {
            files,
            file,
            reader,
            policy,
            timestamps,
            unlisted,
            notice,
            orders: Arc::default(),
            status,
            db: None,
            in_multi: false,
            stamped: 0,
            buffer: Vec::new(),
            gathered: sequence,
            written: sequence,
            unsynced: false,
            length,
            last_sync: Instant::now(),
            failed_at: None,
            logged: None,
        })
    }

    /// The way to give orders to this writer.
    pub fn orders(&self) -> &Arc<Orders> {
        &self.orders
    }

    /// What this writer lets others know.
    pub fn status(&self) -> &Arc<Status> {
        &self.status
    }

    /// One round: orders, what is new in the journal, a sync if one is due, then sleep. False when
    /// the writer has ended.
    pub fn turn(&mut self) -> bool {
        let stop = self.take_orders();
        let before = self.written;
        let more = self.round();
        if stop {
            while self.failed_at.is_none() && self.round() {}
            if let Err(error) = self.sync() {
                self.sync_failed(&error);
            }
            return false;
        }
        if !more {
            let nap = match (self.failed_at, self.unsynced, self.policy) {
                (Some(at), ..) => RETRY_PERIOD.saturating_sub(at.elapsed()),
                (None, true, AppendFsync::Everysec)
                    if !self.orders.holds_syncs.load(Ordering::Relaxed) =>
                {
                    SYNC_PERIOD.saturating_sub(self.last_sync.elapsed())
                }
                _ => IDLE,
            };
            let rests = self.written != before && self.policy != AppendFsync::Always;
            if self.orders.any.load(Ordering::SeqCst) {
                return true;
            }
            if self.failed_at.is_some() {
                // The journal has news that cannot be written yet: they do not wake.
                std::thread::park_timeout(nap);
            } else if rests {
                std::thread::park_timeout(REST);
            } else {
                self.reader.wait(nap);
            }
        }
        true
    }

    /// Gathers, writes and syncs; whether there may be more.
    fn round(&mut self) -> bool {
        if let Some(at) = self.failed_at
            && at.elapsed() < RETRY_PERIOD
        {
            let order = self.orders.waiting.lock().rotate.take();
            if let Some((_, reply)) = order {
                let _ = reply.send(Err(NOT_WRITABLE.into()));
            }
            return false;
        }
        let mut more = false;
        // While writing fails, what waits stays in the journal.
        if self.buffer.len() < GATHER {
            more = self.gather();
        }
        self.tell_buffer();
        let wrote = self.write_out();
        if !wrote {
            return false;
        }
        self.keep_promises();
        more
    }

    /// Reads from the journal into the buffer; whether there may be more.
    fn gather(&mut self) -> bool {
        while self.buffer.len() < GATHER {
            let rotation = self.pending_rotation();
            let Some(batch) = self.reader.next_batch() else {
                if rotation.is_some() {
                    self.rotate();
                }
                return false;
            };
            // A rotation is ordered before anything behind its place is appended, so that it is
            // known here at the latest.
            let mut rotation = self.pending_rotation();
            for record in batch.records() {
                if rotation.is_some_and(|at| record.sequence > at) {
                    self.rotate();
                    rotation = None;
                }
                self.take(&record);
            }
            if batch.is_last {
                // What has come meanwhile waits: chasing every record would keep the journal's lock
                // from those who append.
                return false;
            }
        }
        true
    }

    /// Puts a record into the buffer.
    fn take(&mut self, record: &Record<'_>) {
        self.gathered = record.sequence;
        if !record.audience.aof() {
            return;
        }
        if self.timestamps && !self.in_multi {
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

    /// Writes the buffer out; whether all of it was written.
    fn write_out(&mut self) -> bool {
        let mut done = 0;
        let mut error = None;
        while done < self.buffer.len() {
            match self.file.write(&self.buffer[done..]) {
                Ok(0) => {
                    error = Some(io::Error::from(io::ErrorKind::WriteZero));
                    break;
                }
                Ok(n) => {
                    done += n;
                    self.unsynced = true;
                }
                Err(refused) if refused.kind() == io::ErrorKind::Interrupted => {}
                Err(refused) => {
                    error = Some(refused);
                    break;
                }
            }
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
        self.failed_at.is_none()
    }

    fn tell_buffer(&self) {
        let (waits, room) = (self.buffer.len(), self.buffer.capacity());
        let status = &self.status;
        status.buffered.store(waits as u64, Ordering::Relaxed);
        status.buffer_room.store(room as u64, Ordering::Relaxed);
    }

    fn account(&mut self, bytes: usize) {
        self.length += bytes as u64;
        self.status.size.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Syncs when the policy says so, and lets go what waits for it.
    fn keep_promises(&mut self) {
        let due = match self.policy {
            AppendFsync::Always => true,
            AppendFsync::Everysec if self.orders.holds_syncs.load(Ordering::Relaxed) => false,
            AppendFsync::Everysec => self.last_sync.elapsed() >= SYNC_PERIOD,
            AppendFsync::No => false,
        };
        if due && let Err(error) = self.sync() {
            self.sync_failed(&error);
            return;
        }
        self.notice.released(self.written);
    }

    /// Makes all that was written last.
    fn sync(&mut self) -> io::Result<()> {
        if self.unsynced {
            self.file.sync()?;
            self.unsynced = false;
            self.last_sync = Instant::now();
        }
        self.status.set_synced(self.written);
        Ok(())
    }

    /// Does what was asked; whether the writer is to end.
    fn take_orders(&mut self) -> bool {
        if !self.orders.any.load(Ordering::SeqCst) {
            return false;
        }
        let mut waiting = self.orders.waiting.lock();
        let (policy, timestamps) = (waiting.policy.take(), waiting.timestamps.take());
        let (adopt, forget) = (waiting.adopt.take(), waiting.forget_history.take());
        let (flush, stop) = (std::mem::take(&mut waiting.flush), waiting.stop);
        self.orders
            .any
            .store(stop || waiting.rotate.is_some(), Ordering::SeqCst);
        drop(waiting);
        self.policy = policy.unwrap_or(self.policy);
        self.timestamps = timestamps.unwrap_or(self.timestamps);
        if let Some(adopt) = adopt {
            let result = self.adopt(&adopt.base, adopt.rdb);
            let _ = adopt.reply.send(result);
        }
        if let Some(reply) = forget {
            let _ = reply.send(self.files.forget_history().map_err(|error| reason(&error)));
        }
        self.answer_flush(flush);
        stop
    }

    fn answer_flush(&mut self, flush: Vec<Reply>) {
        if flush.is_empty() {
            return;
        }
        self.failed_at = None;
        while self.round() {}
        let result = match self.status.failure() {
            Some(why) => Err(why),
            None => self.sync().map_err(|error| {
                self.sync_failed(&error);
                reason(&error)
            }),
        };
        for reply in flush {
            let _ = reply.send(result.clone());
        }
    }
}

/// What the system says, without the number.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].into()
}
