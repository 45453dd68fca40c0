//! One hot slot through sockets: throughput with two workers over that with one.

use std::fmt::Write;
use std::process::Command;
use std::time::Instant;

use testkit::{Program, Server, Tool};

use super::subject::{Subject, cpu_seconds};
use super::{median, printed};
use crate::arguments::Arguments;
use crate::run::capture;

const CONNECTIONS: u32 = 100;
const DEPTH: u32 = 16;
const KEYS: u32 = 100_000;
/// What two workers must do of what one does: more cannot be had, as commands on one slot come one
/// after another, but they must not be in each other's way.
const PROMISE: f64 = 0.9;

/// What to measure.
#[derive(Debug)]
pub(super) struct Plan {
    rounds: usize,
    requests: u64,
}

impl Plan {
    /// Reads `--hot-rounds` and `--hot-requests`.
    pub(super) fn from(arguments: &mut Arguments) -> Result<Plan, String> {
        Ok(Plan {
            rounds: arguments.parsed("--hot-rounds", 7)?,
            requests: arguments.parsed("--hot-requests", 3_000_000)?,
        })
    }
}

/// Measures, and answers the section.
pub(super) fn measure(plan: &Plan, ours: &Subject) -> Result<String, String> {
    let servers = [1, 2].map(|workers| ours.start_with_workers(workers));
    let mut section = format!(
        "## Hot slot\n\n{CONNECTIONS} connections at depth {DEPTH}, all keys in one slot; server and \
         generator on all cores. Thousand operations a second and µs of CPU per operation with one \
         worker and with two, medians of {} rounds that alternate.\n\n",
        plan.rounds
    );
    section +=
        "| operation | one worker | two workers | ratio | spread | CPU one | CPU two | promise |\n";
    section += "|---|---:|---:|---:|---|---:|---:|---:|\n";
    for (name, words) in [
        ("get", vec!["GET", "{h}k:__rand_int__"]),
        (
            "set",
            vec![
                "SET",
                "{h}k:__rand_int__",
                "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv",
            ],
        ),
    ] {
        let mut rounds = [Vec::new(), Vec::new()];
        for round in 0..plan.rounds {
            for turn in 0..2 {
                // Whoever went first goes second in the next round.
                let which = (round + turn) % 2;
                rounds[which].push(one(plan, &words, &servers[which])?);
            }
        }
        let row = row(name, &rounds);
        println!("{row}");
        let _ = writeln!(section, "{row}");
    }
    Ok(section)
}

/// Operations a second, and seconds of CPU for each.
fn one(plan: &Plan, words: &[&str], server: &Server) -> Result<[f64; 2], String> {
    let (path, _) = Program::Valkey.path(Tool::Benchmark);
    let mut command = Command::new(path);
    command.args(["-p", &server.port().to_string(), "-q"]);
    command.args(["-c", &CONNECTIONS.to_string(), "-P", &DEPTH.to_string()]);
    command.args(["-n", &plan.requests.to_string()]);
    command.args(["-r", &KEYS.to_string()]).args(words);
    let (before, began) = (cpu_seconds(server.id())?, Instant::now());
    capture(&mut command)?;
    let (took, after) = (began.elapsed().as_secs_f64(), cpu_seconds(server.id())?);
    let requests = plan.requests as f64;
    Ok([requests / took, (after - before) / requests])
}

/// A row of the table from the rounds with one worker and with two.
pub(super) fn row(name: &str, rounds: &[Vec<[f64; 2]>; 2]) -> String {
    let each = |which: usize, what: usize| -> Vec<f64> {
        rounds[which].iter().map(|round| round[what]).collect()
    };
    let pairs = each(1, 0).into_iter().zip(each(0, 0));
    let ratios: Vec<f64> = pairs.map(|(two, one)| two / one).collect();
    let (low, high) = ratios
        .iter()
        .fold((f64::MAX, f64::MIN), |(low, high), ratio| {
            (low.min(*ratio), high.max(*ratio))
        });
    let ratio = median(&ratios);
    let missed = if printed(ratio) >= PROMISE {
        ""
    } else {
        " **missed**"
    };
    format!(
        "| {name} | {:.0} | {:.0} | {ratio:.2} | {low:.2}–{high:.2} | {:.3} | {:.3} | ≥ {PROMISE}{missed} |",
        median(&each(0, 0)) / 1e3,
        median(&each(1, 0)) / 1e3,
        median(&each(0, 1)) * 1e6,
        median(&each(1, 1)) * 1e6,
    )
}
