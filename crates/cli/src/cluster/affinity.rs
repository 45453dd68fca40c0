//! Choosing masters for replicas so that a host's end does not take a master and its replicas.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};

use super::node::Node;
use super::session::Session;

/// Random choices, seeded by the standard library's hash keys; the choice of a swap or of a node
/// for an empty slot needs no more.
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub fn new() -> Chance {
        Chance(std::hash::RandomState::new().build_hasher().finish() | 1)
    }

    /// The same choices every time, for tests.
    #[cfg(test)]
    pub fn seeded(seed: u64) -> Chance {
        Chance(seed | 1)
    }

    /// A number below `limit`, which is not 0 (xorshift64*).
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        mixed as usize % limit
    }
}

/// How bad the placement is, and which replicas make it so.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Affinity {
    /// 10000 for each replica on its master's host, 1 for each of several replicas of one master
    /// on a host.
    pub score: usize,
    pub offenders: Vec<usize>,
}

/// Judges a placement.
pub(super) fn affinity(nodes: &[Node]) -> Affinity {
    // For each host and shard: whether the master is there, and which replicas.
    let mut groups: BTreeMap<(&str, &str), (bool, Vec<usize>)> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        let shard = node.master.as_deref().unwrap_or(&node.id);
        let group = groups.entry((&node.host, shard)).or_default();
        if node.master.is_some() {
            group.1.push(index);
        } else {
            group.0 = true;
        }
    }
    let mut found = Affinity::default();
    for (has_master, replicas) in groups.into_values() {
        if has_master {
            found.score += 10_000 * replicas.len();
        } else if replicas.len() > 1 {
            found.score += replicas.len();
        } else {
            continue;
        }
        found.offenders.extend(replicas);
    }
    found
}

/// Swaps the masters of random replicas while that may help, the effort growing with the
/// cluster's size; a swap that makes it worse is taken back, one that changes nothing stays,
/// because the best placement may need several swaps together. Gives the final score.
pub(super) fn optimize(nodes: &mut [Node], chance: &mut Chance) -> usize {
    for _ in 0..500 * nodes.len() {
        let before = affinity(nodes);
        if before.score == 0 || before.offenders.is_empty() {
            break;
        }
        let first = before.offenders[chance.below(before.offenders.len())];
        let others: Vec<usize> = (0..nodes.len())
            .filter(|&index| index != first && nodes[index].master.is_some())
            .collect();
        if others.is_empty() {
            break;
        }
        let second = others[chance.below(others.len())];
        swap_masters(nodes, first, second);
        if affinity(nodes).score > before.score {
            swap_masters(nodes, first, second);
        }
    }
    affinity(nodes).score
}

fn swap_masters(nodes: &mut [Node], first: usize, second: usize) {
    let master = nodes[first].master.take();
    nodes[first].master = std::mem::replace(&mut nodes[second].master, master);
    nodes[first].is_dirty = true;
    nodes[second].is_dirty = true;
}

impl Session<'_> {
    /// Improves the placement of replicas and says how good it became.
    pub fn improve_affinity(&mut self) {
        if affinity(&self.nodes).score == 0 {
            return;
        }
        self.console
            .info(">>> Trying to optimize slaves allocation for anti-affinity\n");
        match optimize(&mut self.nodes, &mut Chance::new()) {
            0 => self.console.good("[OK] Perfect anti-affinity obtained!\n"),
            10_000.. => self
                .console
                .warn("[WARNING] Some slaves are in the same host as their master\n"),
            _ => self
                .console
                .warn("[WARNING] Some slaves of the same master are in the same host\n"),
        }
    }
}
