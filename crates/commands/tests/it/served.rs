//! What our own server says of its commands: the table, in the real server's shapes.

use std::collections::BTreeSet;

use commands::{docs, info};
use testkit::{Conn, Program, Reply, Server};

use crate::rendering::resp3;

/// Our server and a real one, side by side.
fn both() -> [(Server, Conn); 2] {
    [Program::Shoal, Program::Redis74].map(|program| {
        let server = Server::of(program).start();
        let conn = server.connect();
        (server, conn)
    })
}

#[test]
fn every_row_is_served_as_it_stands() {
    let server = Server::of(Program::Shoal).start();
    let mut conn = server.connect();
    conn.call(&["HELLO", "3"]);
    for spec in commands::all() {
        let name = spec.full_name;
        let reply = conn.call(&["COMMAND", "INFO", name]);
        assert_eq!(reply, Reply::Array(vec![resp3(&info(spec))]), "{name}");
        let (key, about) = docs(spec);
        let reply = conn.call(&["COMMAND", "DOCS", name]);
        assert_eq!(
            reply,
            Reply::Map(vec![(resp3(&key), resp3(&about))]),
            "{name}"
        );
    }
    let rows = Reply::Array(
        commands::top_level()
            .map(|spec| resp3(&info(spec)))
            .collect(),
    );
    assert_eq!(conn.call(&["COMMAND"]), rows);
    assert_eq!(conn.call(&["COMMAND", "INFO"]), rows);
    let count = commands::top_level().count() as i64;
    assert_eq!(conn.call(&["COMMAND", "COUNT"]), Reply::Int(count));
    let Reply::Map(pairs) = conn.call(&["COMMAND", "DOCS"]) else {
        panic!("no map")
    };
    assert_eq!(pairs.len() as i64, count);
}

#[test]
fn replies_are_the_real_servers() {
    let [(_ours, mut ours), (_theirs, mut theirs)] = both();
    for hello in ["2", "3"] {
        // The reply describes the server and its connection.
        ours.call(&["HELLO", hello]);
        theirs.call(&["HELLO", hello]);
        for line in [
            "COMMAND INFO nosuch",
            "COMMAND INFO config|nosuch",
            "COMMAND DOCS nosuch",
            "COMMAND DOCS nosuch config|nosuch",
            "COMMAND nosuch",
            "COMMAND COUNT x",
            "COMMAND LIST x",
            "COMMAND LIST FILTERBY",
            "COMMAND LIST FILTERBY ACLCAT",
            "COMMAND LIST FILTERBY NOSUCH x",
            "COMMAND LIST FILTERBY MODULE x",
            "COMMAND LIST FILTERBY ACLCAT nosuch",
            "COMMAND LIST FILTERBY PATTERN nosuch*",
            "COMMAND GETKEYS",
            "COMMAND GETKEYS nosuch a",
            "COMMAND GETKEYS ping",
            "COMMAND GETKEYS get",
            "COMMAND GETKEYS set a b",
            "COMMAND GETKEYS mset a 1 b 2",
            "COMMAND GETKEYS migrate h 1 \"\" 0 1 keys a b",
            "COMMAND GETKEYSANDFLAGS set a b get",
            "COMMAND GETKEYSANDFLAGS sort a store b",
            "COMMAND GETKEYSANDFLAGS lmpop 2 a b left",
            "COMMAND GETKEYSANDFLAGS lmpop x a b left",
            "CLUSTER HELP",
            "CONFIG HELP x",
        ] {
            assert_eq!(ours.line(line), theirs.line(line), "{line}");
        }
    }
}

#[test]
fn lists_are_the_real_servers_less_what_is_to_come() {
    let [(_ours, mut ours), (_theirs, mut theirs)] = both();
    let known = |name: &String| commands::lookup_full(name.as_bytes()).is_some();
    for line in [
        "COMMAND LIST",
        "COMMAND LIST FILTERBY ACLCAT hash",
        "COMMAND LIST filterby aclcat KEYSPACE",
        "COMMAND LIST FILTERBY PATTERN *set*",
        "COMMAND LIST FILTERBY PATTERN CONFIG|*",
    ] {
        let ours: BTreeSet<String> = ours.line(line).texts().into_iter().collect();
        let theirs: BTreeSet<String> = theirs.line(line).texts().into_iter().collect();
        assert_eq!(ours, theirs.into_iter().filter(known).collect(), "{line}");
    }
}

#[test]
fn help_has_the_real_servers_form() {
    let [(_ours, mut ours), (_theirs, mut theirs)] = both();
    for name in [
        "CLIENT", "COMMAND", "CONFIG", "LATENCY", "MEMORY", "OBJECT", "SLOWLOG",
    ] {
        let (ours, theirs) = (ours.call(&[name, "HELP"]), theirs.call(&[name, "HELP"]));
        assert_eq!(ours.array()[0], theirs.array()[0], "{name}");
        let simple = |reply: &Reply| matches!(reply, Reply::Simple(_));
        assert!(ours.array().iter().all(simple) && theirs.array().iter().all(simple));
        // Every subcommand of ours is explained there too.
        let theirs = theirs.texts();
        for line in ours
            .texts()
            .iter()
            .skip(1)
            .filter(|line| !line.starts_with(' '))
        {
            let word = line.split(' ').next().unwrap_or_default();
            let explained = |text: &String| text.split([' ', '(']).next() == Some(word);
            assert!(theirs.iter().any(explained), "{name} {word}: {theirs:?}");
        }
    }
}
