//! How much memory the process has from its allocator: one total, at hand at any time.
//!
//! The allocator counts for each thread what it took and what it gave back; reading that costs two
//! loads. Each thread that does much of either moves the total on by what came to pass since, once
//! that is [`STEP`] bytes or more, so that threads seldom write to one another's cache line. What
//! one thread takes and another gives back counts in both places and is right in the sum. Threads
//! that never tell, and those that have ended, are made up for by [`correct`], which the server
//! calls now and then with what the allocator's own statistics say, which take longer.

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};
use tikv_jemalloc_ctl::thread::{ThreadLocal, allocatedp, deallocatedp};

/// How many bytes a thread may have taken, or given back, that the total does not know of.
pub const STEP: i64 = 64 << 10;

/// Bytes that the process has, but for what threads have not told yet.
static TOTAL: AtomicI64 = AtomicI64::new(0);

/// What a thread knows of itself.
struct Mine {
    /// Bytes that it ever took, and ever gave back; none under another allocator.
    counters: Option<(ThreadLocal<u64>, ThreadLocal<u64>)>,
    /// The difference of the two when it was last told.
    told: Cell<i64>,
}

impl Mine {
    fn new() -> Mine {
        let counters = allocatedp::read().ok().zip(deallocatedp::read().ok());
        let mine = Mine {
            counters,
            told: Cell::new(0),
        };
        // What the thread had before is in the total already: the server counted it at its start.
        mine.told.set(mine.balance());
        mine
    }

    /// What it took less what it gave back: below zero for a thread that frees for others.
    fn balance(&self) -> i64 {
        self.counters.map_or(0, |(taken, given)| {
            taken.get().wrapping_sub(given.get()) as i64
        })
    }

    #[inline]
    fn tell(&self) {
        let now = self.balance();
        let since = now.wrapping_sub(self.told.get());
        if since.abs() >= STEP {
            TOTAL.fetch_add(since, Ordering::Relaxed);
            self.told.set(now);
        }
    }
}

thread_local! {
    static MINE: Mine = Mine::new();
}

/// Moves the total on by what the calling thread took and gave back, if that is much.
#[inline]
pub fn tell() {
    MINE.with(Mine::tell);
}

/// The bytes that the process has, as far as its threads have told.
#[inline]
pub fn total() -> u64 {
    TOTAL.load(Ordering::Relaxed).max(0) as u64
}

/// Sets the total to what the allocator's statistics say.
pub fn correct(bytes: u64) {
    TOTAL.store(i64::try_from(bytes).unwrap_or(i64::MAX), Ordering::Relaxed);
}
