//! What the allocator and the system say of this process.

use crate::node::Node;
use config::{Config, EvictionPolicy, LogLevel};
use engine::clients::flags;
use engine::{Engine, MemoryReport, Taken};
use std::sync::atomic::{AtomicU64, Ordering};

static PEAK: AtomicU64 = AtomicU64::new(0);
static STARTUP: AtomicU64 = AtomicU64::new(0);

/// Reads what the allocator and the system say.
fn read() -> MemoryReport {
    use tikv_jemalloc_ctl::{epoch, stats};
    // Under another allocator (some tests) these fail, and the fields are 0.
    let _ = epoch::advance();
    let used = stats::allocated::read().unwrap_or(0) as u64;
    let peak = PEAK.fetch_max(used, Ordering::Relaxed).max(used);
    MemoryReport {
        used,
        peak,
        startup: STARTUP.load(Ordering::Relaxed),
        active: stats::active::read().unwrap_or(0) as u64,
        resident: stats::resident::read().unwrap_or(0) as u64,
        rss: resident_pages() * rustix::param::page_size() as u64,
        total: rustix::system::sysinfo().totalram,
        ..MemoryReport::default()
    }
}

/// What is allocated now.
pub(crate) fn used() -> u64 {
    read().used
}

/// Bytes that do not count against `maxmemory`, as in Redis: what waits for replicas beyond the
/// backlog, what waits for the append-only file, and what a snapshot keeps of the past, which there
/// is in the forked child.
pub(crate) fn uncounted(node: &Node, engine: &Engine) -> u64 {
    let backlog = node.config.read().repl_backlog_size;
    let journal = engine.store.journal.retained() as u64;
    let images = engine.store.tap_bytes() as u64;
    journal.saturating_sub(backlog) + node.append_only.buffer_bytes() + images
}

/// What is looked at now and then, while there is a limit: whether the total is right, and what
/// does not count.
pub(crate) fn tick(node: &Node, engine: &Engine) {
    if engine.settings().maxmemory > 0 {
        store::memory::correct(used());
        let bytes = uncounted(node, engine);
        engine.uncounted.store(bytes, Ordering::Relaxed);
    }
}

/// `maxmemory` or what becomes of it has been set, at start or by CONFIG SET.
pub(crate) fn limit_changed(node: &Node, config: &Config) {
    let now = used();
    store::memory::correct(now);
    let warn = |line: String| node.log(LogLevel::Warning, &line);
    let limit = config.maxmemory;
    if config.maxmemory_policy != EvictionPolicy::NoEviction {
        warn(format!(
            "maxmemory-policy {} does not act yet: nothing is evicted, and past maxmemory writes are \
             refused, as with noeviction.",
            config.maxmemory_policy.word()
        ));
    }
    if limit > 0 && limit < now {
        warn(format!(
            "WARNING: the new maxmemory value ({limit}) is smaller than the current memory usage \
             ({now}). New write commands are refused."
        ));
    } else if limit > 0 && limit < 1 << 20 {
        warn(format!(
            "WARNING: You specified a maxmemory value that is less than 1MB (current value is {limit} \
             bytes). Are you sure this is what you really want?"
        ));
    }
}

/// Reads everything.
pub(crate) fn report(node: &Node) -> MemoryReport {
    let mut report = read();
    let engine = node.engine();
    report.backlog = engine.store.journal.retained() as u64;
    report.cluster_links = node.bus().map_or(0, clusterio::Handle::link_bytes);
    report.aof_buffer = node.append_only.buffer_bytes();
    for card in engine.clients.all() {
        let memory = card.meter.get().map_or(0, |meter| meter.read().memory);
        let memory = (memory + size_of::<engine::ClientCard>()) as u64;
        if card.has_flag(flags::REPLICA) {
            report.replicas += memory;
        } else {
            report.clients += memory;
        }
    }
    report
}

/// MEMORY PURGE: pages that hold nothing go back to the system.
pub(crate) fn purge() -> Taken {
    use tikv_jemalloc_ctl::{Access, AsName, arenas};
    let arenas = arenas::narenas::read().unwrap_or(0);
    for arena in 0..arenas {
        // With a decay of 0 ms all such pages go at once.
        let name = format!("arena.{arena}.dirty_decay_ms\0");
        let name = name.as_bytes().name();
        let before: Result<isize, _> = name.read();
        if let Ok(before) = before {
            // Arenas that nobody has used yet do not exist, which is an error and no harm.
            let _ = name.write(0isize);
            let _ = name.write(before);
        }
    }
    crate::node::ok()
}

/// Whether a thread of the allocator's own gives unused pages back, or whoever frees memory does
/// (`jemalloc-bg-thread`).
pub(crate) fn set_background_thread(on: bool) {
    // Under another allocator (some tests) there is none, and nothing to set.
    let _ = tikv_jemalloc_ctl::background_thread::write(on);
}

/// MEMORY MALLOC-STATS
pub(crate) fn allocator_stats() -> Taken {
    let mut text = Vec::new();
    let options = tikv_jemalloc_ctl::stats_print::Options::default();
    // Writing to a vector cannot fail.
    let _ = tikv_jemalloc_ctl::stats_print::stats_print(&mut text, options);
    Taken::Now(Box::new(move |reply| reply.verbatim(*b"txt", text)))
}

/// Notes what is used before there is data.
pub(crate) fn note_startup() {
    STARTUP.store(read().used, Ordering::Relaxed);
}

fn resident_pages() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or(0)
}

/// Seconds of processor time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cpu {
    /// In the system.
    pub(crate) system: f64,
    /// In the program.
    pub(crate) user: f64,
}

/// The processor time of this process so far.
pub(crate) fn cpu() -> Cpu {
    cpu_of("/proc/self/stat")
}

/// The processor time of the thread that the process began with.
pub(crate) fn main_thread() -> Cpu {
    let id = std::process::id();
    cpu_of(&format!("/proc/self/task/{id}/stat"))
}

fn cpu_of(file: &str) -> Cpu {
    let stat = std::fs::read_to_string(file).unwrap_or_default();
    // The program's name may hold blanks; the fields after its closing bracket do not.
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split(' ')
        .collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse().ok());
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    let seconds = |index: usize| ticks(index).unwrap_or(0.0f64) / per_second;
    Cpu {
        user: seconds(12),
        system: seconds(13),
    }
}
