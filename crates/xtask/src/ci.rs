//! `cargo xtask ci`: everything that must pass before a change lands, from a fresh machine with
//! nothing but Rust on it.
//!
//! All steps run, even after one has failed, and the last line says which did. Each has a limit in
//! wall-clock time; processes that a step leaves behind are ended before the next one.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpid, kill_process, kill_process_group, set_child_subreaper};
use testkit::until;

use crate::arguments::Arguments;
use crate::fetch;

/// Programs that the tests call, and the packages that hold them.
const PROGRAMS: &[(&str, &str)] = &[
    ("git", "git"),
    ("cc", "gcc"),
    ("make", "make"),
    ("redis-server", "redis-server"),
    ("redis-cli", "redis-tools"),
    ("tclsh", "tcl"),
    ("python3", "python3"),
    ("pip3", "python3-pip"),
    ("taskset", "util-linux"),
    ("valgrind", "valgrind"),
];

/// The whole run.
const LIMIT: Duration = Duration::from_secs(40 * 60);

/// One thing to do.
struct Step {
    name: &'static str,
    words: Vec<String>,
    minutes: u64,
    environment: Vec<(&'static str, String)>,
}

/// Runs the steps; `--only A,B` runs these alone.
pub(crate) fn command(arguments: &mut Arguments) -> Result<(), String> {
    let only = arguments.list("--only")?;
    arguments.end()?;
    let start = Instant::now();
    // What a step leaves behind becomes our child, so that it can be found and ended.
    set_child_subreaper(Some(getpid())).map_err(|error| format!("subreaper: {error}"))?;
    let peers = fetch::peers_directory(None);
    let suite = fetch::suite_directory(None);
    let mut failed = Vec::new();
    println!("== what the tests need");
    let needs = fetch::ensure(PROGRAMS)
        .and_then(|()| fetch::peers(&peers, false))
        .and_then(|()| fetch::suite(&suite, false).map(|_| ()));
    if let Err(error) = needs {
        println!("{error}");
        failed.push("needs");
    }
    let steps = steps(vec![
        ("SHOAL_PEERS", peers.display().to_string()),
        ("SHOAL_SUITE", suite.display().to_string()),
    ]);
    if let Some(unknown) = only
        .iter()
        .flatten()
        .find(|name| !steps.iter().any(|s| s.name == **name))
    {
        return Err(format!("no step is called {unknown}"));
    }
    for step in &steps {
        if only
            .as_ref()
            .is_some_and(|only| !only.iter().any(|name| name == step.name))
        {
            continue;
        }
        let left = LIMIT.saturating_sub(start.elapsed());
        let limit = Duration::from_secs(step.minutes * 60).min(left);
        println!("== {} (at most {} s)", step.name, limit.as_secs());
        let begun = Instant::now();
        let result = run(step, limit);
        end_orphans();
        match result {
            Ok(()) => println!(
                "== {}: passed in {} s",
                step.name,
                begun.elapsed().as_secs()
            ),
            Err(error) => {
                println!(
                    "== {}: FAILED in {} s: {error}",
                    step.name,
                    begun.elapsed().as_secs()
                );
                failed.push(step.name);
            }
        }
    }
    let seconds = start.elapsed().as_secs();
    if failed.is_empty() {
        println!("ci: passed in {seconds} s");
        return Ok(());
    }
    Err(format!("FAILED in {seconds} s: {}", failed.join(", ")))
}

fn steps(environment: Vec<(&'static str, String)>) -> Vec<Step> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let binary = target
        .unwrap_or_else(|| crate::root().join("target"))
        .join("debug/shoal");
    let step = |name, words: &str, minutes| Step {
        name,
        words: words.split(' ').map(str::to_string).collect(),
        minutes,
        environment: environment.clone(),
    };
    let mut test = step("test", "test --workspace --no-fail-fast --quiet", 22);
    test.environment
        .push(("SHOAL_BIN", binary.display().to_string()));
    vec![
        step("fmt", "fmt --all --check", 1),
        step(
            "clippy",
            "clippy --workspace --all-targets --quiet -- -D warnings",
            10,
        ),
        step("tidy", "xtask tidy", 2),
        step("build", "build --workspace --quiet", 10),
        test,
        step("instructions", "xtask instructions", 5),
        step("conformance", "xtask conformance --slice", 6),
    ]
}

/// Runs a step in its own process group, ended when time is up.
fn run(step: &Step, limit: Duration) -> Result<(), String> {
    use std::os::unix::process::CommandExt;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(crate::root())
        .args(&step.words)
        .stdin(Stdio::null())
        .process_group(0);
    command.envs(step.environment.iter().map(|(name, value)| (name, value)));
    let mut child = command.spawn().map_err(|error| format!("cargo: {error}"))?;
    let mut ended = None;
    until(limit, || {
        ended = child.try_wait().ok().flatten();
        ended.map(|_| ())
    });
    match ended {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(status.to_string()),
        None => {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = child.wait();
            Err("time is up".into())
        }
    }
}

/// Ends what the step's processes left behind, so that it disturbs no other.
fn end_orphans() {
    for _ in 0..100 {
        let orphans = children();
        if orphans.is_empty() {
            return;
        }
        for (process, name) in orphans {
            println!("ended a process that was left behind: {process} {name}");
            if let Some(process) = Pid::from_raw(process) {
                let _ = kill_process(process, Signal::KILL);
                let _ =
                    rustix::process::waitpid(Some(process), rustix::process::WaitOptions::empty());
            }
        }
    }
}

/// Our children, with their names.
fn children() -> Vec<(i32, String)> {
    let own = std::process::id().to_string();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let process: i32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let (name, rest) = stat.rsplit_once(')')?;
            let parent = rest.split_whitespace().nth(1)?;
            let name = name.split_once('(')?.1.to_string();
            (parent == own).then_some((process, name))
        })
        .collect()
}
