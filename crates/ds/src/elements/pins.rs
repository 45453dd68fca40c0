//! What the pins of a collection have still to deliver.
//!
//! A pin delivers the elements by position, like every walk. The ones before its cursor are
//! delivered. An element at or past the cursor that is changed or deleted leaves its old image with
//! the pin; one that was added after the pin, or has left its image, is noted by its address, to be
//! passed over.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc as StdArc;

use triomphe::Arc;

use super::{Body, Element};
use crate::pin::{Kept, Meter};
use crate::table::position;

/// What one pin has still to deliver.
struct Pinned<E> {
    id: u64,
    /// The position from which on nothing has been delivered from the table; nothing at the end.
    next: Option<u64>,
    /// Addresses of elements that the table holds and the pin must not deliver.
    skip: HashSet<usize>,
    /// Old images of elements that the table does not hold any more.
    saved: VecDeque<StdArc<E>>,
    /// Bytes of those.
    kept: Kept,
}

/// All pins of a collection.
pub(super) struct Pins<E> {
    all: Vec<Pinned<E>>,
    last_id: u64,
}

impl<E> Default for Pins<E> {
    fn default() -> Self {
        Pins {
            all: Vec::new(),
            last_id: 0,
        }
    }
}

/// What tells an entry from every other that is alive.
fn address<E: Element>(entry: &E) -> usize {
    const { assert!(size_of::<E>() == size_of::<usize>()) };
    // SAFETY: an `Entry` is transparent over a pointer.
    unsafe { (&raw const *entry).cast::<*const u8>().read() }.addr()
}

impl<E: Element> Pins<E> {
    fn get(&self, id: u64) -> Option<&Pinned<E>> {
        self.all.iter().find(|p| p.id == id)
    }

    fn pending(&mut self, hash: u64) -> impl Iterator<Item = &mut Pinned<E>> {
        let at = position(hash);
        self.all
            .iter_mut()
            .filter(move |p| p.next.is_some_and(|next| at >= next))
    }

    /// An element was added.
    pub(super) fn added(&mut self, hash: u64, new: &E) {
        for p in self.pending(hash) {
            p.skip.insert(address(new));
        }
    }

    /// An element left the table, and another took its place or none did.
    pub(super) fn replaced(&mut self, hash: u64, old: E, new: Option<&E>) {
        let (gone, bytes) = (address(&old), old.memory());
        let old = StdArc::new(old);
        for p in self.pending(hash) {
            if !p.skip.remove(&gone) {
                p.saved.push_back(old.clone());
                p.kept.add(bytes);
            }
            if let Some(new) = new {
                p.skip.insert(address(new));
            }
        }
    }

    /// So many bytes are there for the pins alone from now on.
    pub(super) fn keep_all(&mut self, bytes: usize) {
        self.all.iter_mut().for_each(|p| p.kept.add(bytes));
    }
}

/// A collection as it was when the pin was made.
///
/// The pin reads the live elements, wherever those have got to meanwhile: renamed, or deleted, in
/// which case the pin is their last owner. A step takes the collection's inner lock, for which a
/// writer of this one collection would wait; whoever steps it under the lock of the slot in which
/// the collection is makes nobody wait.
pub(crate) struct ElementsPin<E: Element> {
    body: Arc<Body<E>>,
    id: u64,
    len: usize,
}

impl<E: Element> ElementsPin<E> {
    /// A pin of a body that has `len` elements, and is borrowed.
    pub(super) fn new(body: Arc<Body<E>>, len: usize) -> ElementsPin<E> {
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
        drop(pins);
        ElementsPin { body, id, len }
    }

    /// The number of elements at the moment of the pin.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of old images that are kept for this pin.
    pub(crate) fn kept_bytes(&self) -> usize {
        let pins = self.body.lock();
        pins.get(self.id).map_or(0, |p| {
            p.kept.bytes() + p.skip.capacity() * size_of::<usize>()
        })
    }

    /// Tells others what is kept for this pin.
    pub(crate) fn meter(&self) -> Option<Meter> {
        let pins = self.body.lock();
        pins.get(self.id).map(|pin| pin.kept.meter())
    }

    /// Delivers about `budget` more elements; says whether there may be more. `out` is called under
    /// the collection's inner lock, and must not wait for anything.
    pub(crate) fn next(&mut self, budget: usize, out: &mut dyn FnMut(&E)) -> bool {
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
            out(&image);
            left -= 1;
        }
        // SAFETY: the lock is held, under which alone the elements change while a pin is there.
        let table = unsafe { &(*self.body.contents.get()).table };
        while left > 0 {
            let Some(at) = p.next else { break };
            left -= 1;
            let skip = &mut p.skip;
            p.next = table.visit(at, &mut |entry| {
                if skip.is_empty() || !skip.remove(&address(entry)) {
                    out(entry);
                    left = left.saturating_sub(1);
                }
            });
        }
        p.next.is_some() || !p.saved.is_empty()
    }
}

impl<E: Element> Drop for ElementsPin<E> {
    fn drop(&mut self) {
        let mut pins = self.body.lock();
        let at = pins.all.iter().position(|p| p.id == self.id);
        let mine = at.map(|at| pins.all.swap_remove(at));
        // What was kept may be much: free it without the lock.
        drop(pins);
        drop(mine);
    }
}
