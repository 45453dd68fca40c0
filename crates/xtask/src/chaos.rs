//! Chaos on real processes: a cluster of three masters and three replicas under eight writers of
//! unique ids, while masters are killed, paused and failed over at random.
//!
//! Afterwards every acknowledged write must be there, unless it fell into the window around a
//! fault on its shard; nothing may be there that nobody wrote; and each shard must have been
//! unavailable for about a node time-out only. Real servers go through the same, for comparison.

mod faults;
mod judge;
mod workload;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::{ClusterPlan, Program, Rng};

use crate::arguments::Arguments;
use crate::run::build_shoal;
use judge::Verdict;

/// The node time-out of the cluster, in milliseconds.
const NODE_TIMEOUT: u64 = 2000;
const MASTERS: usize = 3;

/// What to run.
struct Plan {
    seconds: u64,
    seed: u64,
    writers: usize,
}

/// `cargo xtask chaos`.
pub(crate) fn command(words: &str, arguments: &mut Arguments) -> Result<(), String> {
    let write = arguments.flag("--write");
    let fresh = testkit::seed("chaos").bits();
    let plan = Plan {
        seconds: arguments.parsed("--seconds", 120)?,
        seed: arguments.parsed("--seed", fresh)?,
        writers: arguments.parsed("--writers", 8)?,
    };
    let subject = arguments.option("--subject")?;
    let beside = arguments.option("--beside")?;
    let release = arguments.flag("--release");
    let mut binary = arguments.option("--bin")?.map(absolute);
    arguments.end()?;
    println!("repeat with --seed {}", plan.seed);
    let subject = match subject.as_deref() {
        None => Program::Shoal,
        Some(name) => peer(name)?,
    };
    if subject == Program::Shoal && binary.is_none() {
        binary = Some(build_shoal(release)?);
    }
    let mut verdicts = vec![run(&plan, subject, binary.as_deref())?];
    if let Some(name) = beside {
        verdicts.push(run(&plan, peer(&name)?, None)?);
    }
    let page = judge::page(words, &plan_words(&plan), &verdicts);
    println!("\n{page}");
    if write {
        let path = crate::root().join("docs/chaos.md");
        std::fs::write(&path, page).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let faults = judge::broken(&verdicts);
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("; "))
    }
}

/// Servers start in directories of their own.
fn absolute(path: String) -> PathBuf {
    std::path::absolute(&path).unwrap_or_else(|_| path.into())
}

fn plan_words(plan: &Plan) -> String {
    let Plan {
        seconds,
        seed,
        writers,
    } = plan;
    format!("{seconds} s, {writers} writers, seed {seed}, node time-out {NODE_TIMEOUT} ms")
}

/// What the nodes say they are, with the version.
fn name_of(cluster: &testkit::Cluster) -> Result<String, String> {
    let info = cluster.nodes[0].connect().fields(&["INFO", "server"]);
    let info = info.map_err(|error| error.to_string())?;
    let version = ["shoal", "valkey", "redis"].iter().find_map(|name| {
        let field = format!("{name}_version");
        let (_, version) = info.iter().find(|(known, _)| *known == field)?;
        Some(format!("{name} {version}"))
    });
    version.ok_or_else(|| "no version in INFO".into())
}

fn peer(name: &str) -> Result<Program, String> {
    match name {
        "valkey" => Ok(Program::Valkey),
        "redis70" => Ok(Program::Redis70),
        "redis74" => Ok(Program::Redis74),
        _ => Err(format!("no such server: {name}")),
    }
}

/// Runs the whole thing on one program.
fn run(plan: &Plan, program: Program, binary: Option<&std::path::Path>) -> Result<Verdict, String> {
    println!("== {program:?}: three masters, three replicas");
    let mut cluster_plan = ClusterPlan::of(program, MASTERS, 1)
        .option("cluster-node-timeout", &NODE_TIMEOUT.to_string())
        .option("appendonly", "yes");
    if let Some(binary) = binary {
        cluster_plan = cluster_plan.binary(binary);
    }
    let mut cluster = cluster_plan.start();
    let start = Instant::now();
    let stop = AtomicBool::new(false);
    let ports: Vec<u16> = cluster.nodes.iter().map(testkit::Server::port).collect();
    let (mut attempts, mut probes) = (Vec::new(), Vec::new());
    let faults = std::thread::scope(|scope| {
        let (stop, ports) = (&stop, &ports);
        let writers: Vec<_> = (0..plan.writers)
            .map(|writer| scope.spawn(move || workload::write(start, stop, ports, writer)))
            .collect();
        let probers: Vec<_> = (0..MASTERS)
            .map(|shard| scope.spawn(move || workload::probe(start, stop, ports, shard)))
            .collect();
        let mut rng = Rng::new(plan.seed);
        let length = Duration::from_secs(plan.seconds);
        let faults = faults::cause(&mut cluster, &mut rng, start, length);
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            attempts.extend(writer.join().expect("a writer does not panic"));
        }
        for prober in probers {
            probes.push(prober.join().expect("a prober does not panic"));
        }
        faults
    });
    let stored = workload::read_back(&cluster);
    let name = name_of(&cluster)?;
    Ok(judge::judge(name, &attempts, &probes, &faults, &stored))
}
