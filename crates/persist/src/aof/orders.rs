//! What others ask of the writer, and what it lets them know.

use super::disk::Append;
use super::writer::reason;
use config::AppendFsync;
use parking_lot::Mutex;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Thread;

/// The answer to an order: what went wrong, if anything did.
pub(super) type Reply = Sender<Result<(), String>>;

/// What a finished rewrite hands over.
pub(super) struct Adopt {
    pub(super) base: PathBuf,
    pub(super) rdb: bool,
    pub(super) reply: Sender<Result<Vec<PathBuf>, String>>,
}

#[derive(Default)]
pub(super) struct Waiting {
    /// The policy has changed: what has waited by the old one is to be looked at by the new one.
    pub(super) policy_changed: bool,
    /// Go over to a new increment behind the record with this sequence.
    pub(super) rotate: Option<(u64, Reply)>,
    pub(super) adopt: Option<Adopt>,
    pub(super) forget_history: Option<Reply>,
    /// Write and sync everything up to the end of the journal.
    pub(super) flush: Vec<Reply>,
    pub(super) stop: bool,
    /// The writer has ended: nobody takes orders any more.
    ended: bool,
}

/// How the file is written. It is in force for all that is appended after it was set: whoever sets
/// it tells a client so.
pub(super) struct Manner {
    /// An [`AppendFsync`], by its place in [`POLICIES`].
    policy: AtomicUsize,
    timestamps: AtomicBool,
}

const POLICIES: [AppendFsync; 3] = [AppendFsync::No, AppendFsync::Everysec, AppendFsync::Always];

impl Manner {
    pub(super) fn new(policy: AppendFsync, timestamps: bool) -> Manner {
        let manner = Manner {
            policy: AtomicUsize::new(0),
            timestamps: AtomicBool::new(timestamps),
        };
        manner.set_policy(policy);
        manner
    }

    fn set_policy(&self, policy: AppendFsync) {
        let place = POLICIES.iter().position(|known| *known == policy);
        self.policy.store(place.unwrap_or(0), Ordering::SeqCst);
    }

    /// When the file is synced.
    pub(super) fn policy(&self) -> AppendFsync {
        POLICIES[self.policy.load(Ordering::SeqCst)]
    }

    /// Whether replies wait for syncs.
    pub(super) fn syncs_always(&self) -> bool {
        self.policy() == AppendFsync::Always
    }

    /// Whether lines with the time are written.
    pub(super) fn timestamps(&self) -> bool {
        self.timestamps.load(Ordering::SeqCst)
    }
}

/// Orders to the writer. Giving one never waits.
pub struct Orders {
    pub(super) manner: Arc<Manner>,
    pub(super) waiting: Mutex<Waiting>,
    /// Whether `waiting` may hold anything: the writer looks here after every batch.
    pub(super) any: AtomicBool,
    pub(super) thread: Mutex<Option<Thread>>,
    pub(super) holds_syncs: AtomicBool,
}

impl Orders {
    pub(super) fn new(manner: Arc<Manner>) -> Orders {
        Orders {
            manner,
            waiting: Mutex::default(),
            any: AtomicBool::new(false),
            thread: Mutex::new(None),
            holds_syncs: AtomicBool::new(false),
        }
    }

    /// Where the writer has ended the order is dropped, and with it the way for an answer: whoever
    /// waits for one hears that there is none.
    pub(super) fn give(&self, order: impl FnOnce(&mut Waiting)) {
        {
            let mut waiting = self.waiting.lock();
            if waiting.ended {
                return;
            }
            order(&mut waiting);
            self.any.store(true, Ordering::SeqCst);
        }
        self.wake();
    }

    /// The writer has ended, and `closed` is how that went: who wanted everything written and
    /// synced hears it. Other orders that came too late are dropped, as later ones are.
    pub(super) fn end(&self, closed: &Result<(), String>) {
        let ended = Waiting {
            ended: true,
            ..Waiting::default()
        };
        let late = std::mem::replace(&mut *self.waiting.lock(), ended);
        for reply in late.flush {
            let _ = reply.send(closed.clone());
        }
    }

    /// Wakes the file's thread.
    pub(super) fn wake(&self) {
        if let Some(thread) = &*self.thread.lock() {
            thread.unpark();
        }
    }

    /// Whether all orders have been taken.
    #[cfg(test)]
    pub(super) fn waits_for_nothing(&self) -> bool {
        !self.any.load(Ordering::SeqCst) && self.waiting.lock().flush.is_empty()
    }

    /// Behind which sequence the next increment is to begin, if that was ordered.
    pub(super) fn rotation(&self) -> Option<u64> {
        if !self.any.load(Ordering::SeqCst) {
            return None;
        }
        let waiting = self.waiting.lock();
        waiting.rotate.as_ref().map(|(at, _)| *at)
    }

    /// Changes when the file is synced.
    pub fn set_policy(&self, policy: AppendFsync) {
        self.manner.set_policy(policy);
        self.give(|waiting| waiting.policy_changed = true);
    }

    /// Whether the syncs of `everysec` rest, because a snapshot keeps the disk busy
    /// (`no-appendfsync-on-rewrite`). Those of `always` never do: replies wait for them.
    pub fn hold_syncs(&self, hold: bool) {
        self.holds_syncs.store(hold, Ordering::Relaxed);
    }

    /// Turns lines with the time on or off.
    pub fn set_timestamps(&self, on: bool) {
        self.manner.timestamps.store(on, Ordering::SeqCst);
    }

    /// Has the writer go over to a new increment exactly behind the record with sequence `at`. Must
    /// be given while nothing can be appended behind it: under the world.
    pub fn rotate(&self, at: u64) -> Receiver<Result<(), String>> {
        let (reply, answer) = channel();
        self.give(|waiting| waiting.rotate = Some((at, reply)));
        answer
    }

    /// Has everything that is in the journal now written and synced. Waits for that.
    ///
    /// # Errors
    /// What the disk says, or that the writer has ended.
    pub fn flush(&self) -> Result<(), String> {
        let (reply, answer) = channel();
        self.give(|waiting| waiting.flush.push(reply));
        answer.recv().unwrap_or_else(|_| Err(ENDED.into()))
    }

    /// Ends the writer: it writes and syncs what is in the journal and closes the file.
    pub fn stop(&self) {
        self.give(|waiting| waiting.stop = true);
    }
}

pub(super) const ENDED: &str = "the append-only file is closed";

/// How many failures of syncs somebody has heard of.
#[derive(Clone, Copy, Default)]
pub(super) struct Heard(u64);

/// Why what was written is not synced.
pub(super) enum SyncError {
    /// It failed, and whoever hears of that has heard of so many.
    Failed(io::Error, Heard),
    /// Another one failed before, and whoever was told is about to say so.
    Doubtful(io::Error),
}

/// What the writer lets others know.
#[derive(Default)]
pub struct Status {
    /// Bytes of base and increments.
    pub size: AtomicU64,
    /// Bytes of base and increments when the last rewrite was done, or at the start.
    pub base_size: AtomicU64,
    /// Bytes that were read from the journal and wait to be written.
    pub buffered: AtomicU64,
    /// Bytes of memory that the buffer for them takes.
    pub buffer_room: AtomicU64,
    /// Increments since the last base, the one being written included.
    pub increments: AtomicU64,
    /// Syncs that had not ended after two seconds when more was to be written (Redis then writes at
    /// last, and counts that).
    pub delayed_syncs: AtomicU64,
    /// Writes that took more than a millisecond, so that replies waited.
    pub slow_writes: AtomicU64,
    /// Whether a sync is under way.
    pub syncing: AtomicBool,
    /// Held while a file is synced: how many syncs have failed, and why the last one has.
    failed_syncs: Mutex<(u64, String)>,
    written: AtomicU64,
    synced: AtomicU64,
    /// The system's words about the last failure, while it lasts.
    failure: Mutex<Option<String>>,
}

impl Status {
    /// The sequence of the last record that the system has taken.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// The sequence of the last record that outlives a crash of the machine.
    pub fn synced(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    /// Why the file cannot be written, while that is so.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }

    /// Syncs a file for somebody who has heard of the failures before. The system tells one of two
    /// syncs of a failure and calls the other one good: so there is one at a time, and none is
    /// believed behind a failure that the caller has not heard of.
    pub(super) fn sync(&self, file: &dyn Append, heard: Heard) -> Result<(), SyncError> {
        let mut failed = self.failed_syncs.lock();
        if failed.0 != heard.0 {
            return Err(SyncError::Doubtful(io::Error::other(failed.1.clone())));
        }
        file.sync().map_err(|error| {
            *failed = (failed.0 + 1, reason(&error));
            SyncError::Failed(error, Heard(failed.0))
        })
    }

    pub(super) fn set_failure(&self, text: Option<String>) {
        *self.failure.lock() = text;
    }

    pub(super) fn set_written(&self, sequence: u64) {
        self.written.store(sequence, Ordering::Release);
    }

    pub(super) fn set_synced(&self, sequence: u64) {
        self.synced.fetch_max(sequence, Ordering::AcqRel);
    }
}
