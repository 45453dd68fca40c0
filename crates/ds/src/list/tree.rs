//! The tree of a long list: inner nodes that count their elements, over pieces.
//!
//! Nodes are reference-counted. Whoever holds a root holds the list as it was: a change copies
//! what is shared on its way down, one piece and a few inner nodes, and changes in place what is
//! not. Nodes are filled, split and emptied, not balanced: depth is bounded by what was ever
//! added.

use triomphe::Arc;

use super::leaf::Leaf;
use super::{End, NodeLimits};
use crate::listpack::{EMPTY, HEAD, Item, Pack, decode, skip, skip_back};

/// Children of an inner node.
const FAN: usize = 32;

#[derive(Clone)]
pub(super) enum Node {
    Inner(Inner),
    Leaf(Leaf),
    /// An element too long for a leaf.
    Plain(Box<[u8]>),
}

#[derive(Clone)]
pub(super) struct Inner {
    pub(super) children: Vec<Child>,
}

#[derive(Clone)]
pub(super) struct Child {
    pub(super) node: Arc<Node>,
    pub(super) count: usize,
    pub(super) bytes: usize,
}

/// Nodes to stand after the one that could not hold an element any more.
pub(super) type Overflow = [Option<Arc<Node>>; 2];

/// An element to be added.
pub(super) struct New<'a> {
    item: Item<'a>,
    size: usize,
    plain: bool,
}

impl<'a> New<'a> {
    pub(super) fn of(value: &'a [u8], limits: &NodeLimits) -> New<'a> {
        let item = Item::of(value);
        let size = item.entry_size();
        New {
            item,
            size,
            plain: EMPTY + size > limits.piece(),
        }
    }

    pub(super) fn node(&self) -> Arc<Node> {
        Arc::new(match (self.plain, self.item) {
            (true, Item::Str(s)) => Node::Plain(s.into()),
            (_, item) => Node::Leaf(Leaf::of(item)),
        })
    }

    fn fits(&self, leaf: &Leaf, limits: &NodeLimits) -> bool {
        !self.plain && limits.allow(leaf.bytes().len() + self.size, leaf.count() + 1)
    }
}

impl Node {
    pub(super) fn count(&self) -> usize {
        match self {
            Node::Inner(i) => i.children.iter().map(|c| c.count).sum(),
            Node::Leaf(l) => l.count(),
            Node::Plain(_) => 1,
        }
    }

    /// Bytes of the elements with their encoding.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Node::Inner(i) => i.children.iter().map(|c| c.bytes).sum(),
            Node::Leaf(l) => l.bytes().len() - EMPTY,
            Node::Plain(p) => p.len(),
        }
    }

    /// Bytes allocated under this node and for it.
    pub(super) fn memory(&self) -> usize {
        let own = crate::sizes::usable(size_of::<Node>() + size_of::<usize>());
        own + match self {
            Node::Inner(i) => {
                let below: usize = i.children.iter().map(|c| c.node.memory()).sum();
                below + crate::sizes::usable(i.children.capacity() * size_of::<Child>())
            }
            Node::Leaf(l) => l.memory(),
            Node::Plain(p) => crate::sizes::usable(p.len()),
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<Item<'_>> {
        match self {
            Node::Inner(i) => {
                let (at, before) = i.find(index)?;
                i.children[at].node.get(index - before)
            }
            Node::Leaf(l) => l.seek(index).map(|at| decode(l.bytes(), at).0),
            Node::Plain(p) => (index == 0).then_some(Item::Str(p)),
        }
    }
}

impl Child {
    pub(super) fn of(node: Arc<Node>) -> Child {
        Child {
            count: node.count(),
            bytes: node.bytes(),
            node,
        }
    }

    pub(super) fn recount(&mut self) {
        self.count = self.node.count();
        self.bytes = self.node.bytes();
    }
}

impl Inner {
    fn of(nodes: impl IntoIterator<Item = Arc<Node>>) -> Inner {
        let mut children = Vec::with_capacity(FAN);
        children.extend(nodes.into_iter().map(Child::of));
        Inner { children }
    }

    /// The child that holds element `index`, and how many elements are before it.
    pub(super) fn find(&self, index: usize) -> Option<(usize, usize)> {
        let mut before = 0;
        for (i, c) in self.children.iter().enumerate() {
            if index < before + c.count {
                return Some((i, before));
            }
            before += c.count;
        }
        None
    }

    /// Puts nodes after child `at`; what does not fit becomes a node to stand after this one.
    fn take_in(&mut self, at: usize, more: Overflow) -> Option<Arc<Node>> {
        let mut to = at + 1;
        for node in more.into_iter().flatten() {
            self.children.insert(to, Child::of(node));
            to += 1;
        }
        if self.children.len() <= FAN {
            return None;
        }
        // Filled in order from one end, as most lists are: leave full nodes behind.
        let keep = if to == self.children.len() {
            FAN
        } else if at == 0 {
            self.children.len() - FAN
        } else {
            self.children.len() / 2
        };
        let mut children = Vec::with_capacity(FAN);
        children.extend(self.children.drain(keep..));
        Some(Arc::new(Node::Inner(Inner { children })))
    }

    /// Joins leaf `at` with the one after it where both are small.
    pub(super) fn join(&mut self, at: usize, limits: &NodeLimits) {
        let Some([a, b]) = self.children.get(at..at + 2) else {
            return;
        };
        let (Node::Leaf(x), Node::Leaf(y)) = (&*a.node, &*b.node) else {
            return;
        };
        if limits.allow(
            2 * (x.bytes().len() + y.bytes().len()),
            2 * (x.count() + y.count()),
        ) {
            let joined = Arc::new(Node::Leaf(x.merged(y)));
            self.children[at] = Child::of(joined);
            self.children.remove(at + 1);
        }
    }
}

/// Makes a root of nodes that stand side by side.
pub(super) fn root_of(first: &mut Arc<Node>, more: Overflow) {
    if more[0].is_some() {
        let all = [Some(first.clone())].into_iter().chain(more).flatten();
        *first = Arc::new(Node::Inner(Inner::of(all)));
    }
}

/// Roots of one child give way to it.
pub(super) fn collapse(root: &mut Arc<Node>) {
    while let Node::Inner(i) = &**root
        && let [only] = &i.children[..]
    {
        *root = only.node.clone();
    }
}

/// Adds an element at an end. Full nodes are left alone: a new one stands beside them.
pub(super) fn push(
    node: &mut Arc<Node>,
    new: &New<'_>,
    end: End,
    limits: &NodeLimits,
) -> Option<Arc<Node>> {
    match &**node {
        Node::Leaf(l) if new.fits(l, limits) => {
            if let Node::Leaf(l) = Arc::make_mut(node) {
                let at = if end == End::Front { HEAD } else { l.end() };
                l.insert_at(at, new.item);
            }
            None
        }
        Node::Leaf(_) | Node::Plain(_) => {
            if let Some(Node::Leaf(l)) = Arc::get_mut(node) {
                l.settle();
            }
            Some(new.node())
        }
        Node::Inner(_) => {
            let Node::Inner(inner) = Arc::make_mut(node) else {
                unreachable!()
            };
            let at = if end == End::Front {
                0
            } else {
                inner.children.len() - 1
            };
            let child = &mut inner.children[at];
            let Some(beside) = push(&mut child.node, new, end, limits) else {
                child.count += 1;
                child.bytes += if new.plain {
                    new.item.text_len()
                } else {
                    new.size
                };
                return None;
            };
            if inner.children.len() == FAN {
                return Some(Arc::new(Node::Inner(Inner::of([beside]))));
            }
            let to = if end == End::Front {
                0
            } else {
                inner.children.len()
            };
            inner.children.insert(to, Child::of(beside));
            None
        }
    }
}

/// Adds a whole piece at the back.
pub(super) fn append(node: &mut Arc<Node>, leaf: Arc<Node>) -> Option<Arc<Node>> {
    if !matches!(&**node, Node::Inner(_)) {
        return Some(leaf);
    }
    let Node::Inner(inner) = Arc::make_mut(node) else {
        unreachable!()
    };
    let last = inner
        .children
        .last_mut()
        .expect("an inner node has children");
    let beside = append(&mut last.node, leaf);
    last.recount();
    let beside = beside?;
    if inner.children.len() == FAN {
        return Some(Arc::new(Node::Inner(Inner::of([beside]))));
    }
    inner.children.push(Child::of(beside));
    None
}

/// Takes the element at an end out, having shown it to `f`; returns its bytes. The node is not
/// empty; whether it is afterwards is the caller's to see.
pub(super) fn pop<T>(
    node: &mut Arc<Node>,
    end: End,
    f: impl FnOnce(Item<'_>) -> T,
) -> (T, usize, bool) {
    if let Node::Plain(p) = &**node {
        return (f(Item::Str(p)), p.len(), true);
    }
    match Arc::make_mut(node) {
        Node::Plain(_) => unreachable!(),
        Node::Leaf(l) => {
            let (at, to) = match end {
                End::Front => (HEAD, skip(l.bytes(), HEAD)),
                End::Back => (skip_back(l.bytes(), l.end()), l.end()),
            };
            let result = f(decode(l.bytes(), at).0);
            l.delete_bytes(at, to, 1);
            (result, to - at, l.bytes().len() == EMPTY)
        }
        Node::Inner(inner) => {
            let at = if end == End::Front {
                0
            } else {
                inner.children.len() - 1
            };
            let child = &mut inner.children[at];
            let (result, bytes, empty) = pop(&mut child.node, end, f);
            child.count -= 1;
            child.bytes -= bytes;
            if empty {
                inner.children.remove(at);
            }
            (result, bytes, inner.children.is_empty())
        }
    }
}

/// Puts an element before element `index`, or after the last.
pub(super) fn insert(
    node: &mut Arc<Node>,
    index: usize,
    new: &New<'_>,
    limits: &NodeLimits,
) -> Overflow {
    match &**node {
        Node::Plain(_) => beside(node, index == 0, new.node()),
        Node::Leaf(l) if new.fits(l, limits) => {
            if let Node::Leaf(l) = Arc::make_mut(node) {
                let at = l.seek(index).unwrap_or(l.end());
                l.insert_at(at, new.item);
            }
            [None, None]
        }
        Node::Leaf(l) if index == 0 || index == l.count() => beside(node, index == 0, new.node()),
        Node::Leaf(l) => {
            let (mut a, mut b) = l.split(index);
            let middle = if new.fits(&a, limits) {
                a.insert_at(a.end(), new.item);
                None
            } else if new.fits(&b, limits) {
                b.insert_at(HEAD, new.item);
                None
            } else {
                Some(new.node())
            };
            *node = Arc::new(Node::Leaf(a));
            let b = Some(Arc::new(Node::Leaf(b)));
            if middle.is_some() {
                [middle, b]
            } else {
                [b, None]
            }
        }
        Node::Inner(_) => {
            let Node::Inner(inner) = Arc::make_mut(node) else {
                unreachable!()
            };
            // After the last of one child rather than before the first of the next.
            let (at, before) = inner
                .find(index.saturating_sub(1))
                .expect("an index within");
            let child = &mut inner.children[at];
            let more = insert(&mut child.node, index - before, new, limits);
            child.recount();
            [inner.take_in(at, more), None]
        }
    }
}

fn beside(node: &mut Arc<Node>, before: bool, other: Arc<Node>) -> Overflow {
    let after = if before {
        std::mem::replace(node, other)
    } else {
        other
    };
    [Some(after), None]
}

/// Puts an element in the place of element `index` where it fits there.
pub(super) fn set(node: &mut Arc<Node>, index: usize, new: &New<'_>, limits: &NodeLimits) -> bool {
    match &**node {
        Node::Plain(_) => {
            *node = new.node();
            true
        }
        Node::Leaf(l) => {
            let at = l.seek(index).expect("an index within");
            let old = skip(l.bytes(), at) - at;
            if new.plain || !limits.allow(l.bytes().len() - old + new.size, l.count()) {
                return false;
            }
            if let Node::Leaf(l) = Arc::make_mut(node) {
                l.replace_at(at, new.item);
            }
            true
        }
        Node::Inner(i) => {
            let (at, before) = i.find(index).expect("an index within");
            let Node::Inner(inner) = Arc::make_mut(node) else {
                unreachable!()
            };
            let child = &mut inner.children[at];
            let done = set(&mut child.node, index - before, new, limits);
            child.recount();
            done
        }
    }
}
