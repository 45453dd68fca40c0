//! What a save costs those who write meanwhile: latencies under a steady load with and without
//! BGSAVE and the deletion of large collections, and the memory that the save takes.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::{Conn, Rng, Server, until};

use super::load::{fill, key};
use super::subject::{Cores, Subject};
use crate::arguments::Arguments;

/// Connections of the load; each sends a request at fixed times, whether the last was slow or not.
const CONNECTIONS: u64 = 10;
/// Elements or fields in one request that fills a collection.
const STEP: u64 = 20;
/// A save that takes longer than this is not waited for.
const SAVE_LIMIT: Duration = Duration::from_secs(300);

/// What to measure.
#[derive(Debug)]
pub(super) struct Plan {
    keys: u64,
    items: u64,
    rate: u64,
    seconds: u64,
}

impl Plan {
    /// Reads `--save-keys`, `--save-items`, `--rate` and `--seconds`.
    pub(super) fn from(arguments: &mut Arguments) -> Result<Plan, String> {
        Ok(Plan {
            keys: arguments.parsed("--save-keys", 5_000_000)?,
            items: arguments.parsed("--save-items", 3_000_000)?,
            rate: arguments.parsed("--rate", 5_000)?,
            seconds: arguments.parsed("--seconds", 20)?,
        })
    }
}

/// Latencies in microseconds, and the memory of a save.
#[derive(Debug, Default)]
struct Found {
    quiet: Vec<u64>,
    saving: Vec<u64>,
    seconds: f64,
    before: u64,
    highest: u64,
}

/// Measures both subjects, one after the other.
pub(super) fn measure(
    plan: &Plan,
    subjects: [&Subject; 2],
    cores: Cores,
) -> Result<String, String> {
    let mut table = format!(
        "## Saving under load\n\nBGSAVE of {} keys, a hash of {} fields and a list of as many \
         elements, then DEL of the two collections, under {} writes a second to all of them; \
         against the same load alone. Latencies in ms, from the time a request was due.\n\n",
        plan.keys, plan.items, plan.rate
    );
    table += "| | p99.9 alone | p99.9 saving | ratio | longest stall | save, s | extra memory |\n";
    table += "|---|---:|---:|---:|---:|---:|---:|\n";
    for subject in subjects {
        let mut found = one(plan, subject, cores)?;
        let alone = percentile(&mut found.quiet, 0.999);
        let saving = percentile(&mut found.saving, 0.999);
        let longest = found.saving.last().copied().unwrap_or(0);
        let extra = 100.0 * found.highest.saturating_sub(found.before) as f64 / found.before as f64;
        let row = format!(
            "| {} | {:.2} | {:.2} | {:.2} | {:.1} | {:.1} | {extra:.1} % |",
            subject.name,
            alone as f64 / 1e3,
            saving as f64 / 1e3,
            saving as f64 / alone as f64,
            longest as f64 / 1e3,
            found.seconds,
        );
        println!("{row}");
        table += &row;
        table.push('\n');
    }
    table += "\nPromised: ratio ≤ 2, stall no longer than the other's, extra memory below 15 %.\n";
    Ok(table)
}

fn one(plan: &Plan, subject: &Subject, cores: Cores) -> Result<Found, String> {
    let server = subject.start(cores.server, false);
    println!("filling {}", subject.name);
    let port = server.port();
    fill(port, 0..plan.keys, |number| {
        vec!["SET".into(), key("key", number), value(number)]
    })?;
    fill(port, 0..plan.items / STEP, |number| {
        let mut words = vec!["HSET".into(), "hash".into()];
        let fields = number * STEP..(number + 1) * STEP;
        words.extend(fields.flat_map(|field| [key("fld", field), value(field)]));
        words
    })?;
    fill(port, 0..plan.items / STEP, |number| {
        let mut words = vec!["RPUSH".into(), "list".into()];
        words.extend((number * STEP..(number + 1) * STEP).map(value));
        words
    })?;
    let quiet = under_load(plan, port, || {
        std::thread::sleep(Duration::from_secs(plan.seconds));
        Ok(())
    })?;
    let mut found = Found {
        quiet: quiet.0,
        before: memory(server.id()),
        ..Found::default()
    };
    let mut highest = 0;
    let mut seconds = 0.0;
    let (saving, ()) = under_load(plan, port, || {
        let start = Instant::now();
        save(&server, &mut highest)?;
        seconds = start.elapsed().as_secs_f64();
        server.connect().call(&["DEL", "hash"]);
        server.connect().call(&["DEL", "list"]);
        std::thread::sleep(Duration::from_secs(5));
        Ok(())
    })?;
    found.saving = saving;
    found.seconds = seconds;
    found.highest = highest;
    Ok(found)
}

/// Saves, and notes the highest memory meanwhile.
fn save(server: &Server, highest: &mut u64) -> Result<(), String> {
    let mut conn = server.connect();
    let reply = conn.call(&["BGSAVE"]);
    if let Some(error) = reply.error() {
        return Err(format!("BGSAVE: {error}"));
    }
    let mut looked = Instant::now();
    until(SAVE_LIMIT, || {
        // Not at every look: reading the memory of a large process takes its time.
        if looked.elapsed() > Duration::from_millis(250) {
            *highest = (*highest).max(memory(server.id()));
            looked = Instant::now();
        }
        let running = conn.info("rdb_bgsave_in_progress").ok().flatten()?;
        (running == "0").then_some(())
    })
    .ok_or("BGSAVE did not end")?;
    match conn.info("rdb_last_bgsave_status") {
        Ok(Some(status)) if status == "ok" => Ok(()),
        other => Err(format!("BGSAVE: {other:?}\n{}", server.log())),
    }
}

/// Runs `work` while the load runs; answers the latencies.
fn under_load<T>(
    plan: &Plan,
    port: u16,
    work: impl FnOnce() -> Result<T, String>,
) -> Result<(Vec<u64>, T), String> {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stop = &stop;
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|number| scope.spawn(move || connection(plan, port, number, stop)))
            .collect();
        let result = work();
        stop.store(true, Ordering::SeqCst);
        let mut latencies = Vec::new();
        for thread in threads {
            latencies.extend(thread.join().expect("a connection does not panic")?);
        }
        Ok((latencies, result?))
    })
}

/// One connection: requests at fixed times, each measured from the time it was due.
fn connection(plan: &Plan, port: u16, number: u64, stop: &AtomicBool) -> Result<Vec<u64>, String> {
    let fail = |error: std::io::Error| format!("the load: {error}");
    let mut conn = Conn::open(port).map_err(fail)?;
    let mut rng = Rng::new(number);
    let interval = Duration::from_nanos(1_000_000_000 * CONNECTIONS / plan.rate);
    let mut due = Instant::now();
    let mut latencies = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        due += interval;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let request = request(plan, &mut rng);
        let reply = conn.try_call(&request).map_err(fail)?;
        // The list is deleted in the course of the run, and LSET finds nothing then.
        let gone = |error: &&str| error.contains("no such key") || error.contains("out of range");
        if let Some(error) = reply.error().filter(|error| !gone(error)) {
            return Err(format!("the load: {error}"));
        }
        latencies.push(u64::try_from(due.elapsed().as_micros()).expect("a short time"));
    }
    Ok(latencies)
}

/// A write: most to the keys, the others to the collections, at random places.
fn request(plan: &Plan, rng: &mut Rng) -> Vec<String> {
    let new = value(rng.below(1 << 40));
    match rng.below(10) {
        0..=5 => vec!["SET".into(), key("key", rng.below(plan.keys)), new],
        6 | 7 => vec![
            "HSET".into(),
            "hash".into(),
            key("fld", rng.below(plan.items)),
            new,
        ],
        8 => {
            // Near an end or in the middle, as it comes.
            let index = rng.below(plan.items / 2).to_string();
            vec!["LSET".into(), "list".into(), index, new]
        }
        _ if rng.chance(50) => vec!["RPUSH".into(), "list".into(), new],
        _ => vec!["LPOP".into(), "list".into()],
    }
}

fn value(number: u64) -> String {
    format!("{number:032}")
}

/// Memory of a process and its children, shared pages counted once.
fn memory(process: u32) -> u64 {
    let children = format!("/proc/{process}/task/{process}/children");
    let children = fs::read_to_string(children).unwrap_or_default();
    let all = children
        .split_whitespace()
        .filter_map(|child| child.parse().ok())
        .chain([process]);
    all.map(proportional).sum()
}

fn proportional(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .unwrap_or_default();
    let kilobytes = line
        .split_whitespace()
        .next()
        .and_then(|word| word.parse::<u64>().ok());
    kilobytes.unwrap_or(0) << 10
}

/// Sorts, and answers the value below which so large a part lies.
pub(super) fn percentile(values: &mut [u64], part: f64) -> u64 {
    values.sort_unstable();
    let index = ((values.len() as f64) * part) as usize;
    values
        .get(index.min(values.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0)
}
