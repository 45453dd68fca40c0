//! Courses of events too rare to wait for.

use crate::Report;
use crate::chaos::{crash, isolate};
use crate::checks::disagreement;
use crate::formation::{form, id_of, wait};
use crate::params::Params;
use crate::world::World;
use cluster::{FailoverKind, Request};

/// A voter crashes after its vote has left, if it leaves so early, and before the disk has it; a
/// second candidate, which knows nothing of the first, then asks it in the same epoch.
pub fn vote_lost_in_a_crash(seed: u64, params: &Params) -> Report {
    let mut world = World::new(seed, params.clone());
    form(&mut world);
    let replicas: Vec<usize> = {
        let primary = id_of(&world, 0);
        let follows = |n: &usize| {
            let view = world.nodes[*n].view.as_ref();
            view.and_then(|v| v.my_primary().map(|p| p.id)) == primary
        };
        (0..world.nodes.len()).filter(follows).collect()
    };
    let [first, second, ..] = replicas[..] else {
        world
            .checks
            .violate(world.now, "two replicas are needed".to_owned());
        return world.report();
    };
    let voter = 1;
    isolate(&mut world, second, 1_000_000, true, true);
    // From here on the disk takes longer than the voter lives.
    world.params.disk = 50;
    world.slow_disks = vec![voter];
    world.command(first, Request::Failover(FailoverKind::Force));
    let later = world.now + 500;
    world.run_until(later);
    crash(&mut world, voter, 10);
    world.network.mend_all();
    // The second and the voter are alone with each other.
    for node in (0..world.nodes.len()).filter(|n| *n != second && *n != voter) {
        isolate(&mut world, node, 5_000, true, true);
    }
    world.slow_disks.clear();
    let linked = |w: &World| {
        let known = w.nodes[voter].machine.is_some() && w.nodes[second].machine.is_some();
        known && w.network.between(second, voter)
    };
    if wait(&mut world, 20_000, linked) {
        world.command(second, Request::Failover(FailoverKind::Force));
    }
    let end = world.now + 90_000;
    while world.now < end && world.checks.violations.is_empty() {
        let next = world.now + 1_000;
        world.run_until(next);
    }
    if world.checks.violations.is_empty()
        && let Some(why) = disagreement(&world)
    {
        world
            .checks
            .violate(world.now, format!("no agreement: {why}"));
    }
    world.report()
}
