//! What the allocator and the system say of this process.

use std::sync::atomic::{AtomicU64, Ordering};

/// Memory of the process, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// Handed out by the allocator.
    pub(crate) used: u64,
    /// The most there ever was when somebody looked.
    pub(crate) peak: u64,
    /// Handed out when the first command could come.
    pub(crate) startup: u64,
    /// In pages that hold something.
    pub(crate) active: u64,
    /// In pages that the allocator holds.
    pub(crate) resident: u64,
    /// Of the process in main memory.
    pub(crate) rss: u64,
    /// Of the machine.
    pub(crate) total: u64,
}

static PEAK: AtomicU64 = AtomicU64::new(0);
static STARTUP: AtomicU64 = AtomicU64::new(0);

/// Reads everything.
pub(crate) fn read() -> Memory {
    use tikv_jemalloc_ctl::{epoch, stats};
    // Under another allocator (some tests) these fail, and the fields are 0.
    let _ = epoch::advance();
    let used = stats::allocated::read().unwrap_or(0) as u64;
    let peak = PEAK.fetch_max(used, Ordering::Relaxed).max(used);
    Memory {
        used,
        peak,
        startup: STARTUP.load(Ordering::Relaxed),
        active: stats::active::read().unwrap_or(0) as u64,
        resident: stats::resident::read().unwrap_or(0) as u64,
        rss: resident_pages() * rustix::param::page_size() as u64,
        total: rustix::system::sysinfo().totalram,
    }
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
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
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
