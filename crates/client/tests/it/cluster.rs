//! The cluster client against real nodes: redirections, a slot on the move, a node that is gone.

use std::time::Duration;

use base::Slot;
use client::{Address, ClusterClient, Error, Options, Value};
use testkit::{Cluster, ClusterPlan, Program};

fn client(cluster: &Cluster) -> ClusterClient {
    let seeds: Vec<Address> = cluster
        .nodes
        .iter()
        .map(|n| Address::tcp("127.0.0.1", n.port()))
        .collect();
    ClusterClient::open(&seeds, &Options::with_timeout(Duration::from_secs(30))).unwrap()
}

#[test]
fn finds_every_slot_and_follows_a_slot_that_moves() {
    let cluster = ClusterPlan::of(Program::Redis70, 3, 0).start();
    let mut c = client(&cluster);
    assert_eq!(c.map().covered(), Slot::COUNT);
    assert_eq!(c.map().shards().len(), 3);
    for n in 0..100 {
        let key = format!("key:{n}");
        assert!(c.query(&["SET", &key, "v"]).unwrap().is_ok());
    }
    // Keys are where the command has them, not at one place; with no key any node will do.
    for n in 0..100 {
        let key = format!("key:{n}");
        let encoding = c.query(&["OBJECT", "ENCODING", &key]).unwrap();
        assert_eq!(encoding, Value::Bulk(b"embstr".to_vec()));
        assert_eq!(
            c.query(&["LMPOP", "1", &format!("list:{n}"), "LEFT"])
                .unwrap(),
            Value::Null
        );
    }
    assert!(c.query(&["PING"]).is_ok());
    for node in &cluster.nodes {
        let moved = node.connect().info("errorstat_MOVED").unwrap();
        assert_eq!(moved, None, "nothing was sent to the wrong node");
    }
    let total: i64 = cluster.nodes.iter().map(|n| n.line("DBSIZE").int()).sum();
    assert_eq!(total, 100);

    // The slot of {t} moves from its owner to another node, stopping half-way.
    let slot = Slot::of_key(b"t");
    let from = cluster.owner(0, slot.to_string().parse().unwrap()).unwrap();
    let to = (from + 1) % 3;
    assert!(c.query(&["SET", "{t}1", "old"]).unwrap().is_ok());
    let (source, target) = (&cluster.nodes[from], &cluster.nodes[to]);
    target.line(&format!(
        "CLUSTER SETSLOT {slot} IMPORTING {}",
        cluster.id(from)
    ));
    source.line(&format!(
        "CLUSTER SETSLOT {slot} MIGRATING {}",
        cluster.id(to)
    ));
    // Absent at the source: the request is asked for at the target.
    assert!(c.query(&["SET", "{t}2", "new"]).unwrap().is_ok());
    assert_eq!(
        target
            .line(&format!("CLUSTER COUNTKEYSINSLOT {slot}"))
            .int(),
        1
    );
    assert_eq!(
        c.query(&["GET", "{t}1"]).unwrap(),
        Value::Bulk(b"old".to_vec())
    );
    // Half of the keys here, half there: TRYAGAIN until the patience ends.
    c.set_patience(Duration::from_millis(50));
    let split = c.query(&["MGET", "{t}1", "{t}2"]).unwrap_err();
    assert_eq!(split.code(), Some("TRYAGAIN"));
    c.set_patience(Duration::from_secs(30));

    source.line(&format!(
        "MIGRATE 127.0.0.1 {} {{t}}1 0 5000",
        target.port()
    ));
    for node in [target, source, &cluster.nodes[(from + 2) % 3]] {
        node.line(&format!("CLUSTER SETSLOT {slot} NODE {}", cluster.id(to)));
    }
    assert_eq!(
        c.query(&["MGET", "{t}1", "{t}2"]).unwrap().items().unwrap(),
        [Value::Bulk(b"old".to_vec()), Value::Bulk(b"new".to_vec())]
    );
    let owner = c.map().owner(slot).unwrap();
    assert_eq!(owner.master.address.port(), Some(target.port()));
}

#[test]
fn a_lost_node_is_an_error_in_time() {
    let mut cluster = ClusterPlan::of(Program::Redis70, 3, 0).start();
    let mut c = client(&cluster);
    let owner = c
        .map()
        .owner(Slot::of_key(b"x"))
        .unwrap()
        .master
        .address
        .port();
    let lost = cluster
        .nodes
        .iter()
        .position(|n| Some(n.port()) == owner)
        .unwrap();
    c.query(&["SET", "x", "1"]).unwrap();
    drop(cluster.nodes.remove(lost));
    // The request went out on a connection that breaks: whether it was done is not known.
    assert!(matches!(
        c.query(&["GET", "x"]),
        Err(Error::Closed | Error::Io(_))
    ));
    c.set_patience(Duration::from_millis(50));
    let fault = c.query(&["GET", "x"]).unwrap_err();
    assert!(
        matches!(fault, Error::Cluster(_) | Error::Server(_)),
        "{fault}"
    );
}
