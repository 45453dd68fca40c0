//! The thread of the append-only file: it writes what workers leave to it, and does what is
//! ordered.

mod rotation;

use super::desk::Desk;
use super::files::Files;
use super::orders::{Manner, Orders, Reply, Status};
use super::pen::{Left, Pen};
use super::syncer;
use config::AppendFsync;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;
use store::journal::{Bell, Reader};

/// How long until a failed write is tried again.
const RETRY_PERIOD: Duration = Duration::from_secs(1);
/// How long the thread lets more come together after it has written, unless it is asked to write.
/// Under load each write then takes many batches of those that do not write themselves.
const REST: Duration = Duration::from_millis(1);
/// How long the thread sleeps when nothing is due.
const IDLE: Duration = Duration::from_millis(500);

const NOT_WRITABLE: &str = "the append-only file cannot be written";

/// What whoever writes has to say to the server around it. Called by workers too: nothing here
/// waits.
pub trait Notice: Send + Sync {
    /// Everything up to this sequence may be seen: it is written, or under `always` synced. Comes
    /// again and again, and a lower number may come after a higher one.
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

/// A file that is being written.
pub struct Started {
    /// The way to give orders.
    pub orders: Arc<Orders>,
    /// How far the file is.
    pub status: Arc<Status>,
    /// Where workers write.
    pub desk: Arc<Desk>,
    /// The file's thread; it ends after [`Orders::stop`].
    pub thread: JoinHandle<()>,
}

/// The state of the thread.
struct Writer {
    files: Files,
    desk: Arc<Desk>,
    orders: Arc<Orders>,
    status: Arc<Status>,
    unlisted: bool,
    bell: Bell,
    syncer: syncer::Handle,
    lock_watch: rotation::LockWatch,
}

/// Opens the increment and starts the threads.
///
/// # Errors
/// When the increment cannot be opened or a thread not be started.
pub fn start(setup: Setup, notice: Box<dyn Notice>) -> io::Result<Started> {
    let mut writer = Writer::open(setup, notice.into())?;
    let (orders, status) = (writer.orders.clone(), writer.status.clone());
    let desk = writer.desk.clone();
    let thread = std::thread::Builder::new()
        .name("aof".into())
        .spawn(move || {
            *writer.orders.thread.lock() = Some(std::thread::current());
            while writer.turn() {}
            let closed = writer.status.failure().map_or(Ok(()), Err);
            writer.orders.end(&closed);
            *writer.orders.thread.lock() = None;
        })?;
    Ok(Started {
        orders,
        status,
        desk,
        thread,
    })
}

impl Writer {
    fn open(setup: Setup, notice: Arc<dyn Notice>) -> io::Result<Writer> {
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
        notice.released(sequence);
        let manner = Arc::new(Manner::new(policy, timestamps));
        let orders = Arc::new(Orders::new(manner.clone()));
        let (journal, bell) = (reader.journal().clone(), reader.bell());
        let pen = Pen::new(
            (file.into(), length),
            (reader, sequence),
            manner,
            notice,
            status.clone(),
        );
        let desk = Arc::new(Desk::new(pen, journal, orders.clone()));
        let syncer = syncer::start(&desk)?;
        Ok(Writer {
            files,
            desk,
            orders,
            status,
            unlisted,
            bell,
            syncer,
            lock_watch: rotation::LockWatch::default(),
        })
    }

    /// One round: orders, what is left to this thread, then sleep. False when the writer has ended.
    fn turn(&mut self) -> bool {
        let stop = self.take_orders();
        self.desk.take_over();
        let before = self.status.written();
        let more = self.round();
        if stop {
            self.close();
            return false;
        }
        self.look_at_lock();
        if !more {
            self.sleep(self.status.written() != before);
        }
        true
    }

    /// Writes and syncs what is in the journal, and ends.
    fn close(&mut self) {
        self.syncer.end();
        while self.status.failure().is_none() && self.round() {}
        let desk = self.desk.clone();
        desk.with_pen(|pen| {
            if let Err(error) = pen.sync() {
                pen.sync_failed(&error);
            }
            pen.closed = true;
        });
    }

    /// Whether somebody has asked for something.
    fn is_called(&self) -> bool {
        self.desk.is_handed() || self.orders.any.load(Ordering::SeqCst)
    }

    /// Sleeps until there is something to do. Workers write what they append: who has just rung no
    /// bell may be about to write.
    fn sleep(&self, wrote: bool) {
        if self.is_called() {
            return;
        }
        if let Some(at) = self.desk.with_pen(|pen| pen.failed_at) {
            // The journal has news that cannot be written yet: they do not wake.
            std::thread::park_timeout(RETRY_PERIOD.saturating_sub(at.elapsed()));
            return;
        }
        if wrote {
            std::thread::park_timeout(REST);
        }
        let heard = self.bell.listen();
        if !self.is_called() && self.status.written() < heard {
            std::thread::park_timeout(REST);
            if self.status.written() < heard {
                return;
            }
        }
        if !self.is_called() {
            std::thread::park_timeout(IDLE);
        }
    }

    /// Gathers and writes; whether there may be more.
    fn round(&mut self) -> bool {
        let desk = self.desk.clone();
        desk.with_pen(|pen| self.round_with(pen))
    }

    fn round_with(&mut self, pen: &mut Pen) -> bool {
        if let Some(at) = pen.failed_at
            && at.elapsed() < RETRY_PERIOD
        {
            let order = self.orders.waiting.lock().rotate.take();
            if let Some((_, reply)) = order {
                let _ = reply.send(Err(NOT_WRITABLE.into()));
            }
            return false;
        }
        let mut left = pen.gather(&self.orders);
        while left == Left::Rotation {
            self.rotate(pen);
            left = pen.gather(&self.orders);
        }
        pen.tell_buffer();
        if pen.waits() > 0 {
            self.desk.count_delayed();
        }
        if !pen.write_out() {
            return false;
        }
        self.desk.poke_syncer(pen);
        left == Left::More
    }

    /// Does what was asked; whether the writer is to end.
    fn take_orders(&mut self) -> bool {
        if !self.orders.any.load(Ordering::SeqCst) {
            return false;
        }
        let mut waiting = self.orders.waiting.lock();
        let policy_changed = std::mem::take(&mut waiting.policy_changed);
        let (adopt, forget) = (waiting.adopt.take(), waiting.forget_history.take());
        let (flush, stop) = (std::mem::take(&mut waiting.flush), waiting.stop);
        self.orders
            .any
            .store(stop || waiting.rotate.is_some(), Ordering::SeqCst);
        drop(waiting);
        if policy_changed {
            self.desk.policy_changed();
        }
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
        self.desk.with_pen(|pen| pen.failed_at = None);
        while self.round() {}
        let result = match self.status.failure() {
            Some(why) => Err(why),
            None => self.desk.with_pen(|pen| {
                pen.sync().map_err(|error| {
                    pen.sync_failed(&error);
                    reason(&error)
                })
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
