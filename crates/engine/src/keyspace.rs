//! The keys that a command may touch: those of the slots it has locked, in its database.

use crate::ahead::KnownKey;
use crate::fail::{Fail, WRONGTYPE};
use base::{Slot, num};
use ds::{Kind, Object};
use resp::Args;
use store::{Edit, Guards, Locker, SlotGuard, When};

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
    /// Whether the command has the world.
    world: bool,
    /// The LRU clock or LFU stamp that lookups leave behind; `None` leaves the field alone.
    touch: Option<crate::access::Stamp>,
    /// Whether lookups count for `keyspace_hits` and `keyspace_misses`.
    count: bool,
    /// Whether times to live that are set here are those of a replica's own client.
    local: bool,
    /// The command's arguments, and the keys among them whose hashes are known.
    args: Args<'a>,
    known: &'a [KnownKey],
    /// Which of them is likely to be asked for next.
    next: usize,
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
            world: false,
            touch: None,
            count: true,
            local: false,
            args: Args::new(&[], &[]),
            known: &[],
            next: 0,
            seen: None,
        }
    }

    /// The same, with what is known of the keys among the arguments.
    #[inline]
    pub(crate) fn knowing(mut self, args: Args<'a>, known: &'a [KnownKey]) -> Keyspace<'a> {
        (self.args, self.known) = (args, known);
        self
    }

    /// All keys: the caller has the world.
    pub fn of_world(locker: &'a Locker, db: u16, when: When) -> Keyspace<'a> {
        Keyspace {
            wanders: true,
            world: true,
            ..Keyspace::new(locker, Guards::default(), db, when)
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
    pub fn expires(&self, key: &[u8], at: Option<i64>) {
        if let (true, Some(at)) = (self.local, at) {
            self.locker.store().note_local_expiry(self.db, key, at);
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

    /// Whether the command has the world.
    pub fn has_world(&self) -> bool {
        self.world
    }

    /// The guards, for noting the effect's place in the journal.
    pub fn guards(&mut self) -> &mut Guards<'a> {
        &mut self.guards
    }

    /// The sequence of the last effect of the slots that the command has seen, if it has seen any.
    pub(crate) fn last_seen(&self) -> Option<u64> {
        if self.guards.is_empty() {
            return self.seen;
        }
        Some(self.guards.last_effect().max(self.seen.unwrap_or(0)))
    }

    /// The guard of a slot. A command reaches only slots of keys that its key specs name, which
    /// were locked before it began; under the world and with the token every slot can be had.
    #[inline]
    pub fn guard(&mut self, slot: Slot) -> &mut SlotGuard<'a> {
        let at = match self.guards.find(slot) {
            Some(at) => at,
            None => self.wander_to(slot),
        };
        self.guards.at(at)
    }

    /// Locks a slot that the command has come to; answers the place of its guard.
    #[cold]
    fn wander_to(&mut self, slot: Slot) -> usize {
        assert!(self.wanders, "slot {slot} was not locked for this command");
        self.guards.add(self.locker.lock(slot))
    }

    /// Locks one more slot, found out while running (SCAN, RANDOMKEY).
    ///
    /// # Errors
    /// [`Fail::Busy`] when another thread has it.
    pub fn try_guard(&mut self, slot: Slot) -> Result<&mut SlotGuard<'a>, Fail> {
        let at = match self.guards.find(slot) {
            Some(at) => at,
            None => {
                let guard = self.locker.try_lock(slot).ok_or(Fail::Busy(slot))?;
                self.guards.add(guard)
            }
        };
        Ok(self.guards.at(at))
    }

    /// Gives back the slots that [`Keyspace::try_guard`] took.
    pub fn release(&mut self) {
        if self.locker.expiries().any() {
            self.locker.journal_expiries(&mut self.guards);
        }
        self.seen = self.last_seen();
        self.guards = Guards::default();
    }

    /// The slot and the hash of a key: known, if it is an argument that was looked at as a key.
    /// Handlers come to their keys in the order of the key specs, mostly several times to each.
    #[inline(always)]
    fn identify(&mut self, key: &[u8]) -> (Slot, u64) {
        let args = self.args;
        let is = |known: &KnownKey| std::ptr::eq(args.get(known.index as usize), key);
        if let Some(known) = self.known.get(self.next).filter(|known| is(known)) {
            return (known.slot, known.hash);
        }
        if let Some(known) = self.known.get(self.next + 1).filter(|known| is(known)) {
            self.next += 1;
            return (known.slot, known.hash);
        }
        self.identify_anew(key)
    }

    #[cold]
    fn identify_anew(&mut self, key: &[u8]) -> (Slot, u64) {
        let args = self.args;
        let is = |known: &KnownKey| std::ptr::eq(args.get(known.index as usize), key);
        if let Some(at) = self.known.iter().take(16).position(is) {
            self.next = at;
            return (self.known[at].slot, self.known[at].hash);
        }
        let slot = match self.guards.only() {
            Some(slot) if !self.wanders => slot,
            _ => Slot::of_key(key),
        };
        (slot, ds::hash::of(key))
    }

    #[inline(always)]
    fn place(&mut self, key: &[u8]) -> (&mut SlotGuard<'a>, u64) {
        let (slot, hash) = self.identify(key);
        (self.guard(slot), hash)
    }

    /// Looks a key up for a reader: counts a hit or a miss and notes the access.
    #[inline]
    pub fn read(&mut self, key: &[u8]) -> Option<&Object> {
        let (db, when, touch, count) = (self.db, self.when, self.touch, self.count);
        let locker = self.locker;
        let (guard, hash) = self.place(key);
        let found = guard.find(db, hash, key, when);
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
    pub fn peek(&mut self, key: &[u8]) -> Option<&Object> {
        let (db, when) = (self.db, self.when);
        let (guard, hash) = self.place(key);
        guard.find(db, hash, key, when)
    }

    /// Looks a key up for a writer that may change its value in place. Whoever changes it calls
    /// [`Keyspace::changed`].
    pub fn edit(&mut self, key: &[u8]) -> Option<Edit<'_>> {
        let (db, when, touch) = (self.db, self.when, self.touch);
        let (guard, hash) = self.place(key);
        let edit = guard.edit(db, hash, key, when)?;
        if let Some(stamp) = touch {
            crate::access::note(&edit, stamp);
        }
        Some(edit)
    }

    /// Stores an object under its key in place of what was there; the old value is freed, in the
    /// background when that may take long.
    pub fn put(&mut self, object: Object) {
        if let Some(stamp) = self.touch {
            crate::access::begin(&object, stamp);
        }
        let db = self.db;
        self.expires(object.key(), object.expire());
        let (guard, hash) = self.place(object.key());
        let old = guard.put(db, hash, object);
        if let Some(old) = old {
            self.locker.store().discard(old);
        }
    }

    /// Stores a string under a key, in place of what was there; text that is a canonical integer
    /// is kept as one. A small string is overwritten where it lies.
    pub fn put_string(&mut self, key: &[u8], value: &[u8], expire: Option<i64>) {
        let (db, touch) = (self.db, self.touch);
        self.expires(key, expire);
        let integer = if value.len() <= 20 {
            num::parse_i64(value)
        } else {
            None
        };
        let locker = self.locker;
        let (guard, hash) = self.place(key);
        if let Some(mut object) = guard.overwrite(db, hash, key) {
            object.set_expire(expire);
            match integer {
                Some(integer) => object.set_int(integer),
                None => object.set_str(value),
            }
            match touch {
                Some(stamp) => crate::access::begin(&object, stamp),
                None => object.set_lru(0),
            }
            return;
        }
        let object = match integer {
            Some(integer) => Object::new_int(key, integer, expire),
            None => Object::new_str(key, value, expire),
        };
        if let Some(stamp) = touch {
            crate::access::begin(&object, stamp);
        }
        if let Some(old) = guard.put(db, hash, object) {
            locker.store().discard(old);
        }
    }

    /// Takes a key out; returns its object. An expired key is not there.
    pub fn take(&mut self, key: &[u8]) -> Option<Object> {
        let (db, when) = (self.db, self.when);
        let (guard, hash) = self.place(key);
        guard.find(db, hash, key, when)?;
        guard.remove(db, hash, key)
    }

    /// Deletes a key; returns whether it was there.
    pub fn delete(&mut self, key: &[u8]) -> bool {
        let object = self.take(key);
        let there = object.is_some();
        if let Some(object) = object {
            self.locker.store().discard(object);
        }
        there
    }

    /// Tells watchers that the key changed and counts the change.
    #[inline]
    pub fn changed(&mut self, key: &[u8]) {
        let db = self.db;
        let slot = match self.guards.only() {
            Some(slot) if !self.wanders => slot,
            _ => self.identify(key).0,
        };
        self.guard(slot).changed(db, key);
    }

    /// Counts changes beyond those that [`Keyspace::changed`] counted.
    pub fn count_dirty(&self, changes: u64) {
        self.locker.count_dirty(changes);
    }

    /// Looks a key up for a reader that wants a value of one kind.
    ///
    /// # Errors
    /// WRONGTYPE when the key holds another kind.
    #[inline]
    pub fn read_kind(&mut self, key: &[u8], kind: Kind) -> Result<Option<&Object>, Fail> {
        match self.read(key) {
            Some(object) if object.kind() != kind => Err(WRONGTYPE.into()),
            found => Ok(found),
        }
    }

    /// Looks a key up for a writer that wants a value of one kind.
    ///
    /// # Errors
    /// WRONGTYPE when the key holds another kind.
    pub fn edit_kind(&mut self, key: &[u8], kind: Kind) -> Result<Option<Edit<'_>>, Fail> {
        match self.edit(key) {
            Some(object) if object.kind() != kind => Err(WRONGTYPE.into()),
            found => Ok(found),
        }
    }

    /// Deletes the key when its collection has become empty, as collections without elements do
    /// not exist.
    pub fn delete_if_empty(&mut self, key: &[u8], empty: bool) {
        if empty {
            self.delete(key);
        }
    }
}
