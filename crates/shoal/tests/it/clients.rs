//! Stock clients on default options write all at once to a cluster that loses a master to kill -9
//! and moves slots meanwhile: each goes on by itself, and what was acknowledged is there.

mod writer;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base::Slot;
use testkit::{Cluster, ClusterPlan, Follower, Program, Reply, Tool, until, wait_for};

use writer::{Client, Line, Writer};

const LIMIT: Duration = Duration::from_secs(60);
const NODE_TIMEOUT: u64 = 2000;
const MASTERS: usize = 3;
/// The shard that loses its master, and those between which slots move.
const LOST: usize = 1;
const GIVER: usize = 0;
const TAKER: usize = 2;
/// The giver's first slots move.
const MOVED: usize = 60;
/// Writes under each tag that show that a client works.
const ENOUGH: usize = 5;

/// Hash tags: three in slots that move, three in each shard.
fn tags() -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |count: usize, wanted: &dyn Fn(usize) -> bool| {
        let tags = (0..).map(|number: usize| format!("t{number}"));
        let good = tags.filter(|tag| wanted(Slot::of_key(tag.as_bytes()).index()));
        found.extend(good.take(count));
    };
    add(3, &|slot| slot < MOVED);
    for shard in 0..MASTERS {
        add(3, &|slot| slot >= MOVED && shard_of(slot) == shard);
    }
    found
}

fn shard_of(slot: usize) -> usize {
    slot * MASTERS / Slot::COUNT
}

fn shard_of_tag(tag: &str) -> usize {
    shard_of(Slot::of_key(tag.as_bytes()).index())
}

/// Milliseconds since 1970, as the clients tell them.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.expect("a clock after 1970").as_millis();
    u64::try_from(millis).expect("a clock before the year 500 million")
}

#[test]
fn stock_clients_go_on_through_a_failover_and_a_reshard() {
    let mut cluster = ClusterPlan::of(Program::Shoal, MASTERS, 1)
        .option("appendonly", "yes")
        .option("cluster-node-timeout", &NODE_TIMEOUT.to_string())
        .start();
    let ports: Vec<u16> = cluster.nodes.iter().map(testkit::Server::port).collect();
    let tags = tags();
    let mut writers: Vec<Writer> = Client::ALL
        .iter()
        .map(|client| Writer::start(*client, &ports, &tags))
        .collect();
    await_writes(&mut writers, &tags, 0, "at the beginning");

    let killed = now();
    cluster.nodes[LOST].kill();
    let heir = LOST + MASTERS;
    wait_for("the replica takes over", LIMIT, || {
        let role = cluster.nodes[heir].line("ROLE");
        (role.array()[0].text() == "master").then_some(())
    });
    let promoted = now();
    let (mut looking, mut others): (Vec<Writer>, Vec<Writer>) = writers
        .into_iter()
        .partition(|writer| writer.client.looks_elsewhere());
    await_writes(&mut looking, &tags, promoted, "after the failover");
    cluster.nodes[LOST].restart();
    cluster.await_ok(LIMIT);
    await_writes(&mut others, &tags, promoted, "after the restart");
    let mut writers: Vec<Writer> = looking.into_iter().chain(others).collect();

    let began = now();
    reshard(&cluster);
    let moved = now();
    await_writes(&mut writers, &tags, moved, "after the reshard");

    let mut client = Follower::new(&ports, LIMIT);
    for writer in writers {
        let (name, ended) = (writer.client, writer.end());
        let lost: Vec<String> = ended
            .lines
            .iter()
            .filter_map(|line| match line {
                Line::Acknowledged { key, end, .. } => Some((key, *end)),
                _ => None,
            })
            // What a master acknowledged just before it died may not have reached its replica.
            .filter(|(key, end)| {
                let near = *end + NODE_TIMEOUT >= killed && *end <= promoted;
                !(near && shard_of_tag(tag_of(key)) == LOST)
            })
            .filter(|(key, _)| client.call(&["GET", key]) != Reply::Bulk(key.as_bytes().into()))
            .map(|(key, end)| format!("{key} at {} ms", end as i64 - killed as i64))
            .collect();
        assert!(lost.is_empty(), "{name:?} lost {}: {lost:?}", lost.len());
        let refused = |line: &Line| match line {
            Line::Refused { begin, text } if *begin >= began => Some(text.clone()),
            _ => None,
        };
        let refused: Vec<String> = ended.lines.iter().filter_map(refused).collect();
        assert!(
            refused.is_empty(),
            "{name:?} during the reshard: {refused:?}"
        );
        let reads: BTreeMap<&str, &str> = ended
            .lines
            .iter()
            .filter_map(|line| match line {
                Line::Read { key, value } => Some((key.as_str(), value.as_str())),
                _ => None,
            })
            .collect();
        assert_eq!(reads.len(), tags.len(), "{name:?} reads a key of each tag");
        for (key, value) in reads {
            assert_eq!(key, value, "{name:?}");
        }
    }
}

fn tag_of(key: &str) -> &str {
    key.trim_start_matches('{')
        .split('}')
        .next()
        .expect("a tag")
}

/// Waits until each client has written enough under each tag, all begun after a moment.
fn await_writes(writers: &mut [Writer], tags: &[String], after: u64, when: &str) {
    for writer in writers {
        let enough = until(LIMIT, || {
            writer.require_running();
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            let lines = writer.lines();
            for line in lines.iter() {
                if let Line::Acknowledged { key, begin, .. } = line
                    && *begin >= after
                {
                    *counts.entry(tag_of(key)).or_default() += 1;
                }
            }
            let all = |tag: &String| counts.get(tag.as_str()).is_some_and(|n| *n >= ENOUGH);
            tags.iter().all(all).then_some(())
        });
        if enough.is_none() {
            let lines = writer.lines();
            let last = &lines[lines.len().saturating_sub(10)..];
            panic!(
                "{:?} does not write under every tag {when}: {last:#?}",
                writer.client
            );
        }
    }
}

/// The first slots of one master go to another, by the command line.
fn reshard(cluster: &Cluster) {
    let mut command = Program::Shoal.command(Tool::Cli);
    let output = command
        .args(["--cluster", "reshard"])
        .arg(format!("127.0.0.1:{}", cluster.nodes[TAKER].port()))
        .args([
            "--cluster-from",
            &cluster.id(GIVER),
            "--cluster-to",
            &cluster.id(TAKER),
        ])
        .args(["--cluster-slots", &MOVED.to_string(), "--cluster-yes"])
        .output()
        .expect("the command line starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
}
