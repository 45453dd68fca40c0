//! Locks and clocks of the model checker, with the faces of the real ones.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use shuttle::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering, fence,
};
pub(crate) use shuttle::thread::{sleep, yield_now};
pub(crate) use shuttle::thread_local;

const NO_PANIC: &str = "no thread of a model panics and goes on";

/// What wakes a thread that is parked. The checker's own may return from parking unasked, which
/// would hide a wake-up that is lost.
#[derive(Clone, Default)]
pub(crate) struct Thread(Arc<(shuttle::sync::Mutex<bool>, shuttle::sync::Condvar)>);

thread_local! {
    static CURRENT: Thread = Thread::default();
}

/// The calling thread.
pub(crate) fn current() -> Thread {
    CURRENT.with(Thread::clone)
}

impl Thread {
    /// Wakes it, or lets it not sleep the next time.
    pub(crate) fn unpark(&self) {
        let (token, bell) = &*self.0;
        *token.lock().expect(NO_PANIC) = true;
        bell.notify_one();
    }
}

/// Parks without a time-out: a wake-up that is lost shows as a deadlock.
pub(crate) fn park_timeout(_at_most: Duration) {
    let thread = current();
    let (token, bell) = &*thread.0;
    let mut woken = token.lock().expect(NO_PANIC);
    while !std::mem::take(&mut *woken) {
        woken = bell.wait(woken).expect(NO_PANIC);
    }
}

/// A small number of the calling thread's own.
pub(crate) fn thread_number() -> usize {
    shuttle::current::me().into()
}

#[derive(Default)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

pub(crate) struct MutexGuard<'a, T>(Option<shuttle::sync::MutexGuard<'a, T>>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Mutex<T> {
        Mutex(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().expect(NO_PANIC)))
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok().map(|guard| MutexGuard(Some(guard)))
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("only a wait takes the guard out")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("only a wait takes the guard out")
    }
}

#[derive(Default)]
pub(crate) struct RwLock<T>(shuttle::sync::RwLock<T>);

impl<T> RwLock<T> {
    pub(crate) const fn new(value: T) -> RwLock<T> {
        RwLock(shuttle::sync::RwLock::new(value))
    }

    pub(crate) fn read(&self) -> shuttle::sync::RwLockReadGuard<'_, T> {
        self.0.read().expect(NO_PANIC)
    }

    pub(crate) fn write(&self) -> shuttle::sync::RwLockWriteGuard<'_, T> {
        self.0.write().expect(NO_PANIC)
    }
}

#[derive(Default)]
pub(crate) struct Condvar(shuttle::sync::Condvar);

impl Condvar {
    pub(crate) const fn new() -> Condvar {
        Condvar(shuttle::sync::Condvar::new())
    }

    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let inner = guard.0.take().expect("only a wait takes the guard out");
        guard.0 = Some(self.0.wait(inner).expect(NO_PANIC));
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }
}

/// A clock that goes on by 0.4 ms whenever it is looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Instant(Duration);

std::thread_local! {
    // All threads of one model share a thread of the system.
    static TICKS: Cell<u32> = const { Cell::new(0) };
}

impl Instant {
    pub(crate) fn now() -> Instant {
        TICKS.set(TICKS.get().wrapping_add(1));
        Instant(Duration::from_micros(400) * TICKS.get())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        Instant::now().0.saturating_sub(self.0)
    }
}

impl std::ops::Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, by: Duration) -> Instant {
        Instant(self.0 + by)
    }
}
