//! Every row against what real servers say of the same command. Texts are ours and not compared,
//! only that both sides have one.

use std::collections::BTreeSet;

use commands::{Spec, docs, info};
use testkit::{Conn, Program, Reply, Server};

use crate::rendering::resp3;

/// What 7.4.1 says otherwise: command, field, reason.
const DIFFERS_FROM_74: &[(&str, &str, &str)] = &[
    ("client|kill", "arguments", "MAXAGE came with 7.4"),
    ("client|kill", "history", "MAXAGE came with 7.4"),
    ("hscan", "arguments", "NOVALUES came with 7.4"),
];

/// What 7.0.15 says otherwise: command, field, reason. Arguments are left out: 7.2 named them anew.
const DIFFERS_FROM_70: &[(&str, &str, &str)] = &[
    (
        "client",
        "subcommands",
        "NO-TOUCH and SETINFO came with 7.2",
    ),
    ("client|no-touch", "absent", "came with 7.2"),
    ("client|setinfo", "absent", "came with 7.2"),
    ("cluster", "subcommands", "MYSHARDID came with 7.2"),
    ("cluster|myshardid", "absent", "came with 7.2"),
    ("waitaof", "absent", "came with 7.2"),
    ("client|pause", "since", "corrected by 7.2"),
    ("client|setname", "tips", "tips were added by 7.2"),
    ("config|resetstat", "tips", "tips were added by 7.2"),
    ("config|rewrite", "tips", "tips were added by 7.2"),
    ("latency|reset", "tips", "tips were corrected by 7.2"),
    ("msetnx", "tips", "it is not split over shards since 7.2"),
    ("randomkey", "tips", "tips were added by 7.2"),
    ("scan", "tips", "tips were added by 7.2"),
    ("cluster|shards", "flags", "allowed while loading since 7.2"),
    ("cluster|slots", "flags", "allowed while loading since 7.2"),
    (
        "command|getkeys",
        "arity",
        "a lone name is a command since 7.2",
    ),
    ("command|getkeys", "fields", "arguments were added by 7.2"),
    (
        "command|getkeysandflags",
        "arity",
        "a lone name is a command since 7.2",
    ),
    (
        "command|getkeysandflags",
        "fields",
        "arguments were added by 7.2",
    ),
    ("psetex", "fields", "deprecated since 7.2"),
    ("setex", "fields", "deprecated since 7.2"),
    ("setnx", "fields", "deprecated since 7.2"),
    ("quit", "fields", "deprecated since 7.2"),
    ("wait", "flags", "marked as blocking since 7.2"),
    ("wait", "categories", "marked as blocking since 7.2"),
];

/// Pairs of names and replies, in an order that does not depend on the server's hash tables.
fn fields(spec: &Spec, info: &Reply, docs: &Reply) -> Vec<(String, Reply)> {
    const NAMES: [&str; 9] = [
        "name",
        "arity",
        "flags",
        "first",
        "last",
        "step",
        "categories",
        "tips",
        "keys",
    ];
    let info = info.array();
    let mut fields: Vec<(String, Reply)> = NAMES
        .iter()
        .zip(info)
        .map(|(name, reply)| ((*name).into(), reply.clone()))
        .collect();
    fields.retain(|(name, _)| name != "keys");
    fields.push(("keys".into(), without_texts(&info[8])));
    fields.push(("kind of subcommands".into(), empty(&info[9])));
    fields.push(("subcommands".into(), names(spec, info[9].items())));
    let Reply::Map(pairs) = docs else {
        panic!("docs of {}: {docs:?}", spec.full_name)
    };
    for (name, value) in pairs {
        let name = name.text();
        let value = match name.as_str() {
            "subcommands" => continue,
            "summary" | "complexity" | "replaced_by" => Reply::Nil,
            "history" => versions(value),
            _ => value.clone(),
        };
        fields.push((name, value));
    }
    fields
}

trait Items {
    fn items(&self) -> &[Reply];
}

impl Items for Reply {
    fn items(&self) -> &[Reply] {
        match self {
            Reply::Array(items) | Reply::Set(items) => items,
            other => panic!("expected items, got {other:?}"),
        }
    }
}

fn empty(reply: &Reply) -> Reply {
    match reply {
        Reply::Array(_) => Reply::Array(vec![]),
        _ => Reply::Set(vec![]),
    }
}

/// The names of those subcommands that the table has.
fn names(spec: &Spec, subcommands: &[Reply]) -> Reply {
    let known: BTreeSet<_> = spec.subcommands().iter().map(|sub| sub.full_name).collect();
    let mut names: Vec<String> = subcommands
        .iter()
        .map(|sub| sub.array()[0].text())
        .collect();
    names.retain(|name| known.contains(name.as_str()));
    names.sort();
    Reply::Array(names.into_iter().map(Reply::Simple).collect())
}

fn without_texts(keys: &Reply) -> Reply {
    let blank = |spec: &Reply| match spec {
        Reply::Map(pairs) => Reply::Map(
            pairs
                .iter()
                .map(|(k, v)| {
                    let notes = k.text() == "notes";
                    (k.clone(), if notes { Reply::Nil } else { v.clone() })
                })
                .collect(),
        ),
        other => other.clone(),
    };
    Reply::Set(keys.items().iter().map(blank).collect())
}

fn versions(history: &Reply) -> Reply {
    Reply::Set(
        history
            .items()
            .iter()
            .map(|entry| entry.array()[0].clone())
            .collect(),
    )
}

/// The differences between the table and one server, as `command: field`.
fn differences(conn: &mut Conn, arguments: bool) -> BTreeSet<(String, String)> {
    conn.call(&["HELLO", "3"]);
    let mut found = BTreeSet::new();
    for spec in commands::all() {
        let their_info = conn.call(&["COMMAND", "INFO", spec.full_name]);
        let their_docs = conn.call(&["COMMAND", "DOCS", spec.full_name]);
        let Reply::Map(pairs) = &their_docs else {
            panic!("{their_docs:?}")
        };
        let (Some((_, their_docs)), Reply::Array(their_info)) =
            (pairs.first(), &their_info.array()[0])
        else {
            found.insert((spec.full_name.into(), "absent".into()));
            continue;
        };
        let theirs = fields(spec, &Reply::Array(their_info.clone()), their_docs);
        let ours = fields(spec, &resp3(&info(spec)), &resp3(&docs(spec).1));
        for (name, value) in &theirs {
            if name == "arguments" && !arguments {
                continue;
            }
            if !ours.iter().any(|(n, v)| n == name && v == value) {
                let ours = ours.iter().find(|(n, _)| n == name).map(|(_, v)| v);
                println!(
                    "{} {name}\n  ours   {ours:?}\n  theirs {value:?}",
                    spec.full_name
                );
                found.insert((spec.full_name.into(), name.clone()));
            }
        }
        let order = |fields: &[(String, Reply)]| -> Vec<String> {
            fields.iter().map(|(name, _)| name.clone()).collect()
        };
        if order(&theirs) != order(&ours) {
            println!(
                "{}: {:?} and {:?}",
                spec.full_name,
                order(&ours),
                order(&theirs)
            );
            found.insert((spec.full_name.into(), "fields".into()));
        }
    }
    found
}

fn expected(differences: &[(&str, &str, &str)]) -> BTreeSet<(String, String)> {
    let pair = |(command, field, _): &(&str, &str, &str)| ((*command).into(), (*field).into());
    differences.iter().map(pair).collect()
}

#[test]
fn rows_agree_with_redis_7_4() {
    let server = Server::of(Program::Redis74)
        .option("enable-debug-command", "yes")
        .start();
    let found = differences(&mut server.connect(), true);
    assert_eq!(
        found,
        expected(DIFFERS_FROM_74),
        "left: found; right: expected"
    );
}

#[test]
fn rows_agree_with_redis_7_0() {
    let server = Server::of(Program::Redis70)
        .option("enable-debug-command", "yes")
        .start();
    let found = differences(&mut server.connect(), false);
    assert_eq!(
        found,
        expected(DIFFERS_FROM_70),
        "left: found; right: expected"
    );
}

#[test]
fn commands_that_we_lack_are_of_subjects_to_come() {
    /// Groups without a subject here yet.
    const TO_COME: &[&str] = &[
        "set",
        "sorted-set",
        "stream",
        "pubsub",
        "scripting",
        "hyperloglog",
        "geo",
    ];
    /// Commands, with their subcommands, of groups that are here.
    const ABSENT: &[&str] = &[
        // Access lists.
        "acl",
        // Waiting for elements.
        "blmove",
        "blmpop",
        "blpop",
        "brpop",
        "brpoplpush",
        // Tracking of what clients keep.
        "client|caching",
        "client|getredir",
        "client|tracking",
        "client|trackinginfo",
        // A planned change of roles outside a cluster.
        "failover",
        "lolwut",
        "module",
    ];
    let server = Server::of(Program::Redis74).start();
    let mut conn = server.connect();
    conn.call(&["HELLO", "3"]);
    let mut lacking = BTreeSet::new();
    for name in conn
        .call(&["COMMAND", "LIST"])
        .items()
        .iter()
        .map(Reply::text)
    {
        if commands::lookup_full(name.as_bytes()).is_some() {
            continue;
        }
        let docs = conn.call(&["COMMAND", "DOCS", &name]);
        let Reply::Map(pairs) = &docs else {
            panic!("{docs:?}")
        };
        let Reply::Map(pairs) = &pairs[0].1 else {
            panic!("{docs:?}")
        };
        let field = |wanted: &str| {
            let found = pairs.iter().find(|(field, _)| field.text() == wanted);
            found.map(|(_, value)| value.text()).unwrap_or_default()
        };
        if !TO_COME.contains(&field("group").as_str()) && !field("since").starts_with("7.4") {
            let whole = name.split('|').next().unwrap_or_default().to_string();
            let known = commands::lookup(whole.as_bytes()).is_some();
            lacking.insert(if known { name } else { whole });
        }
    }
    let expected = ABSENT.iter().map(|name| (*name).to_string()).collect();
    assert_eq!(lacking, expected, "left: found; right: expected");
}
