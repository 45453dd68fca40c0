//! Deletions of expired keys that a command has met: they belong into the command's unit of the
//! journal, between the effects that came before and after them.

use crate::journal::{Audience, Effect};
use crate::sync::{AtomicBool, Mutex, Ordering};
use crate::{Guards, Locker};

/// A deletion that is still to be journalled.
pub struct Deletion {
    /// The number of its database.
    pub db: u16,
    /// Who is to see it.
    pub audience: Audience,
    /// The command, as RESP.
    pub command: Vec<u8>,
}

/// What a thread's commands have met. Only that thread uses it; it is shared so that the one who
/// gathers the effects of a command finds it.
#[derive(Default)]
pub struct Expiries {
    /// Whether a unit is open that takes them.
    open: AtomicBool,
    any: AtomicBool,
    met: Mutex<Vec<Deletion>>,
}

impl Expiries {
    /// A unit begins: deletions go into it until [`Expiries::close`].
    #[inline]
    pub fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    /// The unit ends, when its deletions have been taken.
    #[inline]
    pub fn close(&self) {
        self.open.store(false, Ordering::Relaxed);
    }

    /// Whether any wait to be taken.
    #[inline]
    pub fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Takes those that have come since the last call, in order.
    #[cold]
    pub fn take(&self) -> Vec<Deletion> {
        self.any.store(false, Ordering::Relaxed);
        std::mem::take(&mut *self.met.lock())
    }

    /// Notes one for the unit that is open; gives it back if none is.
    pub(crate) fn note(&self, deletion: Deletion) -> Option<Deletion> {
        if !self.open.load(Ordering::Relaxed) {
            return Some(deletion);
        }
        self.met.lock().push(deletion);
        self.any.store(true, Ordering::Relaxed);
        None
    }
}

impl Locker {
    /// Journals deletions that wait for the end of a unit whose slots are unlocked before it: each
    /// as a record of its own, as the command has had no other effect so far.
    #[cold]
    pub fn journal_expiries(&self, guards: &mut Guards<'_>) {
        for deletion in self.expiries().take() {
            let Deletion {
                db,
                audience,
                command,
            } = &deletion;
            let effect = Effect {
                db: *db,
                audience: *audience,
                command,
            };
            guards.set_last_effect(self.store().journal.append(&[effect]));
        }
    }
}
