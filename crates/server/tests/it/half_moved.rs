//! Transactions on a slot that is on its way between two nodes: the same dialogues with Redis 7.4
//! and with us, on both sides of the move.

use testkit::{Cluster, ClusterPlan, Conn, Program, Reply};

/// The slot of `{a}...`, which the first of two masters owns at first.
const SLOT: &str = "15495";

/// Two masters; the slot is on its way from the one that owns it to the other. There are `{a}here`
/// and `{a}too` at the source, and `{a}there` at the target.
fn half_moved(program: Program) -> (Cluster, [usize; 2]) {
    let cluster = ClusterPlan::of(program, 2, 0).start();
    let owner = cluster.owner(0, 15495).expect("an owner");
    let (source, target) = (owner, 1 - owner);
    let set = |node: usize, word: &str, other: usize| {
        let id = cluster.id(other);
        let line = format!("CLUSTER SETSLOT {SLOT} {word} {id}");
        cluster.nodes[node].line(&line).expect_ok();
    };
    let mut conn = cluster.nodes[source].connect();
    conn.line("MSET {a}here 1 {a}too 2").expect_ok();
    set(target, "IMPORTING", source);
    set(source, "MIGRATING", target);
    let mut conn = cluster.nodes[target].connect();
    conn.line("ASKING").expect_ok();
    conn.line("SET {a}there 3").expect_ok();
    (cluster, [source, target])
}

/// Lines for the source and for the target, each a connection of its own; between them the kinds of
/// transactions that clients send.
const DIALOGUES: &[(usize, &[&str])] = &[
    // node-redis and rueidis: one ASKING before MULTI.
    (
        1,
        &[
            "ASKING",
            "MULTI",
            "SET {a}there 4",
            "GET {a}there",
            "EXEC",
            "GET {a}there",
        ],
    ),
    (
        1,
        &[
            "ASKING",
            "MULTI",
            "SET {a}there 4",
            "DISCARD",
            "GET {a}there",
        ],
    ),
    (
        1,
        &[
            "ASKING",
            "MULTI",
            "GET {a}there",
            "NOSUCH",
            "GET {a}there",
            "EXEC",
            "GET {a}there",
        ],
    ),
    (1, &["MULTI", "ASKING", "GET {a}there", "EXEC"]),
    (1, &["MULTI", "GET {a}there", "EXEC"]),
    (1, &["ASKING", "MULTI", "GET {a}nowhere", "EXEC"]),
    (
        1,
        &[
            "ASKING",
            "MULTI",
            "GET {a}nowhere",
            "GET {a}nowhere",
            "EXEC",
        ],
    ),
    (
        1,
        &["ASKING", "MULTI", "GET {a}there", "GET {a}nowhere", "EXEC"],
    ),
    (1, &["ASKING", "MULTI", "MGET {a}there {a}nowhere", "EXEC"]),
    (
        1,
        &["ASKING", "MULTI", "MGET {a}nowhere {a}nowhere", "EXEC"],
    ),
    (
        1,
        &[
            "ASKING",
            "WATCH {a}there",
            "ASKING",
            "MULTI",
            "GET {a}there",
            "EXEC",
        ],
    ),
    (0, &["MULTI", "GET {a}here", "SET {a}too 9", "EXEC"]),
    (0, &["MULTI", "GET {a}here", "GET {a}nowhere", "EXEC"]),
    (0, &["MULTI", "MGET {a}nowhere {a}nowhere", "EXEC"]),
    (0, &["MGET {a}nowhere {a}nowhere"]),
    (0, &["MGET {a}here {a}nowhere"]),
    (1, &["ASKING", "MGET {a}nowhere {a}nowhere"]),
    (1, &["ASKING", "MGET {a}there {a}there"]),
    (1, &["ASKING", "MGET {a}there {a}nowhere"]),
    // MIGRATE finds its keys wherever they are, but not in a transaction.
    (0, &["MIGRATE 127.0.0.1 1 {a}nowhere 0 10"]),
    (1, &["MIGRATE 127.0.0.1 1 {a}nowhere 0 10"]),
    (0, &["MULTI", "MIGRATE 127.0.0.1 1 {a}nowhere 0 10", "EXEC"]),
    (1, &["MULTI", "MIGRATE 127.0.0.1 1 {a}nowhere 0 10", "EXEC"]),
    (
        0,
        &[
            "MULTI",
            "GET {a}here",
            "MIGRATE 127.0.0.1 1 {a}nowhere 0 10",
            "EXEC",
        ],
    ),
    (
        0,
        &["MULTI", "MIGRATE 127.0.0.1 1 {a}here 0 10 COPY", "EXEC"],
    ),
    (
        1,
        &[
            "ASKING",
            "MULTI",
            "MIGRATE 127.0.0.1 1 {a}nowhere 0 10",
            "EXEC",
        ],
    ),
    (
        1,
        &[
            "ASKING",
            "MULTI",
            "GET {a}there",
            "MIGRATE 127.0.0.1 1 {a}nowhere 0 10",
            "EXEC",
        ],
    ),
    (
        0,
        &[
            "MULTI",
            "GET {a}here",
            "MIGRATE 127.0.0.1 1 {b}else 0 10",
            "EXEC",
        ],
    ),
];

/// What the ports are does not count.
fn plain(reply: &Reply) -> String {
    let text = format!("{reply:?}");
    let error = |code: &str| text.contains(code).then(|| code.to_owned());
    error("MOVED").or_else(|| error("ASK ")).unwrap_or(text)
}

fn talk(cluster: &Cluster, sides: [usize; 2]) -> Vec<Vec<String>> {
    let talk = |(side, lines): &(usize, &[&str])| {
        let mut conn: Conn = cluster.nodes[sides[*side]].connect();
        lines.iter().map(|line| plain(&conn.line(line))).collect()
    };
    DIALOGUES.iter().map(talk).collect()
}

#[test]
fn transactions_are_answered_as_by_redis() {
    let (ours, sides) = half_moved(Program::Shoal);
    let ours = talk(&ours, sides);
    let (real, sides) = half_moved(Program::Redis74);
    let real = talk(&real, sides);
    for ((dialogue, ours), real) in DIALOGUES.iter().zip(&ours).zip(&real) {
        assert_eq!(ours, real, "{dialogue:?}");
    }
}

/// A key that is deleted after it was queued, and a transaction over keys of which one has moved:
/// the union of all keys decides at EXEC.
#[test]
fn exec_looks_at_all_keys_together() {
    for program in [Program::Redis74, Program::Shoal] {
        let (cluster, [source, target]) = half_moved(program);
        let mut conn = cluster.nodes[source].connect();
        let mut other = cluster.nodes[source].connect();
        for line in ["MULTI", "GET {a}here", "GET {a}too"] {
            assert!(conn.line(line).error().is_none(), "{program:?} {line}");
        }
        assert_eq!(other.line("DEL {a}too"), Reply::Int(1));
        conn.line("EXEC").expect_error("TRYAGAIN");
        for line in ["MULTI", "GET {a}here"] {
            assert!(conn.line(line).error().is_none(), "{program:?} {line}");
        }
        assert_eq!(other.line("DEL {a}here"), Reply::Int(1));
        conn.line("EXEC").expect_error("ASK ");
        let mut conn = cluster.nodes[target].connect();
        for line in ["ASKING", "MULTI", "GET {a}there", "SET {a}new 1"] {
            let reply = conn.line(line);
            assert!(reply.error().is_none(), "{program:?} {line}: {reply:?}");
        }
        conn.line("EXEC").expect_error("TRYAGAIN");
    }
}
