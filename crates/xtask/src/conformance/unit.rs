//! Running one unit of the suite.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{Process, until};

use super::Plan;
use super::output::{Outcome, parse};
use super::stage::Stage;

/// How often a unit is run again without the tests that hung.
const RUNS: usize = 6;

/// Units about what the project will not have, or that test other programs.
const OUTSIDE: &[&str] = &[
    "unit/moduleapi",
    "unit/tls",
    "unit/cluster/cluster-response-tls",
];

/// The units of the suite below `unit` and `unit/cluster`.
pub(super) fn all(suite: &Path) -> Result<Vec<String>, String> {
    let mut units = Vec::new();
    for folder in ["unit", "unit/type", "unit/cluster"] {
        let path = suite.join("tests").join(folder);
        let files = fs::read_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        for file in files.flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            if let Some(name) = name.strip_suffix(".tcl") {
                units.push(format!("{folder}/{name}"));
            }
        }
    }
    units.retain(|unit| !OUTSIDE.contains(&unit.as_str()));
    units.sort();
    Ok(units)
}

/// The units named; one that does not exist is an error, one that ends in `/*` stands for all below.
pub(super) fn chosen(suite: &Path, names: &[String]) -> Result<Vec<String>, String> {
    let all = all(suite)?;
    let mut units = Vec::new();
    for name in names {
        let name = name
            .strip_prefix("tests/")
            .unwrap_or(name)
            .trim_end_matches(".tcl");
        let name = if name.starts_with("unit/") {
            name.to_string()
        } else {
            format!("unit/{name}")
        };
        let matching = all.iter().filter(|unit| match name.strip_suffix("/*") {
            Some(folder) => unit
                .rsplit_once('/')
                .is_some_and(|(above, _)| above == folder),
            None => **unit == name,
        });
        let before = units.len();
        units.extend(matching.cloned());
        if units.len() == before {
            return Err(format!("the suite has no unit {name}"));
        }
    }
    Ok(units)
}

/// A guess at how long a unit takes, to start the long ones first.
pub(super) fn weight(unit: &str) -> u32 {
    match unit {
        "unit/type/list" | "unit/type/zset" | "unit/cluster/many-slot-migration" => 4,
        "unit/type/list-3" | "unit/scripting" | "unit/maxmemory" | "unit/cluster/slot-stats" => 3,
        _ if unit.starts_with("unit/cluster/") => 2,
        "unit/type/hash" | "unit/expire" | "unit/dump" | "unit/obuf-limits" => 2,
        _ => 1,
    }
}

/// Runs one unit to its end or the time limit; tests that hang are left out of further runs.
pub(super) fn run(
    plan: &Plan,
    stage: &Stage,
    unit: &str,
    ports: (u16, u16),
    logs: &Path,
) -> Vec<(String, Outcome)> {
    let end = Instant::now() + plan.limit;
    let log = logs.join(format!("{}.log", unit.replace('/', "_")));
    let mut hung: Vec<(String, Outcome)> = Vec::new();
    for turn in 1.. {
        let _ = fs::remove_file(&log);
        let mut command = Command::new("./runtest");
        command.current_dir(&stage.folder).env("TERM", "dumb");
        command.args(["--durable", "--clients", "1", "--single", unit]);
        command.args(["--timeout", &plan.patience.as_secs().to_string()]);
        command.args([
            "--baseport",
            &ports.0.to_string(),
            "--portcount",
            &ports.1.to_string(),
        ]);
        if let Some(only) = &plan.only {
            command.args(["--only", only]);
        }
        for (name, _) in &hung {
            command.args(["--skiptest", name]);
        }
        let mut process = Process::start(unit, &mut command, &log);
        let left = end.saturating_duration_since(Instant::now());
        let in_time = until(left.max(Duration::from_secs(1)), || process.ended()).is_some();
        if !in_time {
            process.kill();
        }
        process.sweep();
        let mut output = parse(&process.log());
        if let (true, Some(name)) = (in_time && turn < RUNS, output.hung.take()) {
            // Its name as the suite knows it, so that it can be left out.
            let known = hung.iter().any(|(other, _)| *other == name);
            if !known {
                hung.push((name, Outcome::Hung("nothing happened for too long".into())));
                continue;
            }
        }
        let mut outcomes = hung;
        outcomes.append(&mut output.tests);
        if !output.done {
            let why = output.exception.unwrap_or_else(|| {
                if in_time {
                    "the unit ended early".into()
                } else {
                    "the time limit".into()
                }
            });
            outcomes.push(("(the rest of the unit)".into(), Outcome::Ended(why)));
        }
        return outcomes;
    }
    unreachable!("the last turn returns")
}
