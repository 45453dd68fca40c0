//! Counters of what commands did.

use crate::times::{Spread, Times};
use commands::Cmd;
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Counters of all workers.
#[derive(Default)]
pub struct Stats {
    workers: RwLock<Workers>,
}

/// The counters of all workers, and what those that have ended have counted.
#[derive(Default)]
struct Workers {
    live: Vec<Arc<WorkerStats>>,
    gone: WorkerStats,
}

impl Workers {
    fn all(&self) -> impl Iterator<Item = &WorkerStats> {
        let live = self.live.iter().map(|worker| &**worker);
        live.chain(std::iter::once(&self.gone))
    }
}

/// Counters of one worker; only it writes them.
pub(crate) struct WorkerStats {
    rows: Box<[Row]>,
    /// Errors by prefix (`ERR`, `WRONGTYPE`, ...).
    errors: Mutex<BTreeMap<String, u64>>,
}

impl Default for WorkerStats {
    fn default() -> WorkerStats {
        WorkerStats {
            rows: (0..Cmd::COUNT).map(|_| Row::default()).collect(),
            errors: Mutex::default(),
        }
    }
}

#[derive(Default)]
struct Row {
    calls: AtomicU64,
    nanoseconds: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
    /// Made when the command first runs while `latency-tracking` is on.
    times: OnceLock<Times>,
}

/// What INFO commandstats says of one command.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct CommandStats {
    /// How often it ran.
    pub calls: u64,
    /// Time it took in all.
    pub microseconds: u64,
    /// How often it was refused before it ran.
    pub rejected: u64,
    /// How often it ended in an error.
    pub failed: u64,
}

#[inline]
fn add(counter: &AtomicU64, amount: u64) {
    counter.store(counter.load(Ordering::Relaxed) + amount, Ordering::Relaxed);
}

impl WorkerStats {
    #[inline]
    pub(crate) fn called(&self, cmd: Cmd, failed: bool) {
        let row = &self.rows[cmd.index()];
        add(&row.calls, 1);
        if failed {
            add(&row.failed, 1);
        }
    }

    /// A call that was timed alone.
    pub(crate) fn timed(&self, cmd: Cmd, took: Duration, failed: bool, track: bool) {
        self.called(cmd, failed);
        self.took(cmd, took, 1, track);
    }

    /// What so many calls took together; with `track` each counts in the distribution of times.
    #[inline]
    pub(crate) fn took(&self, cmd: Cmd, took: Duration, calls: u32, track: bool) {
        let row = &self.rows[cmd.index()];
        let nanoseconds = took.as_nanos() as u64;
        add(&row.nanoseconds, nanoseconds);
        if track && calls > 0 {
            let times = row.times.get_or_init(Times::default);
            times.note(nanoseconds / u64::from(calls), u64::from(calls));
        }
    }

    /// Counts an error by its prefix. Only readers of all counters ever wait for this lock's owner.
    pub(crate) fn error(&self, text: &[u8]) {
        let prefix = text.split(|&b| b == b' ').next().unwrap_or_default();
        let prefix = String::from_utf8_lossy(prefix);
        let mut errors = self.errors.lock();
        match errors.get_mut(&*prefix) {
            Some(count) => *count += 1,
            None => {
                errors.insert(prefix.into_owned(), 1);
            }
        }
    }

    /// Adds the numbers of a worker that has ended.
    fn take_over(&self, other: &WorkerStats) {
        for (mine, theirs) in self.rows.iter().zip(&other.rows) {
            add(&mine.calls, theirs.calls.load(Ordering::Relaxed));
            add(
                &mine.nanoseconds,
                theirs.nanoseconds.load(Ordering::Relaxed),
            );
            add(&mine.rejected, theirs.rejected.load(Ordering::Relaxed));
            add(&mine.failed, theirs.failed.load(Ordering::Relaxed));
            if let Some(times) = theirs.times.get() {
                mine.times.get_or_init(Times::default).add(times);
            }
        }
        let mut errors = self.errors.lock();
        for (prefix, count) in &*other.errors.lock() {
            *errors.entry(prefix.clone()).or_default() += count;
        }
    }

    pub(crate) fn rejected(&self, cmd: Cmd) {
        add(&self.rows[cmd.index()].rejected, 1);
    }
}

impl Stats {
    pub(crate) fn worker(&self) -> Arc<WorkerStats> {
        let stats = Arc::new(WorkerStats::default());
        self.workers.write().live.push(stats.clone());
        stats
    }

    /// A worker has ended: its numbers count on, its counters go.
    pub(crate) fn retire(&self, stats: &Arc<WorkerStats>) {
        let mut workers = self.workers.write();
        workers.live.retain(|other| !Arc::ptr_eq(other, stats));
        workers.gone.take_over(stats);
    }

    /// How many workers have counters.
    #[cfg(test)]
    pub(crate) fn workers(&self) -> usize {
        self.workers.read().live.len()
    }

    /// The counters of one command over all workers.
    pub fn of(&self, cmd: Cmd) -> CommandStats {
        let mut sum = CommandStats::default();
        let mut nanoseconds = 0;
        for worker in self.workers.read().all() {
            let row = &worker.rows[cmd.index()];
            sum.calls += row.calls.load(Ordering::Relaxed);
            nanoseconds += row.nanoseconds.load(Ordering::Relaxed);
            sum.rejected += row.rejected.load(Ordering::Relaxed);
            sum.failed += row.failed.load(Ordering::Relaxed);
        }
        sum.microseconds = nanoseconds / 1000;
        sum
    }

    /// How long a command took, over all workers; `None` if that was not tracked.
    pub fn times(&self, cmd: Cmd) -> Option<Spread> {
        let workers = self.workers.read();
        let rows = workers.all().map(|worker| &worker.rows[cmd.index()]);
        let mut spread = Spread::default();
        rows.filter_map(|row| row.times.get())
            .for_each(|times| spread.add(times));
        (spread.count() > 0).then_some(spread)
    }

    /// Commands that ran, of any kind.
    pub fn total_calls(&self) -> u64 {
        Cmd::all().map(|cmd| self.of(cmd).calls).sum()
    }

    /// How long commands took together, in microseconds.
    pub fn total_microseconds(&self) -> u64 {
        Cmd::all().map(|cmd| self.of(cmd).microseconds).sum()
    }

    /// Errors by prefix.
    pub fn errors(&self) -> Vec<(String, u64)> {
        let mut sum = BTreeMap::new();
        for worker in self.workers.read().all() {
            for (prefix, count) in &*worker.errors.lock() {
                *sum.entry(prefix.clone()).or_default() += count;
            }
        }
        sum.into_iter().collect()
    }

    /// CONFIG RESETSTAT.
    pub fn reset(&self) {
        for worker in self.workers.read().all() {
            for row in &worker.rows {
                row.calls.store(0, Ordering::Relaxed);
                row.nanoseconds.store(0, Ordering::Relaxed);
                row.rejected.store(0, Ordering::Relaxed);
                row.failed.store(0, Ordering::Relaxed);
                row.times.get().into_iter().for_each(Times::reset);
            }
            worker.errors.lock().clear();
        }
    }
}
