//! Running one unit of the suite.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{Process, until};

use super::Plan;
use super::output::{Outcome, Output, parse};
use super::record::Sorting;
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

/// The units named; one that does not exist is an error, one that ends in `/*` stands for all
/// below.
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

/// Units in which nothing is heard for minutes where the machine is slow: fifteen nodes with every
/// slot a range of its own, or a thousand open slots repaired one after the other, each change on
/// disk before the next.
const SLOW: &[&str] = &[
    "unit/cluster/cluster-slots",
    "unit/cluster/many-slot-migration",
];
/// How much more patience they get.
const MORE_PATIENCE: u32 = 5;

/// One run of the suite.
struct Run<'r> {
    plan: &'r Plan,
    stage: &'r Stage,
    unit: &'r str,
    ports: (u16, u16),
    log: PathBuf,
    end: Instant,
}

impl Run<'_> {
    /// Runs the suite with more arguments; what it wrote, and whether it ended in time.
    fn go(&self, more: &[&str]) -> (Output, bool) {
        let _ = fs::remove_file(&self.log);
        let mut command = Command::new("./runtest");
        command.current_dir(&self.stage.folder).env("TERM", "dumb");
        command.args(["--durable", "--clients", "1", "--single", self.unit]);
        let patience = match SLOW.contains(&self.unit) {
            true => self.plan.patience * MORE_PATIENCE,
            false => self.plan.patience,
        };
        command.args(["--timeout", &patience.as_secs().to_string()]);
        command.args(["--baseport", &self.ports.0.to_string()]);
        command.args(["--portcount", &self.ports.1.to_string()]);
        command.args(more);
        let mut process = Process::start(self.unit, &mut command, &self.log);
        let left = self.end.saturating_duration_since(Instant::now());
        let in_time = until(left.max(Duration::from_secs(1)), || process.ended()).is_some();
        if !in_time {
            process.kill();
        }
        process.sweep();
        (parse(&process.log()), in_time)
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
    let none = Sorting::default();
    let sorting = plan.sorting.get(unit).unwrap_or(&none);
    if plan.only.is_none() && sorting.all > 0 && sorting.left_out.len() == sorting.all {
        return Vec::new();
    }
    let name = unit.replace('/', "_");
    let mut run = Run {
        plan,
        stage,
        unit,
        ports,
        log: logs.join(format!("{name}.log")),
        end: Instant::now() + plan.limit,
    };
    let mut skips = sorting.left_out.clone();
    skips.extend(sorting.alone.iter().cloned());
    let mut outcomes = run_together(&run, &skips, &logs.join(format!("{name}.skip")));
    if plan.only.is_none() {
        run.log = logs.join(format!("{name}.alone.log"));
        let only = sorting.alone.iter().flat_map(|test| ["--only", test]);
        let only: Vec<&str> = only.collect();
        if !only.is_empty() {
            outcomes.extend(run.go(&only).0.tests);
        }
    }
    outcomes
}

/// Runs the tests of a unit but those to skip.
fn run_together(run: &Run<'_>, skips: &[String], skip_file: &Path) -> Vec<(String, Outcome)> {
    let mut hung: Vec<(String, Outcome)> = Vec::new();
    for turn in 1.. {
        let mut more = Vec::new();
        if let Some(only) = &run.plan.only {
            more.extend(["--only", only]);
        } else if !skips.is_empty() {
            fs::write(skip_file, skips.join("\n")).expect("the folder of the logs was made");
            more.extend(["--skipfile", skip_file.to_str().expect("our own path")]);
        }
        for (name, _) in &hung {
            more.extend(["--skiptest", name]);
        }
        let (mut output, in_time) = run.go(&more);
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
