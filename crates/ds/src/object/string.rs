//! Strings: inline, as a number, or in a buffer of their own.

use super::block::Tag;
use super::{Kind, Object, ValueRef, into_word};
use crate::sizes;

/// The longest string that is kept beside its key.
pub(super) const INLINE_MAX: usize = 1024;
/// The longest string that Redis 7.2 calls "embstr".
pub(super) const EMBSTR_MAX: usize = 44;

/// A string in a buffer of its own.
#[repr(transparent)]
pub struct BigStr(Box<Body>);

struct Body {
    bytes: Vec<u8>,
}

impl BigStr {
    pub(super) fn new(bytes: &[u8]) -> BigStr {
        let mut v = Vec::with_capacity(sizes::usable(bytes.len()));
        v.extend_from_slice(bytes);
        BigStr(Box::new(Body { bytes: v }))
    }

    /// The string.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    pub(super) fn memory(&self) -> usize {
        sizes::usable(size_of::<Body>()) + self.0.bytes.capacity()
    }

    pub(super) fn set(&mut self, bytes: &[u8]) {
        if self.0.bytes.capacity() > 2 * sizes::usable(bytes.len()) {
            *self = BigStr::new(bytes);
            return;
        }
        self.0.bytes.clear();
        self.grow_to(bytes.len(), false);
        self.0.bytes.extend_from_slice(bytes);
    }

    /// Makes room for `len` bytes, and with `more` for about as many again, up to a megabyte.
    fn grow_to(&mut self, len: usize, more: bool) {
        if len > self.0.bytes.capacity() {
            let spare = if more { len.min(1 << 20) } else { 0 };
            self.0
                .bytes
                .reserve_exact(sizes::usable(len + spare) - self.0.bytes.len());
        }
    }

    pub(super) fn write_at(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        if end > self.0.bytes.len() {
            self.grow_to(end, true);
            self.0.bytes.resize(end, 0);
        }
        self.0.bytes[offset..end].copy_from_slice(bytes);
    }
}

impl Object {
    pub(super) fn big(&self) -> &BigStr {
        assert!(self.tag() == Tag::Big);
        // SAFETY: the tag says that the word is a `BigStr`.
        unsafe { self.word_as() }
    }

    fn big_mut(&mut self) -> &mut BigStr {
        assert!(self.tag() == Tag::Big);
        // SAFETY: as above.
        unsafe { self.word_as_mut() }
    }

    /// Lets go of whatever the word owns; the value is whole, but means nothing, until set again.
    fn drop_word(&mut self) {
        drop(self.take_owned(self.tag()));
    }

    /// Makes the value this string, whatever it was; the expiry stays. The handle may change.
    pub fn set_str(&mut self, bytes: &[u8]) {
        self.set_raw(false);
        if bytes.len() > INLINE_MAX {
            if self.tag() == Tag::Big {
                self.big_mut().set(bytes);
            } else {
                self.become_big(BigStr::new(bytes));
            }
            return;
        }
        // In place where it fits, unless that leaves half the block unused.
        let fits = self.tag() == Tag::Str
            && bytes.len() <= self.inline_room()
            && self.inline_room() - bytes.len() <= self.block_bytes() / 2;
        if fits {
            self.set_inline_len(bytes.len());
        } else {
            self.drop_word();
            self.reshape(Tag::Str, self.expire(), bytes.len(), bytes.len());
        }
        self.inline_mut().copy_from_slice(bytes);
    }

    /// Makes the value this number, whatever it was; the expiry stays. The handle may change.
    pub fn set_int(&mut self, n: i64) {
        self.set_raw(false);
        if self.tag() != Tag::Int {
            self.drop_word();
            self.reshape(Tag::Int, self.expire(), 0, 0);
        }
        self.put_word(n as u64);
    }

    fn become_big(&mut self, s: BigStr) {
        self.drop_word();
        self.reshape(Tag::Int, self.expire(), 0, 0);
        self.put_word(into_word(s));
        self.retag(Tag::Big);
    }

    /// Length of a string in bytes, of a number in decimal digits; 0 for other kinds.
    pub fn str_len(&self) -> usize {
        match self.value() {
            ValueRef::Str(s) => s.len(),
            ValueRef::Int(n) => itoa::Buffer::new().format(n).len(),
            ValueRef::List(_) => 0,
        }
    }

    /// Adds to the end of a string; returns its new length. The handle may change.
    pub fn append(&mut self, bytes: &[u8]) -> usize {
        let len = self.str_len();
        self.set_range(len, bytes)
    }

    /// Writes `bytes` at `offset` of a string, which grows as needed with zeros between; returns
    /// its new length. The handle may change.
    pub fn set_range(&mut self, offset: usize, bytes: &[u8]) -> usize {
        assert!(self.kind() == Kind::Str, "not a string");
        self.make_text();
        self.set_raw(true);
        let end = offset + bytes.len();
        let len = self.str_len();
        if self.tag() == Tag::Str && end > INLINE_MAX {
            let big = BigStr::new(self.inline());
            self.become_big(big);
        }
        if self.tag() == Tag::Big {
            self.big_mut().write_at(offset, bytes);
            return len.max(end);
        }
        if end > self.inline_room() {
            self.reshape(Tag::Str, self.expire(), end, end + end / 2);
        } else if end > len {
            self.set_inline_len(end);
        }
        self.inline_mut()[offset..end].copy_from_slice(bytes);
        len.max(end)
    }

    /// A number becomes its text.
    fn make_text(&mut self) {
        if self.tag() == Tag::Int {
            let mut buf = itoa::Buffer::new();
            let text = buf.format(self.word() as i64);
            self.set_str(text.as_bytes());
        }
    }
}
