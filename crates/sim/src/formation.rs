//! Making a cluster, as the command line does it.

use crate::checks::disagreement;
use crate::world::{World, address};
use base::{NodeId, Slot};
use cluster::{Reply, Request};

/// Forms the cluster in peace: epochs, slots, meetings, replicas.
pub(crate) fn form(world: &mut World) {
    let primaries = world.params.primaries;
    let total = world.nodes.len();
    world.run_until(500);
    for node in 0..primaries {
        world.command(node, Request::SetConfigEpoch(node as i64 + 1));
        let mine = |s: &Slot| s.index() * primaries / Slot::COUNT == node;
        world.command(node, Request::AddSlots(Slot::all().filter(mine).collect()));
    }
    for node in 1..total {
        let port = 7000 + node as i64;
        world.command(
            0,
            Request::Meet {
                ip: address().to_string(),
                port,
                bus_port: None,
            },
        );
    }
    if !wait(world, 60_000, |w| w.nodes.iter().all(|n| known(n) == total)) {
        return;
    }
    for node in primaries..total {
        let Some(primary) = id_of(world, node % primaries) else {
            return;
        };
        let node_text = primary.as_bytes().to_vec();
        let token = world.command(
            node,
            Request::Replicate {
                node: node_text,
                has_keys: false,
            },
        );
        let done = wait(world, 20_000, |w| w.replies.contains_key(&token));
        if !done || world.replies[&token] != Reply::Ok {
            let text = format!("REPLICATE failed: {:?}", world.replies.get(&token));
            world.checks.violate(world.now, text);
            return;
        }
    }
    if wait(world, 60_000, |w| disagreement(w).is_none()) {
        world.checks.armed = true;
    } else {
        let why = disagreement(world).unwrap_or_default();
        world
            .checks
            .violate(world.now, format!("the cluster did not form: {why}"));
    }
}

fn known(node: &crate::world::Node) -> usize {
    node.view.as_ref().map_or(0, |v| v.nodes().len())
}

/// The id of a node.
pub(crate) fn id_of(world: &World, node: usize) -> Option<NodeId> {
    world.nodes[node].view.as_ref().map(|v| v.my_id())
}

/// Lets time pass until something holds; false, and a violation, if it does not in time.
pub(crate) fn wait(world: &mut World, patience: u64, holds: impl Fn(&World) -> bool) -> bool {
    let end = world.now + patience;
    while world.now < end && world.checks.violations.is_empty() {
        if holds(world) {
            return true;
        }
        let next = world.now + 250;
        world.run_until(next);
    }
    if holds(world) {
        return true;
    }
    world
        .checks
        .violate(world.now, format!("waited {patience} ms in vain"));
    false
}
