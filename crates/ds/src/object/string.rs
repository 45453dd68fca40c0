//! Strings: inline, as a number, or in a buffer of their own.

use std::cell::UnsafeCell;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use triomphe::Arc;

use super::block::Tag;
use super::{Kind, Object, ValueRef, into_word};
use crate::listpack::Item;
use crate::pin::{Kept, Meter};
use crate::sizes;

/// The longest string that is kept beside its key.
pub(super) const INLINE_MAX: usize = 1024;
/// The longest string that Redis 7.2 calls "embstr".
pub(super) const EMBSTR_MAX: usize = 44;
/// The ranges in which a pin reads and keeps a string.
const RANGE: usize = 16 * 1024;

/// A string in a buffer of its own, which it shares with its pins.
#[repr(transparent)]
pub struct BigStr(Arc<Body>);

/// As with large hashes: without a pin the string is the only one that has the body; with one,
/// changes and the pin's reads take the lock.
struct Body {
    bytes: UnsafeCell<Vec<u8>>,
    pins: Mutex<Pins>,
}

// SAFETY: `bytes` is changed only by the one string that has the body, which nobody else can
// borrow meanwhile, and, if there are pins, under the lock under which they read it.
unsafe impl Sync for Body {}

#[derive(Default)]
struct Pins {
    all: Vec<Pinned>,
    last_id: u64,
}

/// What one pin has still to deliver.
struct Pinned {
    id: u64,
    /// The length at the moment of the pin.
    len: usize,
    /// Bytes delivered.
    done: usize,
    /// Ranges as they were, by their beginning.
    saved: BTreeMap<usize, Box<[u8]>>,
    /// Bytes of those.
    kept: Kept,
}

impl Body {
    /// Bytes of old ranges that are kept for a pin; none when it is gone.
    fn kept_bytes(&self, id: u64) -> usize {
        let pins = self.lock();
        let pin = pins.all.iter().find(|p| p.id == id);
        pin.map_or(0, |p| p.kept.bytes())
    }

    fn lock(&self) -> MutexGuard<'_, Pins> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pinned {
    /// Keeps what is about to be written over from `from` to `to`.
    fn keep(&mut self, bytes: &[u8], from: usize, to: usize) {
        if from >= self.len {
            return;
        }
        let first = from.max(self.done) / RANGE * RANGE;
        for at in (first..to.min(self.len)).step_by(RANGE) {
            let end = (at + RANGE).min(self.len);
            self.saved.entry(at).or_insert_with(|| {
                self.kept.add(end - at);
                bytes[at..end].into()
            });
        }
    }
}

impl Drop for BigStr {
    fn drop(&mut self) {
        if !Arc::is_unique(&self.0) {
            // What pins have not delivered is kept for them alone from now on.
            for pin in &mut self.0.lock().all {
                pin.kept.add(pin.len - pin.done);
            }
        }
    }
}

impl BigStr {
    pub(super) fn new(bytes: &[u8]) -> BigStr {
        let mut v = Vec::with_capacity(sizes::usable(bytes.len()));
        v.extend_from_slice(bytes);
        BigStr(Arc::new(Body {
            bytes: UnsafeCell::new(v),
            pins: Mutex::default(),
        }))
    }

    /// The string.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: only this string changes them, and it is borrowed.
        unsafe { &*self.0.bytes.get() }
    }

    pub(super) fn memory(&self) -> usize {
        // SAFETY: as in `bytes`.
        let capacity = unsafe { &*self.0.bytes.get() }.capacity();
        sizes::usable(size_of::<Body>() + 8) + capacity
    }

    /// Changes the bytes from `from` to `to`, which are old ones as far as they are there.
    fn change(&mut self, from: usize, to: usize, f: impl FnOnce(&mut Vec<u8>)) {
        let p = self.0.bytes.get();
        if Arc::is_unique(&self.0) {
            // SAFETY: no pin is there, and only this string, which is borrowed exclusively, could
            // make one.
            return f(unsafe { &mut *p });
        }
        let mut pins = self.0.lock();
        // SAFETY: pins read under the lock; the string is borrowed exclusively.
        let bytes = unsafe { &mut *p };
        pins.all
            .iter_mut()
            .for_each(|pin| pin.keep(bytes, from, to));
        f(bytes);
    }

    pub(super) fn set(&mut self, bytes: &[u8]) {
        let used = sizes::usable(bytes.len());
        // A pin keeps the whole old string.
        if !Arc::is_unique(&self.0) || self.memory() > 2 * used {
            *self = BigStr::new(bytes);
            return;
        }
        self.change(0, 0, |v| {
            v.clear();
            grow_to(v, bytes.len(), false);
            v.extend_from_slice(bytes);
        });
    }

    pub(super) fn write_at(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        self.change(offset, end, |v| {
            if end > v.len() {
                grow_to(v, end, true);
                v.resize(end, 0);
            }
            v[offset..end].copy_from_slice(bytes);
        });
    }

    /// Pins the string as it is now.
    pub fn pin(&self) -> StrPin {
        let len = self.bytes().len();
        let mut pins = self.0.lock();
        pins.last_id += 1;
        let id = pins.last_id;
        pins.all.push(Pinned {
            id,
            len,
            done: 0,
            saved: BTreeMap::new(),
            kept: Kept::default(),
        });
        StrPin {
            body: self.0.clone(),
            id,
            len,
        }
    }
}

/// Makes room for `len` bytes, and with `more` for as many again, up to a megabyte.
fn grow_to(v: &mut Vec<u8>, len: usize, more: bool) {
    if len > v.capacity() {
        let spare = if more { len.min(1 << 20) } else { 0 };
        v.reserve_exact(sizes::usable(len + spare) - v.len());
    }
}

/// A large string as it was when the pin was made, to be read in ranges of 16 KB.
///
/// As with `HashPin`, a step takes the string's inner lock, for which only a writer of this one
/// string would wait, and not even that one if the step is made under its slot's lock.
pub struct StrPin {
    body: Arc<Body>,
    id: u64,
    len: usize,
}

impl StrPin {
    /// The length at the moment of the pin.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the string was empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of old ranges that are kept for this pin.
    pub fn kept_bytes(&self) -> usize {
        self.body.kept_bytes(self.id)
    }

    /// Tells others what is kept for this pin.
    pub(crate) fn meter(&self) -> Option<Meter> {
        let pins = self.body.lock();
        let pin = pins.all.iter().find(|p| p.id == self.id);
        pin.map(|pin| pin.kept.meter())
    }

    /// Delivers the next range, from the beginning on; says whether there are more. `out` is
    /// called under the string's inner lock, and must not wait for anything.
    pub fn next(&mut self, out: &mut dyn FnMut(&[u8])) -> bool {
        let mut pins = self.body.lock();
        let Some(p) = pins.all.iter_mut().find(|p| p.id == self.id) else {
            return false;
        };
        if p.done == p.len {
            return false;
        }
        let (from, to) = (p.done, (p.done + RANGE).min(p.len));
        match p.saved.remove(&from) {
            Some(range) => {
                p.kept.take(range.len());
                out(&range);
            }
            // SAFETY: the lock is held, under which alone the bytes change while a pin is there.
            None => out(&unsafe { &*self.body.bytes.get() }[from..to]),
        }
        p.done = to;
        to < p.len
    }
}

impl Drop for StrPin {
    fn drop(&mut self) {
        self.body.lock().all.retain(|p| p.id != self.id);
    }
}

impl Object {
    pub(crate) fn big(&self) -> &BigStr {
        assert!(self.tag() == Tag::Big);
        // SAFETY: the tag says that the word is a `BigStr`.
        unsafe { self.word_as() }
    }

    fn big_mut(&mut self) -> &mut BigStr {
        assert!(self.tag() == Tag::Big);
        // SAFETY: as above.
        unsafe { self.word_as_mut() }
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
        } else {
            self.set_inline(Tag::Str, bytes);
        }
    }

    /// Makes the value this string, kept as a number if it is the text of one, as SET does. The
    /// handle may change.
    pub fn set_text(&mut self, bytes: &[u8]) {
        match Item::of(bytes) {
            Item::Int(n) => self.set_int(n),
            Item::Str(s) => self.set_str(s),
        }
    }

    /// Makes the value this number, whatever it was; the expiry stays. The handle may change.
    pub fn set_int(&mut self, n: i64) {
        self.set_raw(false);
        self.set_inline(Tag::Int, &n.to_le_bytes()[..int_len(n)]);
    }

    fn set_inline(&mut self, tag: Tag, bytes: &[u8]) {
        // In place where it fits, unless that leaves half the block unused.
        let fits = self.tag() == tag
            && bytes.len() <= self.inline_room()
            && self.inline_room() - bytes.len() <= self.block_bytes() / 2;
        if fits {
            self.set_inline_len(bytes.len());
        } else {
            self.drop_word();
            self.reshape(tag, self.expire(), bytes.len(), bytes.len());
        }
        self.inline_mut().copy_from_slice(bytes);
    }

    /// Lets go of what the word owns, before another shape.
    fn drop_word(&mut self) {
        drop(self.take_owned());
    }

    fn become_big(&mut self, s: BigStr) {
        self.drop_word();
        self.reshape(Tag::Big, self.expire(), 0, 0);
        self.put_word(into_word(s));
    }

    /// Length of a string in bytes, of a number in decimal digits; 0 for other kinds.
    pub fn str_len(&self) -> usize {
        match self.value() {
            ValueRef::Str(s) => s.len(),
            ValueRef::Int(n) => itoa::Buffer::new().format(n).len(),
            ValueRef::List(_) | ValueRef::Hash(_) => 0,
        }
    }

    /// Adds to the end of a string; returns its new length. The handle may change.
    ///
    /// # Panics
    ///
    /// If the value is no string.
    pub fn append(&mut self, bytes: &[u8]) -> usize {
        let len = self.str_len();
        self.set_range(len, bytes)
    }

    /// Writes `bytes` at `offset` of a string, which grows as needed with zeros between; returns
    /// its new length. The handle may change.
    ///
    /// # Panics
    ///
    /// If the value is no string.
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
            let text = buf.format(self.int());
            self.set_str(text.as_bytes());
        }
    }
}

/// The fewest bytes that hold a number, one at least.
pub(super) fn int_len(n: i64) -> usize {
    let bits = 65
        - if n < 0 {
            n.leading_ones()
        } else {
            n.leading_zeros()
        };
    bits.div_ceil(8) as usize
}
