//! A server that is measured: how it is started, and what it costs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::{Program, Server, ServerPlan, Tool};

use crate::run::capture;

/// Which core the server runs on, and which the generator.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cores {
    pub(super) server: u32,
    pub(super) load: u32,
}

/// A program to measure.
#[derive(Debug)]
pub(super) struct Subject {
    /// What the tables call it.
    pub(super) name: String,
    pub(super) program: Program,
    binary: Option<PathBuf>,
}

impl Subject {
    /// Our binary.
    pub(super) fn ours(binary: PathBuf) -> Subject {
        let binary = std::path::absolute(&binary).unwrap_or(binary);
        Subject {
            name: "shoal".into(),
            program: Program::Shoal,
            binary: Some(binary),
        }
    }

    /// An older binary of ours.
    pub(super) fn before(binary: PathBuf) -> Subject {
        Subject {
            name: "before".into(),
            ..Subject::ours(binary)
        }
    }

    /// A real server, by the name of its peer.
    pub(super) fn named(name: &str) -> Result<Subject, String> {
        let program = match name {
            "valkey" => Program::Valkey,
            "redis74" => Program::Redis74,
            "redis70" => Program::Redis70,
            "redis8" => Program::Redis8,
            _ => return Err(format!("no such server: {name}")),
        };
        Ok(Subject {
            name: name.into(),
            program,
            binary: None,
        })
    }

    /// Starts it on its core with one worker; nothing is saved, nothing is logged to a file.
    pub(super) fn start(&self, core: u32, clustered: bool) -> Server {
        self.plan(core, clustered).start()
    }

    /// The same with an append-only file, `appendfsync everysec`, which is never rewritten.
    pub(super) fn start_logged(&self, core: u32) -> Server {
        self.plan(core, false)
            .option("appendonly", "yes")
            .option("appendfsync", "everysec")
            .option("auto-aof-rewrite-percentage", "0")
            .start()
    }

    /// Starts it with so many workers, on all cores.
    pub(super) fn start_with_workers(&self, workers: u32) -> Server {
        let mut plan = Server::of(self.program)
            .option("appendonly", "no")
            .option("io-threads", &workers.to_string());
        if let Some(binary) = &self.binary {
            plan = plan.binary(binary);
        }
        plan.start()
    }

    fn plan(&self, core: u32, clustered: bool) -> ServerPlan {
        let mut plan = Server::of(self.program)
            .wrapped_in(&["taskset", "-c", &core.to_string()])
            .option("appendonly", "no")
            .option("io-threads", "1");
        if clustered {
            plan = plan.option("cluster-enabled", "yes");
        }
        if let Some(binary) = &self.binary {
            plan = plan.binary(binary);
        }
        plan
    }

    /// What it says of its version.
    pub(super) fn version(&self) -> Result<String, String> {
        let mut command = match &self.binary {
            Some(binary) => Command::new(binary),
            None => self.program.command(Tool::Server),
        };
        let said = capture(
            command
                .args(self.binary.as_ref().map(|_| "server"))
                .arg("--version"),
        )?;
        Ok(said.trim().to_string())
    }
}

/// User and system time of all threads of a process, in seconds.
pub(super) fn cpu_seconds(process: u32) -> Result<f64, String> {
    // The kernel counts in hundredths of a second on every Linux that we run on.
    const TICKS: f64 = 100.0;
    let folder = format!("/proc/{process}/task");
    let tasks = fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?;
    let mut ticks = 0;
    for task in tasks.flatten() {
        // A thread may end between the listing and the reading.
        let text = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        ticks += thread_ticks(&text).unwrap_or(0);
    }
    Ok(f64::from(u32::try_from(ticks).map_err(|error| error.to_string())?) / TICKS)
}

/// utime + stime in the text of a `stat` file; the name before them may hold anything.
pub(super) fn thread_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

/// Resident bytes of a process.
pub(super) fn resident_bytes(process: u32) -> Result<u64, String> {
    let path = format!("/proc/{process}/status");
    let text = fs::read_to_string(Path::new(&path)).map_err(|error| format!("{path}: {error}"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .ok_or("no VmRSS")?;
    let kilobytes = line
        .split_whitespace()
        .next()
        .and_then(|word| word.parse::<u64>().ok());
    kilobytes
        .map(|kilobytes| kilobytes << 10)
        .ok_or_else(|| format!("VmRSS is {line}"))
}
