//! Iteration over a list, forwards and backwards, from any index, without allocation.

use super::tree::{Inner, Node};
use super::{List, Shape};
use crate::listpack::{self, EMPTY, HEAD, Item, Pack};

/// Inner levels that a path can have. A tree of height h takes 32^(h-1) changes to build.
const DEPTH: usize = 14;
const NOTHING: [u8; EMPTY] = [EMPTY as u8, 0, 0, 0, 0, 0, 0xff];

/// Where in the tree an iterator is: the inner nodes above it, and what is left of its piece.
struct Walk<'a> {
    path: [Option<(&'a Inner, usize)>; DEPTH],
    depth: usize,
    pack: listpack::Iter<'a>,
    plain: Option<Item<'a>>,
    left: usize,
}

impl<'a> Walk<'a> {
    fn over(pack: listpack::Iter<'a>, left: usize) -> Self {
        Walk {
            path: [None; DEPTH],
            depth: 0,
            pack,
            plain: None,
            left,
        }
    }

    /// Goes down from `node` to element `index`; with `back` the piece is left to be read from
    /// there backwards.
    fn descend(&mut self, mut node: &'a Node, mut index: usize, back: bool) {
        loop {
            match node {
                Node::Inner(inner) => {
                    let Some((at, before)) = inner.find(index) else {
                        return;
                    };
                    self.path[self.depth] = Some((inner, at));
                    self.depth += 1;
                    index -= before;
                    node = &inner.children[at].node;
                }
                Node::Leaf(leaf) => {
                    let b = leaf.bytes();
                    let at = leaf.seek(index).unwrap_or(leaf.end());
                    self.pack = if back {
                        let end = if at == leaf.end() {
                            at
                        } else {
                            listpack::skip(b, at)
                        };
                        listpack::Iter::between(b, HEAD, end)
                    } else {
                        listpack::Iter::between(b, at, b.len() - 1)
                    };
                    return;
                }
                Node::Plain(p) => {
                    self.plain = Some(Item::Str(p));
                    return;
                }
            }
        }
    }

    /// Goes to the next piece in either direction.
    fn turn(&mut self, back: bool) -> Option<()> {
        while self.depth > 0 {
            let (inner, at) = self.path[self.depth - 1]?;
            let next = if back {
                at.checked_sub(1)
            } else {
                Some(at + 1)
            };
            if let Some((next, child)) = next.and_then(|n| Some((n, inner.children.get(n)?))) {
                self.path[self.depth - 1] = Some((inner, next));
                let index = if back { child.count - 1 } else { 0 };
                self.descend(&child.node, index, back);
                return Some(());
            }
            self.depth -= 1;
        }
        None
    }

    fn start(list: &'a List, index: usize, left: usize, back: bool) -> Self {
        match list.shape() {
            _ if left == 0 => Walk::over(listpack::Iter::new(&NOTHING), 0),
            Shape::Short(p) => {
                let b = p.as_bytes();
                let at = p.seek(index).unwrap_or(p.end());
                let pack = if back {
                    listpack::Iter::between(b, HEAD, listpack::skip(b, at))
                } else {
                    listpack::Iter::between(b, at, b.len() - 1)
                };
                Walk::over(pack, left)
            }
            Shape::Long(l) => {
                let mut w = Walk::over(listpack::Iter::new(&NOTHING), left);
                if let Some(root) = &l.root {
                    w.descend(root, index, back);
                }
                w
            }
        }
    }

    #[inline(always)]
    fn step(&mut self, back: bool) -> Option<Item<'a>> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let item = if back {
            self.pack.next_back()
        } else {
            self.pack.next()
        };
        if item.is_some() {
            item
        } else {
            self.step_over(back)
        }
    }

    /// The first element of the next piece.
    #[cold]
    fn step_over(&mut self, back: bool) -> Option<Item<'a>> {
        loop {
            if let Some(item) = self.plain.take() {
                return Some(item);
            }
            self.turn(back)?;
            let item = if back {
                self.pack.next_back()
            } else {
                self.pack.next()
            };
            if item.is_some() {
                return item;
            }
        }
    }
}

/// Elements in their order.
pub struct Iter<'a>(Walk<'a>);

/// Elements in the opposite order.
pub struct RevIter<'a>(Walk<'a>);

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Item<'a>> {
        self.0.step(false)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.left, Some(self.0.left))
    }
}

impl<'a> Iterator for RevIter<'a> {
    type Item = Item<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Item<'a>> {
        self.0.step(true)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.left, Some(self.0.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl ExactSizeIterator for RevIter<'_> {}

impl List {
    /// All elements.
    pub fn iter(&self) -> Iter<'_> {
        self.range(0, usize::MAX)
    }

    /// The elements from index `from` to before `to`, or as many as there are.
    pub fn range(&self, from: usize, to: usize) -> Iter<'_> {
        let n = to.min(self.len()).saturating_sub(from);
        Iter(Walk::start(self, from, n, false))
    }

    /// The elements from index `from` down to the first; from the last if `from` is past it.
    pub fn rev_from(&self, from: usize) -> RevIter<'_> {
        let n = self.len().min(from.saturating_add(1));
        RevIter(Walk::start(self, n.saturating_sub(1), n, true))
    }
}
