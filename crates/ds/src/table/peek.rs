//! Prefetching from a table without its lock.
//!
//! A worker that has parsed a batch asks for the memory of all its keys before it executes the
//! first command. It does not hold the slots then: another thread may be changing the table. What
//! is read here may be out of date, never freed: arrays and child buckets go through `Retire`,
//! and entries are not looked into. A wrong guess costs a cache line.

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

    /// Asks for the entries in the bucket of `hash` that may be the one, and for the next bucket of
    /// its chain; call it some time after `prefetch_bucket`.
    ///
    /// # Safety
    ///
    /// As `prefetch_bucket`; and `R` keeps what was retired since this call began until it is
    /// over.
    #[inline]
    pub unsafe fn prefetch_entry(table: *const Self, hash: u64) {
        // SAFETY: the caller's promise.
        for array in unsafe { Self::arrays(table) }.into_iter().flatten() {
            // SAFETY: the bucket is of an array that is in use or retired, so not freed yet.
            if let Some(child) = unsafe { prefetch_matches(array.bucket(hash), hash) } {
                prefetch(child.cast());
            }
        }
    }

    /// The same for the second bucket of the chain, where there is one; call it some time after
    /// `prefetch_entry`.
    ///
    /// # Safety
    ///
    /// As `prefetch_entry`.
    #[inline]
    pub unsafe fn prefetch_chain(table: *const Self, hash: u64) {
        // SAFETY: the caller's promise.
        for array in unsafe { Self::arrays(table) }.into_iter().flatten() {
            let home = array.bucket(hash);
            // SAFETY: the bucket is of an array that is in use or retired, so not freed yet; so is
            // a child whose address its slot holds. The slot is read as in `prefetch_matches`.
            unsafe {
                let slot = (&raw const (*home).slots[SLOTS - 1]).read_volatile();
                if let Some(child) = bucket::child_at(slot)
                    && let Some(next) = prefetch_matches(child, hash)
                {
                    prefetch(next.cast());
                }
            }
        }
    }
}

/// Asks for the entries of one bucket that may be the one, and returns the address of its child.
///
/// # Safety
///
/// The bucket is not freed meanwhile. It may be changing.
#[inline]
unsafe fn prefetch_matches(b: *const Bucket, hash: u64) -> Option<*mut Bucket> {
    // SAFETY: the bucket is there by the caller's promise. Its words may be changing under us;
    // they are read volatile, once each, aligned, and entries' addresses are used only as hints.
    unsafe {
        let meta = (&raw const (*b).meta).read_volatile();
        let mut found = bucket::matches(meta, bucket::tag(hash));
        while found != 0 {
            let slot = found.trailing_zeros() as usize;
            found &= found - 1;
            prefetch((&raw const (*b).slots[slot]).read_volatile());
        }
        bucket::child_at((&raw const (*b).slots[SLOTS - 1]).read_volatile())
    }
}
