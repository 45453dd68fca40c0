//! The one door to the keys of a slot.
//!
//! Whoever holds a [`SlotGuard`] may look at the slot's keys and change them, and nobody else may.
//! Every change goes `before` (open taps get the old value) → change → `changed` (watchers learn of
//! it); the effect is appended to the journal by the caller while the guard still lives.

mod leaving;
mod tapped;
mod watching;

use crate::count::{self, Counts};
use crate::journal::Audience;
use crate::slot::{Keys, SlotState};
use crate::tap::Detached;
use crate::{Cell, Deletion, Locker, Mutant, Store};
use base::Slot;
use ds::Object;
use ds::lock::{Left, TryLockGuard};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(crate) use leaving::Leavers;

/// What happens to a key whose time is up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expiry {
    /// It is deleted when it is met: a primary that is not paused.
    Delete,
    /// It is hidden but stays: a replica, or while paused.
    Hide,
    /// Expiry is not looked at: applying a primary's stream, loading, importing.
    Ignore,
}

/// The time of a command and what it means for expired keys.
#[derive(Clone, Copy, Debug)]
pub struct When {
    /// Milliseconds since 1970.
    pub now: i64,
    /// What happens to a key whose time is up.
    pub expiry: Expiry,
}

/// The right to one slot.
pub struct SlotGuard<'a> {
    locker: &'a Locker,
    cell: &'a Cell,
    slot: Slot,
    state: Option<TryLockGuard<'a, SlotState>>,
    tidy: bool,
    /// Whether the slot is reserved, or was locked before who has it reserved.
    reserved: bool,
}

impl<'a> SlotGuard<'a> {
    pub(crate) fn new(
        locker: &'a Locker,
        cell: &'a Cell,
        slot: Slot,
        state: TryLockGuard<'a, SlotState>,
        reserved: bool,
    ) -> SlotGuard<'a> {
        crate::order::locked(locker.is_open());
        SlotGuard {
            locker,
            cell,
            slot,
            state: Some(state),
            tidy: false,
            reserved,
        }
    }

    #[inline]
    pub(crate) fn store(&self) -> &'a Store {
        self.locker.store()
    }

    #[inline]
    fn counts(&self) -> &'a Counts {
        self.locker.counts()
    }

    /// The slot.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    pub(crate) fn state(&self) -> &SlotState {
        self.state
            .as_ref()
            .expect("a guard holds its slot until it is dropped")
    }

    #[inline]
    fn state_mut(&mut self) -> &mut SlotState {
        self.state
            .as_mut()
            .expect("a guard holds its slot until it is dropped")
    }

    /// The keys of a database here, expired ones included.
    pub fn keys(&self, db: u16) -> Option<&Keys> {
        self.state().keys(db)
    }

    /// The sequence number of the slot's last effect in the journal.
    pub fn last_effect(&self) -> u64 {
        self.state().last_effect
    }

    /// Notes the sequence number of an effect that was appended under this guard.
    pub fn set_last_effect(&mut self, sequence: u64) {
        self.state_mut().last_effect = sequence;
    }

    /// Looks a key up; an expired one is not seen.
    #[inline]
    pub fn find(&mut self, db: u16, hash: u64, key: &[u8], when: When) -> Option<&Object> {
        if self.state().keys(db)?.expires > 0 && self.reap(db, hash, key, when) {
            return None;
        }
        self.state().keys(db)?.table.find(hash, key)
    }

    /// Looks a key up for changing its value in place: open taps get the old value first. The
    /// caller must call [`SlotGuard::changed`] if it does change it.
    pub fn edit(&mut self, db: u16, hash: u64, key: &[u8], when: When) -> Option<Edit<'_>> {
        if self.state().keys(db)?.expires > 0 && self.reap(db, hash, key, when) {
            return None;
        }
        self.open(db, hash, key)
    }

    /// The object under a key, whether its time is up or not; open taps get the old value first.
    #[inline]
    fn open(&mut self, db: u16, hash: u64, key: &[u8]) -> Option<Edit<'_>> {
        if !self.state().taps.is_empty() && !self.store().is_broken(Mutant::BaselineAfterEffect) {
            self.before(db, hash, key);
        }
        let counts = self.counts();
        let Keys { table, expires } = self.state_mut().keys_mut(db)?;
        let object = table.find_mut(hash, key)?;
        let had_expiry = object.expire().is_some();
        Some(Edit {
            object,
            expires,
            counts,
            db,
            had_expiry,
        })
    }

    /// Deletes the key if its time is up and `when` says so; returns whether it is not to be seen.
    #[cold]
    fn reap(&mut self, db: u16, hash: u64, key: &[u8], when: When) -> bool {
        if when.expiry == Expiry::Ignore {
            return false;
        }
        let found = self
            .state()
            .keys(db)
            .and_then(|keys| keys.table.find(hash, key));
        let Some(expire) = found.and_then(Object::expire) else {
            return false;
        };
        if expire > when.now {
            return false;
        }
        if when.expiry == Expiry::Delete && !self.is_leaving(key) {
            self.expire(db, hash, key);
        }
        true
    }

    /// Deletes a key because its time is up. In the journal that goes into the unit of the command
    /// that runs, or is a record of its own where none does.
    pub fn expire(&mut self, db: u16, hash: u64, key: &[u8]) {
        self.expire_for(db, hash, key, Audience::ALL);
    }

    /// As [`SlotGuard::expire`]; the record is for some readers only.
    pub(crate) fn expire_for(&mut self, db: u16, hash: u64, key: &[u8], audience: Audience) {
        let Some(object) = self.remove(db, hash, key) else {
            return;
        };
        count::add(&self.counts().dirty, 1);
        if let Some(rare) = &mut self.state_mut().rare {
            rare.watchers.expire(db, key);
        }
        count::add(&self.counts().expired, 1);
        if let Some(deletion) = Deletion::of(self.store(), db, key, audience)
            && let Some(alone) = self.locker.expiries().note(deletion)
        {
            let sequence = alone.settle(self.store());
            if sequence != 0 {
                self.set_last_effect(sequence);
            }
        }
        self.store().discard(object);
    }

    /// The small string under a key, expired or not, to be overwritten in place with another:
    /// open taps get the old one first. `None` where there is no key or another kind of value.
    /// The caller must call [`SlotGuard::changed`].
    #[inline]
    pub fn overwrite(&mut self, db: u16, hash: u64, key: &[u8]) -> Option<Edit<'_>> {
        self.open(db, hash, key)
            .filter(|edit| edit.object.is_small_string())
    }

    /// Stores an object under its key, in place of what was there. Returns what was there.
    pub fn put(&mut self, db: u16, hash: u64, object: Object) -> Option<Object> {
        let marks = self.marks_for_new(db, object.key());
        object.set_lanes(marks);
        let expiring = object.expire().is_some();
        let (counts, slot) = (self.counts(), self.slot);
        let keys = self.state_mut().keys_or_new(db);
        match keys.table.replace(hash, object) {
            Ok(old) => {
                let change = i64::from(expiring) - i64::from(old.expire().is_some());
                keys.expires = keys.expires.wrapping_add_signed(change as i32);
                counts.expires(db, change);
                Some(if self.state().taps.is_empty() {
                    old
                } else {
                    self.hand_over(db, old)
                })
            }
            Err(object) => {
                keys.expires += u32::from(expiring);
                keys.table.insert(hash, object, stagger(slot));
                if keys.table.len() == 1 {
                    self.store().occupied.begin(db, slot);
                }
                counts.keys(db, 1);
                counts.expires(db, i64::from(expiring));
                None
            }
        }
    }

    /// Takes a key out. Returns what was there.
    pub fn remove(&mut self, db: u16, hash: u64, key: &[u8]) -> Option<Object> {
        let counts = self.counts();
        let keys = self.state_mut().keys_mut(db)?;
        let object = keys.table.remove(hash, key)?;
        let expiring = i64::from(object.expire().is_some());
        keys.expires -= expiring as u32;
        let empty = keys.is_empty();
        counts.keys(db, -1);
        counts.expires(db, -expiring);
        if empty {
            self.store().occupied.end(db, self.slot);
            self.tidy = true;
        }
        Some(if self.state().taps.is_empty() {
            object
        } else {
            self.hand_over(db, object)
        })
    }

    /// Tells watchers that a key changed, and counts so many changes.
    #[inline]
    pub fn changed(&mut self, db: u16, key: &[u8], changes: u64) {
        count::add(&self.counts().dirty, changes);
        if !self.state().taps.is_empty() && self.store().is_broken(Mutant::BaselineAfterEffect) {
            self.before(db, ds::siphash::of(key), key);
        }
        if let Some(rare) = &self.state().rare {
            rare.watchers.touch(db, key);
        }
    }

    /// Counts changes beyond those that [`SlotGuard::changed`] counts.
    pub fn count_dirty(&self, changes: u64) {
        count::add(&self.counts().dirty, changes);
    }

    /// Takes all keys of a database out, for FLUSHDB and for slots that moved away. Open taps keep
    /// what they have not delivered.
    pub fn take_keys(&mut self, db: u16) -> Option<Flushed> {
        let (store, counts, slot) = (self.store(), self.counts(), self.slot);
        let owed: Vec<_> = self
            .state()
            .taps
            .iter()
            .map(|lane| (lane, self.owed(db, lane)))
            .collect();
        let state = self.state_mut();
        let keys = state.keys_mut(db)?;
        if keys.is_empty() {
            return None;
        }
        let gone = std::mem::replace(keys, Keys::new());
        counts.keys(db, -(gone.len() as i64));
        counts.expires(db, -(gone.expires as i64));
        if let Some(rare) = &mut state.rare {
            let there = |key: &[u8]| gone.table.find(ds::siphash::of(key), key).is_some();
            rare.watchers.flush(db, there);
        }
        self.tidy = true;
        let table = Arc::new(gone.table);
        for (lane, cursor) in owed {
            if let (Some(shared), Some(cursor)) = (store.taps.get(lane), cursor) {
                let detached = Detached::new(db, table.clone(), cursor);
                store.discard_remains(shared.deliver_table(detached));
            }
        }
        store.occupied.end(db, slot);
        Some(Flushed(table))
    }
}

/// Keys that FLUSH took out of a slot; open taps may still share them.
pub struct Flushed(Arc<ds::Table<Object>>);

impl Flushed {
    /// How many keys they are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.len() == 0
    }
}

/// A key whose value is being changed in place.
pub struct Edit<'a> {
    object: &'a mut Object,
    expires: &'a mut u32,
    counts: &'a Counts,
    db: u16,
    had_expiry: bool,
}

impl std::ops::Deref for Edit<'_> {
    type Target = Object;

    fn deref(&self) -> &Object {
        self.object
    }
}

impl std::ops::DerefMut for Edit<'_> {
    fn deref_mut(&mut self) -> &mut Object {
        self.object
    }
}

impl Drop for Edit<'_> {
    fn drop(&mut self) {
        let change = i64::from(self.object.expire().is_some()) - i64::from(self.had_expiry);
        if change != 0 {
            *self.expires = self.expires.wrapping_add_signed(change as i32);
            self.counts.expires(self.db, change);
        }
    }
}

/// Spreads the growth of evenly filled slots: neighbours in number differ much.
fn stagger(slot: Slot) -> u8 {
    (u32::from(slot.number()).wrapping_mul(0x9e37_79b1) >> 24) as u8
}

impl Drop for SlotGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.tidy {
            let empty = {
                let state = self.state_mut();
                state.tidy();
                state.databases().next().is_none()
            };
            if empty {
                self.store().occupied.end_all(self.slot);
            }
        }
        crate::order::unlocked();
        if let Some(state) = self.state.take() {
            let hint = state.first.table.hint().to_bits();
            if self.cell.hint.load(Ordering::Relaxed) != hint {
                self.cell.hint.store(hint, Ordering::Relaxed);
            }
            let left = if self.reserved {
                state.unlock_reserved()
            } else {
                state.unlock()
            };
            if left != Left::Nothing {
                self.locker.released(self.slot, left);
            }
        }
    }
}
