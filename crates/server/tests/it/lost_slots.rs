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

/// A node that became the taker's replica has the taker's keys: what it was to delete before is
/// none of its business any more.
#[test]
fn what_a_pause_held_is_not_deleted_by_a_replica() {
    let plan = ClusterPlan::of(Program::Shoal, 2, 0);
    let plan = plan.option("cluster-require-full-coverage", "no");
    let cluster = plan.start();
    let (node, taker) = (&cluster.nodes[0], &cluster.nodes[1]);
    let (mut here, mut there) = (node.connect(), taker.connect());
    let count = ["CLUSTER", "COUNTKEYSINSLOT", SLOT];
    // The slot that it loses first and one more.
    here.line("CLUSTER DELSLOTSRANGE 0 3027 3030 8191")
        .expect_ok();
    here.line("SET FOO lost").expect_ok();
    here.line("CLIENT PAUSE 600000 WRITE").expect_ok();
    let id = cluster.id(1);
    there.line("CLUSTER BUMPEPOCH");
    let take = |slot: &str| {
        let line = format!("CLUSTER SETSLOT {slot} NODE {id}");
        taker.line(&line).expect_ok();
    };
    take(SLOT);
    there.line("SET FOO theirs").expect_ok();
    eventually("the log says that they wait", LIMIT, || {
        node.log().contains("when the pause is over")
    });
    // Who has lost its last slot follows whoever took it.
    take("3029");
    here.line("READONLY").expect_ok();
    eventually("it has the taker's keys", LIMIT, || {
        here.line("GET FOO") == Reply::Bulk(b"theirs".into())
    });
    here.line("CLIENT UNPAUSE").expect_ok();
    // Its stream goes on, and it takes the taker's place.
    there.line("SET {FOO}2 theirs").expect_ok();
    assert_eq!(there.line("WAIT 1 30000").int(), 1);
    // A primary hears of a failover only from who it knows to be its replica.
    eventually("the taker knows its replica", LIMIT, || {
        taker.line(&format!("CLUSTER REPLICAS {id}")).array().len() == 1
    });
    here.line("CLUSTER FAILOVER").expect_ok();
    eventually("it is the primary", LIMIT, || {
        assert!(!node.log().contains("Deleting keys in dirty slot"));
        here.line("ROLE").array()[0].text() == "master"
    });
    assert_eq!(here.call(&count), Reply::Int(2));
}
