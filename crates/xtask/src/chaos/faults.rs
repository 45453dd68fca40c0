//! Faults, one at a time, each healed and waited out before the next.

use std::time::{Duration, Instant};

use testkit::{Cluster, Rng, until};

use super::{MASTERS, NODE_TIMEOUT};

/// How long the cluster may take to be ok after a fault has ended. More is a failure, but the run
/// goes on to show what else goes wrong.
pub(super) const HEAL_LIMIT: u64 = 10_000;
const GIVE_UP: Duration = Duration::from_secs(60);

/// What is done to a master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// kill -9, and started again later.
    Killed,
    /// SIGSTOP, and SIGCONT later.
    Paused,
    /// CLUSTER FAILOVER sent to its replica: nothing may be lost.
    Planned,
}

/// A fault that happened; times in milliseconds since the start.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    pub(super) shard: usize,
    /// When it began.
    pub(super) begin: u64,
    /// When its cause was gone: the process runs again.
    pub(super) end: u64,
    /// When all nodes said that the cluster is ok.
    pub(super) healed: u64,
}

/// Causes faults until `length` is over, and waits until the cluster has healed from the last.
pub(super) fn cause(
    cluster: &mut Cluster,
    rng: &mut Rng,
    start: Instant,
    length: Duration,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    rest(rng, 1500, 1500);
    while start.elapsed() < length {
        let shard = usize::try_from(rng.below(MASTERS as u64)).expect("a shard");
        let kind = *rng.pick(&[
            Kind::Killed,
            Kind::Killed,
            Kind::Paused,
            Kind::Paused,
            Kind::Planned,
        ]);
        let Some(fault) = one(cluster, rng, start, shard, kind) else {
            rest(rng, 200, 100);
            continue;
        };
        println!(
            "{:>7} ms: shard {shard} {kind:?}, over after {} ms, healed {} ms later",
            fault.begin,
            fault.end - fault.begin,
            fault.healed - fault.end,
        );
        faults.push(fault);
        rest(rng, 1000, 1500);
    }
    faults
}

fn rest(rng: &mut Rng, least: u64, spread: u64) {
    std::thread::sleep(Duration::from_millis(least + rng.below(spread)));
}

fn one(
    cluster: &mut Cluster,
    rng: &mut Rng,
    start: Instant,
    shard: usize,
    kind: Kind,
) -> Option<Fault> {
    let now = || u64::try_from(start.elapsed().as_millis()).expect("a short run");
    let slot = u16::try_from(16_384 * shard / MASTERS + 1).expect("a slot");
    let asked = usize::try_from(rng.below(cluster.nodes.len() as u64)).expect("a node");
    let master = cluster.owner(asked, slot)?;
    // Longer than a failover takes, so that there is one.
    let length = NODE_TIMEOUT + 1500 + rng.below(4000);
    let begin = now();
    match kind {
        Kind::Killed => {
            cluster.nodes[master].kill();
            std::thread::sleep(Duration::from_millis(length));
            cluster.nodes[master].restart();
        }
        Kind::Paused => {
            cluster.nodes[master].pause();
            std::thread::sleep(Duration::from_millis(length));
            cluster.nodes[master].resume();
        }
        Kind::Planned => {
            let replica = replica_of(cluster, master)?;
            let reply = cluster.nodes[replica].line("CLUSTER FAILOVER");
            reply.expect_ok();
            until(Duration::from_secs(15), || {
                (cluster.owner(replica, slot)? == replica).then_some(())
            })?;
        }
    }
    let end = now();
    let healed = until(GIVE_UP, || is_ok(cluster).then_some(()));
    let healed = if healed.is_some() {
        now()
    } else {
        end + 2 * HEAL_LIMIT
    };
    Some(Fault {
        kind,
        shard,
        begin,
        end,
        healed,
    })
}

/// All nodes answer, agree that the cluster is ok, and replicas have their links.
fn is_ok(cluster: &Cluster) -> bool {
    (0..cluster.nodes.len()).all(|node| cluster.node_is_ok(node))
}

/// The replica that follows a node.
fn replica_of(cluster: &Cluster, master: usize) -> Option<usize> {
    let port = cluster.nodes[master].port().to_string();
    (0..cluster.nodes.len()).find(|node| {
        let role = cluster.nodes[*node]
            .try_connect()
            .and_then(|mut conn| conn.try_call(&["ROLE"]));
        let Ok(testkit::Reply::Array(fields)) = role else {
            return false;
        };
        fields.len() == 5
            && fields[0].text() == "slave"
            && fields[2].text() == port
            && fields[3].text() == "connected"
    })
}
