//! The elements of a large collection without order: a table of entries, and pins that read it as
//! it was.
//!
//! The collection and each of its pins share one `Body`. While there is no pin, the collection is
//! the only one, and changes it without ceremony. While there is one, whoever changes the body
//! holds its lock, as does a pin that reads it; the collection itself reads without the lock,
//! because nobody but the collection changes anything, and Rust sees to it that it does not do both
//! at once.

mod pins;
#[cfg(test)]
mod tests;

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use pins::ElementsPin;
use pins::Pins;
use triomphe::Arc;

use crate::siphash;
use crate::table::{self, Entry, Table};

/// All tables of elements double at the same fill, in the middle of the range.
const STAGGER: u8 = 128;

/// An entry that a collection is made of: a block of memory, and all that hangs on it, that no
/// other entry has. Its address tells it from all others that are alive.
pub(crate) trait Element: Entry + Clone + Send + Sync {
    /// Bytes allocated.
    fn memory(&self) -> usize;
}

/// The elements of one collection. The handle has eight bytes and its lowest bit set, so that a
/// collection that has another shape while it is small can tell which it has.
#[repr(transparent)]
pub(crate) struct Elements<E: Element>(NonNull<u8>, PhantomData<E>);

/// The bit of the handle that is set.
const MARK: usize = 1;

// SAFETY: what the handle leads to is shared with pins only, and `Send + Sync`.
unsafe impl<E: Element> Send for Elements<E> {}
// SAFETY: through a shared reference only what has a lock is changed.
unsafe impl<E: Element> Sync for Elements<E> {}

/// What a body holds.
struct Contents<E: Element> {
    table: Table<E>,
    /// Bytes of the entries' blocks.
    bytes: usize,
}

struct Body<E: Element> {
    contents: UnsafeCell<Contents<E>>,
    pins: Mutex<Pins<E>>,
}

// SAFETY: `contents` is changed only through the one handle of `Elements`, which is borrowed
// exclusively meanwhile, and, if there are pins, under the lock under which they read it. All of it
// is `Send` and, once shared, only read.
unsafe impl<E: Element> Sync for Body<E> {}

impl<E: Element> Body<E> {
    fn lock(&self) -> MutexGuard<'_, Pins<E>> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Element> Contents<E> {
    fn memory(&self) -> usize {
        self.table.memory() + self.bytes
    }

    /// Puts in an entry whose key is not there.
    fn insert(&mut self, hash: u64, new: E) {
        self.bytes += new.memory();
        self.table.insert(hash, new, STAGGER);
    }
}

impl<E: Element> Drop for Elements<E> {
    fn drop(&mut self) {
        // SAFETY: the handle was made by `of`, and is dropped only here.
        let body = unsafe { Arc::from_raw(self.body_ptr()) };
        if Arc::is_unique(&body) {
            return;
        }
        // What its pins have not delivered is kept for them alone from now on.
        let mut pins = body.lock();
        // SAFETY: this handle, which alone changes them, is going, and pins read under the lock.
        let contents = unsafe { &*body.contents.get() };
        pins.keep_all(contents.memory());
    }
}

impl<E: Element> Clone for Elements<E> {
    fn clone(&self) -> Self {
        Elements::of(self.iter().cloned())
    }
}

impl<E: Element> Elements<E> {
    /// The elements that `entries` gives, each with a key of its own.
    pub(crate) fn of(entries: impl Iterator<Item = E>) -> Elements<E> {
        let mut contents = Contents {
            table: Table::new(),
            bytes: 0,
        };
        entries.for_each(|new| contents.insert(siphash::of(new.key()), new));
        let body = Arc::into_raw(Arc::new(Body {
            contents: UnsafeCell::new(contents),
            pins: Mutex::default(),
        }));
        let body = NonNull::new(body.cast_mut().cast::<u8>()).expect("an address");
        Elements(body.map_addr(|a| a | MARK), PhantomData)
    }

    /// Whether a word is the handle of elements, and not that of something whose lowest bit is
    /// clear.
    #[inline]
    pub(crate) fn is_handle(word: NonNull<u8>) -> bool {
        word.addr().get() & MARK != 0
    }

    /// The handle as a word, given away.
    pub(crate) fn into_word(self) -> NonNull<u8> {
        ManuallyDrop::new(self).0
    }

    /// The handle back.
    ///
    /// # Safety
    ///
    /// `word` came from `into_word` of the same type and is taken back only once.
    pub(crate) unsafe fn from_word(word: NonNull<u8>) -> Elements<E> {
        Elements(word, PhantomData)
    }

    #[inline]
    fn body_ptr(&self) -> *const Body<E> {
        self.0.as_ptr().map_addr(|a| a & !MARK).cast()
    }

    /// The handle's reference to the body, borrowed.
    #[inline]
    fn body(&self) -> ManuallyDrop<Arc<Body<E>>> {
        // SAFETY: the handle holds one reference to the body; this one is never given back.
        ManuallyDrop::new(unsafe { Arc::from_raw(self.body_ptr()) })
    }

    #[inline]
    fn contents(&self) -> &Contents<E> {
        // SAFETY: the handle keeps the body alive, and only a handle that is borrowed exclusively
        // changes the contents.
        unsafe { &*(*self.body_ptr()).contents.get() }
    }

    /// Changes the contents, with the pins if there are any.
    #[inline]
    fn change<T>(&mut self, f: impl FnOnce(&mut Contents<E>, Option<&mut Pins<E>>) -> T) -> T {
        let body = self.body();
        let contents = body.contents.get();
        if Arc::is_unique(&body) {
            // SAFETY: no pin is there, and none can be made while the handle is borrowed
            // exclusively.
            return f(unsafe { &mut *contents }, None);
        }
        let mut pins = body.lock();
        // SAFETY: the handle is borrowed exclusively, and pins read under the lock.
        f(unsafe { &mut *contents }, Some(&mut pins))
    }

    /// How many there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.contents().table.len()
    }

    /// Bytes that the allocator has given out.
    pub(crate) fn memory(&self) -> usize {
        crate::sizes::usable(size_of::<Body<E>>() + 8) + self.contents().memory()
    }

    /// The entry of `key`.
    #[inline]
    pub(crate) fn find(&self, key: &[u8]) -> Option<&E> {
        self.contents().table.find(siphash::of(key), key)
    }

    /// Puts in what `new` makes, or gives the entry that is there what `edit` does to it; `new`
    /// must make the same, since that is what takes the place of an entry that a pin may need.
    /// Says whether the entry is new.
    pub(crate) fn put(
        &mut self,
        key: &[u8],
        new: impl FnOnce() -> E,
        edit: impl FnOnce(&mut E),
    ) -> bool {
        let hash = siphash::of(key);
        self.change(|contents, pins| {
            let Some(old) = contents.table.find_mut(hash, key) else {
                let new = new();
                if let Some(pins) = pins {
                    pins.added(hash, &new);
                }
                contents.insert(hash, new);
                return true;
            };
            contents.bytes -= old.memory();
            match pins {
                None => {
                    edit(old);
                    contents.bytes += old.memory();
                }
                // Never in place: the old block may have to go to a pin.
                Some(pins) => {
                    let before = std::mem::replace(old, new());
                    contents.bytes += old.memory();
                    pins.replaced(hash, before, Some(old));
                }
            }
            false
        })
    }

    /// Takes the entry of `key` out; says whether it was there.
    pub(crate) fn remove(&mut self, key: &[u8]) -> bool {
        let hash = siphash::of(key);
        self.change(|contents, pins| {
            let Some(old) = contents.table.remove(hash, key) else {
                return false;
            };
            contents.bytes -= old.memory();
            if let Some(pins) = pins {
                pins.replaced(hash, old, None);
            }
            true
        })
    }

    /// All of them, in no order to rely on.
    pub(crate) fn iter(&self) -> table::Iter<'_, E> {
        self.contents().table.iter()
    }

    /// One step of a scan: see [`Table::scan`].
    pub(crate) fn scan(&self, cursor: u64, f: &mut dyn FnMut(&E)) -> u64 {
        self.contents().table.scan(cursor, f)
    }

    /// One chosen at random: see [`Table::random`].
    pub(crate) fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<&E> {
        self.contents().table.random(random)
    }

    /// Moves growth or shrinkage that is under way on by about `n` buckets; says whether there is
    /// more to do.
    pub(crate) fn step(&mut self, n: usize) -> bool {
        self.change(|contents, _| contents.table.step(n))
    }

    /// Pins the elements as they are now.
    pub(crate) fn pin(&self) -> ElementsPin<E> {
        ElementsPin::new(Arc::clone(&self.body()), self.len())
    }
}
