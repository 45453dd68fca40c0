//! `--bigkeys`, `--memkeys` and `--hotkeys`: walks over all keys and shows the extremes.

use std::collections::BTreeMap;

use client::{Connection, Error, Value};

use crate::options::Options;
use crate::output::{self, Exit};
use crate::scan::{Walk, refused};

/// How a size is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Elements, by the type's own command.
    Elements,
    /// Bytes, with the number of elements to sample if given.
    Memory(Option<u64>),
}

/// A type of value and how its size is called.
struct Kind {
    name: &'static str,
    command: Option<&'static str>,
    unit: &'static str,
}

const KINDS: [Kind; 6] = [
    Kind {
        name: "string",
        command: Some("STRLEN"),
        unit: "bytes",
    },
    Kind {
        name: "list",
        command: Some("LLEN"),
        unit: "items",
    },
    Kind {
        name: "hash",
        command: Some("HLEN"),
        unit: "fields",
    },
    Kind {
        name: "stream",
        command: Some("XLEN"),
        unit: "entries",
    },
    Kind {
        name: "set",
        command: Some("SCARD"),
        unit: "members",
    },
    Kind {
        name: "zset",
        command: Some("ZCARD"),
        unit: "members",
    },
];

/// What was seen of one type.
#[derive(Clone, Debug, Default)]
struct Tally {
    count: u64,
    total: u64,
    biggest: u64,
    key: Option<Vec<u8>>,
}

fn heading(what: &str) -> String {
    format!(
        "\n# Scanning the entire keyspace to find {what} keys as well as\n\
         # average sizes per key type.  You can use -i 0.1 to sleep 0.1 sec\n\
         # per 100 SCAN commands (not usually needed).\n\n"
    )
}

fn quoted(key: &[u8]) -> String {
    let mut out = Vec::new();
    base::quote(&mut out, key);
    String::from_utf8_lossy(&out).into_owned()
}

/// The state of a walk that shows how far it is.
struct Sampling<'a> {
    connection: &'a mut Connection,
    options: &'a Options,
    walk: Walk,
    total: i64,
    sampled: u64,
    rounds: u64,
}

impl<'a> Sampling<'a> {
    fn start(connection: &'a mut Connection, options: &'a Options) -> Result<Self, Exit> {
        let total = match connection.query(&["DBSIZE"]) {
            Ok(reply) => reply.as_int().unwrap_or(0),
            Err(fault) => return Err(refused("Couldn't determine DBSIZE", &fault)),
        };
        let walk = Walk::new(options);
        Ok(Sampling {
            connection,
            options,
            walk,
            total,
            sampled: 0,
            rounds: 0,
        })
    }

    /// The next keys, with the pause that was asked for after every hundred calls.
    fn keys(&mut self) -> Result<Option<Vec<Vec<u8>>>, Exit> {
        self.rounds += 1;
        if self.rounds.is_multiple_of(100) && !self.options.interval.is_zero() {
            std::thread::sleep(self.options.interval);
        }
        self.walk
            .next(self.connection)
            .map_err(|fault| refused("SCAN error", &fault))
    }

    /// How much of the key space was seen when this batch began.
    fn percent(&self) -> f64 {
        if self.total > 0 {
            100.0 * self.sampled as f64 / self.total as f64
        } else {
            0.0
        }
    }

    fn ask(&mut self, requests: &[Vec<Vec<u8>>]) -> Result<Vec<Value>, Exit> {
        self.connection
            .pipeline(requests)
            .map_err(|fault| broken(&fault))
    }
}

fn broken(fault: &Error) -> Exit {
    output::complain(&format!("Error: {fault}"));
    Exit(1)
}

/// `--bigkeys` and `--memkeys`.
///
/// # Errors
/// Exit code 1 where the server refuses.
pub(crate) fn biggest(
    connection: &mut Connection,
    options: &Options,
    measure: Measure,
) -> Result<(), Exit> {
    let mut sampling = Sampling::start(connection, options)?;
    output::print(&heading("biggest"))?;
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut key_bytes = 0_u64;
    while let Some(keys) = sampling.keys()? {
        let percent = sampling.percent();
        let types = types_of(&mut sampling, &keys)?;
        let sizes = sizes_of(&mut sampling, &keys, &types, measure)?;
        for ((key, kind), size) in keys.into_iter().zip(types).zip(sizes) {
            sampling.sampled += 1;
            key_bytes += key.len() as u64;
            if kind == "none" {
                continue;
            }
            let tally = tallies.entry(kind.clone()).or_default();
            tally.count += 1;
            tally.total += size;
            if size > tally.biggest {
                output::print(&format!(
                    "[{percent:05.2}%] Biggest {kind:<6} found so far '{}' with {size} {}\n",
                    quoted(&key),
                    unit(&kind, measure)
                ))?;
                tally.biggest = size;
                tally.key = Some(key);
            }
            if sampling.sampled.is_multiple_of(1_000_000) {
                output::print(&format!(
                    "[{percent:05.2}%] Sampled {} keys so far\n",
                    sampling.sampled
                ))?;
            }
        }
    }
    let sampled = sampling.sampled;
    output::print(&summary(&tallies, sampled, key_bytes, measure))
}

fn unit(kind: &str, measure: Measure) -> &'static str {
    match measure {
        Measure::Memory(_) => "bytes",
        Measure::Elements => KINDS
            .iter()
            .find(|k| k.name == kind)
            .map_or("?", |k| k.unit),
    }
}

fn types_of(sampling: &mut Sampling<'_>, keys: &[Vec<u8>]) -> Result<Vec<String>, Exit> {
    let requests: Vec<_> = keys
        .iter()
        .map(|k| vec![b"TYPE".to_vec(), k.clone()])
        .collect();
    let replies = sampling.ask(&requests)?;
    let text = |reply: Value| match reply {
        Value::Status(name) => Ok(String::from_utf8_lossy(&name).into_owned()),
        other => {
            let text = other.error_text().unwrap_or_default().into_owned();
            output::complain(&format!("TYPE returned an error: {text}"));
            Err(Exit(1))
        }
    };
    replies.into_iter().map(text).collect()
}

/// The sizes; 0 for keys that went away and for types that have none.
fn sizes_of(
    sampling: &mut Sampling<'_>,
    keys: &[Vec<u8>],
    types: &[String],
    measure: Measure,
) -> Result<Vec<u64>, Exit> {
    let mut requests = Vec::new();
    let mut asked = Vec::new();
    for (n, (key, kind)) in keys.iter().zip(types).enumerate() {
        let request = match measure {
            Measure::Elements => KINDS
                .iter()
                .find(|k| k.name == kind)
                .and_then(|k| k.command)
                .map(|command| vec![command.as_bytes().to_vec(), key.clone()]),
            Measure::Memory(samples) => {
                let mut request = vec![b"MEMORY".to_vec(), b"USAGE".to_vec(), key.clone()];
                if let Some(samples) = samples {
                    request.extend([b"SAMPLES".to_vec(), samples.to_string().into_bytes()]);
                }
                Some(request)
            }
        };
        if let Some(request) = request {
            requests.push(request);
            asked.push(n);
        }
    }
    let replies = sampling.ask(&requests)?;
    let mut sizes = vec![0; keys.len()];
    for (n, reply) in asked.into_iter().zip(replies) {
        match reply.as_int() {
            Some(size) => sizes[n] = u64::try_from(size).unwrap_or(0),
            None if reply.is_error() => {
                // The key's type changed between the two questions.
                let text = reply.error_text().unwrap_or_default().into_owned();
                let key = String::from_utf8_lossy(&keys[n]).into_owned();
                output::complain(&format!("Warning:  the size of '{key}' is unknown: {text}"));
            }
            None => {}
        }
    }
    Ok(sizes)
}

fn summary(
    tallies: &BTreeMap<String, Tally>,
    sampled: u64,
    key_bytes: u64,
    measure: Measure,
) -> String {
    let average = |total: u64, count: u64| {
        if count == 0 {
            0.0
        } else {
            total as f64 / count as f64
        }
    };
    let mut text = format!(
        "\n-------- summary -------\n\nSampled {sampled} keys in the keyspace!\n\
         Total key length in bytes is {key_bytes} (avg len {:.2})\n\n",
        average(key_bytes, sampled)
    );
    let known = KINDS.iter().map(|k| k.name);
    let others = tallies
        .keys()
        .map(String::as_str)
        .filter(|name| !known.clone().any(|k| k == *name));
    let names: Vec<&str> = known.clone().chain(others).collect();
    let empty = Tally::default();
    for name in &names {
        let tally = tallies.get(*name).unwrap_or(&empty);
        if let Some(key) = &tally.key {
            text.push_str(&format!(
                "Biggest {name:>6} found '{}' has {} {}\n",
                quoted(key),
                tally.biggest,
                unit(name, measure)
            ));
        }
    }
    text.push('\n');
    for name in &names {
        let tally = tallies.get(*name).unwrap_or(&empty);
        text.push_str(&format!(
            "{} {name}s with {} {} ({:05.2}% of keys, avg size {:.2})\n",
            tally.count,
            tally.total,
            unit(name, measure),
            100.0 * average(tally.count, sampled),
            average(tally.total, tally.count)
        ));
    }
    text
}

/// How many of the hottest keys are shown.
const HOT_KEYS: usize = 16;

/// `--hotkeys`.
///
/// # Errors
/// Exit code 1 where the server does not count accesses.
pub(crate) fn hottest(connection: &mut Connection, options: &Options) -> Result<(), Exit> {
    let mut sampling = Sampling::start(connection, options)?;
    output::print(&heading("hot"))?;
    // The coldest of the hottest stands first.
    let mut hot: Vec<(u64, Vec<u8>)> = Vec::new();
    while let Some(keys) = sampling.keys()? {
        let percent = sampling.percent();
        let requests: Vec<_> = keys
            .iter()
            .map(|k| vec![b"OBJECT".to_vec(), b"FREQ".to_vec(), k.clone()])
            .collect();
        let replies = sampling.ask(&requests)?;
        for (key, reply) in keys.into_iter().zip(replies) {
            sampling.sampled += 1;
            if let Some(text) = reply.error_text() {
                output::complain(&format!("Error: {text}"));
                return Err(Exit(1));
            }
            let counter = reply
                .as_int()
                .and_then(|n| u64::try_from(n).ok())
                .unwrap_or(0);
            let least = if hot.len() < HOT_KEYS { 0 } else { hot[0].0 };
            if counter > least {
                output::print(&format!(
                    "[{percent:05.2}%] Hot key '{}' found so far with counter {counter}\n",
                    quoted(&key)
                ))?;
                let at = hot.partition_point(|(c, _)| *c <= counter);
                hot.insert(at, (counter, key));
                if hot.len() > HOT_KEYS {
                    hot.remove(0);
                }
            }
        }
    }
    let mut text = format!(
        "\n-------- summary -------\n\nSampled {} keys in the keyspace!\n",
        sampling.sampled
    );
    for (counter, key) in hot.iter().rev() {
        text.push_str(&format!(
            "hot key found with counter: {counter}\tkeyname: {}\n",
            quoted(key)
        ));
    }
    output::print(&text)
}
