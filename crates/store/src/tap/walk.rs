//! The walker of a tap: delivers what writers have not.

use super::{Detached, Image, Tap};
use crate::Locker;
use crate::sync::Instant;
use base::Slot;
use ds::Object;
use std::collections::VecDeque;
use std::time::Duration;

#[cfg(all(test, not(feature = "model")))]
mod tests;

/// How long the walker holds a slot at a time.
const HOLD: Duration = Duration::from_micros(20);
/// How many steps are taken between two looks at the clock.
const STEPS: usize = 4;

/// After how many bytes copied the clock is looked at in any case.
const COPIED: usize = 8 * 1024;
/// So many bytes take about as long as a slot may be held, also where the clock stands.
const COPIED_AT_ONCE: usize = 64 * 1024;

/// Delivers the baseline of a tap, a slot at a time.
pub struct Walker {
    tap: Tap,
    place: Option<Place>,
    /// Images with the bytes that they count with while they wait.
    ready: VecDeque<(Image, usize)>,
    detached: Vec<Detached>,
    abandoned: bool,
}

/// How far the walk has come.
struct Place {
    slot: Slot,
    /// The last database of the slot that is done.
    done: Option<u16>,
}

impl Walker {
    pub(super) fn new(tap: Tap) -> Walker {
        let place = tap.first_slot().map(|slot| Place { slot, done: None });
        Walker {
            tap,
            place,
            ready: VecDeque::new(),
            detached: Vec::new(),
            abandoned: false,
        }
    }

    /// The tap.
    pub fn tap(&self) -> &Tap {
        &self.tap
    }

    /// Says that the baseline is no longer wanted. The walk must still go on to its end, which is
    /// quicker now, as nothing is copied.
    pub fn abandon(&mut self) {
        self.abandoned = true;
        drop(self.tap.shared.give_up());
        self.drop_all();
    }

    /// Whether the baseline cannot be had any more, because the sink was too slow for what was
    /// written meanwhile. What was delivered is then not whole.
    pub fn was_cut_off(&self) -> bool {
        !self.abandoned && self.tap.shared.is_cancelled()
    }

    fn drop_all(&mut self) {
        let ready = std::mem::take(&mut self.ready);
        ready
            .iter()
            .for_each(|(_, bytes)| self.tap.shared.taken(*bytes));
        for detached in std::mem::take(&mut self.detached) {
            self.tap.shared.taken(detached.bytes);
        }
    }

    /// The next key of the baseline; `None` when each has been delivered.
    pub fn next(&mut self, locker: &Locker) -> Option<Image> {
        loop {
            if self.tap.shared.is_cancelled() {
                self.take_arrived();
                self.drop_all();
            }
            if let Some((mut image, bytes)) = self.ready.pop_front() {
                self.tap.shared.taken(bytes);
                image.db = self.tap.numbers[usize::from(image.db)];
                return Some(image);
            }
            self.take_arrived();
            if !self.ready.is_empty() {
                continue;
            }
            if let Some(detached) = self.detached.pop() {
                self.take_table(detached);
                continue;
            }
            if self.place.is_some() {
                self.step(locker);
                continue;
            }
            // Every slot is done, so no writer delivers any more; what came before that counts.
            self.take_arrived();
            if self.ready.is_empty() && self.detached.is_empty() {
                locker.store().taps.release(self.tap.shared.lane);
                return None;
            }
        }
    }

    fn take_arrived(&mut self) {
        let mut images = self.tap.shared.images.lock();
        self.ready.append(&mut images.queue);
        self.detached.append(&mut images.detached);
    }

    /// Goes a step through a table that nobody else changes any more.
    fn take_table(&mut self, mut detached: Detached) {
        let Detached { db, cursor, .. } = detached;
        let (mark, shared) = (1 << self.tap.shared.lane, &self.tap.shared);
        let next = detached.table.visit(cursor, &mut |object: &Object| {
            if object.lanes() & mark == 0 {
                let pin = object.pin();
                shared.watch(&pin);
                self.ready.push_back((Image { db, pin }, 0));
            }
        });
        match next {
            Some(cursor) => {
                detached.cursor = cursor;
                self.detached.push(detached);
            }
            None => self.tap.shared.taken(detached.bytes),
        }
    }

    /// Walks on for about [`HOLD`] under one slot's lock.
    fn step(&mut self, locker: &Locker) {
        let Some(place) = &mut self.place else { return };
        let lane = self.tap.shared.lane;
        let shared = &self.tap.shared;
        let (abandoned, ready) = (shared.is_cancelled(), &mut self.ready);
        let _open = locker.enter();
        let mut guard = locker.lock(place.slot);
        let deadline = Instant::now() + HOLD;
        while let Some(db) = guard.next_database(place.done) {
            let mut copied = 0;
            for _ in 0..STEPS {
                let done = guard.walk_step(db, lane, COPIED_AT_ONCE, &mut |object: &Object| {
                    if !abandoned {
                        let pin = object.pin();
                        shared.watch(&pin);
                        copied += pin.kept_bytes();
                        ready.push_back((Image { db, pin }, 0));
                    }
                });
                if done {
                    place.done = Some(db);
                }
                if done || copied >= COPIED {
                    break;
                }
            }
            if copied >= COPIED_AT_ONCE {
                return;
            }
            if Instant::now() >= deadline {
                return;
            }
        }
        guard.finish_walk(lane);
        drop(guard);
        self.place = next_slot(&self.tap, place.slot).map(|slot| Place { slot, done: None });
    }
}

fn next_slot(tap: &Tap, after: Slot) -> Option<Slot> {
    let numbers = after.number() + 1..Slot::COUNT as u16;
    numbers
        .filter_map(Slot::new)
        .find(|&slot| tap.slots.contains(slot))
}

/// A key's position in the walk: its bit-reversed hash, which no growth or shrink changes.
pub(crate) fn position(key: &[u8]) -> u64 {
    ds::siphash::of(key).reverse_bits()
}
