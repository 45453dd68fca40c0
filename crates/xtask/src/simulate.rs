//! `cargo xtask simulate`: many seeds of the simulator, or one of them again, or the traffic of a
//! large cluster.

use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use sim::{Params, Report, Traffic, formula_bytes_per_second, measure_gossip};

use crate::arguments::Arguments;

/// The sizes of the clusters whose gossip goes into the page.
const SIZES: [usize; 3] = [10, 100, 1000];

/// Runs what the words ask for.
pub(crate) fn command(words: &str, arguments: &mut Arguments) -> Result<(), String> {
    let write = arguments.flag("--write");
    let seed = arguments.option("--seed")?;
    let nodes = arguments.option("--nodes")?;
    let first: u64 = arguments.parsed("--from", 1)?;
    let count: u64 = arguments.parsed("--seeds", 1000)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs: usize = arguments.parsed("--jobs", cores)?;
    let node_timeout: u64 = arguments.parsed("--node-timeout", 15_000)?;
    let seconds: u64 = arguments.parsed("--seconds", 30)?;
    arguments.end()?;
    if write {
        return page(words, (first, count, jobs), node_timeout, seconds);
    }
    let number = |text: String| text.parse().map_err(|_| format!("not a number: {text}"));
    if let Some(nodes) = nodes {
        let nodes: u64 = number(nodes)?;
        let nodes = usize::try_from(nodes).map_err(|e| e.to_string())?;
        return gossip(nodes, node_timeout, seconds).map(|_| ());
    }
    match seed {
        Some(seed) => one(number(seed)?),
        None => many(first, count, jobs).map(|_| ()),
    }
}

/// Runs the seeds and the large clusters, and writes docs/simulation.md.
fn page(
    words: &str,
    (first, count, jobs): (u64, u64, usize),
    node_timeout: u64,
    seconds: u64,
) -> Result<(), String> {
    let seeds = many(first, count, jobs)?;
    let mut page = format!(
        "# Simulation\n\n\
         The cluster machines that ship, under virtual time: 3 to 30 nodes, loss, delay, partitions, \
         pauses, crashes that lose unsynced state, administrators' commands at random. Never two \
         primaries that accept writes for a slot with the same epoch, no second vote in an epoch, and \
         maps that agree after healing.\n\n\
         `cargo xtask simulate {words}`: {seeds}, no violation. `cargo xtask simulate --seed N` repeats \
         one.\n\n\
         Gossip of large clusters, half of the nodes replicas, node time-out {node_timeout} ms, \
         {seconds} virtual seconds; the formula is that of real gossip, every node pinged every half \
         time-out. Sent by each node in a second:\n\n\
         | nodes | packets | bytes | bytes by the formula | nodes that see the cluster ok | seconds it took |\n\
         |---:|---:|---:|---:|---:|---:|\n"
    );
    for nodes in SIZES {
        let start = Instant::now();
        let traffic = gossip(nodes, node_timeout, seconds)?;
        let _ = writeln!(
            page,
            "| {nodes} | {:.0} | {:.0} | {:.0} | {} | {:.1} |",
            traffic.packets_per_second,
            traffic.bytes_per_second,
            formula_bytes_per_second(nodes, node_timeout),
            traffic.ok,
            start.elapsed().as_secs_f64(),
        );
    }
    let path = crate::root().join("docs/simulation.md");
    std::fs::write(&path, page).map_err(|error| format!("{}: {error}", path.display()))
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
fn many(first: u64, count: u64, jobs: usize) -> Result<String, String> {
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
    let said = format!(
        "{count} seeds from {first}, {events} events, {promotions} promotions, in {seconds:.1} s"
    );
    println!("{said}");
    if promotions == 0 {
        return Err("no election was won in any run: they prove nothing".into());
    }
    verdict(&failed.into_inner().expect("no panic")).map(|()| said)
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
fn gossip(nodes: usize, node_timeout: u64, seconds: u64) -> Result<Traffic, String> {
    let traffic = measure_gossip(nodes, node_timeout, seconds, 1);
    let formula = formula_bytes_per_second(nodes, node_timeout);
    println!(
        "{nodes} nodes, node time-out {node_timeout} ms, {:.0} virtual seconds: {:.0} packets and \
         {:.0} bytes sent by each node in a second; the formula of real gossip gives {formula:.0} bytes; \
         {} nodes see the cluster ok",
        traffic.seconds, traffic.packets_per_second, traffic.bytes_per_second, traffic.ok,
    );
    if traffic.ok == nodes {
        Ok(traffic)
    } else {
        Err("not all nodes see the cluster ok".into())
    }
}
