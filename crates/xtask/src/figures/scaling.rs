//! Throughput of the engine with two workers over that with one, in process and without sockets.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::{median, printed};
use crate::arguments::Arguments;
use crate::run::{capture, run, target};

/// What two workers must do of what one does, in uniform slots.
const PROMISE: f64 = 1.9;
/// In one hot slot more than one worker does cannot be had, but they must not be in each other's
/// way: what two must do of what one does that changes its processor as often as the slot its
/// worker.
const HOT_PROMISE: f64 = 0.9;
/// Two workers that wait for a processor for a larger part of their time than this seldom run at
/// once, so that they are not in each other's way: their ratio says nothing.
const DISTURBED: f64 = 0.25;
/// From this way of a cache line on, in ns, the processors of a virtual machine have places in
/// different parts of the real one. It was seen to be 60 to 90, and 430 to 470 for minutes at
/// times.
const FAR: f64 = 200.0;
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
         *Machine* is what the machine itself gives: in uniform slots two workers with an engine each, \
         which share nothing; in a hot slot, which changes its worker every millisecond, one worker \
         that changes its processor as often. *Of it* is what two workers make of that. *By the clock* is the ratio without that allowance, on as few processors as there are, until the \
         file has everything; *waited* the part of their time that two workers waited for a processor \
         (above {:.0} % they seldom run at once, and nothing is judged); *file* what its thread takes \
         for a command, in ns of CPU; *line* the ns that a cache line takes from one processor to \
         the other and back (above {FAR} the machine has its processors far apart, for now, and \
         nothing is judged).\n\n",
        plan.keys,
        plan.rounds,
        plan.milliseconds,
        DISTURBED * 100.0
    );
    section += "| command | slots | batch | one worker | two workers | machine | ratio | spread | of \
                it | by the clock | waited | file | line | promise |\n";
    section += "|---|---|---:|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|---|\n";
    section += &rows(&said?)?;
    Ok(section)
}

/// The numbers that the driver says of a round.
type Round = [f64; 5];

/// The rounds of one row by how the workers ran: rate, rate by the clock, cost of the file, the
/// part of their time that workers waited for a processor, and the way of a cache line.
#[derive(Debug, Default)]
struct Rounds {
    one: Vec<Round>,
    two: Vec<Round>,
    machine: Vec<Round>,
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
        let numbers: Round = numbers.ok_or_else(wrong)?;
        if !found.contains_key(&name) {
            order.push(name.clone());
        }
        let rounds = found.entry(name).or_default();
        match *kind {
            "one" => rounds.one.push(numbers),
            "two" => rounds.two.push(numbers),
            "apart" | "moved" => rounds.machine.push(numbers),
            _ => return Err(wrong()),
        }
    }
    order.iter().map(|name| row(name, &found[name])).collect()
}

fn row(name: &str, rounds: &Rounds) -> Result<String, String> {
    let Rounds { one, two, machine } = rounds;
    if one.is_empty() || one.len() != two.len() || one.len() != machine.len() {
        return Err(format!("the driver did not end: {name}"));
    }
    let rate = |rounds: &[Round]| {
        let rates: Vec<f64> = rounds.iter().map(|round| round[0] / 1e6).collect();
        median(&rates)
    };
    let ratios = |base: &[Round], which: usize| -> Vec<f64> {
        let pairs = two.iter().zip(base);
        pairs.map(|(two, base)| two[which] / base[which]).collect()
    };
    let own = ratios(one, 0);
    let ratio = median(&own);
    let low = own.iter().copied().fold(f64::MAX, f64::min);
    let high = own.iter().copied().fold(f64::MIN, f64::max);
    let files: Vec<f64> = two.iter().map(|round| round[2]).collect();
    let waits: Vec<f64> = two.iter().map(|round| round[3]).collect();
    let waited = median(&waits);
    let of_machine = median(&ratios(machine, 0));
    let (least, judged, of_what) = if name.contains("uniform") {
        (PROMISE, ratio, "one")
    } else {
        (HOT_PROMISE, of_machine, "machine")
    };
    let trips: Vec<f64> = [one, two, machine]
        .into_iter()
        .flatten()
        .map(|r| r[4])
        .collect();
    let trip = median(&trips);
    let promise = match waited > DISTURBED || trip > FAR {
        true => "not judged".into(),
        false if printed(judged) >= least => format!("≥ {least} of {of_what}"),
        false => format!("≥ {least} of {of_what} **missed**"),
    };
    Ok(format!(
        "| {name} | {:.2} | {:.2} | {:.2} | {ratio:.2} | {low:.2}–{high:.2} | {of_machine:.2} | {:.2} | {:.0} % | {:.0} | {trip:.0} | {promise} |\n",
        rate(one),
        rate(two),
        rate(machine),
        median(&ratios(one, 1)),
        waited * 100.0,
        median(&files),
    ))
}
