//! The end of the journal: which place the next record gets.

use super::record::HEADER;
use super::{Audience, Cut};
use crate::order::{Short, brief};
use crate::sync::{AtomicI64, AtomicU64, Mutex, Ordering};

/// The end of the journal, a cache line of its own: each worker that appends fetches it from the
/// one that appended before, so nothing else is done while it is held than to move it on.
#[repr(C, align(64))]
pub(super) struct Tail {
    /// The sequence number of the last record.
    sequence: AtomicU64,
    /// The replication offset: bytes of the replication stream so far.
    offset: AtomicI64,
    /// Whoever holds it is the only one that changes the two above.
    held: Mutex<Held>,
}

struct Held {
    position: u64,
    selected: Selected,
}

/// Which database the replication stream is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Selected {
    /// It is not known, or new readers do not know it: a SELECT comes before the next command.
    Nothing,
    /// This one, which we have selected.
    Own(u16),
    /// This one, which the primary has selected whose stream we pass on.
    Primarys(u16),
}

impl Selected {
    /// The one that we have selected.
    pub(super) fn own(self) -> Option<u16> {
        match self {
            Selected::Own(db) => Some(db),
            _ => None,
        }
    }

    /// The one that the primary has selected.
    pub(super) fn primarys(self) -> Option<u16> {
        match self {
            Selected::Primarys(db) => Some(db),
            _ => None,
        }
    }
}

/// A place between two records.
#[derive(Clone, Copy)]
pub(super) struct End {
    /// What is true there.
    pub(super) cut: Cut,
    /// The database that the replication stream is in.
    pub(super) selected: Selected,
}

impl End {
    /// Goes on behind a record whose command has `length` bytes.
    #[inline]
    pub(super) fn pass(&mut self, audience: Audience, length: usize) {
        self.cut.sequence += 1;
        self.cut.position += (HEADER + length) as u64;
        if audience.replicas() {
            self.cut.offset += length as i64;
        }
    }
}

impl Default for Tail {
    fn default() -> Tail {
        Tail {
            sequence: AtomicU64::new(0),
            offset: AtomicI64::new(0),
            held: Mutex::new(Held {
                position: 0,
                selected: Selected::Nothing,
            }),
        }
    }
}

impl Tail {
    /// The sequence number of the last record.
    #[inline]
    pub(super) fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    /// The replication offset.
    #[inline]
    pub(super) fn offset(&self) -> i64 {
        self.offset.load(Ordering::Acquire)
    }

    /// Moves the end on, as `change` says; returns where it was and where it is.
    #[inline]
    pub(super) fn advance(&self, change: impl FnOnce(&mut End)) -> (End, End) {
        let _order = brief(Short::JournalEnd);
        let mut held = self.held.lock();
        let before = End {
            cut: Cut {
                position: held.position,
                sequence: self.sequence.load(Ordering::Relaxed),
                offset: self.offset.load(Ordering::Relaxed),
            },
            selected: held.selected,
        };
        let mut after = before;
        change(&mut after);
        held.position = after.cut.position;
        held.selected = after.selected;
        self.offset.store(after.cut.offset, Ordering::Release);
        self.sequence.store(after.cut.sequence, Ordering::Release);
        (before, after)
    }

    /// The end now.
    pub(super) fn now(&self) -> Cut {
        self.advance(|_| ()).0.cut
    }
}
