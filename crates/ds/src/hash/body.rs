//! What a large hash holds, and what its pins need to know.
//!
//! The hash and each of its pins share one `Body`. While there is no pin, the hash is the only
//! one, and changes it without ceremony. While there is one, whoever changes the body holds its
//! lock, as does a pin that reads it; the hash itself reads without the lock, because nobody
//! but the hash changes anything, and Rust sees to it that it does not do both at once.
//!
//! A pin delivers the elements by position, like every walk. The ones before its cursor are
//! delivered. An element at or past the cursor that is changed or deleted leaves its old image with
//! the pin; one that was added after the pin, or has left its image, is noted by its address, to be
//! passed over.

use std::cell::UnsafeCell;
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc as StdArc, Mutex, MutexGuard, PoisonError};

use triomphe::Arc;

use super::field::Field;
use crate::pin::{Kept, Meter};
use crate::table::{Entry, Table, position};

/// The elements of a large hash.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) table: Table<Field>,
    /// Bytes of the elements' blocks.
    pub(super) bytes: usize,
}

/// What one pin has still to deliver.
struct Pinned {
    id: u64,
    /// The position from which on nothing has been delivered from the table; nothing at the end.
    next: Option<u64>,
    /// Addresses of elements that the table holds and the pin must not deliver.
    skip: HashSet<usize>,
    /// Old images of elements that the table does not hold any more.
    saved: VecDeque<StdArc<Field>>,
    /// Bytes of those.
    kept: Kept,
}

#[derive(Default)]
pub(super) struct Pins {
    all: Vec<Pinned>,
    last_id: u64,
}

pub(super) struct Body {
    fields: UnsafeCell<Fields>,
    pins: Mutex<Pins>,
}

// SAFETY: `fields` is changed only by the one hash that has the body, which nobody else can borrow
// meanwhile, and, if there are pins, under the lock under which they read it. All of it is `Send`
// and, once shared, only read.
unsafe impl Sync for Body {}

impl Body {
    /// Bytes of old images that are kept for a pin; none when it is gone.
    fn kept_bytes(&self, id: u64) -> usize {
        let pins = self.lock();
        pins.all.iter().find(|p| p.id == id).map_or(0, |p| {
            p.kept.bytes() + p.skip.capacity() * size_of::<usize>()
        })
    }

    pub(super) fn new(fields: Fields) -> Body {
        Body {
            fields: UnsafeCell::new(fields),
            pins: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pins> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hash is gone: what its pins have not delivered is kept for them alone from now on.
    pub(super) fn abandon(body: &Arc<Body>) {
        if Arc::is_unique(body) {
            return;
        }
        let mut pins = body.lock();
        // SAFETY: the hash, which alone changes them, is gone, and pins read under the lock.
        let fields = unsafe { &*body.fields.get() };
        let bytes = fields.table.memory() + fields.bytes;
        pins.all.iter_mut().for_each(|p| p.kept.add(bytes));
    }

    /// The elements, for the hash.
    ///
    /// # Safety
    ///
    /// The caller is the hash that has this body, and is borrowed during `'a`.
    #[inline]
    pub(super) unsafe fn fields(&self) -> &Fields {
        // SAFETY: only the hash changes them, and it is borrowed.
        unsafe { &*self.fields.get() }
    }

    /// Changes the elements for the hash.
    ///
    /// # Safety
    ///
    /// The caller is the hash that has this body, and is borrowed exclusively.
    pub(super) unsafe fn change<T>(
        body: &Arc<Body>,
        f: impl FnOnce(&mut Fields, Option<&mut Pins>) -> T,
    ) -> T {
        let p = body.fields.get();
        if Arc::is_unique(body) {
            // SAFETY: no pin is there, and only the hash could make one.
            return f(unsafe { &mut *p }, None);
        }
        let mut pins = body.lock();
        // SAFETY: pins read under the lock.
        f(unsafe { &mut *p }, Some(&mut pins))
    }
}

impl Pins {
    fn pending(&mut self, hash: u64) -> impl Iterator<Item = &mut Pinned> {
        let at = position(hash);
        self.all
            .iter_mut()
            .filter(move |p| p.next.is_some_and(|next| at >= next))
    }

    /// An element was added.
    pub(super) fn added(&mut self, hash: u64, new: &Field) {
        for p in self.pending(hash) {
            p.skip.insert(new.address());
        }
    }

    /// An element left the table.
    pub(super) fn removed(&mut self, hash: u64, old: Field) {
        self.replaced(hash, old, None);
    }

    /// An element left the table, and another took its place.
    pub(super) fn replaced(&mut self, hash: u64, old: Field, new: Option<&Field>) {
        let (address, bytes) = (old.address(), old.memory());
        let old = StdArc::new(old);
        for p in self.pending(hash) {
            if !p.skip.remove(&address) {
                p.saved.push_back(old.clone());
                p.kept.add(bytes);
            }
            if let Some(new) = new {
                p.skip.insert(new.address());
            }
        }
    }
}

/// A large hash as it was when the pin was made.
///
/// The pin reads the live hash, wherever that has got to meanwhile: renamed, or deleted, in which
/// case the pin is its last owner. A step takes the hash's inner lock, for which a writer of this
/// one hash would wait; whoever steps it under the lock of the slot in which the hash is makes
/// nobody wait.
pub struct HashPin {
    body: Arc<Body>,
    id: u64,
    len: usize,
}

impl HashPin {
    /// # Safety
    ///
    /// The caller is the hash that has this body, and is borrowed.
    pub(super) unsafe fn new(body: &Arc<Body>) -> HashPin {
        // SAFETY: the caller's promise.
        let len = unsafe { body.fields() }.table.len();
        let mut pins = body.lock();
        pins.last_id += 1;
        let id = pins.last_id;
        pins.all.push(Pinned {
            id,
            next: Some(0),
            skip: HashSet::new(),
            saved: VecDeque::new(),
            kept: Kept::default(),
        });
        HashPin {
            body: body.clone(),
            id,
            len,
        }
    }

    /// The number of elements at the moment of the pin.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of old images that are kept for this pin.
    pub fn kept_bytes(&self) -> usize {
        self.body.kept_bytes(self.id)
    }

    /// Tells others what is kept for this pin.
    pub(crate) fn meter(&self) -> Option<Meter> {
        let pins = self.body.lock();
        let pin = pins.all.iter().find(|p| p.id == self.id);
        pin.map(|pin| pin.kept.meter())
    }

    /// Delivers about `budget` more elements, each as field and value; says whether there may be
    /// more. `out` is called under the hash's inner lock, and must not wait for anything.
    pub fn next(&mut self, budget: usize, out: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        let mut pins = self.body.lock();
        let Some(p) = pins.all.iter_mut().find(|p| p.id == self.id) else {
            return false;
        };
        let mut left = budget.max(1);
        while left > 0 {
            let Some(image) = p.saved.pop_front() else {
                break;
            };
            p.kept.take(image.memory());
            let (field, value) = image.parts();
            out(field, value);
            left -= 1;
        }
        // SAFETY: the lock is held, under which alone the elements change while a pin is there.
        let table = unsafe { &(*self.body.fields.get()).table };
        while left > 0 {
            let Some(at) = p.next else { break };
            left -= 1;
            let skip = &mut p.skip;
            p.next = table.visit(at, &mut |f| {
                if skip.is_empty() || !skip.remove(&f.address()) {
                    let (field, value) = f.parts();
                    out(field, value);
                    left = left.saturating_sub(1);
                }
            });
        }
        p.next.is_some() || !p.saved.is_empty()
    }
}

impl Drop for HashPin {
    fn drop(&mut self) {
        let mut pins = self.body.lock();
        let at = pins.all.iter().position(|p| p.id == self.id);
        let mine = at.map(|at| pins.all.swap_remove(at));
        // What was kept may be much: free it without the lock.
        drop(pins);
        drop(mine);
    }
}

/// For those who look at the elements in a table by name.
pub(super) fn find<'a>(fields: &'a Fields, field: &[u8]) -> Option<&'a Field> {
    fields.table.find(crate::siphash::of(field), field)
}

impl Fields {
    /// The same elements again.
    pub(super) fn copy(&self) -> Fields {
        let mut copy = Fields {
            table: Table::new(),
            bytes: self.bytes,
        };
        for f in &self.table {
            let (field, value) = f.parts();
            copy.table.insert(
                crate::siphash::of(f.key()),
                Field::new(field, value),
                super::STAGGER,
            );
        }
        copy
    }
}
