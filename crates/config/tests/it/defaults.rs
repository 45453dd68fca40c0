//! Names and defaults of CONFIG GET, against the real servers' own.

use std::collections::{BTreeMap, BTreeSet};

use config::{Config, get};
use testkit::{Program, Server};

/// What the kit sets.
const SET_BY_KIT: &[&str] = &["port", "dir", "bind", "save"];

fn theirs(program: Program) -> BTreeMap<String, String> {
    let server = Server::of(program).start();
    let mut conn = server.connect();
    let reply = conn.call(&["CONFIG", "GET", "*"]).texts();
    reply
        .chunks(2)
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect()
}

fn ours() -> BTreeMap<String, String> {
    let shown = get(&Config::default(), b"*");
    let text = |value: Vec<u8>| String::from_utf8(value).expect("a default is UTF-8");
    shown
        .into_iter()
        .map(|(name, value)| (name, text(value)))
        .collect()
}

/// Names that one side lacks, and names whose values differ.
fn differences(program: Program) -> (BTreeSet<String>, BTreeSet<String>, BTreeSet<String>) {
    let (ours, theirs) = (ours(), theirs(program));
    let lacking = |a: &BTreeMap<String, String>, b: &BTreeMap<String, String>| {
        a.keys()
            .filter(|name| !b.contains_key(*name))
            .cloned()
            .collect()
    };
    let differ = |(name, value): &(&String, &String)| {
        theirs.get(*name).is_some_and(|theirs| theirs != *value)
            && !SET_BY_KIT.contains(&name.as_str())
    };
    let other = ours
        .iter()
        .filter(differ)
        .map(|(name, _)| name.clone())
        .collect();
    (lacking(&theirs, &ours), lacking(&ours, &theirs), other)
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn names_and_defaults_are_those_of_redis_7_4() {
    let (we_lack, they_lack, other) = differences(Program::Redis74);
    assert_eq!(we_lack, set(&[]));
    assert_eq!(they_lack, set(&[]));
    // Ours is 0: one worker for each core.
    assert_eq!(other, set(&["io-threads"]));
}

#[test]
fn names_and_defaults_are_those_of_redis_7_0_and_what_came_since() {
    let (we_lack, they_lack, other) = differences(Program::Redis70);
    // Hidden since 7.2.
    assert_eq!(we_lack, set(&["aof-disable-auto-gc"]));
    let since = [
        "aof-rewrite-cpulist",
        "bgsave-cpulist",
        "bio-cpulist",
        "cluster-announce-human-nodename",
        "hide-user-data-from-log",
        "locale-collate",
        "max-new-connections-per-cycle",
        "max-new-tls-connections-per-cycle",
        "server-cpulist",
        "set-max-listpack-entries",
        "set-max-listpack-value",
    ];
    assert_eq!(they_lack, set(&since));
    assert_eq!(other, set(&["io-threads"]));
}
