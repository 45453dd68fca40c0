//! Going over the whole key space: SCAN's cursor, RANDOMKEY, KEYS.

use crate::{Locker, SlotGuard, Store};
use base::Slot;
use ds::Object;

const SLOT_BITS: u32 = 14;

/// A cursor of SCAN: a position in a slot's table above the slot's number, so that both fit 53 bits
/// (clients keep cursors in doubles).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScanCursor {
    bucket: u64,
    slot: Slot,
}

impl ScanCursor {
    /// Reads the number that a client gives.
    pub fn from_number(number: u64) -> ScanCursor {
        let slot = Slot::new((number & (Slot::COUNT as u64 - 1)) as u16);
        let slot = slot.expect("fourteen bits are a slot");
        ScanCursor {
            bucket: number >> SLOT_BITS,
            slot,
        }
    }

    /// The number for the client.
    pub fn number(self) -> u64 {
        self.bucket << SLOT_BITS | u64::from(self.slot.number())
    }

    /// The slot that comes next.
    pub fn slot(self) -> Slot {
        self.slot
    }
}

impl SlotGuard<'_> {
    /// Visits one step of a database's keys here and returns where to go on, or `None` at the end
    /// of the key space. Expired keys are visited too.
    pub fn scan(
        &self,
        db: u16,
        cursor: ScanCursor,
        visit: &mut dyn FnMut(&Object),
    ) -> Option<ScanCursor> {
        let bucket = match self.keys(db) {
            Some(keys) if !keys.is_empty() => keys.table().scan(cursor.bucket, &mut |o| visit(o)),
            _ => 0,
        };
        if bucket != 0 {
            return Some(ScanCursor {
                bucket,
                slot: cursor.slot,
            });
        }
        let next = self.store().next_slot_of(db, cursor.slot.index() + 1)?;
        Some(ScanCursor {
            bucket: 0,
            slot: next,
        })
    }

    /// A key of a database here, picked at random; expired ones too.
    pub fn random(&self, db: u16, random: &mut dyn FnMut() -> u64) -> Option<&Object> {
        self.keys(db)?.table().random(random)
    }
}

impl Store {
    /// The first slot at or after `from` in which any database has keys.
    pub fn next_slot_with_keys(&self, from: usize) -> Option<Slot> {
        self.occupied.any().next(from)
    }

    /// The first slot at or after `from` in which a database, by its physical number, has keys.
    pub fn next_slot_of(&self, db: u16, from: usize) -> Option<Slot> {
        self.occupied.of(db)?.next(from)
    }

    /// A slot in which a database, by its physical number, has keys: picked by a random number.
    pub fn random_slot(&self, db: u16, random: u64) -> Option<Slot> {
        let slots = self.occupied.of(db)?;
        let count = slots.len() as u64;
        (count > 0)
            .then(|| slots.nth((random % count) as usize))
            .flatten()
    }
}

impl Locker {
    /// Visits every key of a database, a slot at a time. Waits for slots, so the caller must hold
    /// none.
    pub fn for_each_key(&self, db: u16, mut visit: impl FnMut(&Object)) {
        let mut from = 0;
        while let Some(slot) = self.store().next_slot_of(db, from) {
            let guard = self.lock(slot);
            if let Some(keys) = guard.keys(db) {
                keys.table().iter().for_each(&mut visit);
            }
            from = slot.index() + 1;
        }
    }
}
