//! The thread that syncs the append-only file: nobody else waits for a sync.

use super::desk::Desk;
use super::disk::Append;
use super::orders::{Heard, SyncError};
use super::pen::Left;
use config::AppendFsync;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the file is synced under `everysec`.
const PERIOD: Duration = Duration::from_secs(1);

/// A sync that is to be done: the file, the sequence of the last record that it has, and the
/// failures that the pen had heard of.
type Job = (Arc<dyn Append>, u64, Heard);

struct Syncer {
    desk: Arc<Desk>,
    stop: Arc<AtomicBool>,
    last: Instant,
}

/// The thread, for whoever ends it.
pub(super) struct Handle {
    desk: Arc<Desk>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Starts the thread.
///
/// # Errors
/// When the system gives none.
pub(super) fn start(desk: &Arc<Desk>) -> io::Result<Handle> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut syncer = Syncer {
        desk: desk.clone(),
        stop: stop.clone(),
        last: Instant::now(),
    };
    let thread = std::thread::Builder::new()
        .name("aof-sync".into())
        .spawn(move || syncer.run())?;
    *desk.syncer.lock() = Some(thread.thread().clone());
    Ok(Handle {
        desk: desk.clone(),
        stop,
        thread: Some(thread),
    })
}

impl Handle {
    /// Ends the thread; waits for a sync that is under way.
    pub(super) fn end(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        self.stop.store(true, Ordering::SeqCst);
        thread.thread().unpark();
        // A panic there has ended the process already.
        let _ = thread.join();
        *self.desk.syncer.lock() = None;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.end();
    }
}

impl Syncer {
    fn run(&mut self) {
        while !self.stop.load(Ordering::SeqCst) {
            match self.begin() {
                Some(job) => self.sync(&job),
                None => {
                    let left = PERIOD.saturating_sub(self.last.elapsed());
                    let nap = if left.is_zero() { PERIOD } else { left };
                    std::thread::park_timeout(nap);
                }
            }
        }
    }

    /// What is to be synced now, if anything is.
    fn begin(&self) -> Option<Job> {
        let desk = &self.desk;
        desk.with_pen(|pen| {
            if pen.closed || pen.failed_at.is_some() {
                return None;
            }
            let due = match pen.manner.policy() {
                AppendFsync::Always => {
                    // What came during the last sync was left to this thread.
                    let left = pen.gather(&desk.orders);
                    if !pen.write_out() || left != Left::Nothing {
                        desk.hand_over();
                    }
                    true
                }
                AppendFsync::Everysec => {
                    let held = desk.orders.holds_syncs.load(Ordering::Relaxed);
                    !held && self.last.elapsed() >= PERIOD
                }
                AppendFsync::No => false,
            };
            if !due || pen.failed_at.is_some() {
                return None;
            }
            if !pen.unsynced {
                desk.status.set_synced(pen.written);
                pen.notice.released(pen.written);
                return None;
            }
            pen.unsynced = false;
            desk.begin_sync();
            Some((pen.file.clone(), pen.written, pen.heard))
        })
    }

    fn sync(&mut self, (file, sequence, heard): &Job) {
        let result = self.desk.status.sync(&**file, *heard);
        self.last = Instant::now();
        let desk = &self.desk;
        // Until it is known how it went, it is under way for whoever wants to know what is synced.
        match result {
            Ok(()) => {
                desk.status.set_synced(*sequence);
                desk.notice.released(*sequence);
                desk.end_sync();
            }
            // Whoever has the pen was told of a failure meanwhile, and deals with it.
            Err(SyncError::Doubtful(_)) => desk.end_sync(),
            Err(SyncError::Failed(error, heard)) => {
                desk.with_pen(|pen| {
                    pen.heard = heard;
                    pen.sync_failed(&error);
                });
                desk.end_sync();
                // The file's thread tries again.
                desk.hand_over();
            }
        }
    }
}
