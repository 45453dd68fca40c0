//! The hash table behind the key space, large hashes and sets.
//!
//! An array of 64-byte buckets, each with seven one-byte tags and seven eight-byte handles. An
//! entry's *home* is the bucket chosen by the low bits of its hash, and it lives in its home's
//! chain and nowhere else; that is what makes the reversed-bit cursor exact. A full bucket gives
//! its last handle up for the address of a child bucket.
//!
//! The table grows and shrinks a few buckets with every change: while that goes on, homes below
//! `moved` have been emptied into the next array, so that each key has exactly one chain to be
//! looked for in.
//!
//! The order of the cursor is the order of `position(hash)`, the hash with its bits reversed:
//! a bucket of a table of 2^k buckets covers one range of 2^(64-k) positions.

mod bucket;
mod iter;
mod prefetch;
mod resize;
mod scan;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};

use bucket::{Array, Bucket, SLOTS};
pub use iter::{IntoIter, Iter};
pub use prefetch::{Hint, prefetch_value};
pub use resize::set_shrinking;

/// What a table holds: an owning handle of eight bytes that knows its key.
///
/// # Safety
///
/// `Self` is `#[repr(transparent)]` over a non-null pointer: the table keeps the pointer's bits
/// and hands out references to them as references to `Self`. The pointer's lowest bit is clear.
/// `from_raw(into_raw(e))` is `e`, and `key` returns the same bytes for as long as the entry is in
/// a table.
pub unsafe trait Entry: Sized {
    /// The key that this entry is found by.
    fn key(&self) -> &[u8];

    /// Gives the handle away.
    fn into_raw(self) -> NonNull<u8>;

    /// Takes a handle back.
    ///
    /// # Safety
    ///
    /// `raw` came from `into_raw` and is taken back only once.
    unsafe fn from_raw(raw: NonNull<u8>) -> Self;
}

/// The place of a hash in the order of every cursor.
#[inline]
pub fn position(hash: u64) -> u64 {
    hash.reverse_bits()
}

/// A hash table of entries that own their key. 32 bytes when empty, without an allocation.
pub struct Table<E: Entry> {
    // Atomic only so that the table may go from thread to thread as its entries may.
    cur: AtomicPtr<Bucket>,
    next: AtomicPtr<Bucket>,
    len: usize,
    moved: u32,
    children: u32,
    _marks: PhantomData<E>,
}

impl<E: Entry> Default for Table<E> {
    fn default() -> Self {
        Self::new()
    }
}

/// Where an entry was found.
struct Place {
    home: *mut Bucket,
    bucket: *mut Bucket,
    slot: usize,
}

impl<E: Entry> Table<E> {
    /// An empty table.
    pub const fn new() -> Self {
        const { assert!(size_of::<E>() == 8) };
        Table {
            cur: AtomicPtr::new(std::ptr::null_mut()),
            next: AtomicPtr::new(std::ptr::null_mut()),
            len: 0,
            moved: 0,
            children: 0,
            _marks: PhantomData,
        }
    }

    /// The number of entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of the arrays and child buckets, without the entries.
    pub fn memory(&self) -> usize {
        let array = |a: Option<Array>| a.map_or(0, |a| a.len() * size_of::<Bucket>());
        array(self.cur()) + array(self.next()) + self.children as usize * size_of::<Bucket>()
    }

    /// Buckets of the present array and of the one being moved to (0 when there is none).
    pub fn buckets(&self) -> (usize, usize) {
        (
            self.cur().map_or(0, |a| a.len()),
            self.next().map_or(0, |a| a.len()),
        )
    }

    #[inline]
    fn cur(&self) -> Option<Array> {
        Array::untag(self.cur.load(Ordering::Relaxed))
    }

    #[inline]
    fn next(&self) -> Option<Array> {
        Array::untag(self.next.load(Ordering::Relaxed))
    }

    /// The first bucket of the chain in which an entry of this hash is, or belongs.
    #[inline]
    fn home(&self, hash: u64) -> Option<*mut Bucket> {
        let cur = self.cur()?;
        let i = hash & cur.mask();
        if i < u64::from(self.moved)
            && let Some(next) = self.next()
        {
            return Some(next.bucket(hash));
        }
        Some(cur.bucket(hash))
    }

    #[inline]
    fn place(&self, hash: u64, key: &[u8]) -> Option<Place> {
        let home = self.home(hash)?;
        let tag = bucket::tag(hash);
        let mut bucket = home;
        loop {
            // SAFETY: `bucket` is a bucket of a live chain of this table, which is borrowed.
            let b = unsafe { &*bucket };
            let mut found = b.matches(tag);
            while found != 0 {
                let slot = found.trailing_zeros() as usize;
                found &= found - 1;
                // SAFETY: `matches` names only slots that hold an entry.
                let e: &E = unsafe { bucket::entry(bucket, slot) };
                if e.key() == key {
                    return Some(Place { home, bucket, slot });
                }
            }
            bucket = b.child()?;
        }
    }

    /// The entry of `key`, whose hash is `hash`.
    #[inline]
    pub fn find(&self, hash: u64, key: &[u8]) -> Option<&E> {
        let p = self.place(hash, key)?;
        // SAFETY: the slot holds an entry, and the table is borrowed for as long as the result.
        Some(unsafe { bucket::entry(p.bucket, p.slot) })
    }

    /// The same, to be changed. The key must stay what it is.
    #[inline]
    pub fn find_mut(&mut self, hash: u64, key: &[u8]) -> Option<&mut E> {
        let p = self.place(hash, key)?;
        // SAFETY: the slot holds an entry, and the table is borrowed exclusively for as long as
        // the result.
        Some(unsafe { bucket::entry_mut(p.bucket, p.slot) })
    }

    /// Adds an entry whose key is not in the table. `stagger` moves the fill at which this table
    /// doubles: from 0 (early) to 255 (nearly twice as full).
    pub fn insert(&mut self, hash: u64, e: E, stagger: u8) -> &mut E {
        debug_assert!(
            self.find(hash, e.key()).is_none(),
            "the key is in the table already"
        );
        self.make_room(stagger);
        self.len += 1;
        let home = self.home(hash).expect("make_room leaves an array");
        let raw = e.into_raw();
        // SAFETY: `home` begins a live chain of this table, which is borrowed exclusively.
        let (b, slot, grown) = unsafe { bucket::put(home, bucket::tag(hash), raw) };
        self.children += u32::from(grown);
        // SAFETY: the slot was filled just now.
        unsafe { bucket::entry_mut(b, slot) }
    }

    /// Takes the entry of `key` out.
    pub fn remove(&mut self, hash: u64, key: &[u8]) -> Option<E> {
        let p = self.place(hash, key)?;
        // SAFETY: `place` found an entry there; the chain is this table's.
        let (raw, freed) = unsafe { bucket::take(p.home, p.bucket, p.slot) };
        if let Some(child) = freed {
            self.children -= 1;
            drop(child);
        }
        self.len -= 1;
        self.make_small();
        // SAFETY: the handle was put in by `insert` and has left the table.
        Some(unsafe { E::from_raw(raw) })
    }

    /// Puts `e` in the place of the entry with the same key, which is returned; when there is
    /// none, `e` is given back as the error.
    pub fn replace(&mut self, hash: u64, e: E) -> Result<E, E> {
        match self.find_mut(hash, e.key()) {
            Some(old) => Ok(std::mem::replace(old, e)),
            None => Err(e),
        }
    }

    /// Leaves an empty table and returns the old one, arrays and all.
    pub fn detach(&mut self) -> Self {
        let mut old = Self::new();
        *old.cur.get_mut() = self.cur.swap(std::ptr::null_mut(), Ordering::Release);
        *old.next.get_mut() = self.next.swap(std::ptr::null_mut(), Ordering::Release);
        old.len = std::mem::take(&mut self.len);
        old.moved = std::mem::take(&mut self.moved);
        old.children = std::mem::take(&mut self.children);
        old
    }

    /// Drops every entry.
    pub fn clear(&mut self) {
        drop(self.detach());
    }

    /// An entry chosen at random, each with nearly the same chance. `random` yields 64 random
    /// bits a call.
    pub fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<&E> {
        if self.len == 0 {
            return None;
        }
        let (cur, next) = (self.cur()?, self.next());
        let total = cur.len() + next.map_or(0, |n| n.len());
        let pick = |n: usize| {
            if n < cur.len() {
                (cur, n)
            } else {
                (next.unwrap_or(cur), n - cur.len())
            }
        };
        // A bucket, then a place in a chain of imagined length 28, which real ones hardly pass:
        // what is not there is drawn again, so that entries of short and long chains have the same
        // chance.
        let mut n = 0;
        for _ in 0..200 {
            let r = random();
            n = ((u128::from(r) * total as u128) >> 64) as usize;
            let (array, i) = pick(n);
            let want = random() as usize % (4 * SLOTS);
            if let Some((b, slot)) = array.nth_in_chain(i, want) {
                // SAFETY: the slot holds an entry of this table, which is borrowed.
                return Some(unsafe { bucket::entry(b, slot) });
            }
        }
        // Nearly empty: the next one from the last bucket drawn.
        for step in 0..total {
            let (array, i) = pick((n + step) % total);
            if let Some((b, slot)) = array.nth_in_chain(i, 0) {
                // SAFETY: as above.
                return Some(unsafe { bucket::entry(b, slot) });
            }
        }
        None
    }
}

impl<E: Entry> Drop for Table<E> {
    fn drop(&mut self) {
        let arrays = [self.cur(), self.next()];
        for array in arrays.into_iter().flatten() {
            let chains = if self.len == 0 { 0 } else { array.len() };
            for i in 0..chains {
                // SAFETY: the chain is this table's, which nobody else can reach any more.
                unsafe {
                    bucket::empty_chain(array, i, |raw| drop(E::from_raw(raw)));
                }
            }
            drop(array.retire());
        }
    }
}
