//! The threads that carry out MIGRATE: a few, started as they are needed, each ending when it has had
//! nothing to do for a while.

use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use store::{Locker, Store};

/// So many orders are carried out at once; others wait, at most until their time is up.
const MOST: usize = 8;
/// How long a thread waits for more to do.
const PATIENCE: Duration = Duration::from_secs(10);

type Order = Box<dyn FnOnce(&Locker) + Send>;

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
    /// Has a thread carry out an order.
    ///
    /// # Errors
    /// There is no thread and none can be started; nothing was done.
    pub(super) fn add(
        &self,
        store: &Arc<Store>,
        order: impl FnOnce(&Locker) + Send + 'static,
    ) -> io::Result<()> {
        let (state, news) = &*self.0;
        let mut state = state.lock();
        if state.idle <= state.orders.len() && state.threads < MOST {
            let (movers, store) = (self.clone(), store.clone());
            let work = move || movers.work(&Locker::new(&store));
            let started = std::thread::Builder::new()
                .name("migrate".into())
                .spawn(work);
            match started {
                Ok(_) => state.threads += 1,
                Err(error) if state.threads == 0 => return Err(error),
                // Those that there are come to it.
                Err(_) => {}
            }
        }
        state.orders.push_back(Box::new(order));
        news.notify_one();
        Ok(())
    }

    fn work(&self, locker: &Locker) {
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
            parking_lot::MutexGuard::unlocked(&mut state, || order(locker));
        }
    }
}
