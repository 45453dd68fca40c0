//! The upstream test suite run on our programs, as a scoreboard that only rises.
//!
//! One unit at a time, each in a copy of the suite with our binary linked under the names that the
//! suite calls. A test that hangs is skipped in a second run of its unit, so that it hides no
//! others; so is, from the start, one that needs what does not exist here yet, since it may leave
//! its connection in the middle of something or end the unit (`--absent` runs those too, to see
//! whether they have come true). Each of these has its line in `docs/conformance/reasons.txt`. What
//! each test did is kept in `docs/conformance/tests.txt`; a test that passed once and
//! does not any more is a regression, and fails the run.

mod edits;
mod output;
mod reasons;
mod record;
mod report;
mod stage;
mod unit;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::arguments::Arguments;
use crate::fetch;
use crate::run::build_shoal;
use edits::Edits;
use output::Outcome;
use reasons::Reasons;
use record::{Record, Sorting};
use stage::Stage;

/// Units of the three-minute slice that CI runs.
const SLICE: &[&str] = &[
    "unit/type/string",
    "unit/type/incr",
    "unit/type/hash",
    "unit/type/list",
    "unit/type/list-2",
    "unit/bitops",
    "unit/bitfield",
    "unit/keyspace",
    "unit/scan",
    "unit/sort",
    "unit/multi",
    "unit/protocol",
    "unit/querybuf",
    "unit/obuf-limits",
    "unit/quit",
    "unit/pause",
    "unit/cluster/info",
    "unit/cluster/transactions-on-replica",
];

/// First port of the first job; the kit's own tests use those below.
const BASE_PORT: u16 = 20_940;
/// Ports of one job. One job's client port lies 32 below its first.
const JOB_PORTS: u16 = 500;

/// What to run, and on what.
struct Plan {
    units: Vec<String>,
    programs: Programs,
    jobs: u16,
    base_port: u16,
    limit: Duration,
    patience: Duration,
    only: Option<String>,
    /// How the tests of each unit are run.
    sorting: BTreeMap<String, Sorting>,
    /// Lines of the suite that are left out.
    edits: Edits,
}

/// The programs that stand in for the suite's own.
enum Programs {
    /// One binary under all names.
    Ours(PathBuf),
    /// A folder and what its programs' names begin with.
    Peer(PathBuf, &'static str),
}

/// `cargo xtask conformance`.
pub(crate) fn command(arguments: &mut Arguments) -> Result<(), String> {
    let slice = arguments.flag("--slice");
    let release = arguments.flag("--release");
    let accept = arguments.flag("--accept");
    let absent = arguments.flag("--absent");
    let peer = arguments.option("--peer")?;
    let binary = arguments.option("--bin")?.map(PathBuf::from);
    let units = arguments.list("--units")?;
    let only = arguments.option("--only")?;
    let jobs = arguments.parsed("--jobs", 2)?;
    let base_port = arguments.parsed("--base-port", BASE_PORT)?;
    let limit = Duration::from_secs(arguments.parsed("--limit", 600)?);
    let patience = Duration::from_secs(arguments.parsed("--timeout", 60)?);
    arguments.end()?;

    let suite = fetch::suite(&fetch::suite_directory(None), false)?;
    let programs = match (peer.as_deref(), binary) {
        (Some("valkey"), _) => Programs::Peer(fetch::peers_directory(None).join("bin"), "valkey"),
        (Some("redis74"), _) => Programs::Peer(fetch::peers_directory(None).join("bin"), "redis74"),
        (Some(other), _) => return Err(format!("--peer is valkey or redis74, not {other}")),
        (None, Some(binary)) => Programs::Ours(binary),
        (None, None) => Programs::Ours(build_shoal(release)?),
    };
    let whole = units.is_none() && only.is_none() && !slice;
    let units = match units {
        Some(units) => unit::chosen(&suite, &units)?,
        None if slice => SLICE.iter().map(ToString::to_string).collect(),
        None => unit::all(&suite)?,
    };
    let (sorting, edits) = match peer {
        Some(_) => Default::default(),
        None => (sorting(absent)?, Edits::read(&edits_file())?),
    };
    let plan = Plan {
        units,
        sorting,
        edits,
        programs,
        jobs,
        base_port,
        limit,
        patience,
        only,
    };
    let start = Instant::now();
    let results = run_units(&plan, &suite)?;
    let seconds = start.elapsed().as_secs();
    println!("{} units in {seconds} s", results.len());
    if let Some(peer) = peer {
        return calibrate(&results, peer == "valkey");
    }
    judge(&results, whole, slice || plan.only.is_some(), accept)
}

fn sorting(absent: bool) -> Result<BTreeMap<String, Sorting>, String> {
    let (tests, reasons, _) = documents();
    Ok(Record::read(&tests)?.sorting(&Reasons::read(&reasons)?, absent))
}

fn edits_file() -> PathBuf {
    crate::root().join("docs/conformance/edits.txt")
}

/// Runs the units, some at the same time, printing a line for each.
fn run_units(
    plan: &Plan,
    suite: &Path,
) -> Result<BTreeMap<String, Vec<(String, Outcome)>>, String> {
    let work = crate::root().join("target/conformance");
    let logs = work.join("logs");
    fs::create_dir_all(&logs).map_err(|error| error.to_string())?;
    let mut queue: Vec<&String> = plan.units.iter().rev().collect();
    // Long units first, so that the last job does not end alone.
    queue.sort_by_key(|unit| unit::weight(unit));
    let queue = Mutex::new(queue);
    let results = Mutex::new(BTreeMap::new());
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for job in 0..plan.jobs {
            let (queue, results, failures, logs, work) =
                (&queue, &results, &failures, &logs, &work);
            scope.spawn(move || {
                let first = plan.base_port + job * JOB_PORTS;
                let folder = work.join(format!("job-{job}"));
                let stage = Stage::make(suite, &folder, &plan.programs, &plan.edits);
                let stage = match stage {
                    Ok(stage) => stage,
                    Err(error) => return failures.lock().expect("no panic").push(error),
                };
                while let Some(unit) = { queue.lock().expect("no panic").pop() } {
                    let start = Instant::now();
                    let outcomes = unit::run(plan, &stage, unit, (first, JOB_PORTS - 40), logs);
                    let line = output::summary(&outcomes);
                    println!("{unit:<48} {line} ({} s)", start.elapsed().as_secs());
                    results
                        .lock()
                        .expect("no panic")
                        .insert(unit.clone(), outcomes);
                }
            });
        }
    });
    match failures.into_inner().expect("no panic").pop() {
        Some(error) => Err(error),
        None => Ok(results.into_inner().expect("no panic")),
    }
}

fn documents() -> (PathBuf, PathBuf, PathBuf) {
    let docs = crate::root().join("docs");
    let folder = docs.join("conformance");
    (
        folder.join("tests.txt"),
        folder.join("reasons.txt"),
        docs.join("conformance.md"),
    )
}

/// A run on a real server tells which tests there are, if it is one that knows all of them.
fn calibrate(results: &BTreeMap<String, Vec<(String, Outcome)>>, all: bool) -> Result<(), String> {
    let (tests, ..) = documents();
    let mut record = Record::read(&tests)?;
    for (unit, outcomes) in results {
        record.add_known(unit, outcomes);
        for (name, outcome) in outcomes {
            if let Outcome::Failed(why) | Outcome::Hung(why) | Outcome::Ended(why) = outcome {
                println!("{unit}: {name}\n    {why}");
            }
        }
    }
    if all { record.write(&tests) } else { Ok(()) }
}

/// Compares with what passed before, and writes the record and the scoreboard.
fn judge(
    results: &BTreeMap<String, Vec<(String, Outcome)>>,
    whole: bool,
    read_only: bool,
    accept: bool,
) -> Result<(), String> {
    let (tests, reasons, page) = documents();
    let mut record = Record::read(&tests)?;
    let reasons = Reasons::read(&reasons)?;
    let passed = |(_, outcome): &&(String, Outcome)| *outcome == Outcome::Passed;
    if results.values().flatten().filter(passed).count() == 0 {
        return Err("no test passed: is it the server that cannot start?".into());
    }
    let regressions: Vec<String> = results
        .iter()
        .flat_map(|(unit, outcomes)| record.regressions(unit, outcomes))
        .collect();
    if !read_only {
        for (unit, outcomes) in results {
            record.update(unit, outcomes, accept);
        }
        record.write(&tests)?;
        let text = report::page(&record, &reasons, results, &Edits::read(&edits_file())?);
        fs::write(&page, text).map_err(|error| format!("{}: {error}", page.display()))?;
        println!("written: {} and {}", tests.display(), page.display());
    }
    if whole {
        for (unit, name) in record.without_reason(&reasons) {
            println!("no reason is given why this does not pass: {unit}: {name}");
        }
    }
    if regressions.is_empty() || accept {
        return Ok(());
    }
    for line in &regressions {
        println!("passed before, does not now: {line}");
    }
    Err(format!(
        "{} tests that passed before do not now",
        regressions.len()
    ))
}
