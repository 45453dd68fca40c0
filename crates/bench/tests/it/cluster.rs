//! The load of a whole cluster.

use testkit::{ClusterPlan, Program};

use crate::{ours, theirs};

#[test]
fn the_load_is_spread_over_all_masters() {
    let cluster = ClusterPlan::of(Program::Redis70, 3, 0).start();
    let p = cluster.nodes[1].port();
    let done = ours(&format!(
        "-p {p} --cluster -n 3000 -c 6 -q -r 100000 -t set,get,mset,lpush"
    ));
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(
        done.out
            .starts_with("Cluster has 3 master nodes:\n\nMaster 0: "),
        "{done:?}"
    );
    for node in &cluster.nodes {
        let keys = node.line("DBSIZE").int();
        assert!(keys > 2000, "{keys} keys on {}", node.port());
    }
    let own = ours(&format!(
        "-p {p} --cluster -n 300 -c 3 -P 3 -q set x:{{tag}} 1"
    ));
    assert_eq!(own.code, Some(0), "{own:?}");
    let full = ours(&format!("-p {p} --cluster -n 300 -c 3 -t get"));
    for line in [
        "  cluster mode: yes (3 masters)\n",
        "  node [2] configuration:\n",
        "  threads: 3\n",
    ] {
        assert!(full.out.contains(line), "{full:?}");
    }
}

#[test]
fn a_key_without_a_tag_meets_a_redirection() {
    let cluster = ClusterPlan::of(Program::Redis70, 3, 0).start();
    let p = cluster.nodes[0].port();
    let words = format!("-p {p} --cluster -n 300 -c 3 -q set foo 1");
    for done in [ours(&words), theirs(&words)] {
        assert_eq!(done.code, Some(1));
        assert!(
            done.err.starts_with("Error from server 127.0.0.1:"),
            "{done:?}"
        );
        assert!(done.err.contains(": MOVED 12182 127.0.0.1:"), "{done:?}");
    }
}

#[test]
fn a_slot_that_moves_does_not_end_the_load() {
    let cluster = ClusterPlan::of(Program::Redis70, 3, 0).start();
    let p = cluster.nodes[0].port();
    let (from, to) = (&cluster.nodes[0], &cluster.nodes[1]);
    let target = cluster.id(1);
    let load =
        std::thread::spawn(move || ours(&format!("-p {p} --cluster -n 60000 -c 6 -q -t set")));
    // The node gives its slots away while requests for them are on their way.
    testkit::eventually("some load", std::time::Duration::from_secs(30), || {
        from.line("DBSIZE").int() > 0
    });
    for slot in 0..200 {
        let count = from.line(&format!("CLUSTER COUNTKEYSINSLOT {slot}")).int();
        if count == 0 {
            for node in [to, from, &cluster.nodes[2]] {
                node.line(&format!("CLUSTER SETSLOT {slot} NODE {target}"));
            }
        }
    }
    let done = load.join().unwrap();
    assert_eq!(done.code, Some(0), "{done:?}");
}
