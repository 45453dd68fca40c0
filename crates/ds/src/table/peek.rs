//! Prefetching from a table without its lock.
//!
//! A worker that has parsed a batch asks for the memory of all its keys before it executes the
//! first command. It does not hold the slots then: another thread may be changing the table. What
//! is read here may be out of date, never freed: arrays go through `Retire`, child buckets and
//! entries are not looked into. A wrong guess costs a cache line.

use std::sync::atomic::Ordering;

use super::bucket::{self, Array, Bucket, SLOTS};
use super::{Entry, Retire, Table};

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

impl<E: Entry, R: Retire> Table<E, R> {
    /// The arrays as they were at some recent moment.
    ///
    /// # Safety
    ///
    /// `table` points to a table that is not dropped or moved meanwhile.
    #[inline]
    unsafe fn arrays(table: *const Self) -> [Option<Array>; 2] {
        // SAFETY: the fields are atomics, live by the caller's promise.
        let (cur, next) = unsafe { (&(*table).cur, &(*table).next) };
        [
            Array::untag(cur.load(Ordering::Acquire)),
            Array::untag(next.load(Ordering::Acquire)),
        ]
    }

    /// Asks for the bucket of `hash`.
    ///
    /// # Safety
    ///
    /// `table` points to a table that is not dropped or moved meanwhile. Another thread may be
    /// changing it.
    #[inline]
    pub unsafe fn prefetch_bucket(table: *const Self, hash: u64) {
        // SAFETY: the caller's promise.
        for array in unsafe { Self::arrays(table) }.into_iter().flatten() {
            prefetch(array.bucket(hash).cast());
        }
    }

    /// Asks for the entries in the bucket of `hash` that may be the one; call it some time after
    /// `prefetch_bucket`.
    ///
    /// # Safety
    ///
    /// As `prefetch_bucket`; and `R` keeps what was retired since this call began until it is
    /// over.
    #[inline]
    pub unsafe fn prefetch_entry(table: *const Self, hash: u64) {
        // SAFETY: the caller's promise.
        for array in unsafe { Self::arrays(table) }.into_iter().flatten() {
            let b = array.bucket(hash);
            // SAFETY: the bucket is of an array that is in use or retired, and so not freed yet.
            // The words may be changing under us; they are read volatile, once each, aligned, and
            // used only as hints, never followed.
            unsafe {
                let meta = (&raw const (*b).meta).read_volatile();
                let mut found = bucket::matches(meta, bucket::tag(hash));
                if found == 0 && meta >> 63 == 1 {
                    found = 1 << (SLOTS - 1);
                }
                while found != 0 {
                    let slot = found.trailing_zeros() as usize;
                    found &= found - 1;
                    prefetch((&raw const (*b).slots[slot]).read_volatile());
                }
            }
        }
    }
}
