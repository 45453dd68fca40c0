//! Periodic work: active expiry, and whatever looks now and then whether something is due.

use crate::node::Node;
use crate::rates::Counted;
use engine::Engine;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use store::{ExpireCycle, ExpireProgress, Locker};

/// How often what is not expiry is looked at.
const PERIOD: Duration = Duration::from_millis(100);
/// How much of the time expiry may take, in percent, with `active-expire-effort` 1.
const EXPIRE_PERCENT: u32 = 25;
/// How much more with each step above.
const EFFORT_PERCENT: u32 = 2;
/// How long writers wait for a disk that is too slow for a snapshot before the snapshot is given
/// up.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What active expiry did, for INFO.
#[derive(Default)]
pub(crate) struct ExpiryStats {
    /// Runs that were cut short.
    pub(crate) cut_short: AtomicU64,
    /// Microseconds that it took.
    pub(crate) micros: AtomicU64,
    /// Of the keys that it looked at, how many had expired: thousandths of a percent, on average.
    pub(crate) stale: AtomicU64,
    /// The average time to live by physical database, in milliseconds.
    pub(crate) lives: Mutex<BTreeMap<u16, i64>>,
}

impl ExpiryStats {
    /// CONFIG RESETSTAT
    pub(crate) fn reset(&self) {
        self.cut_short.store(0, Ordering::Relaxed);
        self.micros.store(0, Ordering::Relaxed);
        self.stale.store(0, Ordering::Relaxed);
    }

    fn note(&self, progress: &ExpireProgress, took: Duration) {
        let add = |counter: &AtomicU64, more: u64| counter.fetch_add(more, Ordering::Relaxed);
        add(&self.cut_short, progress.cut_short.into());
        add(&self.micros, took.as_micros() as u64);
        let now = (progress.expired * 100_000).checked_div(progress.sampled);
        let before = self.stale.load(Ordering::Relaxed);
        let stale = (now.unwrap_or(0) * 5 + before * 95) / 100;
        self.stale.store(stale, Ordering::Relaxed);
        let mut lives = self.lives.lock();
        for (db, (sum, count)) in &progress.lives {
            let now = sum / (*count).max(1);
            let average = lives.entry(*db).or_insert(now);
            // Each run counts for a fiftieth, as in Redis.
            *average += (now - *average) / 50;
        }
    }
}

/// Runs active expiry once, for its share of `period`.
fn expire(
    node: &Node,
    engine: &Engine,
    cycle: &mut ExpireCycle,
    locker: &Locker,
    period: Duration,
) {
    let effort = node.config.read().active_expire_effort.clamp(1, 10) as u32 - 1;
    let budget = period * (EXPIRE_PERCENT + EFFORT_PERCENT * effort) / 100;
    let start = Instant::now();
    let progress = cycle.run(locker, engine::wall_us() / 1000, budget);
    let took = start.elapsed();
    node.expiry.note(&progress, took);
    let threshold = engine.settings().latency_threshold;
    if threshold > 0 && took.as_millis() as u64 >= threshold {
        engine.latency.note("expire-cycle", took.as_millis() as u64);
    }
}

/// Starts the thread; it ends when what is returned is dropped.
pub(crate) fn start(engine: &Arc<Engine>, node: &Arc<Node>) -> Sender<()> {
    let (stop, stopped) = channel();
    let (engine, node) = (engine.clone(), node.clone());
    let work = move || {
        let locker = Locker::new(&engine.store);
        let mut expiry = ExpireCycle::default();
        let mut heartbeat = replproto::Heartbeat::new(10_000);
        let mut last = Instant::now();
        let mut nodes = 0;
        loop {
            // Other work comes ten times a second even where expiry need not.
            let period = Duration::from_secs(1) / node.config.read().hz.clamp(1, 500) as u32;
            let period = period.min(PERIOD);
            if stopped.recv_timeout(period) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            engine.store.pass_turns();
            node.links.drop_overdue();
            engine.store.end_slow_taps(LONGEST_WAIT);
            let settings = engine.settings();
            if settings.pause_periodic {
                continue;
            }
            let rests =
                settings.loading || engine.pause.level().is_some() || engine.store.is_full();
            if settings.active_expire && !rests {
                if settings.replica {
                    let budget = period * EXPIRE_PERCENT / 100;
                    locker.expire_local(engine::wall_us() / 1000, budget);
                } else {
                    expire(&node, &engine, &mut expiry, &locker, period);
                }
            }
            if last.elapsed() < PERIOD {
                continue;
            }
            last = Instant::now();
            node.rates.sample(Counted {
                commands: engine.stats.total_calls(),
                traffic: node.traffic(),
            });
            crate::persistence::tick(&node, &engine);
            crate::append_only::tick(&node, &engine);
            crate::replication::tick(&node, &engine, &locker, &mut heartbeat);
            crate::backlog::tick(&node, &engine);
            crate::configure::refresh_refusal(&node, &engine);
            node.count_links(&mut nodes);
            crate::memory::tick(&node, &engine);
            if engine.pause.has_ended() {
                node.after_pause();
            }
        }
    };
    // A server without this thread still serves: expired keys are then deleted when met.
    let _ = std::thread::Builder::new()
        .name("periodic".into())
        .spawn(work);
    stop
}
