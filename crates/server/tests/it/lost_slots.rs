//! Keys of a slot that another node took: they go here and on the replicas.

use std::time::Duration;

use testkit::{ClusterPlan, Program, Reply, eventually};

const LIMIT: Duration = Duration::from_secs(30);
/// The slot of `FOO`.
const SLOT: &str = "3028";

#[test]
fn keys_of_a_lost_slot_are_deleted_everywhere() {
    // The third node is a replica of the first.
    let plan = ClusterPlan::mixed(&[Program::Shoal; 2], &[Program::Shoal]);
    let cluster = plan.start();
    let count = |node: usize| cluster.nodes[node].call(&["CLUSTER", "COUNTKEYSINSLOT", SLOT]);
    cluster.nodes[0].line("SET FOO x").expect_ok();
    eventually("the replica has it", LIMIT, || count(2) == Reply::Int(1));
    let taker = cluster.id(1);
    cluster.nodes[1].line("CLUSTER BUMPEPOCH");
    cluster.nodes[1]
        .line(&format!("CLUSTER SETSLOT {SLOT} NODE {taker}"))
        .expect_ok();
    for node in [0, 2] {
        eventually("the key is gone", LIMIT, || count(node) == Reply::Int(0));
    }
    cluster.nodes[0].line("GET FOO").expect_error("MOVED 3028 ");
    eventually("the log says so", LIMIT, || {
        cluster.nodes[0]
            .log()
            .contains("Deleting keys in dirty slot 3028")
    });
}
