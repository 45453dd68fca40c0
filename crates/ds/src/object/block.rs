//! The block of memory behind an `Object`.
//!
//! ```text
//! header 16 | expiry 8, if any | word 8, if the value is not inline | key | inline value
//! ```
//!
//! A block takes all of its allocator's size class; the class is a byte of the header, and what
//! the key and the inline value leave is room for the value to grow. 16 + 16 + 32 bytes is one
//! cache line.

use std::alloc::{alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::sizes;

/// What the word or the inline bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Tag {
    /// The value is the inline bytes; there is no word.
    Str,
    /// The word is an `i64`.
    Int,
    /// The word is a `BigStr`.
    Big,
    /// The word is a `List`.
    List,
}

const EXPIRE: u8 = 1;
const RAW: u8 = 2;
const HEADER: usize = size_of::<Header>();

#[repr(C)]
struct Header {
    tag: Tag,
    flags: u8,
    class: u8,
    spare: u8,
    /// The low 24 bits are the clock of LRU or LFU, the high 8 the lanes. Atomic because both are
    /// set through shared references.
    marks: AtomicU32,
    key: u32,
    inline: u32,
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
        let word = tag != Tag::Str;
        let front = HEADER + 8 * usize::from(expire.is_some()) + 8 * usize::from(word);
        let class = sizes::class_of(front + key.len() + inline);
        let layout = sizes::layout(class);
        // SAFETY: no class has size zero.
        let p = unsafe { alloc(layout) };
        let Some(block) = NonNull::new(p.cast::<Header>()) else {
            handle_alloc_error(layout)
        };
        let header = Header {
            tag,
            flags: if expire.is_some() { EXPIRE } else { 0 },
            class,
            spare: 0,
            marks: AtomicU32::new(0),
            key: u32::try_from(key.len()).expect("a key below 4 GB"),
            inline: u32::try_from(inline).expect("an inline value below 4 GB"),
        };
        // SAFETY: the block is as large as `front + key + inline`, which is all that is written,
        // and aligned for the header and the eight-byte words.
        unsafe {
            block.write(header);
            let p = block.as_ptr().cast::<u8>();
            if let Some(at) = expire {
                p.add(HEADER).cast::<i64>().write(at);
            }
            if word {
                p.add(front - 8).cast::<u64>().write(0);
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
        self.header().tag
    }

    #[inline]
    fn has_expire(&self) -> bool {
        self.header().flags & EXPIRE != 0
    }

    #[inline]
    fn front_of(expire: bool, word: bool) -> usize {
        HEADER + 8 * usize::from(expire) + 8 * usize::from(word)
    }

    /// Where the key begins.
    #[inline]
    fn front(&self) -> usize {
        Self::front_of(self.has_expire(), self.tag() != Tag::Str)
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
        assert!(self.tag() == Tag::Str && len <= self.inline_room());
        let old = self.header().inline as usize;
        self.header_mut().inline = len as u32;
        if len > old {
            self.inline_mut()[old..].fill(0);
        }
    }

    fn word_ptr(&self) -> *mut u64 {
        debug_assert!(self.tag() != Tag::Str);
        self.at(self.front() - 8).cast()
    }

    #[inline]
    pub(super) fn word(&self) -> u64 {
        // SAFETY: a block whose tag is not `Str` has its word just before the key, aligned.
        unsafe { self.word_ptr().read() }
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

    pub(super) fn put_word(&mut self, word: u64) {
        assert!(self.tag() != Tag::Str);
        // SAFETY: as in `word`; the handle is borrowed exclusively.
        unsafe { self.word_ptr().write(word) };
    }

    /// Takes what the word owns out: the value is the number 0 from now on.
    pub(super) fn take_word(&mut self) -> u64 {
        let word = self.word();
        self.put_word(0);
        self.header_mut().tag = Tag::Int;
        word
    }

    /// Says what the word is from now on. What it was before must have been taken out.
    pub(super) fn retag(&mut self, tag: Tag) {
        assert!(self.tag() == Tag::Int && tag != Tag::Str);
        self.header_mut().tag = tag;
    }

    /// Gives the block another shape: with or without expiry and word, and with `inline` bytes of
    /// value, of which the first are kept. `room` is for how many there should be room. Key, marks
    /// and, where both shapes have one, the expiry stay. The word becomes 0 and must have been
    /// taken out before.
    pub(super) fn reshape(&mut self, tag: Tag, expire: Option<i64>, inline: usize, room: usize) {
        debug_assert!(matches!(self.tag(), Tag::Str | Tag::Int) && room >= inline);
        let (old, key) = (self.front(), self.header().key as usize);
        let new = Self::front_of(expire.is_some(), tag != Tag::Str);
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
        h.tag = tag;
        h.inline = inline as u32;
        h.flags = h.flags & !EXPIRE | if expire.is_some() { EXPIRE } else { 0 };
        // SAFETY: the block has its expiry and its word there, in this order, by the tag and flags
        // just set.
        unsafe {
            if let Some(at) = expire {
                self.at(HEADER).cast::<i64>().write(at);
            }
            if tag != Tag::Str {
                self.word_ptr().write(0);
            }
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
        // SAFETY: a block with the flag has its expiry after the header, aligned.
        self.has_expire()
            .then(|| unsafe { self.at(HEADER).cast::<i64>().read() })
    }

    /// Sets when the key expires, in Unix milliseconds, or that it does not. The handle may change.
    pub fn set_expire(&mut self, expire: Option<i64>) {
        if let (Some(at), true) = (expire, self.has_expire()) {
            // SAFETY: as in `expire`; the handle is borrowed exclusively.
            unsafe { self.at(HEADER).cast::<i64>().write(at) };
        } else if expire.is_some() != self.has_expire() {
            let (tag, inline) = (self.tag(), self.header().inline as usize);
            let word = if tag == Tag::Str {
                None
            } else {
                Some(self.take_word())
            };
            let shape = if tag == Tag::Str { Tag::Str } else { Tag::Int };
            self.reshape(shape, expire, inline, inline);
            if let Some(word) = word {
                self.put_word(word);
                self.retag(tag);
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
        self.header().flags & RAW != 0
    }

    pub(super) fn set_raw(&mut self, raw: bool) {
        let h = self.header_mut();
        h.flags = h.flags & !RAW | if raw { RAW } else { 0 };
    }
}
