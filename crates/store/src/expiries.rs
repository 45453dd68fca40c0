//! Deletions of expired keys that a command has met: they belong into the command's unit of the
//! journal, between the effects that came before and after them.

use crate::journal::{Audience, Effect};
use crate::sync::{AtomicBool, Mutex, Ordering};
use crate::{Event, Events, Guards, Locker, Store};

/// A deletion that is still to be journalled and told of.
pub struct Deletion {
    /// The number of its database.
    pub db: u16,
    /// Who is to see it in the journal; nobody, where that had no reader.
    pub audience: Option<Audience>,
    /// The key.
    pub key: Box<[u8]>,
    /// Whether somebody hears of it.
    pub heard: bool,
    /// Whether it is journalled as UNLINK.
    unlink: bool,
}

impl Deletion {
    /// Of a key in a physical database; `None` where nobody is to hear of it.
    pub(crate) fn of(store: &Store, db: u16, key: &[u8], audience: Audience) -> Option<Deletion> {
        let (journalled, heard) = (store.journal.is_active(), store.is_heard());
        if !journalled && !heard {
            return None;
        }
        Some(Deletion {
            db: store.logical_db(db),
            audience: journalled.then_some(audience),
            key: key.into(),
            heard,
            unlink: store.lazy_expire(),
        })
    }

    /// Appends the command as RESP.
    pub fn write(&self, out: &mut Vec<u8>) {
        let name: &[u8] = if self.unlink { b"UNLINK" } else { b"DEL" };
        base::words::put(out, [name, &self.key].into_iter());
    }

    /// Journals it as a record of its own, and tells of it; returns its sequence number, 0 where
    /// the journal has no reader.
    pub(crate) fn settle(&self, store: &Store) -> u64 {
        let mut sequence = 0;
        if let Some(audience) = self.audience {
            let mut command = Vec::new();
            self.write(&mut command);
            let effect = Effect {
                db: self.db,
                audience,
                command: &command,
            };
            sequence = store.journal.append(&[effect]);
        }
        if self.heard {
            let mut events = Events::default();
            events.note(self.db, Event::EXPIRED, &self.key);
            store.post(&mut events);
        }
        sequence
    }
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
            let sequence = deletion.settle(self.store());
            if sequence != 0 {
                guards.set_last_effect(sequence);
            }
        }
    }
}
