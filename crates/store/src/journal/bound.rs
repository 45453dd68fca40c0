//! How much of the log a slow reader may keep alive, and what happens past that.

use super::{Inner, Journal, Reader};
use crate::sync::{AtomicBool, Ordering};
use std::sync::Arc;

/// What a reader may keep alive, in bytes. The bounds are thresholds, looked at once a chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Bound {
    /// Anything.
    None,
    /// Past it the reader is cut off: a peer that is too slow.
    Cut(u64),
    /// Past it writers wait before they lock slots: a disk that is too slow.
    Park(u64),
}

impl Reader {
    /// Has the reader cut off when more than `bytes` wait for it; 0: never.
    pub fn cut_off_past(&self, bytes: u64) {
        self.limit().cut_off_past(bytes);
    }

    /// Has writers wait while more than `bytes` wait for this reader (see [`Journal::is_full`]).
    pub fn park_writers_past(&self, bytes: u64) {
        self.set_bound(Bound::Park(bytes));
    }

    fn set_bound(&self, bound: Bound) {
        self.journal.set_bound(self.id, bound);
    }

    /// Whether it was cut off: it reads nothing more, and what it has not read is gone.
    pub fn is_cut_off(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }

    /// Its limit, for others than who reads.
    pub fn limit(&self) -> ReaderLimit {
        ReaderLimit {
            journal: self.journal.clone(),
            id: self.id,
            cut: self.cut.clone(),
        }
    }
}

/// The limit of a reader, which may wait for its peer while others look after the limit.
pub struct ReaderLimit {
    journal: Arc<Journal>,
    id: u64,
    cut: Arc<AtomicBool>,
}

impl ReaderLimit {
    /// Has the reader cut off when more than `bytes` wait for it; 0: never.
    pub fn cut_off_past(&self, bytes: u64) {
        let bound = match bytes {
            0 => Bound::None,
            bytes => Bound::Cut(bytes),
        };
        self.journal.set_bound(self.id, bound);
    }

    /// Whether the reader was cut off.
    pub fn is_cut_off(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }
}

impl Journal {
    fn set_bound(&self, id: u64, bound: Bound) {
        let mut inner = self.lock();
        if let Some(state) = inner.readers.iter_mut().find(|reader| reader.id == id) {
            state.bound = bound;
        }
        self.hold_to_bounds(&mut inner);
        self.look_for_room(&inner);
    }

    /// Whether whoever wants to write must wait for a disk to keep up.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Cuts readers off, or stops writers, where more waits than may.
    pub(super) fn hold_to_bounds(&self, inner: &mut Inner) {
        let end = inner.end();
        inner.readers.retain_mut(|reader| {
            let lag = end - reader.position;
            match reader.bound {
                Bound::Cut(bytes) if lag > bytes => {
                    reader.cut.store(true, Ordering::Release);
                    self.network.wake(reader.id);
                    return false;
                }
                Bound::Park(bytes) if lag > bytes => self.full.store(true, Ordering::SeqCst),
                _ => {}
            }
            true
        });
    }

    /// Lets writers go on when all readers that they waited for have half of their room again.
    pub(super) fn look_for_room(&self, inner: &Inner) {
        if !self.is_full() {
            return;
        }
        let end = inner.end();
        let behind = inner.readers.iter().any(|reader| match reader.bound {
            Bound::Park(bytes) => end - reader.position > bytes / 2,
            _ => false,
        });
        self.full.store(behind, Ordering::SeqCst);
    }
}
