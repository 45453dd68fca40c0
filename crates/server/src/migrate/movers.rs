//! The threads that carry out MIGRATE: a few, started as they are needed, each ending when it has
//! had nothing to do for a while.

use super::callers::Call;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Locker, Store};

/// So many orders are carried out at once; others wait, at most until their time is up.
const MOST: usize = 8;
/// How long a thread waits for more to do.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be done with a thread's way to slots; without one the time was up before.
type Work = Box<dyn FnOnce(Option<&Locker>) + Send>;

struct Order {
    until: Instant,
    /// What it is ended by when its client has left.
    call: Arc<Call>,
    work: Work,
}

impl Order {
    fn is_late(&self, now: Instant) -> bool {
        self.until <= now || self.call.is_over()
    }
}

#[derive(Default)]
struct State {
    orders: VecDeque<Order>,
    threads: usize,
    idle: usize,
}

/// The threads, and what they are to do.
#[derive(Clone, Default)]
pub(super) struct Movers(Arc<(Mutex<State>, Condvar)>);

impl Movers {
    /// Has a thread carry out an order, if one comes to it in its time.
    ///
    /// # Errors
    /// There is no thread and none can be started; nothing was done.
    pub(super) fn add(
        &self,
        store: &Arc<Store>,
        (until, call): (Instant, Arc<Call>),
        work: impl FnOnce(Option<&Locker>) + Send + 'static,
    ) -> io::Result<()> {
        let (state, news) = &*self.0;
        let mut state = state.lock();
        let work: Work = Box::new(work);
        if state.idle <= state.orders.len() && state.threads < MOST {
            let (movers, store) = (self.clone(), store.clone());
            let run = move || movers.run(&Locker::new(&store));
            let started = std::thread::Builder::new()
                .name("migrate".into())
                .spawn(run);
            match started {
                Ok(_) => state.threads += 1,
                Err(error) if state.threads == 0 => return Err(error),
                // Those that there are come to it.
                Err(_) => {}
            }
        }
        state.orders.push_back(Order { until, call, work });
        news.notify_one();
        Ok(())
    }

    /// Ends the orders that no thread has come to in their time, or while their client was there.
    pub(super) fn drop_overdue(&self) {
        let now = Instant::now();
        let overdue: VecDeque<Order> = {
            let mut state = self.0.0.lock();
            let (late, rest) = std::mem::take(&mut state.orders)
                .into_iter()
                .partition(|order| order.is_late(now));
            state.orders = rest;
            late
        };
        overdue.into_iter().for_each(|order| (order.work)(None));
    }

    fn run(&self, locker: &Locker) {
        let (state, news) = &*self.0;
        let mut state = state.lock();
        loop {
            let Some(order) = state.orders.pop_front() else {
                state.idle += 1;
                let timed_out = news.wait_for(&mut state, PATIENCE).timed_out();
                state.idle -= 1;
                if timed_out && state.orders.is_empty() {
                    state.threads -= 1;
                    return;
                }
                continue;
            };
            let locker = (!order.is_late(Instant::now())).then_some(locker);
            parking_lot::MutexGuard::unlocked(&mut state, || (order.work)(locker));
        }
    }
}
