//! A list as it was at one moment, to be read without any lock.

use triomphe::Arc;

use super::tree::{Inner, Node};
use super::{List, Shape};
use crate::listpack::{EMPTY, Listpack, Pack};

/// One piece of a list, as an RDB file has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A listpack of several elements.
    Packed(&'a [u8]),
    /// One element.
    Plain(&'a [u8]),
}

enum Kept {
    Short(Listpack),
    Long(Option<Arc<Node>>),
}

/// What a list held when this was taken. Taking it from a long list costs nothing; keeping it
/// costs a copy of each piece that is changed meanwhile.
pub struct ListSnapshot {
    kept: Kept,
    len: usize,
}

impl List {
    /// The list as it is now.
    pub fn snapshot(&self) -> ListSnapshot {
        let kept = match self.shape() {
            Shape::Short(p) => Kept::Short(p.clone()),
            Shape::Long(l) => Kept::Long(l.root.clone()),
        };
        ListSnapshot {
            kept,
            len: self.len(),
        }
    }

    /// The pieces of the list, for saving it where it stands.
    pub fn pieces(&self) -> Pieces<'_> {
        match self.shape() {
            Shape::Short(p) => Pieces::short(p),
            Shape::Long(l) => Pieces::long(l.root.as_deref()),
        }
    }
}

impl ListSnapshot {
    /// The number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there was no element.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The pieces in their order.
    pub fn pieces(&self) -> Pieces<'_> {
        match &self.kept {
            Kept::Short(p) => Pieces::short(p),
            Kept::Long(root) => Pieces::long(root.as_deref()),
        }
    }

    /// The snapshot as a list of its own.
    pub fn into_list(self) -> List {
        match self.kept {
            Kept::Short(p) => List::short(p),
            Kept::Long(root) => List::long(root, self.len),
        }
    }
}

/// The pieces of a list in their order. An empty list has none.
pub struct Pieces<'a> {
    first: Option<Piece<'a>>,
    path: Vec<std::slice::Iter<'a, super::tree::Child>>,
}

impl<'a> Pieces<'a> {
    fn short(pack: &'a Listpack) -> Self {
        let first = (!pack.is_empty()).then(|| Piece::Packed(pack.as_bytes()));
        Pieces {
            first,
            path: Vec::new(),
        }
    }

    fn long(root: Option<&'a Node>) -> Self {
        let mut p = Pieces {
            first: None,
            path: Vec::new(),
        };
        p.first = root.and_then(|r| p.enter(r));
        p
    }

    fn enter(&mut self, node: &'a Node) -> Option<Piece<'a>> {
        match node {
            Node::Inner(Inner { children }) => {
                self.path.push(children.iter());
                None
            }
            Node::Leaf(l) => (l.bytes().len() > EMPTY).then(|| Piece::Packed(l.bytes())),
            Node::Plain(p) => Some(Piece::Plain(p)),
        }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            match self.path.last_mut()?.next() {
                Some(child) => {
                    if let Some(piece) = self.enter(&child.node) {
                        return Some(piece);
                    }
                }
                None => {
                    self.path.pop();
                }
            }
        }
    }
}
