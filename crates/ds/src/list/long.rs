//! The long shape of a list: a tree and its length.

use triomphe::Arc;

use super::leaf::Leaf;
use super::tree::{self, New, Node};
use super::{End, NodeLimits, removal};
use crate::listpack::Listpack;

/// The parts of a long list.
pub(super) struct Long {
    pub(super) root: Option<Arc<Node>>,
    pub(super) len: usize,
}

impl Long {
    /// After a removal: no root when nothing is left, and none that has but one child.
    pub(super) fn settle(&mut self, empty: bool) {
        if empty {
            self.root = None;
        } else if let Some(root) = &mut self.root {
            tree::collapse(root);
        }
    }

    pub(super) fn push(&mut self, value: &[u8], end: End, limits: &NodeLimits) {
        let new = New::of(value, limits);
        self.len += 1;
        let Some(root) = &mut self.root else {
            self.root = Some(new.node());
            return;
        };
        let Some(mut beside) = tree::push(root, &new, end, limits) else {
            return;
        };
        if end == End::Front {
            std::mem::swap(root, &mut beside);
        }
        tree::root_of(root, [Some(beside), None]);
    }

    /// Adds a pack that is small enough for a piece.
    pub(super) fn append(&mut self, pack: &Listpack) {
        let leaf = Arc::new(Node::Leaf(Leaf::from_valid(pack.as_bytes())));
        self.len += pack.len();
        match &mut self.root {
            None => self.root = Some(leaf),
            Some(root) => {
                let beside = tree::append(root, leaf);
                tree::root_of(root, [beside, None]);
            }
        }
    }

    pub(super) fn insert(&mut self, index: usize, value: &[u8], limits: &NodeLimits) {
        if index == 0 || index >= self.len {
            let end = if index == 0 { End::Front } else { End::Back };
            return self.push(value, end, limits);
        }
        let new = New::of(value, limits);
        if let Some(root) = &mut self.root {
            let more = tree::insert(root, index, &new, limits);
            tree::root_of(root, more);
            self.len += 1;
        }
    }

    pub(super) fn set(&mut self, index: usize, value: &[u8], limits: &NodeLimits) {
        let Some(root) = &mut self.root else { return };
        if !tree::set(root, index, &New::of(value, limits), limits) {
            self.remove(index, index + 1, limits);
            self.insert(index, value, limits);
        }
    }

    pub(super) fn remove(&mut self, from: usize, to: usize, limits: &NodeLimits) {
        if let Some(root) = &mut self.root {
            let empty = removal::remove(root, from, to, limits);
            self.len -= to - from;
            self.settle(empty);
        }
    }
}
