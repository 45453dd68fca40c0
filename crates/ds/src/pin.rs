//! A key as it was at one moment, whatever happens to it afterwards.
//!
//! Small values are copied. A long list is pinned by its root, a large hash and a large string by
//! entering the pin with them, so that each later change leaves behind what it replaces: an old
//! element, an old range of 16 KB, a copied piece of 16 KB. In all three the value itself is shared
//! by reference: a pin does not mind that its value is renamed, moved, overwritten or deleted.

#[cfg(test)]
mod tests;

use crate::hash::HashPin;
use crate::object::{Kind, Object, StrPin, ValueRef};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Strings above this many bytes are pinned, not copied.
pub const LARGE: usize = 64 * 1024;

/// What a pinned key has beside its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The key.
    pub key: Box<[u8]>,
    /// When it expires, in Unix milliseconds.
    pub expire: Option<i64>,
    /// The 24 bits of LRU clock or LFU counter.
    pub lru: u32,
}

/// A key with its value as they were at one moment.
pub enum Pin {
    /// Small, or a list: its pieces are shared with the live one.
    Whole(Object),
    /// A large string, to be read in ranges.
    Str(Head, StrPin),
    /// A large hash, to be read in steps.
    Hash(Head, HashPin),
}

/// How much of old is kept for a pin, for those who do not have it.
pub struct Meter(Arc<AtomicUsize>);

impl Meter {
    /// The bytes now; none when the pin is gone.
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether the pin is gone.
    pub fn is_over(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

/// The count behind a [`Meter`]: what was replaced, and all that is left once the value itself is
/// gone and the pin alone keeps it. It is changed under the lock under which the pin is.
#[derive(Default)]
pub(crate) struct Kept(Arc<AtomicUsize>);

impl Kept {
    pub(crate) fn meter(&self) -> Meter {
        Meter(self.0.clone())
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.0.store(self.bytes() + bytes, Ordering::Relaxed);
    }

    pub(crate) fn take(&self, bytes: usize) {
        self.0.store(self.bytes() - bytes, Ordering::Relaxed);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl Object {
    /// Bytes that [`Object::pin`] copies, roughly.
    pub fn pin_cost(&self) -> usize {
        match self.value() {
            ValueRef::Str(s) if s.len() > LARGE => 256,
            ValueRef::Str(s) => s.len() + 64,
            ValueRef::List(l) if l.is_long() => 256,
            ValueRef::Hash(h) if h.is_large() => 256,
            ValueRef::Int(_) | ValueRef::List(_) | ValueRef::Hash(_) => self.memory(),
        }
    }

    /// Pins the key and its value as they are now. Costs a copy of at most 64 KB (a small hash or
    /// list may be larger where the limits of listpacks were set so).
    pub fn pin(&self) -> Pin {
        let head = || Head {
            key: self.key().into(),
            expire: self.expire(),
            lru: self.lru(),
        };
        match self.value() {
            ValueRef::Str(s) if s.len() > LARGE => Pin::Str(head(), self.big().pin()),
            ValueRef::Hash(h) => match h.pin() {
                Some(pin) => Pin::Hash(head(), pin),
                None => Pin::Whole(self.duplicate(self.key())),
            },
            ValueRef::Int(_) | ValueRef::Str(_) | ValueRef::List(_) => {
                Pin::Whole(self.duplicate(self.key()))
            }
        }
    }
}

impl Pin {
    /// The key.
    pub fn key(&self) -> &[u8] {
        match self {
            Pin::Whole(o) => o.key(),
            Pin::Str(head, _) | Pin::Hash(head, _) => &head.key,
        }
    }

    /// When the key expired at the moment of the pin, in Unix milliseconds.
    pub fn expire(&self) -> Option<i64> {
        match self {
            Pin::Whole(o) => o.expire(),
            Pin::Str(head, _) | Pin::Hash(head, _) => head.expire,
        }
    }

    /// The 24 bits of LRU clock or LFU counter.
    pub fn lru(&self) -> u32 {
        match self {
            Pin::Whole(o) => o.lru(),
            Pin::Str(head, _) | Pin::Hash(head, _) => head.lru,
        }
    }

    /// The type of the value.
    pub fn kind(&self) -> Kind {
        match self {
            Pin::Whole(o) => o.kind(),
            Pin::Str(..) => Kind::Str,
            Pin::Hash(..) => Kind::Hash,
        }
    }

    /// Tells others what the pin of a large string or hash keeps of old, while it lives; lists and
    /// what was copied keep nothing that grows, or nothing that is known.
    pub fn meter(&self) -> Option<Meter> {
        match self {
            Pin::Whole(_) => None,
            Pin::Str(_, pin) => pin.meter(),
            Pin::Hash(_, pin) => pin.meter(),
        }
    }

    /// Bytes that this pin keeps from being freed, roughly: copies and old images, not what it
    /// shares with the live value.
    pub fn kept_bytes(&self) -> usize {
        match self {
            Pin::Whole(o) => match o.value() {
                ValueRef::List(l) if l.is_long() => 256,
                ValueRef::Int(_) | ValueRef::Str(_) | ValueRef::List(_) | ValueRef::Hash(_) => {
                    o.memory()
                }
            },
            Pin::Str(head, pin) => head.key.len() + pin.kept_bytes() + 128,
            Pin::Hash(head, pin) => head.key.len() + pin.kept_bytes() + 256,
        }
    }
}
