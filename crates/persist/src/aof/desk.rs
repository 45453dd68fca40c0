//! The desk: who may write the file now, and who is told when it is somebody else's turn.
//!
//! A worker writes what was appended at the end of its batch, before its replies leave, so that the
//! system has it when they do. While a sync, a rotation or a slow write is under way, or the file
//! fails, a worker could wait for the disk: then the file's thread writes, and the replies wait
//! alone.

use super::orders::{Orders, Status};
use super::pen::{GATHER, Left, Pen};
use super::writer::Notice;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::Thread;
use std::time::{Duration, Instant};
use store::journal::{Baton, Journal};

/// How long Redis lets a write wait for a sync before it writes all the same.
const DELAYED: Duration = Duration::from_secs(2);

/// What workers, the file's thread and the sync's thread share.
pub struct Desk {
    baton: Baton<Pen>,
    pub(super) journal: Arc<Journal>,
    pub(super) orders: Arc<Orders>,
    pub(super) status: Arc<Status>,
    /// Whether the file's thread is asked to write.
    handed: AtomicBool,
    /// The sync's thread, while there is one.
    pub(super) syncer: Mutex<Option<Thread>>,
    /// When the sync that is under way began, unless it was counted as delayed.
    sync_began: Mutex<Option<Instant>>,
    pub(super) notice: Arc<dyn Notice>,
}

impl Desk {
    pub(super) fn new(pen: Pen, journal: Arc<Journal>, orders: Arc<Orders>) -> Desk {
        let (status, notice) = (pen.status.clone(), pen.notice.clone());
        Desk {
            baton: Baton::new(pen),
            journal,
            orders,
            status,
            handed: AtomicBool::new(false),
            syncer: Mutex::new(None),
            sync_began: Mutex::new(None),
            notice,
        }
    }

    /// Has everything written that is in the journal now: by the caller, or where that could make
    /// it wait by another thread. For workers, between batches: no slot is held. What is written
    /// then is told by [`super::Notice::released`].
    pub fn write(&self) {
        if self.journal.sequence() <= self.status.written() {
            return;
        }
        // Before the sync's thread is trusted to look: see `Syncer`.
        fence(Ordering::SeqCst);
        let syncing = self.status.syncing.load(Ordering::SeqCst);
        if syncing && self.orders.manner.syncs_always() {
            // What waits for the next sync may as well be written right before it.
            return;
        }
        let mut left = syncing || self.orders.any.load(Ordering::SeqCst);
        if !left {
            let done = self.baton.offer(|pen| left |= self.write_with(pen));
            left |= !done;
        }
        if left {
            self.hand_over();
        }
    }

    /// A worker has the pen; whether something is left for the file's thread.
    fn write_with(&self, pen: &mut Pen) -> bool {
        if pen.closed {
            return false;
        }
        let is_free = !pen.slow
            && pen.failed_at.is_none()
            && !self.status.syncing.load(Ordering::SeqCst)
            && !self.orders.any.load(Ordering::SeqCst);
        // Much is written slowly.
        if !is_free || pen.reader.lag() > GATHER as u64 {
            return true;
        }
        let left = pen.gather(&self.orders);
        let wrote = pen.write_out();
        self.poke_syncer(pen);
        !wrote || left != Left::Nothing
    }

    /// Under `always` the sync's thread is woken for what was written.
    pub(super) fn poke_syncer(&self, pen: &Pen) {
        if pen.manner.syncs_always()
            && let Some(thread) = &*self.syncer.lock()
        {
            thread.unpark();
        }
    }

    /// Asks the file's thread to write.
    pub(super) fn hand_over(&self) {
        if !self.handed.swap(true, Ordering::SeqCst) {
            self.orders.wake();
        }
    }

    /// Whether the file's thread is asked to write.
    pub(super) fn is_handed(&self) -> bool {
        self.handed.load(Ordering::SeqCst)
    }

    /// The file's thread begins to do what it is asked.
    pub(super) fn take_over(&self) {
        self.handed.store(false, Ordering::SeqCst);
    }

    /// A sync begins. From here on workers leave writing to others.
    pub(super) fn begin_sync(&self) {
        self.status.syncing.store(true, Ordering::SeqCst);
        *self.sync_began.lock() = Some(Instant::now());
    }

    /// The sync has ended. A worker that has seen it under way has appended before: whoever looks
    /// into the journal after this finds that.
    pub(super) fn end_sync(&self) {
        *self.sync_began.lock() = None;
        self.status.syncing.store(false, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// More is to be written: counts the sync that is under way if it is delayed, once.
    pub(super) fn count_delayed(&self) {
        let mut began = self.sync_began.lock();
        if began.is_some_and(|began| began.elapsed() >= DELAYED) {
            *began = None;
            self.status.delayed_syncs.fetch_add(1, Ordering::Relaxed);
            self.notice.log(
                false,
                "The sync of the AOF file takes long (is the disk busy?). It is written all the \
                 same, which may take long too: replies wait for that.",
            );
        }
    }

    /// Waits for the pen. Not for workers.
    pub(super) fn with_pen<R>(&self, act: impl FnOnce(&mut Pen) -> R) -> R {
        let (result, more) = self.baton.hold(act);
        if more {
            self.hand_over();
        }
        result
    }

    /// The policy has changed: what has waited by the old one is looked at by the new one.
    pub(super) fn policy_changed(&self) {
        self.with_pen(|pen| {
            if pen.failed_at.is_none() {
                pen.keep_promises();
            }
            self.poke_syncer(pen);
        });
        // What workers have left to the sync's thread it may leave now.
        self.hand_over();
    }
}
