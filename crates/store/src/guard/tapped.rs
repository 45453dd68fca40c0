//! What open taps need of a slot: old values before they change, and the steps of the walk.

use super::SlotGuard;
use crate::slot::Walk;
use crate::tap::{LaneSet, position};
use ds::{Object, Table};

impl SlotGuard<'_> {
    /// Gives the old value of a key to the open taps that have not got it.
    #[cold]
    pub(super) fn before(&mut self, db: u16, hash: u64, key: &[u8]) {
        let due = self.due(db, key);
        if due.is_empty() {
            return;
        }
        let store = self.store();
        let Some(keys) = self.state_mut().keys_mut(db) else {
            return;
        };
        let Some(object) = keys.table.find_mut(hash, key) else {
            return;
        };
        let marks = object.lanes();
        for lane in due.without_all(LaneSet::from_bits(marks)).iter() {
            if let Some(shared) = store.taps.get(lane) {
                store.discard_remains(shared.deliver(db, &*object));
            }
        }
        object.set_lanes(marks | due.bits());
    }

    /// Gives a value that has left the table to the open taps that have not got it. What comes back
    /// has no marks.
    #[cold]
    pub(super) fn hand_over(&mut self, db: u16, object: Object) -> Object {
        let due = self
            .due(db, object.key())
            .without_all(LaneSet::from_bits(object.lanes()));
        object.set_lanes(0);
        for lane in due.iter() {
            if let Some(shared) = self.store().taps.get(lane) {
                self.store().discard_remains(shared.deliver(db, &object));
            }
        }
        object
    }

    /// The marks with which a key is born: taps that have yet to come by must skip it.
    pub(super) fn marks_for_new(&self, db: u16, key: &[u8]) -> u8 {
        if self.state().taps.is_empty() {
            0
        } else {
            self.due(db, key).bits()
        }
    }

    /// The taps whose walkers have not passed this key.
    fn due(&self, db: u16, key: &[u8]) -> LaneSet {
        let (state, position) = (self.state(), position(key));
        let passed = |lane: &u8| self.owed(db, *lane).is_none_or(|cursor| position < cursor);
        state
            .taps
            .iter()
            .filter(passed)
            .fold(state.taps, LaneSet::without)
    }

    /// The position from which on a tap has not walked a database; `None` when it has done all.
    pub(super) fn owed(&self, db: u16, lane: u8) -> Option<u64> {
        let Some(rare) = &self.state().rare else {
            return Some(0);
        };
        match &rare.walks[usize::from(lane)] {
            walk if walk.db < db => Some(0),
            walk if walk.db == db => Some(walk.cursor),
            _ => None,
        }
    }

    /// Begins a tap's baseline of this slot. Called under the world, at the cut.
    pub(crate) fn begin_walk(&mut self, lane: u8) {
        let state = self.state_mut();
        if state.databases().next().is_some() {
            state.taps = state.taps.with(lane);
            if let Some(rare) = &mut state.rare {
                rare.walks[usize::from(lane)] = Walk::default();
            }
        }
    }

    /// The first database after `done` that has keys here.
    pub(crate) fn next_database(&self, done: Option<u16>) -> Option<u16> {
        let ahead = |db: &u16| done.is_none_or(|done| *db > done);
        self.state().databases().map(|(db, _)| db).find(ahead)
    }

    /// Delivers one step of a tap's baseline of a database, of about `budget` bytes to be copied at
    /// most; returns whether the database is done.
    pub(crate) fn walk_step(
        &mut self,
        db: u16,
        lane: u8,
        budget: usize,
        sink: &mut dyn FnMut(&Object),
    ) -> bool {
        let state = self.state_mut();
        if !state.taps.contains(lane) {
            return true;
        }
        let from = match &state.rare().walks[usize::from(lane)] {
            walk if walk.db == db => walk.cursor,
            _ => 0,
        };
        let Some(keys) = state.keys_mut(db) else {
            return true;
        };
        let mark = 1 << lane;
        let end = end_of_step(&keys.table, from, budget);
        let beyond = |key: &[u8]| end.is_some_and(|end| position(key) >= end);
        let next = keys.table.visit(from, &mut |object: &Object| {
            if beyond(object.key()) {
                return;
            }
            let marks = object.lanes();
            if marks & mark == 0 {
                sink(object);
            } else {
                object.set_lanes(marks & !mark);
            }
        });
        let next = end.or(next);
        let walk = &mut state.rare().walks[usize::from(lane)];
        *walk = match next {
            Some(cursor) => Walk { db, cursor },
            None => Walk {
                db: db + 1,
                cursor: 0,
            },
        };
        next.is_none()
    }

    /// Ends a tap's baseline of this slot.
    pub(crate) fn finish_walk(&mut self, lane: u8) {
        let state = self.state_mut();
        state.taps = state.taps.without(lane);
        self.tidy = true;
    }
}

/// Where a step of the walk from a position must end so that it copies about `budget` bytes; `None`
/// when it may go as far as the table lets it.
fn end_of_step(table: &Table<Object>, from: u64, budget: usize) -> Option<u64> {
    let mut all = 0;
    table.visit(from, &mut |object: &Object| all += object.pin_cost());
    if all <= budget {
        return None;
    }
    let mut costs = Vec::new();
    table.visit(from, &mut |object: &Object| {
        costs.push((position(object.key()), object.pin_cost()));
    });
    costs.sort_unstable();
    let mut copied = 0;
    let within = |(_, cost): &&(u64, usize)| {
        let before = copied;
        copied += cost;
        before < budget
    };
    let last = costs.iter().take_while(within).last()?.0;
    let next = costs.iter().find(|(position, _)| *position > last)?;
    Some(next.0)
}
