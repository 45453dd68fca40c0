//! A set of slots as the 2048-byte bitmap that the cluster bus uses.

use crate::Slot;
use std::ops::RangeInclusive;

const BYTES: usize = Slot::COUNT / 8;

/// A set of slots. Slot `n` is bit `n % 8` (least significant first) of byte `n / 8`, which is
/// the layout of the slot bitmap in a cluster-bus header.
#[derive(Clone, PartialEq, Eq)]
pub struct SlotSet(Box<[u8; BYTES]>);

impl SlotSet {
    /// The empty set.
    pub fn new() -> SlotSet {
        SlotSet(Box::new([0; BYTES]))
    }

    /// The set of all slots.
    pub fn full() -> SlotSet {
        SlotSet(Box::new([0xff; BYTES]))
    }

    /// The set whose bitmap is `bytes`.
    pub fn from_bytes(bytes: &[u8; BYTES]) -> SlotSet {
        SlotSet(Box::new(*bytes))
    }

    /// The bitmap.
    pub fn as_bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// Adds a slot; returns whether it was new.
    pub fn insert(&mut self, slot: Slot) -> bool {
        let (byte, bit) = (slot.index() / 8, 1 << (slot.index() % 8));
        let new = self.0[byte] & bit == 0;
        self.0[byte] |= bit;
        new
    }

    /// Takes a slot out; returns whether it was there.
    pub fn remove(&mut self, slot: Slot) -> bool {
        let (byte, bit) = (slot.index() / 8, 1 << (slot.index() % 8));
        let there = self.0[byte] & bit != 0;
        self.0[byte] &= !bit;
        there
    }

    /// Whether the slot is in the set.
    pub fn contains(&self, slot: Slot) -> bool {
        self.0[slot.index() / 8] & (1 << (slot.index() % 8)) != 0
    }

    /// How many slots are in the set.
    pub fn len(&self) -> usize {
        self.0.iter().map(|byte| byte.count_ones() as usize).sum()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&byte| byte == 0)
    }

    /// The slots in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        // Most sets are mostly empty: whole bytes without a slot are passed over.
        let full = self.0.iter().enumerate().filter(|(_, byte)| **byte != 0);
        full.flat_map(|(at, &byte)| {
            let here = (0..8).filter(move |bit| byte & (1 << bit) != 0);
            here.filter_map(move |bit| Slot::new((at * 8 + bit) as u16))
        })
    }

    /// The set as ascending ranges that do not touch one another.
    pub fn ranges(&self) -> Vec<RangeInclusive<u16>> {
        let mut ranges: Vec<RangeInclusive<u16>> = Vec::new();
        for slot in self.iter() {
            let number = slot.number();
            match ranges.last_mut() {
                Some(last) if *last.end() + 1 == number => *last = *last.start()..=number,
                _ => ranges.push(number..=number),
            }
        }
        ranges
    }
}

impl Default for SlotSet {
    fn default() -> SlotSet {
        SlotSet::new()
    }
}

impl FromIterator<Slot> for SlotSet {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> SlotSet {
        let mut set = SlotSet::new();
        for slot in slots {
            set.insert(slot);
        }
        set
    }
}

impl std::fmt::Debug for SlotSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.ranges()).finish()
    }
}
