//! The keys that a command may touch: those of the slots it has locked, in its database.

use crate::Key;
use crate::change::{Before, Change, Entry, WholeChange};
use crate::fail::{Fail, WRONGTYPE};
use base::Slot;
use ds::{Kind, Object};
use store::gate::World;
use store::{Expiry, Flushed, Guards, Locker, SlotGuard, Watch, When};

/// A command's view of the key space.
pub struct Keyspace<'a> {
    locker: &'a Locker,
    guards: Guards<'a>,
    /// The physical database.
    db: u16,
    /// The command's clock stamp and what it means for expired keys.
    pub when: When,
    /// Whether slots may be locked as they are met: under the world, where nobody else has one, and
    /// with the token, whose holder may wait for one.
    wanders: bool,
    /// The LRU clock or LFU stamp that lookups leave behind; `None` leaves the field alone.
    touch: Option<crate::access::Stamp>,
    /// Whether lookups count for `keyspace_hits` and `keyspace_misses`.
    count: bool,
    /// Whether times to live that are set here are those of a replica's own client.
    local: bool,
    /// Whether the command may have changed something: it cannot be run again from its beginning.
    begun: bool,
    /// The sequence of the last effect of slots that were seen and given back, if any were.
    seen: Option<u64>,
}

impl<'a> Keyspace<'a> {
    /// The keys of `guards`' slots in the physical database `db`.
    pub fn new(locker: &'a Locker, guards: Guards<'a>, db: u16, when: When) -> Keyspace<'a> {
        Keyspace {
            locker,
            guards,
            db,
            when,
            wanders: false,
            touch: None,
            count: true,
            local: false,
            begun: false,
            seen: None,
        }
    }

    /// All keys: the caller has the world, and these slots.
    pub fn of_world(locker: &'a Locker, guards: Guards<'a>, db: u16, when: When) -> Keyspace<'a> {
        Keyspace {
            wanders: true,
            ..Keyspace::new(locker, guards, db, when)
        }
    }

    /// Lets the command lock slots as it meets them: it has the token.
    pub fn with_token(mut self, token: &store::gate::Token<'_>) -> Keyspace<'a> {
        let _ = token;
        self.wanders = true;
        self
    }

    /// Whether slots may be locked as they are met.
    pub fn may_wander(&self) -> bool {
        self.wanders
    }

    /// Sets what lookups leave in a key's LRU field.
    pub fn set_touch(&mut self, touch: Option<crate::access::Stamp>) {
        self.touch = touch;
    }

    /// Sets whether lookups count as hits and misses.
    pub fn set_counting(&mut self, on: bool) {
        self.count = on;
    }

    /// Sets whether times to live that are set here are those of a replica's own client: no primary
    /// will delete the keys.
    pub fn set_local(&mut self, on: bool) {
        self.local = on;
    }

    /// Notes that the command has set when a key expires.
    #[inline]
    fn expires(&self, key: Key<'_>, at: Option<i64>) {
        if let (true, Some(at)) = (self.local, at) {
            self.locker.store().note_local_expiry(self.db, &key, at);
        }
    }

    /// The physical database.
    pub fn db(&self) -> u16 {
        self.db
    }

    /// Goes to another physical database.
    pub fn set_db(&mut self, db: u16) {
        self.db = db;
    }

    /// The thread's locker.
    pub fn locker(&self) -> &'a Locker {
        self.locker
    }

    /// Whether the command has locked no slot.
    pub fn holds_none(&self) -> bool {
        self.guards.is_empty()
    }

    /// The sequence of the last effect of the slots that the command has seen, if it has seen any.
    pub(crate) fn last_seen(&self) -> Option<u64> {
        if self.guards.is_empty() {
            return self.seen;
        }
        Some(self.guards.last_effect().max(self.seen.unwrap_or(0)))
    }

    /// Whether the command has a slot.
    pub fn holds(&self, slot: Slot) -> bool {
        self.place(slot).is_some()
    }

    /// Where a slot's guard is among the command's.
    #[inline(always)]
    pub(crate) fn place(&self, slot: Slot) -> Option<usize> {
        self.guards.find(slot)
    }

    /// Notes the sequence number of an effect that was appended under all of the command's slots.
    pub fn set_last_effect(&mut self, sequence: u64) {
        self.guards.set_last_effect(sequence);
    }

    /// What follows where a slot is not locked that is needed: the command is run again with it,
    /// unless it has changed something already.
    #[cold]
    pub(crate) fn lacks(&self, slot: Slot) -> Fail {
        if self.begun {
            debug_assert!(!self.begun, "slot {slot} is needed after the first change");
            return Fail::Undeclared(slot);
        }
        Fail::More(slot)
    }

    /// Sees that a slot is locked, and waits for it where the command may.
    ///
    /// # Errors
    /// [`Fail::More`] where it may not.
    pub(crate) fn reach(&mut self, slot: Slot) -> Result<&mut SlotGuard<'a>, Fail> {
        let at = match self.guards.find(slot) {
            Some(at) => at,
            None if self.wanders => self.guards.add(self.locker.lock(slot)),
            None => return Err(self.lacks(slot)),
        };
        Ok(self.guards.at(at))
    }

    /// Looks at a slot that the command came to while it ran (SCAN, KEYS). The slot is given back
    /// behind that, unless the command had it before, or keeps all slots that it meets.
    ///
    /// # Errors
    /// [`Fail::Busy`] when another thread has it and the command may not wait.
    pub fn visit<T>(
        &mut self,
        slot: Slot,
        look: impl FnOnce(&mut SlotGuard<'a>) -> T,
    ) -> Result<T, Fail> {
        if self.wanders || self.holds(slot) {
            return self.reach(slot).map(look);
        }
        let guard = self.locker.try_lock(slot).ok_or(Fail::Busy(slot))?;
        let mut guards = Guards::one(guard);
        let result = look(guards.at(0));
        // A command that has slots of its own only looks at others.
        if self.holds_none() && self.locker.expiries().any() {
            self.locker.journal_expiries(&mut guards);
        }
        self.seen = self.seen.max(Some(guards.last_effect()));
        Ok(result)
    }

    /// Visits every slot that has keys of a physical database, under the world.
    pub fn visit_all(&mut self, world: &World<'_>, db: u16, visit: impl FnMut(&mut SlotGuard<'a>)) {
        self.guards.visit_all(self.locker, world, Some(db), visit);
    }

    /// Takes all keys out of one physical database, or of all; gives each slot's keys to `sink`.
    /// It counts for as many changes as there were keys.
    pub fn flush(
        &mut self,
        world: &World<'_>,
        db: Option<u16>,
        sink: impl FnMut(Flushed),
    ) -> WholeChange {
        self.begun = true;
        let changes = self.guards.flush(self.locker, world, db, sink);
        WholeChange { changes }
    }

    /// Exchanges two databases, by their numbers.
    pub fn swap_databases(&mut self, world: &World<'_>, numbers: (u16, u16)) -> WholeChange {
        self.begun = true;
        if numbers.0 != numbers.1 {
            let now = self.when.now;
            self.guards.swap_databases(self.locker, world, numbers, now);
        }
        WholeChange { changes: 1 }
    }

    /// The first of these keys that is on its way to another server.
    #[inline]
    pub(crate) fn leaving_among(
        &mut self,
        args: resp::Args<'_>,
        known: &[crate::ahead::KnownKey],
    ) -> Option<Box<[u8]>> {
        crate::leaving::among(&mut self.guards, args, known)
    }

    /// The guard of the slot of a key that the connection watches: EXEC locks those too.
    pub(crate) fn watched(&mut self, key: &[u8]) -> Option<&mut SlotGuard<'a>> {
        self.reach(Slot::of_key(key)).ok()
    }

    /// The guard of a key's slot.
    #[inline(always)]
    fn guard(&mut self, key: Key<'_>) -> &mut SlotGuard<'a> {
        // More slots may have been locked since the key was handed out.
        self.guards.of_slot(key.slot(), key.place())
    }

    /// Looks a key up for a reader: counts a hit or a miss and notes the access.
    #[inline]
    pub fn read(&mut self, key: Key<'_>) -> Option<&Object> {
        let (db, when, touch, count) = (self.db, self.when, self.touch, self.count);
        let locker = self.locker;
        let guard = self.guard(key);
        let found = guard.find(db, key.hash(), &key, when);
        if count {
            locker.count_lookup(found.is_some());
        }
        let object = found?;
        if let Some(stamp) = touch {
            crate::access::note(object, stamp);
        }
        Some(object)
    }

    /// Looks a key up without leaving a trace (OBJECT, TTL of the dialect, DEBUG).
    pub fn peek(&mut self, key: Key<'_>) -> Option<&Object> {
        let (db, when) = (self.db, self.when);
        let guard = self.guard(key);
        guard.find(db, key.hash(), &key, when)
    }

    /// Looks a key up for a writer that may change its value in place: see [`Entry`].
    #[inline]
    pub fn edit<'k>(&mut self, key: Key<'k>) -> Option<Entry<'_, 'k>> {
        let (db, when, touch) = (self.db, self.when, self.touch);
        self.begun = true;
        let guard = self.guard(key);
        let edit = guard.edit(db, key.hash(), &key, when)?;
        if let Some(stamp) = touch {
            crate::access::note(&edit, stamp);
        }
        Some(Entry::new(edit, key, db))
    }

    /// Stores an object under its key in place of what was there; the old value is freed, in the
    /// background when that may take long.
    #[inline(always)]
    pub fn put<'k>(&mut self, key: Key<'k>, object: Object) -> Change<'k> {
        let before = self.replace(&key, object);
        Change::put(key, self.db, before)
    }

    fn replace(&mut self, key: &Key<'_>, object: Object) -> Before {
        debug_assert_eq!(object.key(), &**key, "an object lies under its own key");
        self.expires(*key, object.expire());
        self.insert(key, object)
    }

    fn insert(&mut self, key: &Key<'_>, object: Object) -> Before {
        if let Some(stamp) = self.touch {
            crate::access::begin(&object, stamp);
        }
        let (db, when) = (self.db, self.when);
        self.begun = true;
        let Some(old) = self.guard(*key).put(db, key.hash(), object) else {
            return Before::Nothing;
        };
        let before = before(&old, when);
        self.locker.store().discard(old);
        before
    }

    /// Stores a string under a key, in place of what was there; text that is a canonical integer
    /// is kept as one. A small string is overwritten where it lies.
    #[inline(always)]
    pub fn put_string<'k>(
        &mut self,
        key: Key<'k>,
        value: &[u8],
        expire: Option<i64>,
    ) -> Change<'k> {
        let before = self.overwrite(&key, value, expire);
        Change::put(key, self.db, before)
    }

    fn overwrite(&mut self, key: &Key<'_>, value: &[u8], expire: Option<i64>) -> Before {
        let (db, when, touch) = (self.db, self.when, self.touch);
        self.expires(*key, expire);
        self.begun = true;
        let guard = self.guard(*key);
        if let Some(mut object) = guard.overwrite(db, key.hash(), key) {
            let before = before(&object, when);
            object.set_expire(expire);
            object.set_text(value);
            match touch {
                Some(stamp) => crate::access::begin(&object, stamp),
                None => object.set_lru(0),
            }
            return before;
        }
        self.insert(key, Object::new_text(key, value, expire))
    }

    /// Sets when a key expires; `None`: never.
    pub fn set_expire<'k>(&mut self, key: Key<'k>, at: Option<i64>) -> Option<Change<'k>> {
        let ((), change) = self.edit(key)?.change(|object| object.set_expire(at));
        self.expires(key, at);
        Some(change)
    }

    /// Has a key live for ever, if it is there and would expire.
    pub fn unset_expire<'k>(&mut self, key: Key<'k>) -> Option<Change<'k>> {
        self.peek(key)?.expire()?;
        self.set_expire(key, None)
    }

    /// Takes a key out; returns its object. An expired key is not there.
    pub fn take<'k>(&mut self, key: Key<'k>) -> Option<(Object, Change<'k>)> {
        let (db, when) = (self.db, self.when);
        self.begun = true;
        let guard = self.guard(key);
        guard.find(db, key.hash(), &key, when)?;
        let object = guard.remove(db, key.hash(), &key)?;
        Some((object, Change::new(key, db)))
    }

    /// Deletes a key, if it is there.
    pub fn delete<'k>(&mut self, key: Key<'k>) -> Option<Change<'k>> {
        let (object, change) = self.take(key)?;
        self.locker.store().discard(object);
        Some(change)
    }

    /// Deletes the key of a change when its collection has become empty, as collections without
    /// elements do not exist.
    pub fn delete_if_empty<'k>(&mut self, change: Change<'k>, empty: bool) -> Change<'k> {
        if !empty {
            return change;
        }
        match self.delete(change.key()) {
            Some(deleted) => change.and(deleted).emptied(),
            None => change,
        }
    }

    /// Tells who watches the key of a change, and counts so many changes.
    #[inline(always)]
    pub(crate) fn tell_watchers(&mut self, change: &Change<'_>, changes: u64) {
        let key = change.key();
        self.guard(key).changed(change.db(), &key, changes);
    }

    /// Counts changes of whole databases.
    pub(crate) fn count_dirty(&self, changes: u64) {
        self.locker.count_dirty(changes);
    }

    /// Has a watch told when a key changes from now on.
    pub(crate) fn watch(&mut self, key: Key<'_>, watch: &Watch) {
        let (db, now) = (self.db, self.when.now);
        self.guard(key).watch(db, &key, watch, now);
    }

    /// Looks a key up for a reader that wants a value of one kind.
    ///
    /// # Errors
    /// WRONGTYPE when the key holds another kind.
    #[inline]
    pub fn read_kind(&mut self, key: Key<'_>, kind: Kind) -> Result<Option<&Object>, Fail> {
        match self.read(key) {
            Some(object) if object.kind() != kind => Err(WRONGTYPE.into()),
            found => Ok(found),
        }
    }

    /// Looks a key up for a writer that wants a value of one kind.
    ///
    /// # Errors
    /// WRONGTYPE when the key holds another kind.
    #[inline]
    pub fn edit_kind<'k>(
        &mut self,
        key: Key<'k>,
        kind: Kind,
    ) -> Result<Option<Entry<'_, 'k>>, Fail> {
        match self.edit(key) {
            Some(object) if object.kind() != kind => Err(WRONGTYPE.into()),
            found => Ok(found),
        }
    }
}

/// What a value that is overwritten was: nobody has met that it has expired.
#[inline(always)]
fn before(old: &Object, when: When) -> Before {
    if when.expiry == Expiry::Delete && old.expire().is_some_and(|at| at <= when.now) {
        Before::Expired
    } else {
        Before::Value
    }
}
