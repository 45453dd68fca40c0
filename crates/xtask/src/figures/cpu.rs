//! CPU time of the server per operation, with valkey-benchmark as the generator.

use std::fmt::Write;
use std::process::Command;
use std::time::Duration;

use testkit::{Program, Server, Tool, eventually};

use super::load::{fill, key};
use super::subject::{Cores, Subject, cpu_seconds};
use super::{median, printed};
use crate::arguments::Arguments;
use crate::run::capture;

const CONNECTIONS: u32 = 50;
/// Lists that LPUSH and RPOP pick from, and lists of a hundred elements for LRANGE.
const LISTS: u64 = 100;
const LONG_LISTS: u64 = 10_000;
/// Hashes that HSET and HGETALL pick from.
const HASHES: u64 = 100_000;

/// How the servers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    /// Alone, and nothing is kept.
    Alone,
    /// In a cluster, with one replica.
    Cluster,
    /// Alone, with an append-only file (`appendfsync everysec`).
    Logged,
}

/// What to measure.
#[derive(Debug)]
pub(super) struct Plan {
    operations: Vec<&'static Operation>,
    depths: Vec<u32>,
    keys: u64,
    pairs: usize,
    requests: Option<u64>,
}

/// An operation: its command as the generator takes it, and over how many keys.
#[derive(Debug)]
struct Operation {
    name: &'static str,
    command: fn() -> Vec<String>,
    space: fn(u64) -> u64,
    /// How many of it cost about as much as one GET, to make runs equally long.
    weight: u64,
    /// The largest ratio that the project promises at this depth.
    promise: fn(u32) -> Option<f64>,
    everywhere: bool,
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_string).collect()
}

fn value() -> String {
    "v".repeat(32)
}

fn at_sixteen(depth: u32) -> Option<f64> {
    (depth == 16).then_some(0.9)
}

const OPERATIONS: &[Operation] = &[
    Operation {
        name: "get",
        command: || words("GET key:__rand_int__"),
        space: |keys| keys,
        weight: 1,
        promise: |depth| Some(if depth == 1 { 1.0 } else { 0.7 }),
        everywhere: true,
    },
    Operation {
        name: "set",
        command: || words(&format!("SET key:__rand_int__ {}", value())),
        space: |keys| keys,
        weight: 1,
        promise: |depth| Some(if depth == 1 { 1.0 } else { 0.6 }),
        everywhere: true,
    },
    Operation {
        name: "incr",
        command: || words("INCR counter:__rand_int__"),
        space: |_| HASHES,
        weight: 1,
        promise: at_sixteen,
        everywhere: false,
    },
    Operation {
        name: "hset",
        command: || words(&format!("HSET hash:__rand_int__ field:3 {}", value())),
        space: |_| HASHES,
        weight: 1,
        promise: at_sixteen,
        everywhere: false,
    },
    Operation {
        name: "hgetall",
        command: || words("HGETALL hash:__rand_int__"),
        space: |_| HASHES,
        weight: 2,
        promise: at_sixteen,
        everywhere: false,
    },
    Operation {
        name: "lpush",
        command: || words(&format!("LPUSH list:__rand_int__ {}", value())),
        space: |_| LISTS,
        weight: 1,
        promise: at_sixteen,
        everywhere: false,
    },
    Operation {
        name: "rpop",
        command: || words("RPOP list:__rand_int__"),
        space: |_| LISTS,
        weight: 1,
        promise: at_sixteen,
        everywhere: false,
    },
    Operation {
        name: "lrange",
        command: || words("LRANGE long:__rand_int__ 0 99"),
        space: |_| LONG_LISTS,
        weight: 10,
        promise: at_sixteen,
        everywhere: false,
    },
    Operation {
        name: "mset",
        command: || {
            words(&format!(
                "MSET{}",
                format!(" key:__rand_int__ {}", value()).repeat(10)
            ))
        },
        space: |keys| keys,
        weight: 8,
        promise: at_sixteen,
        everywhere: false,
    },
    Operation {
        name: "mget",
        command: || words(&format!("MGET{}", " key:__rand_int__".repeat(10))),
        space: |keys| keys,
        weight: 8,
        promise: at_sixteen,
        everywhere: false,
    },
];

impl Plan {
    /// Reads `--depth`, `--keys`, `--pairs` and `--requests`.
    pub(super) fn from(
        arguments: &mut Arguments,
        only: Option<Vec<String>>,
    ) -> Result<Plan, String> {
        let depths = arguments
            .list("--depth")?
            .unwrap_or_else(|| words("1 16 64"));
        let depths: Result<_, _> = depths.iter().map(|depth| depth.parse::<u32>()).collect();
        let wanted = |name: &str| {
            only.as_ref()
                .is_none_or(|only| only.iter().any(|o| o == name))
        };
        Ok(Plan {
            operations: OPERATIONS
                .iter()
                .filter(|operation| wanted(operation.name))
                .collect(),
            depths: depths.map_err(|_| "--depth is a list of numbers")?,
            keys: arguments.parsed("--keys", 5_000_000)?,
            pairs: arguments.parsed("--pairs", 5)?,
            requests: arguments
                .option("--requests")?
                .and_then(|text| text.parse().ok()),
        })
    }

    fn requests(&self, operation: &Operation, depth: u32) -> u64 {
        // Enough for a few seconds: the kernel counts CPU time in hundredths.
        let whole = if depth == 1 { 400_000 } else { 4_000_000 };
        (self.requests.unwrap_or(whole) / operation.weight).max(10_000)
    }
}

/// Measures both subjects; the first one's cost is divided by the second's.
pub(super) fn measure(
    plan: &Plan,
    subjects: [&Subject; 2],
    cores: Cores,
    setting: Setting,
) -> Result<String, String> {
    let clustered = setting == Setting::Cluster;
    let mut running = Vec::new();
    for subject in subjects {
        let server = match setting {
            Setting::Logged => subject.start_logged(cores.server),
            _ => subject.start(cores.server, clustered),
        };
        let replica = clustered.then(|| attach_replica(subject, &server, cores));
        println!("filling {} with {} keys", subject.name, plan.keys);
        prepare(plan, server.port(), setting)?;
        running.push((server, replica));
    }
    let title = match setting {
        Setting::Alone => "CPU per operation",
        Setting::Cluster => "CPU per operation, one replica",
        Setting::Logged => "CPU per operation, append-only file with everysec",
    };
    let mut table = format!("## {title}\n\n");
    let _ = writeln!(
        table,
        "{} keys of 16 + 32 bytes, {CONNECTIONS} connections, median of {} pairs; µs of CPU per \
         operation.\n",
        plan.keys, plan.pairs
    );
    let [ours, base] = subjects.map(|subject| subject.name.clone());
    let _ = writeln!(
        table,
        "| operation | depth | {ours} | {base} | ratio | spread | promise |"
    );
    table += "|---|---:|---:|---:|---:|---|---:|\n";
    for operation in &plan.operations {
        for depth in &plan.depths {
            let measured = match setting {
                Setting::Alone => operation.everywhere || *depth == 16,
                Setting::Cluster => operation.everywhere,
                Setting::Logged => operation.name == "set",
            };
            if !measured {
                continue;
            }
            let promise = match subjects[1].program {
                // An older binary of ours: no worse, but for what the measure cannot tell apart.
                Program::Shoal => Some(1.05),
                _ => (operation.promise)(*depth),
            };
            let row = compare(plan, (operation, *depth, promise), &running, cores)?;
            println!("{row}");
            table += &row;
            table.push('\n');
        }
    }
    Ok(table)
}

/// One row of the table.
fn compare(
    plan: &Plan,
    (operation, depth, promise): (&Operation, u32, Option<f64>),
    running: &[(Server, Option<Server>)],
    cores: Cores,
) -> Result<String, String> {
    let mut costs = [Vec::new(), Vec::new()];
    let mut ratios = Vec::new();
    for pair in 0..plan.pairs {
        let mut cost = [0.0; 2];
        for turn in 0..2 {
            // Whoever went first goes second in the next pair.
            let which = (pair + turn) % 2;
            let server = &running[which].0;
            cost[which] = one(plan, operation, depth, server, cores)?;
        }
        ratios.push(cost[0] / cost[1]);
        costs[0].push(cost[0]);
        costs[1].push(cost[1]);
    }
    let ratio = median(&ratios);
    let (low, high) = ratios
        .iter()
        .fold((f64::MAX, f64::MIN), |(low, high), ratio| {
            (low.min(*ratio), high.max(*ratio))
        });
    let promise = promise.map_or_else(String::new, |promise| {
        format!(
            "≤ {promise}{}",
            if printed(ratio) <= promise {
                ""
            } else {
                " **missed**"
            }
        )
    });
    let [ours, base] = [median(&costs[0]), median(&costs[1])];
    Ok(format!(
        "| {} | {depth} | {ours:.3} | {base:.3} | {ratio:.2} | {low:.2}–{high:.2} | {promise} |",
        operation.name
    ))
}

/// Microseconds of the server's CPU for one operation.
fn one(
    plan: &Plan,
    operation: &Operation,
    depth: u32,
    server: &Server,
    cores: Cores,
) -> Result<f64, String> {
    let requests = plan.requests(operation, depth);
    if operation.name == "rpop" {
        // As many as will be taken and some more, evenly, so that no list runs empty.
        fill(server.port(), 0..requests * 6 / 5, |number| {
            vec!["LPUSH".into(), key("list", number % LISTS), value()]
        })?;
    }
    let (path, _) = Program::Valkey.path(Tool::Benchmark);
    let mut command = Command::new("taskset");
    command.args(["-c", &cores.load.to_string()]).arg(path);
    command.args(["-p", &server.port().to_string(), "-q"]);
    command.args(["-c", &CONNECTIONS.to_string(), "-P", &depth.to_string()]);
    command.args(["-n", &requests.to_string()]);
    command.args(["-r", &(operation.space)(plan.keys).to_string()]);
    command.args((operation.command)());
    let before = cpu_seconds(server.id())?;
    capture(&mut command)?;
    let after = cpu_seconds(server.id())?;
    if matches!(operation.name, "lpush" | "rpop") {
        fill(server.port(), 0..LISTS, |number| {
            vec!["DEL".into(), key("list", number)]
        })?;
    }
    Ok((after - before) * 1e6 / requests as f64)
}

/// Fills in the keys that the operations expect.
fn prepare(plan: &Plan, port: u16, setting: Setting) -> Result<(), String> {
    fill(port, 0..plan.keys, |number| {
        vec!["SET".into(), key("key", number), value()]
    })?;
    let wanted = |names: &[&str]| {
        setting == Setting::Alone
            && plan
                .operations
                .iter()
                .any(|operation| names.contains(&operation.name))
    };
    if wanted(&["incr"]) {
        fill(port, 0..HASHES, |number| {
            vec!["SET".into(), key("counter", number), "7".into()]
        })?;
    }
    if wanted(&["hset", "hgetall"]) {
        fill(port, 0..HASHES, |number| {
            let mut words = vec!["HSET".into(), key("hash", number)];
            words.extend((0..10).flat_map(|field| [format!("field:{field}"), value()]));
            words
        })?;
    }
    if wanted(&["lrange"]) {
        fill(port, 0..LONG_LISTS, |number| {
            let mut words = vec!["RPUSH".into(), key("long", number)];
            words.extend((0..100).map(|element| format!("element:{element}")));
            words
        })?;
    }
    Ok(())
}

/// Gives the server all slots and a replica, which runs on the generator's core.
fn attach_replica(subject: &Subject, server: &Server, cores: Cores) -> Server {
    server.line("CLUSTER ADDSLOTSRANGE 0 16383").expect_ok();
    let replica = subject.start(cores.load, true);
    let limit = Duration::from_secs(60);
    replica
        .line(&format!("CLUSTER MEET 127.0.0.1 {}", server.port()))
        .expect_ok();
    let id = server.line("CLUSTER MYID").text();
    eventually("the replica knows its master", limit, || {
        replica
            .line(&format!("CLUSTER REPLICATE {id}"))
            .error()
            .is_none()
    });
    eventually("the replica's link is up", limit, || {
        replica
            .connect()
            .info("master_link_status")
            .ok()
            .flatten()
            .as_deref()
            == Some("up")
    });
    // A primary that has just started hears first whether another has its slots.
    eventually("the cluster serves", limit, || {
        server
            .line("CLUSTER INFO")
            .text()
            .contains("cluster_state:ok")
    });
    replica
}
