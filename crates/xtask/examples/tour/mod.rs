//! What it costs on this machine that two processors share something: a thread that changes its
//! processor as often as a slot that two workers want changes its worker, and a cache line's way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// How long the store lets a worker keep a slot for which another waits (`store::wait`).
const TURN: Duration = Duration::from_millis(1);

/// A thread's way over the processors.
pub struct Tour {
    processors: Vec<usize>,
    turns: usize,
    since: Instant,
}

impl Tour {
    /// From the first two processors that the thread may use.
    pub fn new() -> Tour {
        let set = sched_getaffinity(None).expect("the system tells of processors");
        let processors = (0..CpuSet::MAX_CPU).filter(|&nth| set.is_set(nth));
        Tour {
            processors: processors.take(2).collect(),
            turns: 0,
            since: Instant::now(),
        }
    }

    /// Moves the thread to the other processor, once it has been on this one for a turn.
    pub fn go_on(&mut self) {
        if self.since.elapsed() < TURN {
            return;
        }
        self.turns += 1;
        let mut set = CpuSet::new();
        set.set(self.processors[self.turns % self.processors.len()]);
        sched_setaffinity(None, &set).expect("the processor is there");
        self.since = Instant::now();
    }
}

/// How many nanoseconds a cache line takes from one processor to another and back. On a virtual
/// machine that changes by the minute, with the places that its processors have in the real one.
pub fn round_trip() -> f64 {
    const TRIPS: u64 = 20_000;
    let line = AtomicU64::new(0);
    let wait_for = |number| {
        while line.load(Ordering::Acquire) != number {
            std::hint::spin_loop();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for trip in 0..TRIPS {
                wait_for(2 * trip + 1);
                line.store(2 * trip + 2, Ordering::Release);
            }
        });
        line.store(1, Ordering::Release);
        wait_for(2);
        let began = Instant::now();
        for trip in 1..TRIPS {
            line.store(2 * trip + 1, Ordering::Release);
            wait_for(2 * trip + 2);
        }
        began.elapsed().as_nanos() as f64 / (TRIPS - 1) as f64
    })
}
