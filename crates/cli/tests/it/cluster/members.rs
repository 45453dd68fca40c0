//! `add-node` and `del-node`.

use std::time::Duration;

use super::Pair;

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn nodes_come_and_go() {
    let mut pair = Pair::apart(5);
    pair.join_first(3);
    pair.on_both(|cluster| {
        cluster.nodes[0].call(&[
            "FUNCTION",
            "LOAD",
            "#!lua name=l\nredis.register_function('f', function() return 1 end)",
        ]);
    });
    // A new master gets the functions.
    pair.compare(&["add-node", "{addr3}", "{addr0}"], &[]);
    pair.on_both(|cluster| {
        assert_eq!(cluster.nodes[3].line("FCALL f 0").int(), 1);
        let rest = [0, 1, 2, 3].map(|node| &cluster.nodes[node]);
        let knows = |node: &&testkit::Server| {
            let text = node.line("CLUSTER NODES").text();
            text.lines().count() == 4 && !text.contains("handshake")
        };
        testkit::eventually("four nodes know each other", LIMIT, || {
            rest.iter().all(knows)
        });
        cluster.await_ok_among(&[0, 1, 2, 3], LIMIT);
    });
    // It is known now, so it cannot come again.
    pair.compare(&["add-node", "{addr3}", "{addr0}"], &[]);
    // A replica of a given master, and wrong masters.
    let unknown = "0123456789012345678901234567890123456789";
    pair.compare(
        &[
            "add-node",
            "{addr4}",
            "{addr0}",
            "--cluster-slave",
            "--cluster-master-id",
            unknown,
        ],
        &[],
    );
    pair.compare(
        &[
            "add-node",
            "{addr4}",
            "{addr0}",
            "--cluster-slave",
            "--cluster-master-id",
            "{id1}",
        ],
        &[],
    );
    pair.on_both(|cluster| cluster.await_ok(LIMIT));
    pair.compare(&["check", "{addr4}"], &[]);
    // Masters with slots stay.
    pair.compare(&["del-node", "{addr0}", "{id1}"], &[]);
    pair.compare(&["del-node", "{addr0}", unknown], &[]);
    pair.compare(&["del-node", "{addr0}", "{id4}"], &[]);
    pair.compare(&["del-node", "{addr0}", "{id3}"], &[]);
    pair.on_both(|cluster| {
        assert_eq!(cluster.info(3, "cluster_known_nodes").as_deref(), Some("1"));
    });
    pair.compare(&["check", "{addr1}"], &[]);
}

#[test]
fn a_replica_goes_where_replicas_are_fewest() {
    let mut pair = Pair::apart(4);
    pair.join_first(3);
    let run = pair.compare_output(&["add-node", "{addr3}", "{addr0}", "--cluster-slave"], &[]);
    assert!(
        run.out.contains("Automatically selected master"),
        "{}",
        run.out
    );
    pair.on_both(|cluster| cluster.await_ok(LIMIT));
}

#[test]
fn what_cannot_join_is_refused() {
    let mut pair = Pair::joined(3, 0);
    pair.add(|| testkit::Server::of(testkit::Program::Redis70));
    pair.compare_refusals();
}

impl Pair {
    fn compare_refusals(&self) {
        // Not in cluster mode.
        self.compare_output(&["add-node", "{addr3}", "{addr0}"], &[]);
        self.compare_output(&["add-node", "{addr0}", "{addr3}"], &[]);
        // A node that is in the cluster already.
        self.compare_output(&["add-node", "{addr1}", "{addr0}"], &[]);
    }
}

#[test]
fn replicas_of_a_deleted_master_find_another() {
    let pair = Pair::joined(3, 1);
    // Node 0 loses its slots and keeps its replica.
    pair.line(3, "CONFIG SET cluster-allow-replica-migration no");
    pair.line(0, "CONFIG SET cluster-allow-replica-migration no");
    let words = super::pair::filled(
        &pair.ours,
        &[
            "reshard",
            "{addr0}",
            "--cluster-from",
            "{id0}",
            "--cluster-to",
            "{id1}",
            "--cluster-slots",
            "5461",
            "--cluster-yes",
        ],
    );
    assert!(super::pair::run_ours(&words, &[]).success);
    let words = super::pair::filled(&pair.ours, &["del-node", "{addr1}", "{id0}"]);
    let run = super::pair::run_ours(&words, &[]);
    assert!(run.success, "{run:?}");
    assert!(run.out.contains("as replica of"), "{run:?}");
    let nodes = pair.ours.nodes[3].line("CLUSTER NODES").text();
    let own = nodes
        .lines()
        .find(|line| line.contains("myself"))
        .expect("its own line");
    assert!(
        own.contains("slave") && !own.contains(&pair.ours.id(0)),
        "{nodes}"
    );
}
