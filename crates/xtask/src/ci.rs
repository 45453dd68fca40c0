//! `cargo xtask ci`: everything that must pass before a change lands, from a fresh machine with
//! nothing but Rust on it.
//!
//! All steps run, even after one has failed, and the last line says which did. Each has a limit in
//! wall-clock time; processes that a step leaves behind are ended before the next one. Suites that
//! mostly wait run side by side.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpid, kill_process, kill_process_group, set_child_subreaper};
use testkit::until;

use crate::arguments::Arguments;
use crate::fetch;
use crate::run::target;

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
    ("node", "nodejs"),
    ("npm", "npm"),
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
    /// It mostly waits, and may run beside others that do.
    waits: bool,
}

/// Runs the steps; `--only A,B` runs these alone.
pub(crate) fn command(arguments: &mut Arguments) -> Result<(), String> {
    let only = arguments.list("--only")?;
    arguments.end()?;
    let start = Instant::now();
    // What a step leaves behind becomes our child, so that it can be found and ended.
    set_child_subreaper(Some(getpid())).map_err(|error| format!("subreaper: {error}"))?;
    let peers = fetch::peers_directory(None);
    let clients = fetch::clients_directory(None);
    let suite = fetch::suite_directory(None);
    let mut failed = Vec::new();
    println!("== what the tests need");
    let needs = fetch::ensure(PROGRAMS)
        .and_then(|()| fetch::peers(&peers, false))
        .and_then(|()| fetch::clients(&clients, false))
        .and_then(|()| fetch::suite(&suite, false).map(|_| ()));
    if let Err(error) = needs {
        println!("{error}");
        failed.push("needs");
    }
    let steps = steps(vec![
        ("SHOAL_PEERS", peers.display().to_string()),
        ("SHOAL_CLIENTS", clients.display().to_string()),
        ("SHOAL_SUITE", suite.display().to_string()),
        // Built by the step before the tests.
        (
            "SHOAL_BIN",
            target("debug").join("shoal").display().to_string(),
        ),
    ]);
    if let Some(unknown) = only
        .iter()
        .flatten()
        .find(|name| !steps.iter().any(|s| s.name == **name))
    {
        return Err(format!("no step is called {unknown}"));
    }
    let wanted = |step: &Step| {
        only.as_ref()
            .is_none_or(|only| only.iter().any(|name| name == step.name))
    };
    let (waiting, steps): (Vec<Step>, Vec<Step>) = steps
        .into_iter()
        .filter(wanted)
        .partition(|step| step.waits);
    let batches = steps.into_iter().map(|step| vec![step]).chain([waiting]);
    for batch in batches.filter(|batch| !batch.is_empty()) {
        let left = LIMIT.saturating_sub(start.elapsed());
        failed.extend(side_by_side(&batch, left));
        end_orphans();
    }
    let seconds = start.elapsed().as_secs();
    if failed.is_empty() {
        println!("ci: passed in {seconds} s");
        return Ok(());
    }
    Err(format!("FAILED in {seconds} s: {}", failed.join(", ")))
}

fn steps(environment: Vec<(&'static str, String)>) -> Vec<Step> {
    let step = |name, words: &str, minutes| Step {
        name,
        words: words.split(' ').map(str::to_string).collect(),
        minutes,
        environment: environment.clone(),
        waits: false,
    };
    let waiting = |name, words: &str, minutes| Step {
        waits: true,
        ..step(name, words, minutes)
    };
    vec![
        step("fmt", "fmt --all --check", 1),
        step(
            "clippy",
            "clippy --workspace --all-targets --quiet -- -D warnings",
            10,
        ),
        step("tidy", "xtask tidy", 2),
        step("build", "build --workspace --quiet", 10),
        step("test", "test --workspace --no-fail-fast --quiet", 22),
        step("models", "test -p store --features model --lib --quiet", 4),
        step("instructions", "xtask instructions", 5),
        waiting("conformance", "xtask conformance --slice --jobs 1", 8),
        waiting("chaos", "xtask chaos --seconds 30", 4),
    ]
}

/// Runs steps at the same time; answers the names of those that failed. One alone shows its output
/// as it comes; of several, it is shown at the end.
fn side_by_side(batch: &[Step], left: Duration) -> Vec<&'static str> {
    let alone = batch.len() == 1;
    std::thread::scope(|scope| {
        let running: Vec<_> = batch
            .iter()
            .map(|step| {
                let limit = Duration::from_secs(step.minutes * 60).min(left);
                println!("== {} (at most {} s)", step.name, limit.as_secs());
                scope.spawn(move || (Instant::now(), run(step, limit, !alone)))
            })
            .collect();
        let mut failed = Vec::new();
        for (step, thread) in batch.iter().zip(running) {
            let (begun, result) = thread.join().expect("a step's thread does not panic");
            let seconds = begun.elapsed().as_secs();
            if !alone {
                print!("{}", fs::read_to_string(log_of(step)).unwrap_or_default());
            }
            match result {
                Ok(()) => println!("== {}: passed in {seconds} s", step.name),
                Err(error) => {
                    println!("== {}: FAILED in {seconds} s: {error}", step.name);
                    failed.push(step.name);
                }
            }
        }
        failed
    })
}

fn log_of(step: &Step) -> PathBuf {
    crate::root()
        .join("target/ci")
        .join(format!("{}.log", step.name))
}

/// Runs a step in its own process group, ended when time is up.
fn run(step: &Step, limit: Duration, to_file: bool) -> Result<(), String> {
    use std::os::unix::process::CommandExt;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(crate::root())
        .args(&step.words)
        .stdin(Stdio::null())
        .process_group(0);
    command.envs(step.environment.iter().map(|(name, value)| (name, value)));
    if to_file {
        let log = log_of(step);
        fs::create_dir_all(log.parent().expect("a folder")).map_err(|error| error.to_string())?;
        let file = fs::File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let errors = file.try_clone().map_err(|error| error.to_string())?;
        command.stdout(file).stderr(errors);
    }
    let mut child = command.spawn().map_err(|error| format!("cargo: {error}"))?;
    let ended = until(limit, || child.try_wait().ok().flatten());
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
