//! Waiting for something to come true, with a deadline and without fixed sleeps.

use std::time::{Duration, Instant};

/// How long the poller rests between two looks.
const STEP: Duration = Duration::from_millis(5);

/// Looks until `look` answers `Some`, at most `limit` long; `None` when time is up.
pub fn until<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(STEP);
    }
}

/// As [`until`], but panics naming `what` was waited for.
pub fn wait_for<T>(what: &str, limit: Duration, look: impl FnMut() -> Option<T>) -> T {
    until(limit, look).unwrap_or_else(|| panic!("not within {limit:?}: {what}"))
}

/// Looks until `look` is true, at most `limit` long; panics naming `what` was waited for.
pub fn eventually(what: &str, limit: Duration, mut look: impl FnMut() -> bool) {
    wait_for(what, limit, || look().then_some(()));
}
