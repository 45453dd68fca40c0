//! Faults, commands, and the peace after them.

use crate::checks::disagreement;
use crate::formation::id_of;
use crate::params::Commands;
use crate::world::{Due, World, address};
use base::Slot;
use cluster::{FailoverKind, Request, Role};

/// Lets faults and commands happen for as long as the parameters say.
pub(crate) fn disturb(world: &mut World) {
    world.peaceful = false;
    world.after(1, Due::Fault);
    if world.params.commands != Commands::None {
        world.after(1, Due::Command);
    }
    let end = world.now + world.params.chaos;
    world.run_until(end);
}

/// Ends all faults and demands agreement.
pub(crate) fn heal(world: &mut World) {
    world.peaceful = true;
    world.network.mend_all();
    for node in 0..world.nodes.len() {
        if !world.is_up(node) {
            world.start(node);
        }
        if world.nodes[node].paused_until > world.now {
            world.nodes[node].paused_until = world.now;
            world.after(0, Due::Wake(node));
        }
    }
    meet_again(world);
    let start = world.now;
    let end = start + world.params.patience;
    while world.now < end && world.checks.violations.is_empty() {
        let next = world.now + 500;
        world.run_until(next);
        if disagreement(world).is_none() {
            world.agreed_after = Some(world.now - start);
            return;
        }
    }
    if let Some(why) = disagreement(world) {
        world
            .checks
            .violate(world.now, format!("no agreement after the faults: {why}"));
    }
}

/// FORGET takes nodes out; whoever gave it puts them back, once the ban is over.
fn meet_again(world: &mut World) {
    if world.params.commands != Commands::All {
        return;
    }
    let after_ban = world.now + 61_000;
    world.run_until(after_ban);
    for node in 1..world.nodes.len() {
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
}

/// One fault, and the appointment of the next.
pub(crate) fn fault(world: &mut World) {
    if world.peaceful {
        return;
    }
    let next = 1 + world.random.below(2 * world.params.fault_every);
    world.after(next, Due::Fault);
    let node = world.random.below(world.nodes.len() as u64) as usize;
    let long = world.params.node_timeout;
    let time = world.random.below(4 * long);
    match world.random.below(8) {
        0 | 1 => crash(world, node, time),
        2 => {
            if world.is_up(node) && world.nodes[node].paused_until <= world.now {
                world.nodes[node].paused_until = world.now + time;
                world.after(time, Due::Wake(node));
            }
        }
        3 => isolate(world, node, time, true, true),
        4 => {
            let inward = world.random.chance(500);
            isolate(world, node, time, inward, !inward);
        }
        5 => split(world, time),
        6 => {
            for link in world.network.of(node) {
                world.close(link, None);
            }
        }
        // Wall clocks jump; nothing may depend on them.
        _ => world.nodes[node].wall_base += world.random.below(4_000_000) as i64 - 2_000_000,
    }
}

pub(crate) fn crash(world: &mut World, node: usize, time: u64) {
    if !world.is_up(node) {
        return;
    }
    world.crashes += 1;
    for link in world.network.of(node) {
        world.close(link, Some(node));
    }
    world.nodes[node].machine = None;
    world.nodes[node].view = None;
    world.nodes[node].waiting.clear();
    world.after(time + 1, Due::Restart(node));
}

pub(crate) fn isolate(world: &mut World, node: usize, time: u64, inward: bool, outward: bool) {
    let mut cuts = Vec::new();
    for other in (0..world.nodes.len()).filter(|other| *other != node) {
        if inward {
            cuts.push((other, node));
        }
        if outward {
            cuts.push((node, other));
        }
    }
    cut(world, cuts, time);
}

fn split(world: &mut World, time: u64) {
    let total = world.nodes.len();
    let sides: Vec<bool> = (0..total).map(|_| world.random.chance(500)).collect();
    let mut cuts = Vec::new();
    for a in 0..total {
        for b in (0..total).filter(|b| sides[a] != sides[*b]) {
            cuts.push((a, b));
        }
    }
    cut(world, cuts, time);
}

fn cut(world: &mut World, cuts: Vec<(usize, usize)>, time: u64) {
    for (a, b) in &cuts {
        world.network.cut(*a, *b);
    }
    world.after(time, Due::Mend(cuts));
}

/// One command, and the appointment of the next.
pub(crate) fn command(world: &mut World) {
    if world.peaceful {
        return;
    }
    let next = 1 + world.random.below(2 * world.params.command_every);
    world.after(next, Due::Command);
    let total = world.nodes.len() as u64;
    let node = world.random.below(total) as usize;
    let other = world.random.below(total) as usize;
    if !world.is_up(node) || world.nodes[node].paused_until > world.now {
        return;
    }
    let all = world.params.commands == Commands::All;
    let choices = if all { 9 } else { 4 };
    match world.random.below(choices) {
        0 => force_all_replicas(world, node),
        1 => {
            world.command(node, Request::Failover(FailoverKind::Default));
        }
        2 | 3 => {
            world.command(node, Request::Failover(FailoverKind::Force));
        }
        8 => {
            world.command(node, Request::Failover(FailoverKind::Takeover));
        }
        4 => {
            world.command(node, Request::BumpEpoch);
        }
        5 => {
            if let Some(id) = id_of(world, other) {
                world.command(node, Request::Forget(id.as_bytes().to_vec()));
            }
        }
        _ => move_slot(world, node, other),
    }
}

/// All replicas of a node's shard stand for election at the same moment.
fn force_all_replicas(world: &mut World, node: usize) {
    let shard = |n: usize| world.nodes[n].view.as_ref().map(|v| v.myself().shard);
    let same: Vec<usize> = (0..world.nodes.len())
        .filter(|n| shard(*n) == shard(node))
        .collect();
    for replica in same {
        if world.nodes[replica].paused_until <= world.now {
            world.command(replica, Request::Failover(FailoverKind::Force));
        }
    }
}

/// A slot is moved by hand, perhaps not to the end.
fn move_slot(world: &mut World, from: usize, to: usize) {
    let (Some(from_id), Some(to_id)) = (id_of(world, from), id_of(world, to)) else {
        return;
    };
    let Some(view) = &world.nodes[from].view else {
        return;
    };
    let mine: Vec<Slot> = Slot::all().filter(|slot| view.is_mine(*slot)).collect();
    let target_serves = world.nodes[to]
        .view
        .as_ref()
        .is_some_and(|v| v.role() == Role::Primary);
    if mine.is_empty() || from == to || !target_serves || !world.is_up(to) {
        return;
    }
    let slot = mine[world.random.below(mine.len() as u64) as usize];
    let (from_id, to_id) = (from_id.as_bytes().to_vec(), to_id.as_bytes().to_vec());
    let steps = world.random.below(5);
    if steps > 0 {
        world.command(to, Request::SetSlotImporting(slot, from_id));
    }
    if steps > 1 {
        world.command(from, Request::SetSlotMigrating(slot, to_id.clone()));
    }
    if steps > 2 {
        let request = Request::SetSlotNode {
            slot,
            node: to_id,
            has_keys: false,
        };
        let token = world.command(to, request.clone());
        if steps > 3 {
            // As every administrator's tool: the old owner hears of it when the new one has it.
            world.next_step(token, from, request);
        }
    }
}
