//! Throughput of the engine with two workers over that with one, in process and without sockets.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::median;
use crate::arguments::Arguments;
use crate::run::{capture, run, target};

/// What two workers must do of what one does, in uniform slots.
const PROMISE: f64 = 1.7;
/// The same in one hot slot: more cannot be had, but they must not be in each other's way.
const HOT_PROMISE: f64 = 0.9;
/// Two workers that wait for a processor for a larger part of their time than this seldom run at
/// once, so that they are not in each other's way: their ratio says nothing.
const DISTURBED: f64 = 0.25;
/// A file system in memory, where there is one: the file costs what it costs the processor, and the
/// disk is not what is measured.
const IN_MEMORY: &str = "/dev/shm";

/// What to measure.
#[derive(Debug)]
pub(super) struct Plan {
    keys: u64,
    rounds: usize,
    milliseconds: u64,
}

impl Plan {
    /// Reads `--scaling-keys`, `--rounds` and `--milliseconds`.
    pub(super) fn from(arguments: &mut Arguments) -> Result<Plan, String> {
        Ok(Plan {
            keys: arguments.parsed("--scaling-keys", 3_000_000)?,
            rounds: arguments.parsed("--rounds", 7)?,
            milliseconds: arguments.parsed("--milliseconds", 1000)?,
        })
    }
}

/// Builds the driver in the release profile, runs it, and answers the section.
pub(super) fn measure(plan: &Plan) -> Result<String, String> {
    let mut build = Command::new("cargo");
    build.current_dir(crate::root());
    build.args(["build", "--quiet", "--release", "--package", "xtask"]);
    run(build.args(["--example", "scaling"]))?;
    let folder = if Path::new(IN_MEMORY).is_dir() {
        Path::new(IN_MEMORY).to_path_buf()
    } else {
        std::env::temp_dir()
    };
    let folder = folder.join(format!("shoal-scaling-{}", std::process::id()));
    let mut driver = Command::new(target("release").join("examples/scaling"));
    driver
        .args([plan.keys, plan.rounds as u64, plan.milliseconds].map(|number| number.to_string()));
    let said = capture(driver.arg(&folder));
    // What a driver that failed has left is of no use.
    let _ = std::fs::remove_dir_all(&folder);
    let mut section = format!(
        "## Scaling\n\nThe engine in process, without sockets: batches of requests are parsed, looked \
         ahead at, executed into reply bytes. {} keys of 16 + 32 bytes in uniform slots, or one hot \
         slot; backlog on; append-only file in memory, `appendfsync everysec`. Million commands a \
         second, medians of {} rounds of {} ms that alternate.\n\nThe first three figures and the \
         ratio are those of a machine that has a processor for every thread: what workers waited for \
         one is left out, for they share theirs with the file's thread and with whatever else runs. \
         *Apart* are two workers with an engine each, which share nothing: what the machine gives. *By \
         the clock* is the ratio without that allowance, on as few processors as there are, until the \
         file has everything; *waited* the part of their time that two workers waited for a processor \
         (above {:.0} % they seldom run at once, and nothing is judged); *file* what its thread takes \
         for a command, in ns of CPU.\n\n",
        plan.keys,
        plan.rounds,
        plan.milliseconds,
        DISTURBED * 100.0
    );
    section += "| command | slots | batch | one worker | two workers | apart | ratio | spread | by the \
                clock | waited | file | promise |\n";
    section += "|---|---|---:|---:|---:|---:|---:|---|---:|---:|---:|---:|\n";
    section += &rows(&said?)?;
    Ok(section)
}

/// The rounds of one row by how the workers ran: rate, rate by the clock, cost of the file, and the
/// part of their time that workers waited for a processor.
#[derive(Debug, Default)]
struct Rounds {
    one: Vec<[f64; 4]>,
    two: Vec<[f64; 4]>,
    apart: Vec<[f64; 4]>,
}

/// The rows of the table from what the driver printed.
pub(super) fn rows(said: &str) -> Result<String, String> {
    let mut order = Vec::new();
    let mut found: BTreeMap<String, Rounds> = BTreeMap::new();
    for line in said.lines() {
        let wrong = || format!("the driver said: {line}");
        let words: Vec<&str> = line.split(' ').collect();
        let [command, slots, batch, kind, numbers @ ..] = &words[..] else {
            return Err(wrong());
        };
        let name = format!("{command} | {slots} | {batch}");
        let numbers: Result<Vec<f64>, _> = numbers.iter().map(|word| word.parse()).collect();
        let numbers = numbers.ok().and_then(|numbers| numbers.try_into().ok());
        let numbers: [f64; 4] = numbers.ok_or_else(wrong)?;
        if !found.contains_key(&name) {
            order.push(name.clone());
        }
        let rounds = found.entry(name).or_default();
        match *kind {
            "one" => rounds.one.push(numbers),
            "two" => rounds.two.push(numbers),
            "apart" => rounds.apart.push(numbers),
            _ => return Err(wrong()),
        }
    }
    order.iter().map(|name| row(name, &found[name])).collect()
}

fn row(name: &str, rounds: &Rounds) -> Result<String, String> {
    let Rounds { one, two, apart } = rounds;
    if one.is_empty() || one.len() != two.len() || one.len() != apart.len() {
        return Err(format!("the driver did not end: {name}"));
    }
    let rate = |rounds: &[[f64; 4]]| {
        let rates: Vec<f64> = rounds.iter().map(|round| round[0] / 1e6).collect();
        median(&rates)
    };
    let ratios = |which: usize| -> Vec<f64> {
        let pairs = two.iter().zip(one);
        pairs.map(|(two, one)| two[which] / one[which]).collect()
    };
    let own = ratios(0);
    let ratio = median(&own);
    let low = own.iter().copied().fold(f64::MAX, f64::min);
    let high = own.iter().copied().fold(f64::MIN, f64::max);
    let files: Vec<f64> = two.iter().map(|round| round[2]).collect();
    let waits: Vec<f64> = two.iter().map(|round| round[3]).collect();
    let waited = median(&waits);
    let least = if name.contains("uniform") {
        PROMISE
    } else {
        HOT_PROMISE
    };
    let promise = match waited > DISTURBED {
        true => "not judged".into(),
        false if ratio >= least => format!("≥ {least}"),
        false => format!("≥ {least} **missed**"),
    };
    Ok(format!(
        "| {name} | {:.2} | {:.2} | {:.2} | {ratio:.2} | {low:.2}–{high:.2} | {:.2} | {:.0} % | {:.0} | {promise} |\n",
        rate(one),
        rate(two),
        rate(apart),
        median(&ratios(1)),
        waited * 100.0,
        median(&files),
    ))
}
