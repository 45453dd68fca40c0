//! The manager with servers newer than the redis-cli it takes after.

use std::time::Duration;

use testkit::{Cluster, ClusterPlan, Program};

use super::pair::{filled, run_ours};

const LIMIT: Duration = Duration::from_secs(30);

#[track_caller]
fn must(cluster: &Cluster, words: &[&str]) -> String {
    let run = run_ours(&filled(cluster, words), &[]);
    assert!(run.success, "{words:?}: {run:?}");
    run.out
}

/// A cluster's life in short.
fn live(program: Program) {
    let mut cluster = ClusterPlan::of(program, 4, 0).start_apart();
    must(
        &cluster,
        &["create", "{addr0}", "{addr1}", "{addr2}", "--cluster-yes"],
    );
    cluster.masters = 3;
    cluster.await_ok_among(&[0, 1, 2], LIMIT);
    let keys = super::reshard::keys_of(0, 20);
    for key in &keys {
        cluster.nodes[0].call(&["SET", key, "value"]).expect_ok();
    }
    must(&cluster, &["add-node", "{addr3}", "{addr0}"]);
    cluster.await_ok(LIMIT);
    super::pair::settle(&cluster);
    testkit::eventually("all know the new node", LIMIT, || {
        (0..4).all(|node| {
            let text = cluster.nodes[node].line("CLUSTER NODES").text();
            text.lines().count() == 4 && !text.contains("handshake")
        })
    });
    must(
        &cluster,
        &[
            "reshard",
            "{addr1}",
            "--cluster-from",
            "{id0}",
            "--cluster-to",
            "{id3}",
            "--cluster-slots",
            "3",
            "--cluster-yes",
        ],
    );
    assert_eq!(cluster.nodes[3].line("CLUSTER COUNTKEYSINSLOT 0").int(), 20);
    // A slot left open, with keys on both sides.
    cluster.nodes[0]
        .line(&format!("CLUSTER SETSLOT 0 IMPORTING {}", cluster.id(3)))
        .expect_ok();
    cluster.nodes[3]
        .line(&format!("CLUSTER SETSLOT 0 MIGRATING {}", cluster.id(0)))
        .expect_ok();
    let migrate = format!(
        "MIGRATE 127.0.0.1 {} {} 0 5000",
        cluster.nodes[0].port(),
        keys[0]
    );
    cluster.nodes[3].line(&migrate).expect_ok();
    let text = must(&cluster, &["fix", "{addr2}"]);
    assert!(text.contains(">>> Fixing open slot 0"), "{text}");
    assert!(text.ends_with("[OK] All 16384 slots covered.\n"), "{text}");
    let count = |node: usize| cluster.nodes[node].line("CLUSTER COUNTKEYSINSLOT 0").int();
    assert_eq!((0..4).map(count).sum::<i64>(), 20);
    must(
        &cluster,
        &[
            "rebalance",
            "{addr0}",
            "--cluster-use-empty-masters",
            "--cluster-simulate",
        ],
    );
    must(&cluster, &["call", "{addr0}", "ping"]);
}

#[test]
fn redis_7_4() {
    live(Program::Redis74);
}

#[test]
fn redis_8() {
    live(Program::Redis8);
}

#[test]
fn valkey() {
    live(Program::Valkey);
}
