//! Buckets, their chains, and the arrays that they stand in.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use super::Entry;

/// Handles in a bucket.
pub(super) const SLOTS: usize = 7;
const CHAINED: u64 = 1 << 63;
const FULL: u32 = 0x7f;
const LOW7: u64 = 0x7f7f_7f7f_7f7f_7f7f;

/// One cache line. The low seven bytes of `meta` are tags, one for each handle; the highest byte
/// has a bit for each handle that is there, and on top the one that says that the last handle is
/// a child bucket's address. Such an address also has its lowest bit set, which no entry's has, so
/// that a prefetch that reads the slot alone cannot take one for the other.
#[repr(C, align(64))]
pub struct Bucket {
    pub(super) meta: u64,
    pub(super) slots: [*mut u8; SLOTS],
}

/// The byte of a hash that is kept beside the handle; the low bits choose the bucket.
#[inline]
pub(super) fn tag(hash: u64) -> u8 {
    (hash >> 56) as u8
}

/// A bit for each slot of a bucket with this `meta` that is filled and has this tag.
#[inline]
pub(super) fn matches(meta: u64, tag: u8) -> u32 {
    let x = meta ^ (u64::from(tag) * 0x0101_0101_0101_0101);
    // 0x80 in each byte of `x` that is zero, exactly: no carry leaves a byte.
    let zero = !(((x & LOW7) + LOW7) | x | LOW7);
    // Gathers those bits in the highest byte.
    let bits = (zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    bits as u32 & (meta >> 56) as u32 & FULL
}

const CHILD: usize = 1;
/// The slot of an array's first bucket, once that has been emptied, that begins the list of the
/// children that its chains had.
const LEFT: usize = SLOTS - 2;

/// The child bucket whose address a slot holds.
#[inline]
pub(super) fn child_at(slot: *mut u8) -> Option<*mut Bucket> {
    if slot.addr() & CHILD == 0 {
        return None;
    }
    Some(slot.map_addr(|a| a & !CHILD).cast())
}

fn child_slot(child: *mut Bucket) -> *mut u8 {
    child.cast::<u8>().map_addr(|a| a | CHILD)
}

impl Bucket {
    #[inline]
    pub(super) fn matches(&self, tag: u8) -> u32 {
        matches(self.meta, tag)
    }

    /// A bit for each filled slot.
    #[inline]
    pub(super) fn present(&self) -> u32 {
        (self.meta >> 56) as u32 & FULL
    }

    #[inline]
    pub(super) fn chained(&self) -> bool {
        self.meta & CHAINED != 0
    }

    #[inline]
    pub(super) fn child(&self) -> Option<*mut Bucket> {
        if self.chained() {
            child_at(self.slots[SLOTS - 1])
        } else {
            None
        }
    }

    /// Slots that can be filled.
    fn free(&self) -> u32 {
        let usable = if self.chained() { FULL >> 1 } else { FULL };
        !self.present() & usable
    }

    fn fill(&mut self, slot: usize, tag: u8, raw: *mut u8) {
        self.slots[slot] = raw;
        let shift = 8 * slot;
        self.meta = self.meta & !(0xff << shift) | u64::from(tag) << shift | 1 << (56 + slot);
    }

    fn vacate(&mut self, slot: usize) -> (u8, *mut u8) {
        self.meta &= !(1 << (56 + slot));
        ((self.meta >> (8 * slot)) as u8, self.slots[slot])
    }
}

/// The entry in a slot.
///
/// # Safety
///
/// The slot holds a handle of an `E`; nobody changes it during `'a`.
#[inline]
pub(super) unsafe fn entry<'a, E: Entry>(bucket: *mut Bucket, slot: usize) -> &'a E {
    // SAFETY: `E` is transparent over a non-null pointer (the trait's contract), and the slot
    // holds one (the caller's).
    unsafe { &*(&raw const (*bucket).slots[slot]).cast::<E>() }
}

/// The entry in a slot, to be changed.
///
/// # Safety
///
/// As `entry`, and nobody else looks at the handle during `'a`, but for a prefetch.
#[inline]
pub(super) unsafe fn entry_mut<'a, E: Entry>(bucket: *mut Bucket, slot: usize) -> &'a mut E {
    // SAFETY: as in `entry`.
    unsafe { &mut *(&raw mut (*bucket).slots[slot]).cast::<E>() }
}

/// Puts a handle into the chain that begins at `home`: where it is now, and whether the chain had
/// to be given a child.
///
/// # Safety
///
/// `home` begins a live chain that the caller has exclusively.
pub(super) unsafe fn put(
    home: *mut Bucket,
    tag: u8,
    raw: NonNull<u8>,
) -> (*mut Bucket, usize, bool) {
    let mut bucket = home;
    loop {
        // SAFETY: a live bucket of the chain.
        let b = unsafe { &mut *bucket };
        let free = b.free();
        if free != 0 {
            let slot = free.trailing_zeros() as usize;
            b.fill(slot, tag, raw.as_ptr());
            return (bucket, slot, false);
        }
        if let Some(child) = b.child() {
            bucket = child;
            continue;
        }
        let child = alloc_buckets(1);
        let (last_tag, last) = b.vacate(SLOTS - 1);
        b.slots[SLOTS - 1] = child_slot(child);
        b.meta |= CHAINED;
        // SAFETY: just allocated, zeroed, which is an empty bucket.
        let c = unsafe { &mut *child };
        c.fill(0, last_tag, last);
        c.fill(1, tag, raw.as_ptr());
        return (child, 1, true);
    }
}

/// Takes the handle in `slot` of `bucket` out of the chain that begins at `home`, filling the gap
/// from the chain's end. Also returns a child that has become empty, to be freed.
///
/// # Safety
///
/// `bucket` is of the live chain of `home`, which the caller has exclusively, and the slot is
/// filled.
pub(super) unsafe fn take(
    home: *mut Bucket,
    bucket: *mut Bucket,
    slot: usize,
) -> (NonNull<u8>, Option<OldArray>) {
    // SAFETY: a live bucket of the chain.
    let (_, raw) = unsafe { (*bucket).vacate(slot) };
    let raw = NonNull::new(raw).expect("a filled slot has a handle");
    // SAFETY: likewise; so are all that follow its child addresses.
    let Some(mut last) = (unsafe { (*home).child() }) else {
        return (raw, None);
    };
    let mut parent = home;
    // SAFETY: as above.
    while let Some(child) = unsafe { (*last).child() } {
        parent = last;
        last = child;
    }
    // SAFETY: `last` is the live end of the chain and differs from its parent.
    unsafe {
        if last != bucket {
            let from = (*last).present().trailing_zeros() as usize;
            let (tag, handle) = (*last).vacate(from);
            (*bucket).fill(slot, tag, handle);
        }
        if (*last).present() != 0 {
            return (raw, None);
        }
        (*parent).meta &= !CHAINED;
        (*parent).slots[SLOTS - 1] = std::ptr::null_mut();
    }
    // A child is an array of one bucket.
    (raw, Some(OldArray(Array { ptr: last, bits: 0 })))
}

/// Hands every handle of the chain of bucket `i` to `f` and leaves the bucket empty; returns how
/// many children it had. They stay with the array until that is freed, in a list that begins in
/// its first bucket, which must be emptied first.
///
/// # Safety
///
/// The array is live, the caller has it exclusively, and nothing is put into it any more.
pub(super) unsafe fn empty_chain(array: Array, i: usize, mut f: impl FnMut(NonNull<u8>)) -> u32 {
    let (first, home) = (array.at(0), array.at(i));
    let mut children = 0;
    let mut bucket = home;
    loop {
        // SAFETY: a live bucket of the chain; none is freed here.
        let (mut present, child, slots) =
            unsafe { ((*bucket).present(), (*bucket).child(), (*bucket).slots) };
        // SAFETY: as above.
        unsafe { (*bucket).meta = 0 };
        while present != 0 {
            let slot = present.trailing_zeros() as usize;
            present &= present - 1;
            f(NonNull::new(slots[slot]).expect("a filled slot has a handle"));
        }
        match child {
            Some(c) => (bucket, children) = (c, children + 1),
            None => break,
        }
    }
    // SAFETY: `first`, `home` and `bucket`, the chain's end, are live buckets.
    unsafe {
        // An entry's address until now, unless the bucket is emptied for the second time.
        if i == 0 && child_at((*first).slots[LEFT]).is_none() {
            (*first).slots[LEFT] = std::ptr::null_mut();
        }
        if bucket != home {
            (*bucket).slots[SLOTS - 1] = (*first).slots[LEFT];
            (*first).slots[LEFT] = (*home).slots[SLOTS - 1];
        }
    }
    children
}

fn buckets_layout(n: usize) -> Layout {
    Layout::array::<Bucket>(n).expect("an array below isize::MAX")
}

fn alloc_buckets(n: usize) -> *mut Bucket {
    let layout = buckets_layout(n);
    // SAFETY: the layout is not of size zero.
    let p = unsafe { alloc_zeroed(layout) };
    if p.is_null() {
        handle_alloc_error(layout);
    }
    p.cast()
}

/// An array of 2^bits buckets. `AtomicPtr` fields hold it with `bits` in the six low bits of the
/// address, so that one load gives both.
#[derive(Clone, Copy)]
pub(super) struct Array {
    ptr: *mut Bucket,
    bits: u32,
}

impl Array {
    pub(super) fn new(bits: u32) -> Array {
        Array {
            ptr: alloc_buckets(1 << bits),
            bits,
        }
    }

    #[inline]
    pub(super) fn untag(tagged: *mut Bucket) -> Option<Array> {
        if tagged.is_null() {
            return None;
        }
        let bits = tagged.addr() as u32 & 63;
        Some(Array {
            ptr: tagged.map_addr(|a| a & !63),
            bits,
        })
    }

    pub(super) fn tagged(self) -> *mut Bucket {
        self.ptr.map_addr(|a| a | self.bits as usize)
    }

    pub(super) fn bits(self) -> u32 {
        self.bits
    }

    #[inline]
    pub(super) fn mask(self) -> u64 {
        (1 << self.bits) - 1
    }

    pub(super) fn len(self) -> usize {
        1 << self.bits
    }

    /// The bucket of index `i`, below `len`.
    #[inline]
    pub(super) fn at(self, i: usize) -> *mut Bucket {
        debug_assert!(i < self.len());
        // Only computed here; whoever reads through it says why that is right.
        self.ptr.wrapping_add(i)
    }

    /// The home bucket of a hash.
    #[inline]
    pub(super) fn bucket(self, hash: u64) -> *mut Bucket {
        self.at((hash & self.mask()) as usize)
    }

    /// The `n`th filled slot of the chain of bucket `i`.
    pub(super) fn nth_in_chain(self, i: usize, mut n: usize) -> Option<(*mut Bucket, usize)> {
        let mut bucket = self.at(i);
        loop {
            // SAFETY: a live bucket of a live array, which the caller has borrowed.
            let b = unsafe { &*bucket };
            let mut present = b.present();
            let count = present.count_ones() as usize;
            if n < count {
                for _ in 0..n {
                    present &= present - 1;
                }
                return Some((bucket, present.trailing_zeros() as usize));
            }
            n -= count;
            bucket = b.child()?;
        }
    }

    /// The array as something to free, its buckets being empty.
    pub(super) fn retire(self) -> OldArray {
        OldArray(self)
    }
}

/// An array, with the children of its chains, or a single child, that a table no longer uses.
/// Dropping it frees it.
pub(super) struct OldArray(Array);

impl Drop for OldArray {
    fn drop(&mut self) {
        // SAFETY: nothing is in use any more; the list has the children that `empty_chain` left,
        // which were allocated as arrays of one bucket. A first bucket that was never emptied has
        // an entry's address or nothing where the list would begin.
        unsafe {
            let mut left = child_at((*self.0.ptr).slots[LEFT]);
            while let Some(child) = left {
                left = child_at((*child).slots[SLOTS - 1]);
                dealloc(child.cast(), buckets_layout(1));
            }
            dealloc(self.0.ptr.cast(), buckets_layout(self.0.len()));
        }
    }
}
