//! How much gossip costs in large clusters.

use crate::params::{Commands, Params};
use crate::world::World;
use base::{NodeId, ShardId, Slot};
use cluster::Mutants;
use std::fmt::Write;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traffic {
    /// Nodes in the cluster.
    pub nodes: usize,
    /// Virtual seconds measured.
    pub seconds: f64,
    /// Packets that one node sent per second, on average.
    pub packets_per_second: f64,
    /// Bytes that one node sent per second, on average; it received as many.
    pub bytes_per_second: f64,
    /// Nodes that saw the cluster as working at the end.
    pub ok: usize,
}

/// Bytes per second that a node sends by the formula for real gossip in its worst case: every node
/// is pinged every half node timeout, and every ping is answered, with a header and a tenth of the
/// nodes each.
pub fn formula_bytes_per_second(nodes: usize, node_timeout_ms: u64) -> f64 {
    let entries = (nodes / 10).max(3);
    let packet = bus::HEADER_LEN + bus::GOSSIP_LEN * entries;
    let pings = 2.0 * nodes as f64 * 1000.0 / node_timeout_ms as f64;
    2.0 * pings * packet as f64
}

/// Runs a cluster of `nodes` (half of them replicas) that starts from its files, warms up for one
/// node timeout and is measured for `seconds` of virtual time.
pub fn measure_gossip(nodes: usize, node_timeout: u64, seconds: u64, seed: u64) -> Traffic {
    let mut world = World::new(seed, params(node_timeout));
    world.by_node = true;
    let ids: Vec<(NodeId, ShardId)> = (0..nodes)
        .map(|_| {
            let id = NodeId::from_random(world.random.bytes20());
            (id, ShardId::from_random(world.random.bytes20()))
        })
        .collect();
    for node in 0..nodes {
        let phase = world.random.below(1_000_000);
        world.add_node(
            Some(file_of(&ids, node)),
            1_000_000 + phase,
            1_700_000_000_000,
        );
    }
    for node in 0..nodes {
        world.start(node);
    }
    let warm = world.now + node_timeout.max(5_000);
    world.run_until(warm);
    let (packets, bytes) = (world.packets, world.bytes);
    world.run_until(warm + seconds * 1000);
    let per = |count: u64| count as f64 / seconds as f64 / nodes as f64;
    let ok = |n: &&crate::world::Node| {
        n.view
            .as_ref()
            .is_some_and(|v| v.state() == cluster::State::Ok)
    };
    Traffic {
        nodes,
        seconds: seconds as f64,
        packets_per_second: per(world.packets - packets),
        bytes_per_second: per(world.bytes - bytes),
        ok: world.nodes.iter().filter(ok).count(),
    }
}

fn params(node_timeout: u64) -> Params {
    Params {
        primaries: 0,
        replicas: 0,
        node_timeout,
        delay: 1,
        loss: 0,
        chaos: 0,
        fault_every: 1,
        command_every: 1,
        commands: Commands::None,
        disk: 5,
        disk_errors: 0,
        codec: false,
        mutants: Mutants::default(),
        patience: 0,
    }
}

/// nodes.conf of one node: even ones are primaries, odd ones replicas of the node before.
fn file_of(ids: &[(NodeId, ShardId)], me: usize) -> String {
    let mut text = String::new();
    let primaries = ids.len().div_ceil(2);
    for (i, (id, _)) in ids.iter().enumerate() {
        let port = 7000 + i;
        let shard = ids[i - i % 2].1;
        let mine = if i == me { "myself," } else { "" };
        _ = write!(
            text,
            "{id} 10.0.0.1:{port}@{},,tls-port=0,shard-id={shard} {mine}",
            port + 10_000
        );
        let rank = i / 2;
        if i % 2 == 1 {
            _ = writeln!(text, "slave {} 0 0 {} connected", ids[i - 1].0, rank + 1);
        } else {
            let first = rank * Slot::COUNT / primaries;
            let last = (rank + 1) * Slot::COUNT / primaries - 1;
            _ = writeln!(text, "master - 0 0 {} connected {first}-{last}", rank + 1);
        }
    }
    _ = writeln!(text, "vars currentEpoch {primaries} lastVoteEpoch 0");
    text
}
