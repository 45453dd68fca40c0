//! `-c` against a real cluster.

use testkit::{ClusterPlan, Program, Server};

use crate::pair::{Case, case, compare};

#[test]
fn redirections_are_followed() {
    let cluster = ClusterPlan::of(Program::Redis70, 3, 0).start();
    let clear = |_: &Server| {
        for node in &cluster.nodes {
            node.line("FLUSHALL");
        }
    };
    let session = "set foo bar\nget foo\nset hello world\nget foo\nmget foo hello\nset a 1\nset b 2\n\
        multi\nset foo 1\nexec\ncluster keyslot foo\nmulti\nset hello 1\nexec\nget foo\n";
    let cases: Vec<Case> = vec![
        case("-p PORT -c set foo bar"),
        case("-p PORT -c set hello world"),
        case("-p PORT set foo bar"),
        case("-p PORT set hello world"),
        case("-p PORT -c -r 3 incr foo"),
        case("-p PORT -c -r 3 incr hello"),
        case("-p PORT -c -e lpush foo"),
        case("-p PORT -c").input(session),
        case("-p PORT -c --no-raw").input(session),
        case("-p PORT -c").input(session).faketty(),
        case("-p PORT").input(session),
        case("-p PORT -c --json -2 get foo"),
        case("-p PORT -c -3 --csv mget foo hello"),
    ];
    for node in &cluster.nodes {
        compare(node, &clear, &cases);
    }
}

#[test]
fn a_slot_on_the_move_is_asked_for() {
    let cluster = ClusterPlan::of(Program::Redis70, 3, 0).start();
    let slot = 866; // of "hello"
    let from = cluster.owner(0, slot).unwrap();
    let to = (from + 1) % 3;
    let (source, target) = (&cluster.nodes[from], &cluster.nodes[to]);
    target
        .line(&format!(
            "CLUSTER SETSLOT {slot} IMPORTING {}",
            cluster.id(from)
        ))
        .expect_ok();
    source
        .line(&format!(
            "CLUSTER SETSLOT {slot} MIGRATING {}",
            cluster.id(to)
        ))
        .expect_ok();
    let clear = |_: &Server| {
        source.line("FLUSHALL");
        target.line("FLUSHALL");
    };
    let cases = [
        case("-p PORT -c set hello world"),
        case("-p PORT -c").input("set hello world\nget hello\nget hello\n"),
        case("-p PORT -c").input("set {hello}1 a\nset {hello}2 b\nmget {hello}1 {hello}2\n"),
        case("-p PORT set hello world"),
    ];
    for node in &cluster.nodes {
        compare(node, &clear, &cases);
    }
}

/// A node that is gone leaves the session without a connection.
#[test]
fn a_lost_node_is_told_of() {
    let mut cluster = ClusterPlan::of(Program::Redis70, 3, 0).start();
    let slot = 12182; // of "foo"
    let lost = cluster.owner(0, slot).unwrap();
    let other = (lost + 1) % 3;
    let port = cluster.nodes[other].port();
    cluster.nodes[lost].kill();
    for case in [
        case("-p PORT -c get foo"),
        case("-p PORT -c").input("get foo\nget foo\n"),
        case("-p PORT -c").input("get foo\nget foo\n").faketty(),
    ] {
        let (ours, theirs) = (case.ours(port), case.theirs(port));
        assert_eq!(ours, theirs);
    }
}
