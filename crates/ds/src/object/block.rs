//! The block of memory behind an `Object`.
//!
//! ```text
//! header 12 | expiry 8, if any | key | inline value                     strings and numbers
//! header 12 | pad 4 | word 8 | expiry 8, if any | key                   everything else
//! ```
//!
//! A block takes all of its allocator's size class; the class is a byte of the header, and what
//! the key and the inline value leave is room for the value to grow. 12 + 16 + 32 bytes fit in
//! one cache line.

use std::alloc::{alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::sizes;

/// What the word or the inline bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Tag {
    /// The inline bytes are a string.
    Str,
    /// The inline bytes, one to eight, are a number, little-endian.
    Int,
    /// The word is a `BigStr`.
    Big,
    /// The word is a `List`.
    List,
    /// The word is a `Hash`.
    Hash,
}

impl Tag {
    const ALL: [Tag; 5] = [Tag::Str, Tag::Int, Tag::Big, Tag::List, Tag::Hash];

    #[inline]
    fn has_word(self) -> bool {
        !matches!(self, Tag::Str | Tag::Int)
    }
}

const TAG: u8 = 0x0f;
const EXPIRE: u8 = 0x10;
const RAW: u8 = 0x20;
const HEADER: usize = size_of::<Header>();
const WORD: usize = 16;

#[repr(C)]
struct Header {
    /// The tag in the low four bits, flags above.
    bits: u8,
    class: u8,
    inline: u16,
    /// The low 24 bits are the clock of LRU or LFU, the high 8 the lanes. Atomic because both are
    /// set through shared references.
    marks: AtomicU32,
    key: u32,
}

/// A key with its value, and its expiry if it has one, in one block.
#[repr(transparent)]
pub struct Object(NonNull<Header>);

// SAFETY: the block is owned, and all that it leads to is `Send`.
unsafe impl Send for Object {}
// SAFETY: what changes through a shared reference is atomic; all that the block leads to is `Sync`.
unsafe impl Sync for Object {}

impl Object {
    /// A block with this key, zeroed inline bytes and a word of zero.
    pub(super) fn alloc(key: &[u8], tag: Tag, expire: Option<i64>, inline: usize) -> Object {
        let front = Self::front_of(expire.is_some(), tag);
        let class = sizes::class_of(front + key.len() + inline);
        let layout = sizes::layout(class);
        // SAFETY: no class has size zero.
        let p = unsafe { alloc(layout) };
        let Some(block) = NonNull::new(p.cast::<Header>()) else {
            handle_alloc_error(layout)
        };
        let header = Header {
            bits: tag as u8 | if expire.is_some() { EXPIRE } else { 0 },
            class,
            inline: u16::try_from(inline).expect("an inline value below 64 KB"),
            marks: AtomicU32::new(0),
            key: u32::try_from(key.len()).expect("a key below 4 GB"),
        };
        // SAFETY: the block is as large as `front + key + inline`, which is all that is written,
        // and aligned for the header and the word.
        unsafe {
            block.write(header);
            if tag.has_word() {
                p.add(WORD).cast::<*mut u8>().write(std::ptr::null_mut());
            }
            if let Some(at) = expire {
                p.add(front - 8).cast::<i64>().write_unaligned(at);
            }
            p.add(front)
                .copy_from_nonoverlapping(key.as_ptr(), key.len());
            p.add(front + key.len()).write_bytes(0, inline);
        }
        Object(block)
    }

    pub(super) fn into_raw(self) -> NonNull<u8> {
        std::mem::ManuallyDrop::new(self).0.cast()
    }

    /// # Safety
    ///
    /// `raw` came from `into_raw` and is taken back only once.
    pub(super) unsafe fn from_raw(raw: NonNull<u8>) -> Object {
        Object(raw.cast())
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: the block begins with its header, and lives as long as the handle.
        unsafe { self.0.as_ref() }
    }

    #[inline]
    fn header_mut(&mut self) -> &mut Header {
        // SAFETY: likewise, and the handle is borrowed exclusively.
        unsafe { self.0.as_mut() }
    }

    /// The byte at `offset` of the block.
    #[inline]
    fn at(&self, offset: usize) -> *mut u8 {
        debug_assert!(offset <= self.block_bytes());
        // SAFETY: callers stay in the block, whose size the header knows.
        unsafe { self.0.as_ptr().cast::<u8>().add(offset) }
    }

    #[inline]
    pub(super) fn tag(&self) -> Tag {
        Tag::ALL[(self.header().bits & TAG) as usize]
    }

    #[inline]
    fn has_expire(&self) -> bool {
        self.header().bits & EXPIRE != 0
    }

    #[inline]
    fn front_of(expire: bool, tag: Tag) -> usize {
        let fixed = if tag.has_word() { WORD + 8 } else { HEADER };
        fixed + 8 * usize::from(expire)
    }

    /// Where the key begins.
    #[inline]
    fn front(&self) -> usize {
        Self::front_of(self.has_expire(), self.tag())
    }

    #[inline]
    pub(super) fn block_bytes(&self) -> usize {
        sizes::bytes(self.header().class)
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> &[u8] {
        // SAFETY: the block holds this many bytes of key there, initialized by `alloc`.
        unsafe { std::slice::from_raw_parts(self.at(self.front()), self.header().key as usize) }
    }

    #[inline]
    pub(super) fn inline(&self) -> &[u8] {
        let h = self.header();
        let p = self.at(self.front() + h.key as usize);
        // SAFETY: the block holds this many bytes of value there, always initialized.
        unsafe { std::slice::from_raw_parts(p, h.inline as usize) }
    }

    #[inline]
    pub(super) fn inline_mut(&mut self) -> &mut [u8] {
        let (key, len) = (self.header().key as usize, self.header().inline as usize);
        let p = self.at(self.front() + key);
        // SAFETY: as in `inline`, and the handle is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(p, len) }
    }

    /// How many inline bytes this block could hold.
    pub(super) fn inline_room(&self) -> usize {
        self.block_bytes() - self.front() - self.header().key as usize
    }

    /// Sets the length of the inline bytes within the block; new ones are zero.
    pub(super) fn set_inline_len(&mut self, len: usize) {
        assert!(!self.tag().has_word() && len <= self.inline_room());
        let old = self.header().inline as usize;
        self.header_mut().inline = len as u16;
        if len > old {
            self.inline_mut()[old..].fill(0);
        }
    }

    fn word_ptr(&self) -> *mut *mut u8 {
        assert!(self.tag().has_word());
        self.at(WORD).cast()
    }

    /// The number in the inline bytes.
    #[inline]
    pub(super) fn int(&self) -> i64 {
        let inline = self.inline();
        let mut le = if inline.last().is_some_and(|b| b & 0x80 != 0) {
            [0xff; 8]
        } else {
            [0; 8]
        };
        le[..inline.len()].copy_from_slice(inline);
        i64::from_le_bytes(le)
    }

    /// The word as a reference to what it is.
    ///
    /// # Safety
    ///
    /// The tag says that the word is a `T`, which is transparent over eight bytes.
    #[inline]
    pub(super) unsafe fn word_as<T>(&self) -> &T {
        const { assert!(size_of::<T>() == 8 && align_of::<T>() <= 8) };
        // SAFETY: the caller's promise; the word lives as long as the handle.
        unsafe { &*self.word_ptr().cast::<T>() }
    }

    /// The same, to change.
    ///
    /// # Safety
    ///
    /// As `word_as`.
    #[inline]
    pub(super) unsafe fn word_as_mut<T>(&mut self) -> &mut T {
        const { assert!(size_of::<T>() == 8 && align_of::<T>() <= 8) };
        // SAFETY: the caller's promise; the handle is borrowed exclusively.
        unsafe { &mut *self.word_ptr().cast::<T>() }
    }

    pub(super) fn put_word(&mut self, word: *mut u8) {
        // SAFETY: the block has its word there, aligned; the handle is borrowed exclusively.
        unsafe { self.word_ptr().write(word) };
    }

    /// Takes what the word owns out. Until the object is given another shape or its word back,
    /// it is good for nothing but to be dropped: its word is null.
    pub(super) fn take_word(&mut self) -> *mut u8 {
        // SAFETY: the block has its word there, aligned.
        let word = unsafe { self.word_ptr().read() };
        self.put_word(std::ptr::null_mut());
        word
    }

    /// Gives the block another shape: tag, expiry, and `inline` bytes of value, of which the first
    /// are kept; `room` is for how many there should be room. The key and the marks stay. A word
    /// that the old shape has must have been taken out; one that the new shape has is zero.
    pub(super) fn reshape(&mut self, tag: Tag, expire: Option<i64>, inline: usize, room: usize) {
        debug_assert!(room >= inline);
        let (old, key) = (self.front(), self.header().key as usize);
        let new = Self::front_of(expire.is_some(), tag);
        let class = sizes::class_of(new + key + room);
        let kept = key + inline.min(self.header().inline as usize);
        let fits = new + key + inline <= self.block_bytes();
        if !fits || class < self.header().class {
            self.move_block(class, old, new, kept);
        } else {
            // SAFETY: both ranges are in the block: the old one is what it holds, the new one has
            // just been found to fit.
            unsafe { self.at(old).copy_to(self.at(new), kept) };
        }
        let h = self.header_mut();
        h.inline = u16::try_from(inline).expect("an inline value below 64 KB");
        h.bits = h.bits & RAW | tag as u8 | if expire.is_some() { EXPIRE } else { 0 };
        if tag.has_word() {
            self.put_word(std::ptr::null_mut());
        }
        if let Some(at) = expire {
            // SAFETY: a block with the flag has its expiry before the key.
            unsafe { self.at(new - 8).cast::<i64>().write_unaligned(at) };
        }
        self.inline_mut()[kept - key..].fill(0);
    }

    /// Goes on in a block of another class, where the `kept` bytes from `old` on are at `new`.
    fn move_block(&mut self, class: u8, old: usize, new: usize, kept: usize) {
        let layout = sizes::layout(class);
        // SAFETY: no class has size zero.
        let p = unsafe { alloc(layout) };
        let Some(block) = NonNull::new(p.cast::<Header>()) else {
            handle_alloc_error(layout)
        };
        // SAFETY: the old block holds a header and `kept` bytes at `old`; `reshape` chose a class
        // that holds `new + kept`. The old block is not used after it is freed.
        unsafe {
            self.0.copy_to_nonoverlapping(block, 1);
            p.add(new).copy_from_nonoverlapping(self.at(old), kept);
            self.free_block();
        }
        self.0 = block;
        self.header_mut().class = class;
    }

    /// # Safety
    ///
    /// The block is not used again.
    pub(super) unsafe fn free_block(&mut self) {
        let layout = sizes::layout(self.header().class);
        // SAFETY: it was allocated with this layout; the caller's promise.
        unsafe { dealloc(self.0.as_ptr().cast(), layout) };
    }

    /// When the key expires, in Unix milliseconds.
    #[inline]
    pub fn expire(&self) -> Option<i64> {
        self.has_expire().then(|| {
            // SAFETY: a block with the flag has its expiry before the key.
            unsafe { self.at(self.front() - 8).cast::<i64>().read_unaligned() }
        })
    }

    /// Sets when the key expires, in Unix milliseconds, or that it does not. The handle may change.
    pub fn set_expire(&mut self, expire: Option<i64>) {
        if let (Some(at), true) = (expire, self.has_expire()) {
            // SAFETY: as in `expire`; the handle is borrowed exclusively.
            unsafe { self.at(self.front() - 8).cast::<i64>().write_unaligned(at) };
        } else if expire.is_some() != self.has_expire() {
            let (tag, inline) = (self.tag(), self.header().inline as usize);
            let word = tag.has_word().then(|| self.take_word());
            self.reshape(tag, expire, inline, inline);
            if let Some(word) = word {
                self.put_word(word);
            }
        }
    }

    /// The snapshot marks: eight bits for the store's use.
    #[inline]
    pub fn lanes(&self) -> u8 {
        (self.header().marks.load(Ordering::Relaxed) >> 24) as u8
    }

    /// Sets the snapshot marks.
    #[inline]
    pub fn set_lanes(&self, lanes: u8) {
        let marks = &self.header().marks;
        let lru = marks.load(Ordering::Relaxed) & 0x00ff_ffff;
        marks.store(lru | u32::from(lanes) << 24, Ordering::Relaxed);
    }

    /// The 24 bits of LRU clock or LFU counter.
    #[inline]
    pub fn lru(&self) -> u32 {
        self.header().marks.load(Ordering::Relaxed) & 0x00ff_ffff
    }

    /// Sets the low 24 bits as LRU clock or LFU counter.
    #[inline]
    pub fn set_lru(&self, lru: u32) {
        let marks = &self.header().marks;
        let lanes = marks.load(Ordering::Relaxed) & 0xff00_0000;
        marks.store(lanes | lru & 0x00ff_ffff, Ordering::Relaxed);
    }

    /// Whether a short string answers "raw" to OBJECT ENCODING, having been changed in place.
    pub(super) fn is_raw(&self) -> bool {
        self.header().bits & RAW != 0
    }

    pub(super) fn set_raw(&mut self, raw: bool) {
        let h = self.header_mut();
        h.bits = h.bits & !RAW | if raw { RAW } else { 0 };
    }
}
