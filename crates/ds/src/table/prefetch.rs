//! Prefetching: asking for memory some time before it is looked at.
//!
//! A worker that has parsed a batch asks for the memory of all its keys before it executes the
//! first command. It does not hold the slots then: another thread may be changing the tables. Two
//! ways are open to it. A [`Hint`] is an address that somebody kept beside the lock: it may be out
//! of date and even freed, but it is only handed to the processor as a hint and never read
//! through. To ask for entries the bucket must be read, and that is done by who has borrowed the
//! table, [`Table::prefetch`]. A wrong guess costs a cache line.

use super::bucket::{self, Array, Bucket};
use super::{Entry, Table};

/// Asks for all cache lines of a value that will be looked at soon.
#[inline]
pub fn prefetch_value<T>(value: &T) {
    let start = std::ptr::from_ref(value).cast::<u8>();
    for line in (0..size_of::<T>()).step_by(64) {
        prefetch(start.wrapping_add(line));
    }
}

#[inline]
fn prefetch(p: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch is a hint: it reads nothing and cannot fault at any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = p;
}

impl Bucket {
    /// Asks for the memory of the entries of this bucket.
    pub(super) fn prefetch_entries(&self) {
        let mut present = self.present();
        while present != 0 {
            prefetch(self.slots[present.trailing_zeros() as usize]);
            present &= present - 1;
        }
    }
}

/// Where the buckets of a table lay at some moment: a number that is never read through.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Hint(usize);

impl Hint {
    /// The hint as a number, to be kept in an atomic.
    #[inline]
    pub fn to_bits(self) -> usize {
        self.0
    }

    /// The hint that was this number.
    #[inline]
    pub fn from_bits(bits: usize) -> Hint {
        Hint(bits)
    }

    /// Asks for the bucket of a hash.
    #[inline]
    pub fn prefetch(self, hash: u64) {
        if let Some(array) = Array::untag(std::ptr::without_provenance_mut(self.0)) {
            prefetch(array.bucket(hash).cast());
        }
    }
}

impl<E: Entry> Table<E> {
    /// Where the buckets lie now; of a table that grows, those that most entries are in.
    #[inline]
    pub fn hint(&self) -> Hint {
        let array = match self.next() {
            Some(next) if self.moved as usize * 2 > self.cur().map_or(0, Array::len) => Some(next),
            _ => self.cur(),
        };
        Hint(array.map_or(0, |array| array.tagged().addr()))
    }

    /// Asks for what is next to be looked at on the way to the entry of `hash`: bucket number
    /// `nth` of its chain, from 0, is read, which was asked for before. Either it has entries that
    /// may be the one, and they are asked for; or the next bucket is, and the answer is true.
    #[inline]
    pub fn prefetch(&self, hash: u64, nth: usize) -> bool {
        let Some(mut bucket) = self.home(hash) else {
            return false;
        };
        for _ in 0..nth {
            // SAFETY: a bucket of a live chain of this table, which is borrowed.
            match unsafe { (*bucket).child() } {
                Some(child) => bucket = child,
                None => return false,
            }
        }
        // SAFETY: likewise.
        let bucket = unsafe { &*bucket };
        let mut found = bucket.matches(bucket::tag(hash));
        if found == 0 {
            return match bucket.child() {
                Some(child) => {
                    prefetch(child.cast());
                    true
                }
                None => false,
            };
        }
        while found != 0 {
            let slot = found.trailing_zeros() as usize;
            found &= found - 1;
            prefetch(bucket.slots[slot]);
        }
        false
    }
}
