//! Changes of values. Whoever changes one holds a [`Change`], which only [`Cx`] ends: it tells who
//! watches the key, counts the change, notes the event, and has the effect with it.

use crate::event::{self, DELETED, NEW_KEY};
use crate::{Cx, Key};
use ds::Object;
use std::ops::Deref;
use store::{Edit, Event};

/// The key was not there before, or counts as new.
const FRESH: u8 = 1;
/// The key was there, but its time was up.
const LAPSED: u8 = 2;
/// The key has gone with its last element.
const EMPTIED: u8 = 4;

/// What was under a key before a value was put there.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Before {
    Value = 0,
    Nothing = FRESH,
    /// A value whose time was up.
    Expired = FRESH | LAPSED,
}

/// A value was changed, and nobody has been told yet.
#[must_use = "a change is ended by what tells of it: Cx::end, Cx::end_as_sent, Cx::announce"]
pub struct Change<'k> {
    key: Key<'k>,
    /// The physical database.
    db: u16,
    marks: u8,
}

impl<'k> Change<'k> {
    #[inline(always)]
    pub(crate) fn new(key: Key<'k>, db: u16) -> Change<'k> {
        Change { key, db, marks: 0 }
    }

    /// A value was put where that was before.
    #[inline(always)]
    pub(crate) fn put(key: Key<'k>, db: u16, before: Before) -> Change<'k> {
        let marks = before as u8;
        Change { key, db, marks }
    }

    /// The key.
    #[inline(always)]
    pub fn key(&self) -> Key<'k> {
        self.key
    }

    #[inline(always)]
    pub(crate) fn db(&self) -> u16 {
        self.db
    }

    /// The key counts as new, even where another value was there: RENAME, COPY and RESTORE delete
    /// that first.
    pub fn afresh(mut self) -> Change<'k> {
        self.marks |= FRESH;
        self
    }

    /// The key has gone, since its collection has become empty.
    pub(crate) fn emptied(mut self) -> Change<'k> {
        self.marks |= EMPTIED;
        self
    }

    /// A further change of the same value by the same command: they count as one.
    pub fn and(self, later: Change<'k>) -> Change<'k> {
        debug_assert!(*self.key == *later.key && self.db == later.db);
        let marks = self.marks | later.marks;
        later.told();
        let (key, db) = (self.key, self.db);
        self.told();
        Change { key, db, marks }
    }

    /// It has been told of.
    #[inline(always)]
    fn told(self) {
        std::mem::forget(self);
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        debug_assert!(
            std::thread::panicking(),
            "nobody was told that '{}' changed",
            self.key.escape_ascii()
        );
    }
}

/// The value under a key, to be looked at, and then changed or left alone.
pub struct Entry<'e, 'k> {
    edit: Edit<'e>,
    key: Key<'k>,
    /// The physical database.
    db: u16,
}

impl<'e, 'k> Entry<'e, 'k> {
    #[inline(always)]
    pub(crate) fn new(edit: Edit<'e>, key: Key<'k>, db: u16) -> Entry<'e, 'k> {
        Entry { edit, key, db }
    }

    /// Changes the value.
    #[inline(always)]
    pub fn change<T>(mut self, change: impl FnOnce(&mut Object) -> T) -> (T, Change<'k>) {
        let result = change(&mut self.edit);
        (result, Change::new(self.key, self.db))
    }

    /// Changes the value, or finds that there is nothing to change and gives `None`.
    #[inline]
    pub fn try_change<T>(
        mut self,
        change: impl FnOnce(&mut Object) -> Option<T>,
    ) -> Option<(T, Change<'k>)> {
        let result = change(&mut self.edit)?;
        Some((result, Change::new(self.key, self.db)))
    }
}

impl Deref for Entry<'_, '_> {
    type Target = Object;

    #[inline]
    fn deref(&self) -> &Object {
        &self.edit
    }
}

/// Whole databases were changed, and nobody has been told yet.
#[must_use = "a change is ended by what tells of it: Cx::end_whole"]
pub struct WholeChange {
    /// How many changes it counts for.
    pub changes: u64,
}

impl Cx<'_> {
    /// Ends a change whose effect is the command itself: it gives the same result wherever it is
    /// executed. `changes` is what it counts for in `rdb_changes_since_last_save`.
    #[inline(always)]
    pub(crate) fn end_as_sent(&mut self, change: Change<'_>, events: event::Kind, changes: u64) {
        self.announce(change, events, changes);
        self.effect_as_sent();
    }

    /// Ends a change with another command as its effect, which replicas and the append-only file
    /// get.
    #[inline(always)]
    pub(crate) fn end(
        &mut self,
        change: Change<'_>,
        (events, changes): (event::Kind, u64),
        effect: &[&[u8]],
    ) {
        self.announce(change, events, changes);
        self.effect(effect);
    }

    /// Ends one change of several whose effect is noted together, by [`Cx::effect`] or
    /// [`Cx::effect_as_sent`].
    #[inline(always)]
    pub(crate) fn announce(&mut self, mut change: Change<'_>, events: event::Kind, changes: u64) {
        self.keys.tell_watchers(&change, changes);
        if self.engine.store.is_heard() {
            self.note_arrival(&mut change);
            self.note_events(&change, events);
        }
        self.effects.announced();
        change.told();
    }

    /// Ends a change that no other server and no file hears of.
    pub(crate) fn end_here(&mut self, change: Change<'_>, events: event::Kind, changes: u64) {
        self.announce(change, events, changes);
        self.effects.noted();
    }

    /// Ends what took a value from one place to another: that the key is new stands before both
    /// events.
    pub(crate) fn announce_moved(
        &mut self,
        (gone, from): (Change<'_>, event::Kind),
        (mut come, to): (Change<'_>, event::Kind),
    ) {
        if self.engine.store.is_heard() {
            self.note_arrival(&mut come);
        }
        self.announce(gone, from, 1);
        self.announce(come, to, 1);
    }

    /// Deletes a key, with DEL as its effect; returns whether it was there.
    pub(crate) fn delete_as_effect(&mut self, key: Key<'_>) -> bool {
        let Some(change) = self.keys.delete(key) else {
            return false;
        };
        self.end(change, (event::DEL, 1), &[b"DEL", &key]);
        true
    }

    /// Ends a change of whole databases, whose effect is the command itself. Watchers were told of
    /// their keys; there is no event.
    pub(crate) fn end_whole(&mut self, change: WholeChange) {
        self.keys.count_dirty(change.changes);
        self.effects.announced();
        self.effect_as_sent();
    }

    /// Notes that the key of a change is new, once.
    #[cold]
    fn note_arrival(&mut self, change: &mut Change<'_>) {
        let marks = change.marks;
        change.marks &= EMPTIED;
        let number = self.engine.store.logical_db(change.db);
        if marks & LAPSED != 0 {
            self.effects.event(number, Event::EXPIRED, &change.key);
        }
        if marks & FRESH != 0 {
            self.effects.event(number, NEW_KEY, &change.key);
        }
    }

    /// Notes what happened to the key of a change.
    #[cold]
    fn note_events(&mut self, change: &Change<'_>, events: &[Event]) {
        let number = self.engine.store.logical_db(change.db);
        for &event in events {
            self.effects.event(number, event, &change.key);
        }
        if change.marks & EMPTIED != 0 {
            self.effects.event(number, DELETED, &change.key);
        }
    }
}

#[cfg(all(test, debug_assertions))]
mod tests;
