//! The guards of a command: one, a few, or thousands where it goes over the whole key space.

use crate::SlotGuard;
use base::Slot;
use smallvec::SmallVec;

#[cfg(all(test, not(feature = "model")))]
mod tests;

/// From so many guards on the place of each is looked up in a table.
const MANY: usize = 16;
/// What stands in that table for a slot without a guard.
const NONE: u16 = u16::MAX;

/// The place of a slot's guard.
fn place_among(places: Option<&[u16]>, guards: &[SlotGuard<'_>], slot: Slot) -> Option<usize> {
    match places {
        Some(places) => {
            let place = places[slot.index()];
            (place != NONE).then_some(usize::from(place))
        }
        None => guards.iter().position(|guard| guard.slot() == slot),
    }
}

#[cold]
fn moved_to(places: Option<&[u16]>, guards: &[SlotGuard<'_>], slot: Slot) -> usize {
    place_among(places, guards, slot).expect("a slot's guard stays with the command")
}

/// The guards of a command over any number of slots.
#[derive(Default)]
pub struct Guards<'a> {
    guards: SmallVec<[SlotGuard<'a>; 1]>,
    /// The place of each slot's guard, where there are many.
    places: Option<Box<[u16]>>,
}

impl<'a> Guards<'a> {
    /// The guard of one slot.
    #[inline]
    pub fn one(guard: SlotGuard<'a>) -> Guards<'a> {
        let mut guards = SmallVec::new();
        guards.push(guard);
        Guards {
            guards,
            places: None,
        }
    }

    /// The place of a slot's guard, if it is among them.
    #[inline]
    pub fn find(&self, slot: Slot) -> Option<usize> {
        match self.guards.as_slice() {
            [only] => (only.slot() == slot).then_some(0),
            guards => self.find_among(guards, slot),
        }
    }

    fn find_among(&self, guards: &[SlotGuard<'a>], slot: Slot) -> Option<usize> {
        place_among(self.places.as_deref(), guards, slot)
    }

    /// The guard of a slot, which was in that place when it was looked for last.
    ///
    /// # Panics
    /// When the slot has none.
    #[inline(always)]
    pub fn of_slot(&mut self, slot: Slot, place: usize) -> &mut SlotGuard<'a> {
        let guards = self.guards.as_mut_slice();
        let place = match guards.get(place) {
            Some(guard) if guard.slot() == slot => place,
            _ => moved_to(self.places.as_deref(), guards, slot),
        };
        &mut guards[place]
    }

    /// The guard in a place.
    #[inline]
    pub fn at(&mut self, place: usize) -> &mut SlotGuard<'a> {
        &mut self.guards[place]
    }

    /// Adds the guard of a slot that is not among them; answers its place, which it keeps.
    pub fn add(&mut self, guard: SlotGuard<'a>) -> usize {
        let place = self.guards.len();
        let slot = guard.slot();
        self.guards.push(guard);
        match &mut self.places {
            Some(places) => places[slot.index()] = place as u16,
            None if place >= MANY => {
                let mut places = vec![NONE; Slot::COUNT];
                for (place, guard) in self.guards.iter().enumerate() {
                    places[guard.slot().index()] = place as u16;
                }
                self.places = Some(places.into());
            }
            None => {}
        }
        place
    }

    /// The one that was added first.
    #[inline]
    pub fn first_mut(&mut self) -> Option<&mut SlotGuard<'a>> {
        self.guards.first_mut()
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut SlotGuard<'a>> {
        self.guards.iter_mut()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.guards.is_empty()
    }

    /// The highest sequence number of the effects of these slots.
    pub fn last_effect(&self) -> u64 {
        self.guards
            .iter()
            .map(|guard| guard.last_effect())
            .max()
            .unwrap_or(0)
    }

    /// Notes the sequence number of an effect that was appended under all of these guards.
    pub fn set_last_effect(&mut self, sequence: u64) {
        self.guards
            .iter_mut()
            .for_each(|guard| guard.set_last_effect(sequence));
    }

    /// Whether any key of these slots is on its way to another server.
    #[inline]
    pub fn have_leaving(&self) -> bool {
        self.guards.iter().any(SlotGuard::has_leaving)
    }
}
