//! Clusters of our nodes and real Redis 7.0.15 ones, each kind as primary and as replica of the
//! other: join, gossip, redirections, replication, failovers and moved slots, both ways.

use std::collections::BTreeMap;
use std::process::Output;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base::Slot;
use testkit::{Cluster, ClusterPlan, Follower, Program, Reply, Server, Tool, eventually, wait_for};

const LIMIT: Duration = Duration::from_secs(60);
/// For so long (four node time-outs) a real node keeps the votes of an election that it has won:
/// asked to take over anew, it counts them, and "wins" with the epoch of that time.
const VOTES_KEPT: Duration = Duration::from_secs(8);
/// Keys of each type, spread over the slots.
const KEYS: usize = 60;
/// So many of them are in the first slots, which move.
const MOVING: usize = 24;
const SLOTS: usize = 100;
/// Elements of the large collections: more than a packed encoding holds.
const MANY: usize = 1500;

/// Primaries of both kinds, each with a replica of the other.
const PRIMARIES: [Program; 3] = [Program::Shoal, Program::Redis70, Program::Shoal];
const REPLICAS: [Program; 3] = [Program::Redis70, Program::Shoal, Program::Redis70];
/// Where they are among the nodes.
const OURS: usize = 0;
const THEIRS: usize = 1;
const REPLICA: usize = 3;

/// A cluster of both kinds, and the command line it is made with.
struct Mixed {
    cluster: Cluster,
    /// When nodes last took over.
    elected: Mutex<BTreeMap<usize, Instant>>,
    cli: Program,
}

#[test]
fn each_kind_takes_over_from_the_other() {
    let mut mixed = Mixed::form(Program::Redis70);
    mixed.fill();
    mixed.require_data();
    // Ours dies and theirs takes over; then theirs dies and ours takes over again.
    mixed.lose(OURS, OURS + REPLICA);
    mixed.lose(OURS + REPLICA, OURS);
    mixed.lose(THEIRS, THEIRS + REPLICA);
    mixed.lose(THEIRS + REPLICA, THEIRS);
    for (from, to) in [(OURS, OURS + REPLICA), (THEIRS, THEIRS + REPLICA)] {
        mixed.hand_over(from, to);
        mixed.hand_over(to, from);
    }
    mixed.restart();
}

#[test]
fn slots_move_between_the_kinds() {
    for cli in [Program::Redis70, Program::Shoal] {
        let mixed = Mixed::form(cli);
        mixed.fill();
        mixed.require_like_redirections();
        mixed.reshard(OURS, THEIRS);
        mixed.reshard(THEIRS, OURS);
        mixed.check();
    }
}

impl Mixed {
    /// Three primaries by `create`, then a replica of the other kind for each by `add-node`.
    fn form(cli: Program) -> Mixed {
        let plan = ClusterPlan::mixed(&PRIMARIES, &REPLICAS);
        let mixed = Mixed {
            cluster: plan
                .option("appendonly", "yes")
                .option("repl-diskless-sync-delay", "0")
                .start_apart(),
            elected: Mutex::default(),
            cli,
        };
        let address = |node: usize| format!("127.0.0.1:{}", mixed.port(node));
        let primaries: Vec<String> = (0..3).map(address).collect();
        let primaries: Vec<&str> = primaries.iter().map(String::as_str).collect();
        let words = [&["create"], &primaries[..], &["--cluster-yes"]].concat();
        let text = mixed.manage(&words);
        assert!(text.contains("[OK] All 16384 slots covered."), "{text}");
        mixed.cluster.await_ok_among(&[0, 1, 2], LIMIT);
        for node in 3..6 {
            let (new, existing) = (address(node), address((node + 1) % 3));
            let id = mixed.cluster.id(node - REPLICA);
            let text = mixed.manage(&[
                "add-node",
                &new,
                &existing,
                "--cluster-slave",
                "--cluster-master-id",
                &id,
            ]);
            assert!(text.contains("[OK] New node added correctly."), "{text}");
            mixed.await_size(node + 1);
        }
        mixed.settle();
        mixed
    }

    fn port(&self, node: usize) -> u16 {
        self.cluster.nodes[node].port()
    }

    /// A command of `--cluster` that must succeed; what it prints.
    #[track_caller]
    fn manage(&self, words: &[&str]) -> String {
        let mut command = self.cli.command(Tool::Cli);
        let Output {
            status,
            stdout,
            stderr,
        } = command
            .arg("--cluster")
            .args(words)
            .env_remove("REDISCLI_AUTH")
            .output()
            .expect("the command line starts");
        let text = String::from_utf8_lossy(&stdout).into_owned();
        let errors = String::from_utf8_lossy(&stderr);
        assert!(status.success(), "{words:?}: {status}\n{text}{errors}");
        text
    }

    /// Waits until the first `count` nodes know each other.
    fn await_size(&self, count: usize) {
        let nodes = &self.cluster.nodes[..count];
        eventually(&format!("{count} nodes know each other"), LIMIT, || {
            nodes.iter().all(|node| {
                let text = nodes_of(node).unwrap_or_default();
                text.lines().count() == count && !text.contains("handshake")
            })
        });
    }

    /// Waits until all nodes are ok, have their links, and agree about owners and epochs.
    fn settle(&self) {
        self.cluster.await_ok(LIMIT);
        let owners = |node: &Server| {
            let text = nodes_of(node)?;
            let mut lines: Vec<String> = text.lines().filter_map(facts).collect();
            lines.sort();
            Some(lines)
        };
        eventually("the nodes agree", LIMIT, || {
            let first = owners(&self.cluster.nodes[0]);
            let rest = &self.cluster.nodes[1..];
            first.is_some() && rest.iter().all(|node| owners(node) == first)
        });
    }

    fn client(&self, first: usize) -> Follower {
        let ports: Vec<u16> = (0..6).map(|step| self.port((first + step) % 6)).collect();
        Follower::new(&ports, LIMIT)
    }

    /// Writes values of each kind, small and large, through both kinds of nodes.
    fn fill(&self) {
        for first in [OURS, THEIRS] {
            let mut client = self.client(first);
            for number in (first..KEYS).step_by(2) {
                for request in requests(&tag(number), size(number)) {
                    let words: Vec<&str> = request.iter().map(String::as_str).collect();
                    let reply = client.call(&words);
                    assert!(reply.error().is_none(), "{words:?}: {reply:?}");
                }
            }
        }
    }

    /// Everything is there, through both kinds, and each replica has what its primary has.
    fn require_data(&self) {
        for first in [OURS, THEIRS] {
            let mut client = self.client(first);
            for number in 0..KEYS {
                let (tag, size) = (tag(number), size(number));
                assert_eq!(
                    client.call(&["GET", &format!("s:{tag}")]).text(),
                    format!("value {tag}")
                );
                let count = |reply: Reply| usize::try_from(reply.int()).expect("a count");
                assert_eq!(count(client.call(&["HLEN", &format!("h:{tag}")])), size);
                assert_eq!(count(client.call(&["LLEN", &format!("l:{tag}")])), size);
                assert_eq!(
                    client.call(&["GETBIT", &format!("b:{tag}"), "1000"]).int(),
                    1
                );
            }
        }
        for node in 0..6 {
            self.compare(node);
        }
    }

    /// A replica has what its primary has, key by key; a primary is passed over.
    fn compare(&self, node: usize) {
        let role = self.cluster.nodes[node].line("ROLE");
        if role.array()[0].text() == "master" {
            return;
        }
        let port = role.array()[2].text();
        let mut nodes = self.cluster.nodes.iter();
        let primary = nodes.find(|other| other.port().to_string() == port);
        let primary = primary.expect("its primary is one of the nodes");
        wait_for("the replica has it all", LIMIT, || {
            let offset = |reply: &Reply, at: usize| reply.array()[at].text();
            let theirs = offset(&primary.line("ROLE"), 1);
            (offset(&self.cluster.nodes[node].line("ROLE"), 4) == theirs).then_some(())
        });
        let (here, there) = (contents(&self.cluster.nodes[node]), contents(primary));
        assert!(!here.is_empty());
        assert_eq!(here, there, "replica {node} and its primary differ");
    }

    /// kill -9 of a primary: its replica takes over, the old one comes back as a replica.
    fn lose(&mut self, lost: usize, heir: usize) {
        // What is killed between a write and its copy is lost, here and there.
        self.compare(heir);
        self.cluster.nodes[lost].kill();
        wait_for(
            &format!("node {heir} takes over from {lost}"),
            LIMIT,
            || self.is_primary(heir).then_some(()),
        );
        self.note_election(heir);
        let rest: Vec<usize> = (0..6).filter(|node| *node != lost).collect();
        self.cluster.await_ok_among(&rest, LIMIT);
        let key = format!("after:{lost}");
        let mut client = self.client(heir);
        client.call(&["SET", &key, "x"]).expect_ok();
        self.cluster.nodes[lost].restart();
        eventually(&format!("node {lost} follows"), LIMIT, || {
            !self.is_primary(lost)
        });
        self.settle();
        client.call(&["DEL", &key]);
        self.require_data();
    }

    fn is_primary(&self, node: usize) -> bool {
        // A replica that loads what its primary sent does not say; it is none.
        let role = self.cluster.nodes[node].line("ROLE");
        role.error().is_none() && role.array()[0].text() == "master"
    }

    fn note_election(&self, winner: usize) {
        let mut elected = self.elected.lock().expect("no test has panicked with it");
        elected.insert(winner, Instant::now());
    }

    /// Waits until a node has forgotten the election that it has won.
    fn await_no_votes(&self, node: usize) {
        let elected = self.elected.lock().expect("no test has panicked with it");
        if let Some(at) = elected.get(&node) {
            eventually("old votes are forgotten", LIMIT, || {
                at.elapsed() > VOTES_KEPT
            });
        }
    }

    /// CLUSTER FAILOVER under a writer: nothing acknowledged is lost.
    fn hand_over(&self, from: usize, to: usize) {
        assert!(self.is_primary(from) && !self.is_primary(to));
        self.await_no_votes(to);
        let end = AtomicBool::new(false);
        let prefix = format!("written:{from}:{to}");
        let (written, mut client) = std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut client = self.client(from);
                let mut number = 0;
                while !end.load(Ordering::Relaxed) {
                    let key = format!("{prefix}:{number}");
                    client.call(&["SET", &key, &number.to_string()]).expect_ok();
                    number += 1;
                }
                (number, client)
            });
            // However this ends, the writer ends too.
            let stop = Stop(&end);
            self.cluster.nodes[to].line("CLUSTER FAILOVER").expect_ok();
            wait_for(&format!("node {to} takes over"), LIMIT, || {
                (self.is_primary(to) && !self.is_primary(from)).then_some(())
            });
            self.note_election(to);
            self.settle();
            drop(stop);
            writer.join().expect("the writer")
        });
        assert!(written > 0);
        for number in 0..written {
            let key = format!("{prefix}:{number}");
            let found = client.call(&["GET", &key]);
            assert_eq!(
                found,
                Reply::Bulk(number.to_string().into()),
                "{key} of {written}"
            );
            client.call(&["DEL", &key]);
        }
        self.require_data();
    }

    /// Slots with keys, small and large, go to a node of the other kind.
    fn reshard(&self, from: usize, to: usize) {
        let address = format!("127.0.0.1:{}", self.port(to));
        let (giver, taker) = (self.cluster.id(from), self.cluster.id(to));
        let before = self.slots(to);
        let text = self.manage(&[
            "reshard",
            &address,
            "--cluster-from",
            &giver,
            "--cluster-to",
            &taker,
            "--cluster-slots",
            &SLOTS.to_string(),
            "--cluster-yes",
        ]);
        assert!(text.contains("Moving slot"), "{text}");
        assert_eq!(self.slots(to), before + SLOTS);
        self.settle();
        self.require_data();
    }

    /// How many slots a node says it serves.
    fn slots(&self, node: usize) -> usize {
        let text = self.cluster.nodes[node].line("CLUSTER NODES").text();
        let own = text.lines().find(|line| line.contains("myself"));
        let ranges = own.expect("its own line").split(' ').skip(8);
        let count = |range: &str| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let bound = |text: &str| text.parse::<usize>().expect("a slot");
            bound(last) + 1 - bound(first)
        };
        ranges.map(count).sum()
    }

    /// Replicas of both kinds answer alike: what they serve, what they send elsewhere, in which
    /// state of the connection.
    fn require_like_redirections(&self) {
        // Our replica follows their primary, and the other way round.
        let (ours, theirs) = (THEIRS + REPLICA, OURS + REPLICA);
        let said = |node: usize, own: u16| -> Vec<String> {
            let other = if own == 0 { Slot::COUNT - 1 } else { 0 };
            let (own, other) = (name_in(usize::from(own)), name_in(other));
            let mut conn = self.cluster.nodes[node].connect();
            REPLICA_LINES
                .iter()
                .map(|line| {
                    let line = line.replace("OWN", &own).replace("OTHER", &other);
                    let reply = conn.line(&line);
                    let text = match reply.error() {
                        Some(text) => text.split(' ').next().unwrap_or_default().to_owned(),
                        None => format!("{reply:?}"),
                    };
                    // Which slot it is depends on the node that is asked.
                    line.split('{').next().unwrap_or_default().to_owned() + " -> " + &text
                })
                .collect()
        };
        let middle = u16::try_from(Slot::COUNT / 2).expect("a slot");
        assert_eq!(said(ours, middle), said(theirs, 0));
    }

    fn check(&self) {
        for node in [OURS, THEIRS] {
            let text = self.manage(&["check", &format!("127.0.0.1:{}", self.port(node))]);
            assert!(text.contains("[OK] All 16384 slots covered."), "{text}");
        }
    }

    /// All end and start again, from their own files.
    fn restart(&mut self) {
        for node in &mut self.cluster.nodes {
            node.stop();
        }
        for node in &mut self.cluster.nodes {
            node.restart();
        }
        self.settle();
        self.require_data();
    }
}

/// CLUSTER NODES of a node, unless it loads.
fn nodes_of(node: &Server) -> Option<String> {
    let reply = node.line("CLUSTER NODES");
    reply.error().is_none().then(|| reply.text())
}

/// Typed at a replica: OWN is a key of its shard, OTHER of another.
const REPLICA_LINES: [&str; 32] = [
    "GET OWN",
    "SET OWN x",
    "GET OTHER",
    "SET OTHER x",
    "ASKING",
    "GET OWN",
    "PING",
    "FLUSHALL",
    "READONLY",
    "GET OWN",
    "SET OWN x",
    "GET OTHER",
    "SET OTHER x",
    "MGET OWN OTHER",
    "LPUSH OWN x",
    "LRANGE OWN 0 -1",
    "TTL OWN",
    "SORT OWN STORE OWN",
    "FLUSHALL",
    "DBSIZE x",
    "MULTI",
    "GET OWN",
    "EXEC",
    "MULTI",
    "SET OWN x",
    "EXEC",
    "WATCH OWN",
    "UNWATCH",
    "ASKING",
    "SET OTHER x",
    "READWRITE",
    "GET OWN",
];

/// A key name of a slot.
fn name_in(slot: usize) -> String {
    let mut names = (0..).map(|number: usize| format!("{{{number}}}"));
    let there = |name: &String| Slot::of_key(name.as_bytes()).index() == slot;
    names.find(there).expect("some name hashes to it")
}

/// What nodes must agree on: id, role, primary, epoch and slots of a line of CLUSTER NODES.
fn facts(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let role = words.get(2)?.replace("myself,", "");
    let owned = words.get(8..).unwrap_or_default().join(" ");
    // A replica's epoch is its primary's, which it may hear of later.
    let epoch = if role == "master" { words[6] } else { "" };
    Some(format!("{} {role} {} {epoch} {owned}", words[0], words[3]))
}

/// What the names of a number's keys end with: a hash tag, of a slot that moves or of any.
fn tag(number: usize) -> String {
    if number >= MOVING {
        return format!("{{{number}}}");
    }
    let mut tags = (0..).map(|more: usize| format!("{{{number}:{more}}}"));
    let moves = |tag: &String| Slot::of_key(tag.as_bytes()).index() < SLOTS;
    tags.find(moves).expect("some tag hashes to such a slot")
}

/// How many elements a number's collections have.
fn size(number: usize) -> usize {
    if number.is_multiple_of(15) { MANY } else { 3 }
}

/// The requests that write one key of each kind.
fn requests(tag: &str, many: usize) -> Vec<Vec<String>> {
    let mut hash = vec!["HSET".to_owned(), format!("h:{tag}")];
    let mut list = vec!["RPUSH".to_owned(), format!("l:{tag}")];
    for item in 0..many {
        hash.extend([format!("field:{item}"), format!("{item}")]);
        list.push(format!("element {item}"));
    }
    let words = |line: &str| line.split('|').map(str::to_owned).collect();
    vec![
        words(&format!("SET|s:{tag}|value {tag}|EX|100000")),
        words(&format!("SETBIT|b:{tag}|1000|1")),
        hash,
        list,
    ]
}

/// All keys of a node with their times and values, in order.
fn contents(node: &Server) -> Vec<String> {
    let mut conn = node.connect();
    conn.call(&["READONLY"]).expect_ok();
    let mut keys = conn.call(&["KEYS", "*"]).texts();
    keys.sort();
    let value = |key: String| {
        let (kind, key) = (conn.call(&["TYPE", &key]).text(), key.as_str());
        let (value, time) = match kind.as_str() {
            "hash" => (sorted_pairs(&conn.call(&["HGETALL", key])), String::new()),
            "list" => (
                conn.call(&["LRANGE", key, "0", "-1"]).texts(),
                String::new(),
            ),
            _ => (
                // Bitmaps are no UTF-8.
                vec![format!("{:?}", conn.call(&["GET", key]).bytes())],
                conn.call(&["PEXPIRETIME", key]).text(),
            ),
        };
        format!("{kind} {key} {time} {value:?}")
    };
    keys.into_iter().map(value).collect()
}

fn sorted_pairs(reply: &Reply) -> Vec<String> {
    let texts = reply.texts();
    let mut pairs: Vec<String> = texts.chunks(2).map(|pair| pair.join("=")).collect();
    pairs.sort();
    pairs
}

/// Sets a flag when it goes.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
