//! A key and its value behind one eight-byte handle.
//!
//! A small string lives in one allocation with its key and its expiry; larger and compound values
//! hang on it by one word. How the block is laid out is in `block`.

mod block;
mod string;
#[cfg(test)]
mod tests;

use std::ptr::NonNull;

pub use block::Object;
use block::Tag;
pub use string::{BigStr, StrPin};

use crate::hash::Hash;
use crate::list::List;
use crate::listpack::Item;
use crate::table::Entry;

/// The type of a value as clients know it. The numbers are the ones that Redis gives its types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A string, whether kept as text or as a number.
    Str = 0,
    /// A list.
    List = 1,
    /// A set.
    Set = 2,
    /// A sorted set.
    Zset = 3,
    /// A hash.
    Hash = 4,
    /// A module's own type.
    Module = 5,
    /// A stream.
    Stream = 6,
}

impl Kind {
    /// What TYPE answers.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Str => "string",
            Kind::List => "list",
            Kind::Set => "set",
            Kind::Zset => "zset",
            Kind::Hash => "hash",
            Kind::Module => "module",
            Kind::Stream => "stream",
        }
    }
}

/// A value to look at.
#[derive(Clone, Copy)]
pub enum ValueRef<'a> {
    /// A string that is kept as a number.
    Int(i64),
    /// A string.
    Str(&'a [u8]),
    /// A list.
    List(&'a List),
    /// A hash.
    Hash(&'a Hash),
}

/// A value to change. Strings are changed through the methods of `Object`.
pub enum ValueMut<'a> {
    /// A string, kept as text or as a number.
    Str(&'a mut Object),
    /// A list.
    List(&'a mut List),
    /// A hash.
    Hash(&'a mut Hash),
}

/// A value without its key.
pub enum Value {
    /// A string that is kept as a number.
    Int(i64),
    /// A string short enough to be kept beside its key.
    Small(Box<[u8]>),
    /// A longer string.
    Big(BigStr),
    /// A list.
    List(List),
    /// A hash.
    Hash(Hash),
}

// SAFETY: transparent over `NonNull`; the key moves only when the handle does.
unsafe impl Entry for Object {
    #[inline]
    fn key(&self) -> &[u8] {
        Object::key(self)
    }

    #[inline]
    fn into_raw(self) -> NonNull<u8> {
        Object::into_raw(self)
    }

    #[inline]
    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Object::from_raw(raw) }
    }
}

impl Object {
    /// A string. `expire` is in Unix milliseconds.
    pub fn new_str(key: &[u8], value: &[u8], expire: Option<i64>) -> Object {
        if value.len() > string::INLINE_MAX {
            let mut o = Object::alloc(key, Tag::Big, expire, 0);
            o.put_word(into_word(BigStr::new(value)));
            return o;
        }
        let mut o = Object::alloc(key, Tag::Str, expire, value.len());
        o.inline_mut().copy_from_slice(value);
        o
    }

    /// A string, kept as a number if it is the text of one, as SET keeps it.
    pub fn new_text(key: &[u8], value: &[u8], expire: Option<i64>) -> Object {
        match Item::of(value) {
            Item::Int(n) => Object::new_int(key, n, expire),
            Item::Str(s) => Object::new_str(key, s, expire),
        }
    }

    /// A string that is kept as a number.
    pub fn new_int(key: &[u8], value: i64, expire: Option<i64>) -> Object {
        let len = string::int_len(value);
        let mut o = Object::alloc(key, Tag::Int, expire, len);
        o.inline_mut().copy_from_slice(&value.to_le_bytes()[..len]);
        o
    }

    /// A list.
    pub fn new_list(key: &[u8], list: List, expire: Option<i64>) -> Object {
        Object::new_value(key, Value::List(list), expire)
    }

    /// A hash.
    pub fn new_hash(key: &[u8], hash: Hash, expire: Option<i64>) -> Object {
        Object::new_value(key, Value::Hash(hash), expire)
    }

    /// A key with a value that was taken from another.
    pub fn new_value(key: &[u8], value: Value, expire: Option<i64>) -> Object {
        let (tag, word) = match value {
            Value::Int(n) => return Object::new_int(key, n, expire),
            Value::Small(s) => return Object::new_str(key, &s, expire),
            Value::Big(s) => (Tag::Big, into_word(s)),
            Value::List(l) => (Tag::List, into_word(l)),
            Value::Hash(h) => (Tag::Hash, into_word(h)),
        };
        let mut o = Object::alloc(key, tag, expire, 0);
        o.put_word(word);
        o
    }

    /// The type of the value.
    #[inline]
    pub fn kind(&self) -> Kind {
        match self.tag() {
            Tag::Str | Tag::Int | Tag::Big => Kind::Str,
            Tag::List => Kind::List,
            Tag::Hash => Kind::Hash,
        }
    }

    /// Whether the value is a string or number that is kept beside its key.
    #[inline]
    pub fn is_small_string(&self) -> bool {
        matches!(self.tag(), Tag::Str | Tag::Int)
    }

    /// The value, to look at.
    #[inline]
    pub fn value(&self) -> ValueRef<'_> {
        match self.tag() {
            Tag::Str => ValueRef::Str(self.inline()),
            Tag::Int => ValueRef::Int(self.int()),
            Tag::Big => ValueRef::Str(self.big().bytes()),
            // SAFETY: the tag says that the word is a `List`.
            Tag::List => ValueRef::List(unsafe { self.word_as() }),
            // SAFETY: the tag says that the word is a `Hash`.
            Tag::Hash => ValueRef::Hash(unsafe { self.word_as() }),
        }
    }

    /// The value, to change.
    #[inline]
    pub fn value_mut(&mut self) -> ValueMut<'_> {
        match self.tag() {
            Tag::Str | Tag::Int | Tag::Big => ValueMut::Str(self),
            // SAFETY: the tag says that the word is a `List`.
            Tag::List => ValueMut::List(unsafe { self.word_as_mut() }),
            // SAFETY: the tag says that the word is a `Hash`.
            Tag::Hash => ValueMut::Hash(unsafe { self.word_as_mut() }),
        }
    }

    /// The value without its key, for instance to be dropped by another thread.
    pub fn into_value(mut self) -> Value {
        match self.tag() {
            Tag::Int => Value::Int(self.int()),
            Tag::Str => Value::Small(self.inline().into()),
            _ => self.take_owned().expect("a word that owns something"),
        }
    }

    /// What the word owns, if it does and has not been taken yet. Without it the object is good
    /// for nothing but another shape, or to be dropped.
    fn take_owned(&mut self) -> Option<Value> {
        let tag = self.tag();
        if matches!(tag, Tag::Str | Tag::Int) {
            return None;
        }
        let word = self.take_word();
        if word.is_null() {
            return None;
        }
        // SAFETY: the tag says what the word is, and it is null from now on.
        unsafe {
            match tag {
                Tag::Str | Tag::Int => None,
                Tag::Big => Some(Value::Big(from_word(word))),
                Tag::List => Some(Value::List(from_word(word))),
                Tag::Hash => Some(Value::Hash(from_word(word))),
            }
        }
    }

    /// The same value and expiry under another key, the value itself not copied where it is large.
    pub fn with_key(self, key: &[u8]) -> Object {
        let (raw, expire) = (self.is_raw(), self.expire());
        let (lanes, lru) = (self.lanes(), self.lru());
        let mut o = Object::new_value(key, self.into_value(), expire);
        o.set_raw(raw);
        o.set_lanes(lanes);
        o.set_lru(lru);
        o
    }

    /// A copy of the value under another key, with the same expiry.
    pub fn duplicate(&self, key: &[u8]) -> Object {
        let expire = self.expire();
        let mut o = match self.value() {
            ValueRef::Int(n) => Object::new_int(key, n, expire),
            ValueRef::Str(s) => Object::new_str(key, s, expire),
            ValueRef::List(l) => Object::new_list(key, l.clone(), expire),
            ValueRef::Hash(h) => Object::new_hash(key, h.clone(), expire),
        };
        o.set_raw(self.is_raw());
        o.set_lru(self.lru());
        o
    }

    /// Bytes that the allocator has given out for this key and value.
    pub fn memory(&self) -> usize {
        let children = match self.value() {
            ValueRef::Str(_) if self.tag() == Tag::Big => self.big().memory(),
            ValueRef::Int(_) | ValueRef::Str(_) => 0,
            ValueRef::List(l) => l.memory(),
            ValueRef::Hash(h) => h.memory(),
        };
        self.block_bytes() + children
    }

    /// How many allocations dropping the value frees, roughly: what decides whether another thread
    /// had better do it.
    pub fn free_effort(&self) -> usize {
        match self.value() {
            ValueRef::Int(_) | ValueRef::Str(_) => 1,
            ValueRef::List(l) => l.free_effort(),
            ValueRef::Hash(h) => h.free_effort(),
        }
    }

    /// What OBJECT ENCODING answers.
    pub fn encoding(&self) -> &'static str {
        match self.value() {
            ValueRef::Int(_) => "int",
            ValueRef::Str(s) if s.len() <= string::EMBSTR_MAX && !self.is_raw() => "embstr",
            ValueRef::Str(_) => "raw",
            ValueRef::List(l) => l.encoding(),
            ValueRef::Hash(h) => h.encoding(),
        }
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        drop(self.take_owned());
        // SAFETY: what the word owned has been dropped, and `self` is not used after this.
        unsafe { self.free_block() };
    }
}

/// An owning handle that can be an object's word.
///
/// # Safety
///
/// `Self` is `#[repr(transparent)]` over a pointer.
unsafe trait Word: Sized {}

// SAFETY: transparent over an `Arc`, which is so over a pointer.
unsafe impl Word for BigStr {}
// SAFETY: transparent over a `NonNull`.
unsafe impl Word for List {}
// SAFETY: transparent over a `NonNull`.
unsafe impl Word for Hash {}

fn into_word<T: Word>(value: T) -> *mut u8 {
    const { assert!(size_of::<T>() == 8) };
    let value = std::mem::ManuallyDrop::new(value);
    let p: *const *mut u8 = (&raw const value).cast();
    // SAFETY: a `Word` is transparent over a pointer.
    unsafe { p.read() }
}

/// The handle back.
///
/// # Safety
///
/// `word` came from `into_word` of the same type and is taken back only once.
unsafe fn from_word<T: Word>(word: *mut u8) -> T {
    // SAFETY: the caller's promise; a `Word` is transparent over a pointer.
    unsafe { (&raw const word).cast::<T>().read() }
}
