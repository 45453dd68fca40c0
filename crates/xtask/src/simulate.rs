//! `cargo xtask simulate`: many seeds of the simulator, or one of them again, or the traffic of a
//! large cluster.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use sim::{Params, Report, formula_bytes_per_second, measure_gossip};

use crate::arguments::Arguments;

/// Runs what the words ask for.
pub(crate) fn command(arguments: &mut Arguments) -> Result<(), String> {
    let seed = arguments.option("--seed")?;
    let nodes = arguments.option("--nodes")?;
    let first: u64 = arguments.parsed("--from", 1)?;
    let count: u64 = arguments.parsed("--seeds", 1000)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs: usize = arguments.parsed("--jobs", cores)?;
    let node_timeout: u64 = arguments.parsed("--node-timeout", 15_000)?;
    let seconds: u64 = arguments.parsed("--seconds", 30)?;
    arguments.end()?;
    let number = |text: String| text.parse().map_err(|_| format!("not a number: {text}"));
    if let Some(nodes) = nodes {
        let nodes: u64 = number(nodes)?;
        return gossip(
            usize::try_from(nodes).map_err(|e| e.to_string())?,
            node_timeout,
            seconds,
        );
    }
    match seed {
        Some(seed) => one(number(seed)?),
        None => many(first, count, jobs),
    }
}

/// Runs one seed twice: it must end the same way.
fn one(seed: u64) -> Result<(), String> {
    let params = Params::random(seed);
    let report = sim::run(seed, &params);
    println!("{params:#?}\n{report:#?}");
    let again = sim::run(seed, &params);
    if again != report {
        return Err(format!("the seed did not repeat: {again:#?}"));
    }
    verdict(&[report])
}

/// Runs a range of seeds on all cores.
fn many(first: u64, count: u64, jobs: usize) -> Result<(), String> {
    let start = Instant::now();
    let next = AtomicU64::new(first);
    let failed = Mutex::new(Vec::new());
    let (events, promotions) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first.saturating_add(count) {
                        return;
                    }
                    let report = sim::run(seed, &Params::random(seed));
                    events.fetch_add(report.events, Ordering::Relaxed);
                    promotions.fetch_add(report.promotions, Ordering::Relaxed);
                    if !report.violations.is_empty() {
                        println!("seed {seed}: {}", report.violations.join("; "));
                        failed.lock().expect("no panic").push(report);
                    }
                }
            });
        }
    });
    let (events, promotions) = (events.into_inner(), promotions.into_inner());
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{count} seeds from {first}: {events} events, {promotions} promotions, {seconds:.1} s"
    );
    if promotions == 0 {
        return Err("no election was won in any run: they prove nothing".into());
    }
    verdict(&failed.into_inner().expect("no panic"))
}

fn verdict(reports: &[Report]) -> Result<(), String> {
    let failed: Vec<String> = reports
        .iter()
        .filter(|report| !report.violations.is_empty())
        .map(|report| format!("--seed {}", report.seed))
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} runs went wrong; again with {}",
        failed.len(),
        failed.join(", ")
    ))
}

/// Bytes that a node sends and receives for gossip, beside what real nodes' formula gives.
fn gossip(nodes: usize, node_timeout: u64, seconds: u64) -> Result<(), String> {
    let traffic = measure_gossip(nodes, node_timeout, seconds, 1);
    let formula = formula_bytes_per_second(nodes, node_timeout);
    println!(
        "{nodes} nodes, node time-out {node_timeout} ms, {:.0} virtual seconds: {:.0} packets and \
         {:.0} bytes sent by each node in a second; the formula of real gossip gives {formula:.0} bytes; \
         {} nodes see the cluster ok",
        traffic.seconds, traffic.packets_per_second, traffic.bytes_per_second, traffic.ok,
    );
    if traffic.ok == nodes {
        Ok(())
    } else {
        Err("not all nodes see the cluster ok".into())
    }
}
