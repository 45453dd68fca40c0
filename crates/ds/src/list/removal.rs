//! Taking ranges and equal elements out of the tree of a long list, and the latter out of a short
//! one.

use triomphe::Arc;

use super::tree::Node;
use super::{End, NodeLimits};
use crate::listpack::{EMPTY, HEAD, Item, Listpack, Pack, decode, skip_back};

/// Takes out the elements from `from` to before `to`. Says whether the node is empty now.
pub(super) fn remove(node: &mut Arc<Node>, from: usize, to: usize, limits: &NodeLimits) -> bool {
    let count = node.count();
    let (from, to) = (from.min(count), to.min(count));
    if from == to {
        return count == 0;
    }
    if from == 0 && to == count {
        return true;
    }
    match Arc::make_mut(node) {
        Node::Plain(_) => unreachable!(),
        Node::Leaf(l) => l.delete_range(from, to - from),
        Node::Inner(inner) => {
            let (mut before, mut first) = (0, None);
            let mut at = 0;
            inner.children.retain_mut(|c| {
                let (start, end) = (before, before + c.count);
                before = end;
                at += 1;
                if end <= from || start >= to {
                    return true;
                }
                first.get_or_insert(at - 1);
                let range = (from.max(start) - start, to.min(end) - start);
                if range == (0, c.count) || remove(&mut c.node, range.0, range.1, limits) {
                    return false;
                }
                c.recount();
                true
            });
            // Where the range began, small leaves may meet now.
            let first = first.unwrap_or(0);
            inner.join(first, limits);
            inner.join(first.saturating_sub(1), limits);
        }
    }
    false
}

/// Takes out elements that are `wanted`, `left` at most, from an end on. Says whether the node is
/// empty now.
pub(super) fn remove_value(
    node: &mut Arc<Node>,
    wanted: &Item<'_>,
    end: End,
    left: &mut usize,
    limits: &NodeLimits,
) -> bool {
    match &**node {
        Node::Plain(p) => {
            let same = *left > 0 && Item::Str(p).is(wanted);
            *left -= usize::from(same);
            same
        }
        Node::Leaf(l) => {
            let n = l.matches(wanted);
            if n == 0 || *left == 0 {
                return false;
            }
            let take = n.min(*left);
            let skipped = if end == End::Back { n - take } else { 0 };
            let rest = l.without(wanted, skipped, take);
            *left -= take;
            let empty = rest.bytes().len() == EMPTY;
            *node = Arc::new(Node::Leaf(rest));
            empty
        }
        Node::Inner(i) => {
            let n = i.children.len();
            for k in 0..n {
                let at = if end == End::Front { k } else { n - 1 - k };
                remove_below(node, at, wanted, end, left, limits);
                if *left == 0 {
                    break;
                }
            }
            // Looking touched nothing; where something went, the node is ours by now.
            let Node::Inner(shared) = &**node else {
                unreachable!()
            };
            if shared.children.iter().any(|c| c.count == 0)
                && let Node::Inner(inner) = Arc::make_mut(node)
            {
                inner.children.retain(|c| c.count > 0);
            }
            let Node::Inner(inner) = &**node else {
                unreachable!()
            };
            let empty = inner.children.is_empty();
            if Arc::is_unique(node)
                && let Node::Inner(inner) = Arc::make_mut(node)
            {
                (0..inner.children.len())
                    .rev()
                    .for_each(|at| inner.join(at, limits));
            }
            empty
        }
    }
}

fn remove_below(
    node: &mut Arc<Node>,
    at: usize,
    wanted: &Item<'_>,
    end: End,
    left: &mut usize,
    limits: &NodeLimits,
) {
    let Node::Inner(i) = &**node else {
        unreachable!()
    };
    // A second handle, so that only what really changes is copied.
    let mut below = i.children[at].node.clone();
    let (before, was) = (*left, i.children[at].count);
    let below_ptr = Arc::as_ptr(&below);
    let empty = remove_value(&mut below, wanted, end, left, limits);
    let changed = *left != before || Arc::as_ptr(&below) != below_ptr;
    if changed && let Node::Inner(inner) = Arc::make_mut(node) {
        let child = &mut inner.children[at];
        child.node = below;
        if empty {
            (child.count, child.bytes) = (0, 0);
        } else {
            child.recount();
        }
        debug_assert!(was - child.count == before - *left);
    }
}

/// Takes elements that are `wanted` out of a short list, `left` at most, from an end on.
pub(super) fn remove_from_pack(p: &mut Listpack, wanted: &Item<'_>, end: End, left: &mut usize) {
    let mut at = if end == End::Front { HEAD } else { p.end() };
    while *left > 0 {
        if end == End::Front {
            if at == p.end() {
                return;
            }
            let (item, next) = decode(p.bytes(), at);
            if !item.is(wanted) {
                at = next;
                continue;
            }
        } else {
            if at == HEAD {
                return;
            }
            at = skip_back(p.bytes(), at);
            if !decode(p.bytes(), at).0.is(wanted) {
                continue;
            }
        }
        p.delete_at(at);
        *left -= 1;
    }
}
