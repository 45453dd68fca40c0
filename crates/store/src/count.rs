//! Counters that every locking thread keeps for itself and that readers add up.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// The counters of one locking thread. Only its owner writes them, for each command: they lie in a
/// line of their own.
#[repr(align(64))]
pub struct Counts {
    databases: Box<[DbCounts]>,
    /// Changes since the server started.
    pub(crate) dirty: AtomicU64,
    /// Keys that were deleted because their time was up.
    pub(crate) expired: AtomicU64,
    /// Lookups that found their key.
    pub(crate) hits: AtomicU64,
    /// Lookups that did not.
    pub(crate) misses: AtomicU64,
}

#[derive(Default)]
struct DbCounts {
    keys: AtomicI64,
    expires: AtomicI64,
}

/// Totals over all threads.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Changes since the server started.
    pub dirty: u64,
    /// Keys that were deleted because their time was up.
    pub expired: u64,
    /// Lookups that found their key.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
}

impl Counts {
    pub(crate) fn new(databases: u16) -> Counts {
        Counts {
            databases: (0..databases).map(|_| DbCounts::default()).collect(),
            dirty: AtomicU64::new(0),
            expired: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(crate) fn keys(&self, db: u16, change: i64) {
        add_signed(&self.databases[usize::from(db)].keys, change);
    }

    #[inline]
    pub(crate) fn expires(&self, db: u16, change: i64) {
        if change != 0 {
            add_signed(&self.databases[usize::from(db)].expires, change);
        }
    }

    pub(crate) fn database(&self, db: u16) -> (i64, i64) {
        let counts = &self.databases[usize::from(db)];
        (
            counts.keys.load(Ordering::Relaxed),
            counts.expires.load(Ordering::Relaxed),
        )
    }

    pub(crate) fn add_to(&self, totals: &mut Totals) {
        totals.dirty += self.dirty.load(Ordering::Relaxed);
        totals.expired += self.expired.load(Ordering::Relaxed);
        totals.hits += self.hits.load(Ordering::Relaxed);
        totals.misses += self.misses.load(Ordering::Relaxed);
    }

    pub(crate) fn reset_stats(&self) {
        for counter in [&self.expired, &self.hits, &self.misses] {
            counter.store(0, Ordering::Relaxed);
        }
    }
}

/// Adds without a locked instruction: the caller is the only writer.
#[inline]
pub(crate) fn add(counter: &AtomicU64, amount: u64) {
    counter.store(
        counter.load(Ordering::Relaxed).wrapping_add(amount),
        Ordering::Relaxed,
    );
}

#[inline]
fn add_signed(counter: &AtomicI64, amount: i64) {
    counter.store(counter.load(Ordering::Relaxed) + amount, Ordering::Relaxed);
}
