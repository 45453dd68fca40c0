//! Lists: a listpack while short, a tree of reference-counted pieces when long.
//!
//! Redis 7.2 calls the two "listpack" and "quicklist", and so do we; when a list changes from one
//! to the other follows its rules.

mod iter;
mod leaf;
mod long;
mod removal;
mod snapshot;
#[cfg(test)]
mod tests;
mod tree;

use std::ptr::NonNull;

pub use iter::{Iter, RevIter};
use long::Long;
pub use snapshot::{ListSnapshot, Piece, Pieces};
use tree::Node;
use triomphe::Arc;

use crate::listpack::{EMPTY, HEAD, Item, Listpack, Pack, decode, skip, skip_back};

/// The largest piece of a long list: what a change costs an open snapshot at most.
const PIECE_MAX: usize = 16 * 1024;
/// The most bytes in a piece whose size is limited by a count.
const COUNTED_MAX: usize = 8192;

/// One of the ends of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Index 0.
    Front,
    /// The highest index.
    Back,
}

/// The option `list-max-listpack-size`: bytes of a piece as -1 (4 KB) to -5 (64 KB), or a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListLimits {
    /// The option's value.
    pub listpack_size: i32,
}

impl Default for ListLimits {
    fn default() -> Self {
        ListLimits { listpack_size: -2 }
    }
}

impl ListLimits {
    fn node(self) -> NodeLimits {
        match usize::try_from(self.listpack_size) {
            Ok(count) => NodeLimits {
                bytes: COUNTED_MAX,
                count: count.max(1),
                counted: true,
            },
            Err(_) => {
                let step = (self.listpack_size.unsigned_abs() - 1).min(4);
                NodeLimits {
                    bytes: 4096 << step,
                    count: usize::MAX,
                    counted: false,
                }
            }
        }
    }
}

/// What a piece may hold.
#[derive(Clone, Copy)]
struct NodeLimits {
    bytes: usize,
    count: usize,
    counted: bool,
}

impl NodeLimits {
    /// The most bytes of a piece of a long list. Twice the option's size, where a change may cost
    /// that much: the nodes above a piece then weigh less per element than Redis's do.
    fn piece(&self) -> usize {
        if self.counted {
            self.bytes
        } else {
            (2 * self.bytes).min(PIECE_MAX)
        }
    }

    fn allow(&self, bytes: usize, count: usize) -> bool {
        bytes <= self.piece() && count <= self.count
    }

    /// Whether a short list of this size must become a long one.
    fn exceeded(&self, bytes: usize, count: usize) -> bool {
        bytes > self.bytes || count > self.count
    }

    /// Whether a long list that lost something may become a short one: at half the limits, so
    /// that it does not flutter. A limit by count leaves the bytes free.
    fn small_again(&self, bytes: usize, count: usize) -> bool {
        if self.counted {
            count <= self.count / 2
        } else {
            bytes <= self.bytes / 2
        }
    }
}

/// A list of byte strings. The handle has eight bytes.
#[repr(transparent)]
pub struct List(NonNull<u8>);

// SAFETY: what the handle leads to is owned, or reference-counted and `Send + Sync`.
unsafe impl Send for List {}
// SAFETY: a shared reference only reads.
unsafe impl Sync for List {}

/// The bit of the handle that says that the list is long.
const LONG: usize = 1;

enum Shape<'a> {
    Short(&'a Listpack),
    Long(&'a Long),
}

enum ShapeMut<'a> {
    Short(&'a mut Listpack),
    Long(&'a mut Long),
}

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if self.is_long() {
            // SAFETY: the handle is of a long list, made by `long`, and is dropped only here.
            drop(unsafe { Box::from_raw(self.long_ptr()) });
        } else {
            // SAFETY: the handle is a listpack's, and is dropped only here.
            drop(unsafe { Listpack::from_word(self.0) });
        }
    }
}

impl Clone for List {
    /// O(1) for a long list: the pieces are shared until either is changed.
    fn clone(&self) -> Self {
        match self.shape() {
            Shape::Short(p) => List::short(p.clone()),
            Shape::Long(l) => List::long(l.root.clone(), l.len),
        }
    }
}

impl List {
    /// An empty list.
    pub fn new() -> List {
        List::short(Listpack::new())
    }

    /// A list that is this pack, made long if the limits ask for it.
    pub fn from_listpack(pack: Listpack, limits: ListLimits) -> List {
        let mut list = List::short(pack);
        list.reserve(0, 0, limits);
        list
    }

    fn short(pack: Listpack) -> List {
        List(pack.into_word())
    }

    fn long(root: Option<Arc<Node>>, len: usize) -> List {
        let p = NonNull::from(Box::leak(Box::new(Long { root, len })));
        List(p.cast::<u8>().map_addr(|a| a | LONG))
    }

    #[inline]
    pub(crate) fn is_long(&self) -> bool {
        self.0.addr().get() & LONG != 0
    }

    fn long_ptr(&self) -> *mut Long {
        self.0.as_ptr().map_addr(|a| a & !LONG).cast()
    }

    #[inline]
    fn shape(&self) -> Shape<'_> {
        if self.is_long() {
            // SAFETY: the handle is of a long list, which lives as long as it.
            Shape::Long(unsafe { &*self.long_ptr() })
        } else {
            // SAFETY: the handle is a listpack's, and `Listpack` is transparent over it.
            Shape::Short(unsafe { &*(&raw const self.0).cast::<Listpack>() })
        }
    }

    #[inline]
    fn shape_mut(&mut self) -> ShapeMut<'_> {
        if self.is_long() {
            // SAFETY: as in `shape`, borrowed exclusively.
            ShapeMut::Long(unsafe { &mut *self.long_ptr() })
        } else {
            // SAFETY: as in `shape`, borrowed exclusively.
            ShapeMut::Short(unsafe { &mut *(&raw mut self.0).cast::<Listpack>() })
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        match self.shape() {
            Shape::Short(p) => p.len(),
            Shape::Long(l) => l.len,
        }
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the elements with their encoding.
    pub fn bytes(&self) -> usize {
        match self.shape() {
            Shape::Short(p) => p.as_bytes().len() - EMPTY,
            Shape::Long(l) => l.root.as_ref().map_or(0, |r| r.bytes()),
        }
    }

    /// Bytes that the allocator has given out. Visits every piece.
    pub fn memory(&self) -> usize {
        match self.shape() {
            Shape::Short(p) => p.memory(),
            Shape::Long(l) => {
                crate::sizes::usable(size_of::<Long>()) + l.root.as_ref().map_or(0, |r| r.memory())
            }
        }
    }

    /// What OBJECT ENCODING answers.
    pub fn encoding(&self) -> &'static str {
        if self.is_long() {
            "quicklist"
        } else {
            "listpack"
        }
    }

    /// Before `count` elements of `bytes` in all are added: a short list that would pass its limit
    /// becomes a long one, even if some of them should turn out not to be added.
    pub fn reserve(&mut self, bytes: usize, count: usize, limits: ListLimits) {
        let ShapeMut::Short(p) = self.shape_mut() else {
            return;
        };
        let node = limits.node();
        let size = p.as_bytes().len();
        if !node.exceeded(size + bytes, p.len() + count) && p.has_room(bytes) {
            return;
        }
        let mut long = Long { root: None, len: 0 };
        if size <= node.piece() && !p.is_empty() {
            long.len = p.len();
            long.root = Some(Arc::new(Node::Leaf(leaf::Leaf::from_valid(p.as_bytes()))));
        } else {
            let mut text = Vec::new();
            for item in p.iter() {
                text.clear();
                item.append_to(&mut text);
                long.push(&text, End::Back, &node);
            }
        }
        *self = List::long(long.root, long.len);
    }

    /// After something was taken out: a long list of one small piece becomes a short one.
    fn shrink(&mut self, limits: ListLimits) {
        let ShapeMut::Long(l) = self.shape_mut() else {
            return;
        };
        let Some(root) = &l.root else {
            *self = List::new();
            return;
        };
        let node = limits.node();
        match &**root {
            Node::Leaf(leaf) => {
                if node.small_again(leaf.bytes().len(), l.len) {
                    *self = List::short(Listpack::from_valid(leaf.bytes()));
                }
            }
            // One piece of Redis's may be several of ours when it is configured larger.
            Node::Inner(i) if node.bytes > PIECE_MAX => {
                let size = EMPTY + root.bytes();
                let packed = |n: &Node| matches!(n, Node::Leaf(_));
                if node.small_again(size, l.len) && i.children.iter().all(|c| packed(&c.node)) {
                    let mut pack = Listpack::new();
                    self.iter().for_each(|item| pack.push_item(item));
                    *self = List::short(pack);
                }
            }
            Node::Inner(_) | Node::Plain(_) => {}
        }
    }

    /// Adds an element at an end.
    pub fn push(&mut self, end: End, value: &[u8], limits: ListLimits) {
        self.reserve(value.len(), 1, limits);
        match self.shape_mut() {
            ShapeMut::Short(p) if end == End::Front => p.push_front(value),
            ShapeMut::Short(p) => p.push_back(value),
            ShapeMut::Long(l) => l.push(value, end, &limits.node()),
        }
    }

    /// Adds the elements of a pack at the end, as one piece where that may be.
    pub fn append_pack(&mut self, pack: &Listpack, limits: ListLimits) {
        if pack.is_empty() {
            return;
        }
        self.reserve(pack.as_bytes().len() - EMPTY, pack.len(), limits);
        let node = limits.node();
        match self.shape_mut() {
            ShapeMut::Short(p) => pack.iter().for_each(|item| p.push_item(item)),
            ShapeMut::Long(l) if node.allow(pack.as_bytes().len(), pack.len()) => l.append(pack),
            ShapeMut::Long(l) => {
                let mut text = Vec::new();
                for item in pack.iter() {
                    text.clear();
                    item.append_to(&mut text);
                    l.push(&text, End::Back, &node);
                }
            }
        }
    }

    /// Adds an element at the end.
    pub fn push_back(&mut self, value: &[u8], limits: ListLimits) {
        self.push(End::Back, value, limits);
    }

    /// Adds an element at the beginning.
    pub fn push_front(&mut self, value: &[u8], limits: ListLimits) {
        self.push(End::Front, value, limits);
    }

    /// Takes the element at an end out and returns what `f` makes of it.
    pub fn pop<T>(
        &mut self,
        end: End,
        limits: ListLimits,
        f: impl FnOnce(Item<'_>) -> T,
    ) -> Option<T> {
        match self.shape_mut() {
            ShapeMut::Short(p) => {
                if p.is_empty() {
                    return None;
                }
                let (at, to) = match end {
                    End::Front => (HEAD, skip(p.bytes(), HEAD)),
                    End::Back => (skip_back(p.bytes(), p.end()), p.end()),
                };
                let result = f(decode(p.bytes(), at).0);
                p.delete_bytes(at, to, 1);
                Some(result)
            }
            ShapeMut::Long(l) => {
                let root = l.root.as_mut()?;
                let (result, _, empty) = tree::pop(root, end, f);
                l.len -= 1;
                l.settle(empty);
                self.shrink(limits);
                Some(result)
            }
        }
    }

    /// Takes the first element out.
    pub fn pop_front(&mut self, limits: ListLimits) -> Option<Vec<u8>> {
        self.pop(End::Front, limits, |item| item.to_vec())
    }

    /// Takes the last element out.
    pub fn pop_back(&mut self, limits: ListLimits) -> Option<Vec<u8>> {
        self.pop(End::Back, limits, |item| item.to_vec())
    }

    /// Element `index`.
    pub fn get(&self, index: usize) -> Option<Item<'_>> {
        match self.shape() {
            Shape::Short(p) => p.get(index),
            Shape::Long(l) => l.root.as_ref()?.get(index),
        }
    }

    /// Puts an element in the place of the one at `index`; says whether there was one.
    pub fn set(&mut self, index: usize, value: &[u8], limits: ListLimits) -> bool {
        if index >= self.len() {
            return false;
        }
        self.reserve(value.len(), 1, limits);
        match self.shape_mut() {
            ShapeMut::Short(p) => p.replace(index, value),
            ShapeMut::Long(l) => {
                l.set(index, value, &limits.node());
                self.shrink(limits);
                true
            }
        }
    }

    /// Puts an element before the one at `index`, or at the end when `index` is the length or
    /// more.
    pub fn insert(&mut self, index: usize, value: &[u8], limits: ListLimits) {
        self.reserve(value.len(), 1, limits);
        match self.shape_mut() {
            ShapeMut::Short(p) => p.insert(index, value),
            ShapeMut::Long(l) => l.insert(index, value, &limits.node()),
        }
    }

    /// Takes out the elements from `from` to before `to`; returns how many there were.
    pub fn remove_range(&mut self, from: usize, to: usize, limits: ListLimits) -> usize {
        let (before, to) = (self.len(), to.min(self.len()));
        if from >= to {
            return 0;
        }
        match self.shape_mut() {
            ShapeMut::Short(p) => p.delete(from, to - from),
            ShapeMut::Long(l) => l.remove(from, to, &limits.node()),
        }
        self.shrink(limits);
        before - self.len()
    }

    /// Keeps the elements from `from` to before `to`.
    pub fn trim(&mut self, from: usize, to: usize, limits: ListLimits) {
        self.remove_range(to.max(from), usize::MAX, limits);
        self.remove_range(0, from, limits);
    }

    /// Takes out elements equal to `value`, `count` at most, from an end on; returns how many.
    pub fn remove_value(
        &mut self,
        value: &[u8],
        end: End,
        count: usize,
        limits: ListLimits,
    ) -> usize {
        let wanted = Item::of(value);
        let mut left = count;
        match self.shape_mut() {
            ShapeMut::Short(p) => removal::remove_from_pack(p, &wanted, end, &mut left),
            ShapeMut::Long(l) => {
                let Some(root) = &mut l.root else { return 0 };
                let empty = removal::remove_value(root, &wanted, end, &mut left, &limits.node());
                l.len -= count - left;
                l.settle(empty);
                self.shrink(limits);
            }
        }
        count - left
    }

    /// How many allocations dropping the list frees, roughly.
    pub fn free_effort(&self) -> usize {
        if self.is_long() {
            1 + self.bytes() / 4096
        } else {
            1
        }
    }
}
