//! A key that a command may touch.

use crate::ahead::KnownKey;
use crate::fail::{Fail, SYNTAX};
use crate::{Cx, Keyspace};
use base::Slot;
use std::ops::Deref;

/// A key with its slot and its hash. A handler has it from [`Cx::key`] or [`Keyspace::derived`],
/// which see that its slot is locked: there is no other way from bytes to a value.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    name: &'a [u8],
    slot: Slot,
    hash: u64,
    /// Where its slot's guard was among the command's when it was handed out.
    place: u32,
}

impl<'a> Key<'a> {
    /// Its bytes.
    #[inline]
    pub fn name(self) -> &'a [u8] {
        self.name
    }

    /// Its slot.
    #[inline]
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// Its hash in the tables.
    #[inline]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    #[inline(always)]
    pub(crate) fn place(&self) -> usize {
        self.place as usize
    }
}

impl Deref for Key<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.name
    }
}

impl<'a> Cx<'a> {
    /// Key number `nth` of the command, counted from 0 in the order of its key specs: the keys that
    /// routing and locking went by are the ones that it works on.
    ///
    /// # Errors
    /// A syntax error when the key specs found no such key. A command whose arguments say how many
    /// keys it has checks them before it asks.
    #[inline(always)]
    pub fn key(&self, nth: usize) -> Result<Key<'a>, Fail> {
        let &KnownKey {
            index, slot, hash, ..
        } = self.known.get(nth).ok_or(SYNTAX)?;
        let name = self.args.get(index as usize);
        debug_assert_eq!(slot, Slot::of_key(name), "a key has one slot");
        match self.keys.place(slot) {
            Some(place) => Ok(Key {
                name,
                slot,
                hash,
                place: place as u32,
            }),
            None => Err(self.keys.lacks(slot)),
        }
    }

    /// How many keys the key specs found.
    pub fn key_count(&self) -> usize {
        self.known.len()
    }
}

impl<'a> Keyspace<'a> {
    /// A key whose name the command made up, as `SORT` does with its patterns. Its slot is locked,
    /// or will be when the command is run again.
    ///
    /// # Errors
    /// [`Fail::More`] where the slot may not be waited for.
    pub fn derived<'k>(&mut self, name: &'k [u8]) -> Result<Key<'k>, Fail> {
        let slot = Slot::of_key(name);
        self.reach(slot)?;
        Ok(Key {
            name,
            slot,
            hash: ds::siphash::of(name),
            place: self.place(slot).map_or(u32::MAX, |place| place as u32),
        })
    }
}
