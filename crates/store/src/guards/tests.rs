//! Tests of the guards of a command that goes over the whole key space.

use super::Guards;
use crate::{Locker, Store};
use base::Slot;

/// Each has its place from when it was added, in whatever order: nothing is moved, nothing
/// searched.
#[test]
fn a_guard_keeps_its_place_however_many_follow() {
    let store = Store::new(1);
    let locker = Locker::new(&store);
    let _open = locker.enter();
    let slots: Vec<Slot> = (0..Slot::COUNT)
        .map(|n| Slot::new((n * 5 % Slot::COUNT) as u16).unwrap())
        .collect();
    let mut guards = Guards::default();
    for (place, &slot) in slots.iter().enumerate() {
        assert_eq!(guards.find(slot), None);
        assert_eq!(guards.add(locker.try_lock(slot).unwrap()), place);
        assert_eq!(guards.find(slot), Some(place));
        assert_eq!(guards.find(slots[place / 2]), Some(place / 2));
        assert_eq!(guards.at(place).slot(), slot);
    }
}
