//! The locks, atomics and clocks that this crate is made of: the real ones, or with the feature
//! `model` ones whose every step a model checker schedules.

#[cfg(not(feature = "model"))]
mod real {
    pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard, RwLock};
    pub(crate) use std::sync::atomic::{
        AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering, fence,
    };
    pub(crate) use std::thread::{Thread, current, park_timeout, sleep, yield_now};
    pub(crate) use std::thread_local;
    pub(crate) use std::time::Instant;

    /// A small number of the calling thread's own.
    #[inline]
    pub(crate) fn thread_number() -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed));
        NUMBER.with(|number| *number)
    }
}

#[cfg(not(feature = "model"))]
pub(crate) use real::*;

#[cfg(feature = "model")]
mod scheduled;

#[cfg(feature = "model")]
pub(crate) use scheduled::*;
