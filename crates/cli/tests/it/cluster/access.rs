//! Clusters that want a password or a user.

use testkit::{Program, Server};

use super::Pair;
use super::reshard::keys_of;

fn guarded() -> Pair {
    let start = || {
        let plan = || {
            Server::of(Program::Redis70)
                .password("secret")
                .option("cluster-enabled", "yes")
        };
        (0..3).map(|_| plan().start()).collect()
    };
    Pair::of(start, 3)
}

#[test]
fn a_password_opens_every_node_and_goes_with_the_keys() {
    let pair = guarded();
    pair.on_both(|cluster| {
        let mut conn = cluster.nodes[0].connect();
        for key in keys_of(0, 12) {
            conn.call(&["SET", &key, "value"]).expect_ok();
        }
    });
    assert!(!pair.compare(&["check", "{addr0}"], &[]).success);
    assert!(
        !pair
            .compare(&["check", "{addr0}", "-a", "wrong"], &[])
            .success
    );
    assert!(
        pair.compare(&["check", "{addr0}", "-a", "secret"], &[])
            .success
    );
    let reshard = [
        "reshard",
        "{addr0}",
        "--cluster-from",
        "{id0}",
        "--cluster-to",
        "{id1}",
        "--cluster-slots",
        "2",
        "--cluster-yes",
        "-a",
        "secret",
    ];
    assert!(pair.compare(&reshard, &[]).success);
    assert_eq!(
        pair.ours.nodes[1].line("CLUSTER COUNTKEYSINSLOT 0").int(),
        12
    );
    pair.on_both(|cluster| {
        for node in &cluster.nodes {
            node.line("ACL SETUSER manager on >pass ~* &* +@all")
                .expect_ok();
        }
        let owner = cluster.owner(0, 2).expect("an owner");
        for key in keys_of(2, 12) {
            cluster.nodes[owner]
                .call(&["SET", &key, "value"])
                .expect_ok();
        }
    });
    let with_user = [
        "reshard",
        "{addr0}",
        "--cluster-from",
        "{id0}",
        "--cluster-to",
        "{id2}",
        "--cluster-slots",
        "1",
        "--cluster-yes",
        "-a",
        "pass",
        "--user",
        "manager",
    ];
    assert!(pair.compare(&with_user, &[]).success);
    assert_eq!(
        pair.ours.nodes[2].line("CLUSTER COUNTKEYSINSLOT 2").int(),
        12
    );
    let wrong = ["check", "{addr0}", "-a", "pass", "--user", "nobody"];
    assert!(!pair.compare(&wrong, &[]).success);
}
