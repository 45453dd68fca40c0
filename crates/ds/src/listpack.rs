//! Listpacks: many small elements in one run of bytes, the format that RDB files carry.
//!
//! `total bytes: u32 | elements: u16 | entries | 0xff`, little-endian; 65535 elements means that
//! they must be counted. `Pack` has the operations on such bytes whoever holds them; `Listpack`
//! holds them in one allocation behind an eight-byte handle.

mod codec;
mod iter;
#[cfg(test)]
mod tests;

use std::alloc::{alloc, dealloc, handle_alloc_error, realloc};
use std::ptr::NonNull;

pub use codec::Item;
pub(crate) use codec::{check, decode, skip, skip_back};
pub use iter::Iter;

use crate::sizes;

pub(crate) const HEAD: usize = 6;
pub(crate) const EMPTY: usize = 7;
const END: u8 = 0xff;
const UNKNOWN: usize = 0xffff;
/// The longest pack that is ever made, as Redis has it.
const MAX_BYTES: usize = 1 << 30;

/// What is wrong with foreign bytes that should be a listpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListpackError {
    /// Shorter than an empty pack.
    Short,
    /// The length in the header, or the end mark, is not where the bytes end.
    Length,
    /// An encoding that does not exist.
    Encoding,
    /// An entry runs out of the pack, or does not know its own length.
    Entry,
    /// The number of elements in the header is wrong.
    Count,
}

impl std::fmt::Display for ListpackError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ListpackError::Short => "listpack too short",
            ListpackError::Length => "listpack length wrong",
            ListpackError::Encoding => "listpack entry of unknown encoding",
            ListpackError::Entry => "listpack entry out of bounds",
            ListpackError::Count => "listpack element count wrong",
        })
    }
}

impl std::error::Error for ListpackError {}

fn total(b: &[u8]) -> usize {
    u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize
}

fn claimed(b: &[u8]) -> usize {
    u16::from_le_bytes([b[4], b[5]]) as usize
}

/// Operations on the bytes of a valid listpack. Offsets are those of entries: of the first byte of
/// one, or of the end mark.
pub(crate) trait Pack {
    /// The whole pack.
    fn bytes(&self) -> &[u8];

    /// Replaces `del` bytes at `at` by `ins` bytes of any content, which the caller then writes;
    /// the header is the caller's to set.
    fn splice(&mut self, at: usize, del: usize, ins: usize) -> &mut [u8];

    /// The whole pack, to change.
    fn bytes_mut(&mut self) -> &mut [u8];

    /// The number of elements.
    fn count(&self) -> usize {
        let b = self.bytes();
        match claimed(b) {
            UNKNOWN => Iter::new(b).count(),
            n => n,
        }
    }

    /// The offset of the end mark.
    fn end(&self) -> usize {
        self.bytes().len() - 1
    }

    /// Sets the header after the number of elements has changed from `count` by `delta`.
    fn set_header(&mut self, count: usize, delta: isize) {
        let b = self.bytes_mut();
        let n = count.strict_add_signed(delta).min(UNKNOWN) as u16;
        let len = b.len() as u32;
        b[..4].copy_from_slice(&len.to_le_bytes());
        b[4..6].copy_from_slice(&n.to_le_bytes());
    }

    /// The offset of element `index`.
    fn seek(&self, index: usize) -> Option<usize> {
        let (b, count) = (self.bytes(), self.count());
        if index >= count {
            return None;
        }
        if index <= count / 2 {
            Some((0..index).fold(HEAD, |at, _| skip(b, at)))
        } else {
            Some((index..count).fold(b.len() - 1, |at, _| skip_back(b, at)))
        }
    }

    /// Puts an element before the entry at `at`.
    fn insert_at(&mut self, at: usize, item: Item<'_>) {
        let count = self.count();
        item.write(self.splice(at, 0, item.entry_size()));
        self.set_header(count, 1);
    }

    /// Puts an element in the place of the entry at `at`.
    fn replace_at(&mut self, at: usize, item: Item<'_>) {
        let (count, del) = (self.count(), skip(self.bytes(), at) - at);
        item.write(self.splice(at, del, item.entry_size()));
        self.set_header(count, 0);
    }

    /// Takes out the `n` elements in the bytes from `at` to `to`.
    fn delete_bytes(&mut self, at: usize, to: usize, n: usize) {
        let count = self.count();
        self.splice(at, to - at, 0);
        self.set_header(count, -(n as isize));
    }

    /// Takes out the entry at `at`.
    fn delete_at(&mut self, at: usize) {
        let to = skip(self.bytes(), at);
        self.delete_bytes(at, to, 1);
    }
}

/// An owned listpack: a handle of eight bytes to one allocation.
#[repr(transparent)]
pub struct Listpack(NonNull<u8>);

// SAFETY: the bytes are owned.
unsafe impl Send for Listpack {}
// SAFETY: a shared reference only reads.
unsafe impl Sync for Listpack {}

impl Default for Listpack {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Listpack {
    fn clone(&self) -> Self {
        Self::from_valid(self.as_bytes())
    }
}

impl Pack for Listpack {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_bytes`, and the handle is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_ptr(), self.total()) }
    }

    fn splice(&mut self, at: usize, del: usize, ins: usize) -> &mut [u8] {
        let old = self.total();
        assert!(at + del < old);
        let new = old - del + ins;
        assert!(new <= MAX_BYTES);
        if new > old {
            self.resize_block(old, new);
        }
        // SAFETY: the block has room for the longer of the two lengths; both ranges end with it.
        unsafe {
            let p = self.0.as_ptr();
            p.add(at + del).copy_to(p.add(at + ins), old - at - del);
        }
        if new < old {
            self.resize_block(old, new);
        }
        // The length is what `bytes_mut` and the capacity go by from here on.
        // SAFETY: the block is longer than its header.
        unsafe { self.0.cast::<[u8; 4]>().write((new as u32).to_le_bytes()) };
        &mut self.bytes_mut()[at..at + ins]
    }
}

impl Listpack {
    /// An empty pack.
    pub fn new() -> Self {
        Self::from_valid(&[EMPTY as u8, 0, 0, 0, 0, 0, END])
    }

    /// A pack from foreign bytes, each of which is checked.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ListpackError> {
        check(bytes)?;
        Ok(Self::from_valid(bytes))
    }

    pub(crate) fn from_valid(bytes: &[u8]) -> Self {
        let layout = sizes::layout(sizes::class_of(bytes.len()));
        // SAFETY: no class has size zero.
        let p = unsafe { alloc(layout) };
        let Some(block) = NonNull::new(p) else {
            handle_alloc_error(layout)
        };
        // SAFETY: the block is at least as long as the bytes.
        unsafe { p.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Listpack(block)
    }

    #[inline]
    fn total(&self) -> usize {
        // SAFETY: the block begins with the length of the pack.
        u32::from_le_bytes(unsafe { self.0.cast::<[u8; 4]>().read() }) as usize
    }

    /// The whole pack, as an RDB file has it.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: the block holds as many initialized bytes as its header says.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr(), self.total()) }
    }

    /// Goes on in a block of the class of `new` bytes, of which the first are kept.
    fn resize_block(&mut self, old: usize, new: usize) {
        let (from, to) = (sizes::class_of(old), sizes::class_of(new));
        if from == to {
            return;
        }
        // SAFETY: the block has the layout of its length's class; the new size is not zero.
        let p = unsafe { realloc(self.0.as_ptr(), sizes::layout(from), sizes::bytes(to)) };
        self.0 = NonNull::new(p).unwrap_or_else(|| handle_alloc_error(sizes::layout(to)));
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.count()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.total() == EMPTY
    }

    /// Bytes that the allocator has given out.
    pub fn memory(&self) -> usize {
        sizes::usable(self.total())
    }

    /// Whether `bytes` more, however encoded, keep the pack below the longest there may be.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.total() + bytes + 16 <= MAX_BYTES
    }

    /// The elements, from both ends.
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(self.as_bytes())
    }

    /// Element `index`.
    pub fn get(&self, index: usize) -> Option<Item<'_>> {
        self.seek(index).map(|at| decode(self.as_bytes(), at).0)
    }

    pub(crate) fn push_item(&mut self, item: Item<'_>) {
        self.insert_at(self.end(), item);
    }

    /// Adds an element at the end.
    pub fn push_back(&mut self, value: &[u8]) {
        self.insert_at(self.end(), Item::of(value));
    }

    /// Adds an element at the beginning.
    pub fn push_front(&mut self, value: &[u8]) {
        self.insert_at(HEAD, Item::of(value));
    }

    /// Puts an element before the one at `index`, or at the end when `index` is the length.
    pub fn insert(&mut self, index: usize, value: &[u8]) {
        let at = self.seek(index).unwrap_or(self.end());
        self.insert_at(at, Item::of(value));
    }

    /// Puts an element in the place of the one at `index`; says whether there was one.
    pub fn replace(&mut self, index: usize, value: &[u8]) -> bool {
        let at = self.seek(index);
        if let Some(at) = at {
            self.replace_at(at, Item::of(value));
        }
        at.is_some()
    }

    /// Takes out `n` elements from `index` on, or as many as there are.
    pub fn delete(&mut self, index: usize, n: usize) {
        let n = n.min(self.len().saturating_sub(index));
        if let Some(at) = self.seek(index) {
            let to = (0..n).fold(at, |at, _| skip(self.as_bytes(), at));
            self.delete_bytes(at, to, n);
        }
    }

    pub(crate) fn into_word(self) -> NonNull<u8> {
        std::mem::ManuallyDrop::new(self).0
    }

    /// # Safety
    ///
    /// `word` came from `into_word` and is taken back only once.
    pub(crate) unsafe fn from_word(word: NonNull<u8>) -> Self {
        Listpack(word)
    }
}

impl Drop for Listpack {
    fn drop(&mut self) {
        let layout = sizes::layout(sizes::class_of(self.total()));
        // SAFETY: the block has the layout of its length's class, and is freed only here.
        unsafe { dealloc(self.0.as_ptr(), layout) };
    }
}

/// Feeds foreign bytes to the decoder and walks what it accepts, both ways.
#[doc(hidden)]
pub fn fuzz_one(data: &[u8]) {
    if let Ok(mut pack) = Listpack::from_bytes(data) {
        let n = pack.iter().count();
        assert_eq!(n, pack.iter().rev().count());
        let all: Vec<Vec<u8>> = pack.iter().map(|i| i.to_vec()).collect();
        for (i, v) in all.iter().enumerate().take(64) {
            assert_eq!(pack.get(i).map(|i| i.to_vec()).as_ref(), Some(v));
        }
        pack.insert(n / 2, b"inserted");
        pack.delete(n / 2, 1);
        assert_eq!(pack.iter().count(), n);
    }
}
