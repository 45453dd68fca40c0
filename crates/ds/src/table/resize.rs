//! Growing and shrinking a few buckets at a time.

use std::sync::atomic::{AtomicBool, Ordering};

use super::bucket::{self, Array, SLOTS};
use super::{Entry, Table};

/// A table doubles at a fill of `GROW * (1 + stagger/256)` 256ths of its handles. A whole doubling
/// lies between the extremes, so that among evenly filled tables of evenly spread `stagger` the
/// share that has doubled follows their fill, and memory never jumps. A fuller table has longer
/// chains, and each further bucket is a cache line to wait for: between 1 and 2 a quarter of the
/// entries are not in the first bucket of their chain, and a handle costs 13.2 bytes of bucket on
/// average; between 1.25 and 2.5 it would be a third of them, and 12.6 bytes.
const GROW: usize = 256;
/// A table shrinks below one in this many of its handles filled.
const SPARSE: usize = 8;
/// Buckets moved with an insertion: the sooner a table is done, the shorter it has two arrays.
const HASTE: usize = 4;
/// Shrinks to at most this many times fewer buckets at once: what one step of a cursor visits
/// while both arrays are there.
const SHRINK_BITS: u32 = 4;
/// Empty buckets passed over for the price of one that has entries.
const EMPTY_RUN: usize = 16;

/// Whether tables shrink.
static SHRINKING: AtomicBool = AtomicBool::new(true);

/// Lets tables shrink, or stops that: for tests of what must cope with sparse ones.
pub fn set_shrinking(on: bool) {
    SHRINKING.store(on, Ordering::Relaxed);
}

fn full(bits: u32, stagger: u8) -> usize {
    ((SLOTS << bits) * GROW / 256) * (256 + stagger as usize) / 256
}

impl<E: Entry> Table<E> {
    /// Moves the growth or shrinkage that is under way on by about `n` buckets; says whether there
    /// is more to do.
    pub fn step(&mut self, n: usize) -> bool {
        for _ in 0..n {
            if !self.step_once() {
                return false;
            }
        }
        self.next().is_some()
    }

    /// Whether growth or shrinkage is under way.
    pub fn is_resizing(&self) -> bool {
        self.next().is_some()
    }

    /// Before an insertion: an array to put the entry into, and a step of what is under way.
    pub(super) fn make_room(&mut self, stagger: u8) {
        let Some(cur) = self.cur() else {
            self.cur.store(Array::new(0).tagged(), Ordering::Release);
            return;
        };
        match self.next() {
            Some(next) => {
                // More than the target will hold (it was chosen by a table that shrank): get
                // there faster.
                let behind = self.len >= full(next.bits(), stagger);
                self.step(if behind { 4 * HASTE } else { HASTE });
            }
            None if self.len >= full(cur.bits(), stagger) && cur.bits() < 32 => {
                self.resize_to(cur.bits() + 1);
                self.step_once();
            }
            None => {}
        }
    }

    /// After a removal: a step of what is under way, or the beginning of a smaller array.
    pub(super) fn make_small(&mut self) {
        if self.next().is_some() {
            self.step_once();
        }
        let Some(cur) = self.cur() else { return };
        if self.len == 0 && cur.bits() > 0 {
            // No entries, so no children either: only the arrays are left.
            drop(self.detach());
            return;
        }
        if self.next().is_none()
            && cur.bits() > 0
            && self.len * SPARSE < SLOTS << cur.bits()
            && SHRINKING.load(Ordering::Relaxed)
        {
            // Half full at most when done, so that it does not grow again soon.
            let fits = self.len.div_ceil(SLOTS / 2).next_power_of_two().ilog2();
            self.resize_to(fits.max(cur.bits().saturating_sub(SHRINK_BITS)));
            self.step_once();
        }
    }

    fn resize_to(&mut self, bits: u32) {
        self.moved = 0;
        self.next
            .store(Array::new(bits).tagged(), Ordering::Release);
    }

    fn step_once(&mut self) -> bool {
        let (Some(cur), Some(next)) = (self.cur(), self.next()) else {
            return false;
        };
        for _ in 0..EMPTY_RUN {
            let moved = self.move_chain(cur, next);
            self.moved += 1;
            if self.moved as usize == cur.len() {
                self.cur.store(next.tagged(), Ordering::Release);
                self.next.store(std::ptr::null_mut(), Ordering::Release);
                self.moved = 0;
                drop(cur.retire());
                return false;
            }
            if moved {
                break;
            }
        }
        true
    }

    fn move_chain(&mut self, cur: Array, next: Array) -> bool {
        let i = self.moved as usize;
        let mut grown = 0;
        let mut any = false;
        // SAFETY: both arrays are this table's, which is borrowed exclusively; homes are moved in
        // order, and nothing is put where it has been moved from; each handle was put in by
        // `insert` as an `E`'s.
        let freed = unsafe {
            (*cur.at(i)).prefetch_entries();
            bucket::empty_chain(cur, i, |raw| {
                any = true;
                let e = std::mem::ManuallyDrop::new(E::from_raw(raw));
                let hash = crate::siphash::of(e.key());
                let (_, _, child) = bucket::put(next.bucket(hash), bucket::tag(hash), raw);
                grown += u32::from(child);
            })
        };
        self.children = self.children + grown - freed;
        any
    }
}
