//! Counters that every locking thread keeps for itself and that readers add up.

use std::sync::Arc;
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
    fn new(databases: u16) -> Counts {
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

    fn database(&self, db: u16) -> (i64, i64) {
        let counts = &self.databases[usize::from(db)];
        (
            counts.keys.load(Ordering::Relaxed),
            counts.expires.load(Ordering::Relaxed),
        )
    }

    fn add_to(&self, totals: &mut Totals) {
        totals.dirty += self.dirty.load(Ordering::Relaxed);
        totals.expired += self.expired.load(Ordering::Relaxed);
        totals.hits += self.hits.load(Ordering::Relaxed);
        totals.misses += self.misses.load(Ordering::Relaxed);
    }

    /// Adds the numbers of a thread that has ended.
    fn take_over(&self, other: &Counts) {
        for (mine, theirs) in self.databases.iter().zip(&other.databases) {
            add_signed(&mine.keys, theirs.keys.load(Ordering::Relaxed));
            add_signed(&mine.expires, theirs.expires.load(Ordering::Relaxed));
        }
        add(&self.dirty, other.dirty.load(Ordering::Relaxed));
        add(&self.expired, other.expired.load(Ordering::Relaxed));
        add(&self.hits, other.hits.load(Ordering::Relaxed));
        add(&self.misses, other.misses.load(Ordering::Relaxed));
    }

    fn reset_stats(&self) {
        for counter in [&self.expired, &self.hits, &self.misses] {
            counter.store(0, Ordering::Relaxed);
        }
    }
}

/// The counters of all threads that lock slots, and what those that have ended have counted.
pub(crate) struct AllCounts {
    live: Vec<Arc<Counts>>,
    gone: Counts,
}

impl AllCounts {
    pub(crate) fn new(databases: u16) -> AllCounts {
        AllCounts {
            live: Vec::new(),
            gone: Counts::new(databases),
        }
    }

    /// The counters of one more thread.
    pub(crate) fn add(&mut self) -> Arc<Counts> {
        let counts = Arc::new(Counts::new(self.gone.databases.len() as u16));
        self.live.push(counts.clone());
        counts
    }

    /// A thread locks no more: its numbers count on, its counters go.
    pub(crate) fn retire(&mut self, counts: &Arc<Counts>) {
        self.live.retain(|other| !Arc::ptr_eq(other, counts));
        self.gone.take_over(counts);
    }

    /// How many threads have counters.
    #[cfg(all(test, not(feature = "model")))]
    pub(crate) fn len(&self) -> usize {
        self.live.len()
    }

    fn all(&self) -> impl Iterator<Item = &Counts> {
        let live = self.live.iter().map(|counts| &**counts);
        live.chain(std::iter::once(&self.gone))
    }

    /// Keys and keys with an expiry of a database.
    pub(crate) fn database(&self, db: u16) -> (i64, i64) {
        let each = self.all().map(|counts| counts.database(db));
        each.fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
    }

    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        self.all().for_each(|counts| counts.add_to(&mut totals));
        totals
    }

    pub(crate) fn reset_stats(&self) {
        self.all().for_each(Counts::reset_stats);
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
