//! Writers of unique ids, and a prober for each shard; what each attempt came to.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base::Slot;
use testkit::{Cluster, Conn, Reply, Rng};

use super::MASTERS;

/// How long one attempt may take on one connection.
const PATIENCE: Duration = Duration::from_millis(400);
/// Redirections that one attempt follows.
const REDIRECTIONS: usize = 4;
/// A writer's pace, so that all programs get the same load.
const PACE: Duration = Duration::from_millis(2);
const PROBE_PACE: Duration = Duration::from_millis(20);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(20);

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The server said OK.
    Acknowledged,
    /// The server refused it.
    Refused,
    /// No answer came: it may have been carried out.
    Unknown,
}

/// One write of a key of its own; times in milliseconds since the start.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) key: String,
    pub(super) shard: usize,
    pub(super) begin: u64,
    pub(super) end: u64,
    pub(super) outcome: Outcome,
}

/// Which shard holds a slot: the cluster's ranges are even and do not move.
pub(super) fn shard_of(key: &str) -> usize {
    let slot = Slot::of_key(key.as_bytes()).index();
    (0..MASTERS)
        .rfind(|shard| slot >= 16_384 * shard / MASTERS)
        .expect("every slot has a shard")
}

/// The value that goes with a key.
pub(super) fn value_of(key: &str) -> String {
    format!("value of {key}")
}

/// Writes keys one after the other until told to stop.
pub(super) fn write(
    start: Instant,
    stop: &AtomicBool,
    ports: &[u16],
    writer: usize,
) -> Vec<Attempt> {
    drive(start, stop, ports, PACE, |number| {
        format!("w{writer}:{number}")
    })
}

/// Writes keys of one shard until told to stop.
pub(super) fn probe(
    start: Instant,
    stop: &AtomicBool,
    ports: &[u16],
    shard: usize,
) -> Vec<Attempt> {
    let tag = (0..)
        .map(|n| format!("{{p{n}}}"))
        .find(|tag| shard_of(tag) == shard);
    let tag = tag.expect("some tag lies in every shard");
    drive(start, stop, ports, PROBE_PACE, |number| {
        format!("{tag}{number}")
    })
}

fn drive(
    start: Instant,
    stop: &AtomicBool,
    ports: &[u16],
    pace: Duration,
    key: impl Fn(u64) -> String,
) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    let mut writer = Writer::new(ports);
    let now = || u64::try_from(start.elapsed().as_millis()).expect("a short run");
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let key = key(number);
        let begin = now();
        let outcome = writer.set(&key, &value_of(&key));
        attempts.push(Attempt {
            shard: shard_of(&key),
            key,
            begin,
            end: now(),
            outcome,
        });
        let failed = outcome != Outcome::Acknowledged;
        std::thread::sleep(if failed { PAUSE_AFTER_FAILURE } else { pace });
    }
    attempts
}

/// A small cluster client, which gives up early and says so.
struct Writer<'a> {
    ports: &'a [u16],
    /// The first slot of each range with its master's port.
    routes: Vec<(i64, i64, u16)>,
    connections: HashMap<u16, Conn>,
    rng: Rng,
}

impl<'a> Writer<'a> {
    fn new(ports: &'a [u16]) -> Writer<'a> {
        Writer {
            ports,
            routes: Vec::new(),
            connections: HashMap::new(),
            rng: Rng::new(1),
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Outcome {
        let slot = i64::try_from(Slot::of_key(key.as_bytes()).index()).expect("a slot");
        let mut next = self.route(slot);
        let mut asking = false;
        for _ in 0..REDIRECTIONS {
            let Some(port) = next else {
                self.refresh();
                return Outcome::Refused;
            };
            let Ok(reply) = self.ask(port, asking, &["SET", key, value]) else {
                self.connections.remove(&port);
                self.refresh();
                return Outcome::Unknown;
            };
            let Some(error) = reply.error() else {
                return Outcome::Acknowledged;
            };
            let (moved, ask) = (error.starts_with("MOVED "), error.starts_with("ASK "));
            if !moved && !ask {
                self.refresh();
                return Outcome::Refused;
            }
            next = error.rsplit(':').next().and_then(|port| port.parse().ok());
            asking = ask;
            if moved {
                self.refresh();
            }
        }
        Outcome::Refused
    }

    fn ask(&mut self, port: u16, asking: bool, request: &[&str]) -> io::Result<Reply> {
        let connection = match self.connections.entry(port) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let mut connection = Conn::open(port)?;
                connection.set_patience(PATIENCE)?;
                entry.insert(connection)
            }
        };
        if asking {
            connection.try_call(&["ASKING"])?;
        }
        connection.try_call(request)
    }

    fn route(&self, slot: i64) -> Option<u16> {
        let range = self
            .routes
            .iter()
            .find(|(first, last, _)| (*first..=*last).contains(&slot));
        range.map(|(.., port)| *port)
    }

    /// Asks a node chosen at random for the map.
    fn refresh(&mut self) {
        let port = *self.rng.pick(self.ports);
        let Ok(reply) = self.ask(port, false, &["CLUSTER", "SLOTS"]) else {
            self.connections.remove(&port);
            return;
        };
        let Reply::Array(ranges) = reply else {
            return;
        };
        let routes = ranges.iter().filter_map(|range| {
            let Reply::Array(fields) = range else {
                return None;
            };
            let [
                Reply::Int(first),
                Reply::Int(last),
                Reply::Array(master),
                ..,
            ] = &fields[..]
            else {
                return None;
            };
            let port = u16::try_from(master.get(1)?.int()).ok()?;
            Some((*first, *last, port))
        });
        self.routes = routes.collect();
    }
}

/// All keys and values of the cluster's masters.
pub(super) fn read_back(cluster: &Cluster) -> HashMap<String, String> {
    let mut stored = HashMap::new();
    for node in &cluster.nodes {
        let mut conn = node.connect();
        if conn.call(&["ROLE"]).array()[0].text() != "master" {
            continue;
        }
        let mut cursor = String::from("0");
        loop {
            let reply = conn.call(&["SCAN", &cursor, "COUNT", "1000"]);
            cursor = reply.array()[0].text();
            let keys = reply.array()[1].texts();
            let requests: Vec<Vec<String>> = keys
                .iter()
                .map(|key| vec!["GET".into(), key.clone()])
                .collect();
            let values = conn.pipeline(&requests).expect("the values");
            for (key, value) in keys.into_iter().zip(values) {
                let value = match value {
                    Reply::Bulk(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                    other => format!("{other:?}"),
                };
                stored.insert(key, value);
            }
            if cursor == "0" {
                break;
            }
        }
    }
    stored
}
