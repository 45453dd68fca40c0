//! The clients that wait, and the one thread that looks after them.
//!
//! Whoever brings something about that a client may wait for (an acknowledgement, a sync, a change
//! of role) tells the thread, which looks at each; it sleeps until there is news or a time is up.

use super::DEMOTED;
use crate::node::Node;
use engine::{Answer, Ticket};
use parking_lot::{Condvar, Mutex};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How long the thread waits for the next client when there is none.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a client waits for: whether there is enough, and the answer as things are; or why it waits
/// in vain.
type SoFar = dyn Fn() -> Result<(bool, Answer), &'static str> + Send + Sync;

/// A client that waits.
pub(super) struct Waiter {
    /// Whoever answers takes it.
    pub(super) ticket: Mutex<Option<Ticket>>,
    /// When the time is up, if it ever is.
    pub(super) deadline: Option<Instant>,
    pub(super) so_far: Box<SoFar>,
}

impl Waiter {
    /// Answers if there is enough, the time is up or it is in vain. Whether it goes on waiting.
    fn look(&self, node: &Node, now: Instant) -> bool {
        if self.ticket.lock().is_none() {
            return false;
        }
        let so_far = if node.replication().is_replica() {
            Err(DEMOTED)
        } else {
            (self.so_far)()
        };
        let over = self.deadline.is_some_and(|at| now >= at);
        if matches!(so_far, Ok((enough, _)) if !enough && !over) {
            return true;
        }
        if let Some(ticket) = self.ticket.lock().take() {
            match so_far {
                Ok((_, answer)) => ticket.answer(answer),
                Err(text) => ticket.error(text),
            }
        }
        false
    }
}

#[derive(Default)]
struct State {
    waiters: Vec<Arc<Waiter>>,
    /// Something has come since the thread looked last.
    heard: bool,
    has_thread: bool,
}

/// All clients that wait.
#[derive(Default)]
pub(crate) struct Waiting {
    /// Whether there may be any: looked at wherever there is news.
    any: AtomicBool,
    state: Mutex<State>,
    news: Condvar,
}

impl Waiting {
    /// Adds a client; it is looked at soon.
    ///
    /// # Errors
    /// There is no thread and none can be started; nothing was added.
    pub(super) fn add(
        self: &Arc<Waiting>,
        node: &Arc<Node>,
        waiter: Arc<Waiter>,
    ) -> io::Result<()> {
        let mut state = self.state.lock();
        if !state.has_thread {
            let (waiting, node) = (self.clone(), Arc::downgrade(node));
            std::thread::Builder::new()
                .name("wait".into())
                .spawn(move || waiting.look_after(&node))?;
            state.has_thread = true;
        }
        state.waiters.push(waiter);
        state.heard = true;
        self.any.store(true, Ordering::SeqCst);
        self.news.notify_one();
        Ok(())
    }

    /// Something has come that clients may wait for.
    #[inline]
    pub(crate) fn news(&self) {
        if self.any.load(Ordering::SeqCst) {
            self.tell();
        }
    }

    #[cold]
    fn tell(&self) {
        self.state.lock().heard = true;
        self.news.notify_one();
    }

    /// The thread: looks at all clients whenever there is news.
    fn look_after(&self, node: &Weak<Node>) {
        let mut waiters: Vec<Arc<Waiter>> = Vec::new();
        loop {
            {
                let mut state = self.state.lock();
                // One that has come is among those that are looked at.
                waiters.append(&mut state.waiters);
                self.any.store(!waiters.is_empty(), Ordering::SeqCst);
                let next = waiters.iter().filter_map(|waiter| waiter.deadline).min();
                let idle = waiters.is_empty();
                let until = match next {
                    _ if idle => Some(Instant::now() + PATIENCE),
                    next => next,
                };
                while !state.heard {
                    match until {
                        None => self.news.wait(&mut state),
                        Some(at) if self.news.wait_until(&mut state, at).timed_out() => break,
                        Some(_) => {}
                    }
                }
                if idle && !state.heard {
                    state.has_thread = false;
                    return;
                }
                state.heard = false;
                waiters.append(&mut state.waiters);
                self.any.store(!waiters.is_empty(), Ordering::SeqCst);
            }
            let Some(node) = node.upgrade() else { return };
            let now = Instant::now();
            waiters.retain(|waiter| waiter.look(&node, now));
        }
    }
}
