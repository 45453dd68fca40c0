//! The token, and the queue of those who wait for it, or for the world.
//!
//! Who does not get the token takes a place and is called when it is its turn. Who got it and did
//! not get the world, because of a batch that is long, keeps its place and is called when that
//! batch has ended; meanwhile those behind it go before. A head that was called and does not come
//! loses its turn after two milliseconds.

use super::{Gates, World};
use crate::order::{Short, brief};
use crate::sync::{Instant, current, park_timeout};
use crate::wait::LAPSE;
use crate::{Locker, Store, Wake};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// How often the time is doubled that somebody waits for the gates to close.
const DOUBLINGS: u32 = 2;

/// How long a thread that waits sleeps before it looks whether those before it come.
const LONGEST_SLEEP: Duration = Duration::from_millis(10);

/// Who has the token, and who wants it.
#[derive(Default)]
pub(crate) struct TokenQueue {
    is_held: bool,
    queue: VecDeque<Entry>,
    /// The number of the next place.
    next: u64,
}

struct Entry {
    id: u64,
    state: State,
    wake: Arc<dyn Wake>,
}

enum State {
    Waits,
    /// For the end of a batch.
    Blocked,
    /// Since when it is its turn.
    Called(Instant),
}

impl Entry {
    /// Whether those behind it have to wait.
    fn goes_first(&self) -> bool {
        match self.state {
            State::Waits => true,
            State::Blocked => false,
            State::Called(at) => at.elapsed() < LAPSE,
        }
    }
}

impl TokenQueue {
    /// Whether the token is free for the owner of a place, or for somebody without one.
    fn is_free_for(&self, id: Option<u64>) -> bool {
        let mut ahead = self.queue.iter().take_while(|entry| Some(entry.id) != id);
        !self.is_held && !ahead.any(Entry::goes_first)
    }

    /// Lets all who wait for the end of a batch wait for their turn: it is told once, to all of
    /// them.
    fn unblock(&mut self) {
        for entry in &mut self.queue {
            if let State::Blocked = entry.state {
                entry.state = State::Waits;
            }
        }
    }

    /// Calls whose turn it is, if the token is free.
    fn call(&mut self) -> Option<Arc<dyn Wake>> {
        if self.is_held {
            return None;
        }
        let next = self.queue.iter_mut().find(|entry| entry.goes_first())?;
        if let State::Called(_) = next.state {
            return None;
        }
        next.state = State::Called(Instant::now());
        Some(next.wake.clone())
    }
}

impl Store {
    /// Passes the token's turn on where who was called did not come. To be called now and then: a
    /// worker that is busy for long must not keep others from a token that is free. Nobody goes on
    /// waiting for the end of a batch when there is none that would tell of it.
    pub fn pass_turns(&self) {
        let gates = self.gates();
        gates.with_token(|token| {
            if !token.queue.is_empty() && !gates.any_awaited() {
                token.unblock();
            }
            ((), token.call())
        });
    }
}

impl Gates {
    fn with_token<T>(
        &self,
        change: impl FnOnce(&mut TokenQueue) -> (T, Option<Arc<dyn Wake>>),
    ) -> T {
        let order = brief(Short::Queues);
        let (result, wake) = change(&mut self.token.lock());
        drop(order);
        wake.into_iter().for_each(|waiter| waiter.wake());
        result
    }

    fn try_token(&self, place: Option<u64>) -> Option<Token<'_>> {
        let had = self.with_token(|token| {
            let free = token.is_free_for(place);
            token.is_held |= free;
            (free, None)
        });
        had.then(|| {
            crate::order::token(true);
            Token { gates: self }
        })
    }

    /// A batch has ended that somebody who wants the world has waited for.
    pub(super) fn batch_ended(&self) {
        self.with_token(|token| {
            token.unblock();
            ((), token.call())
        });
    }

    /// How many wait for the token or the world.
    #[cfg(test)]
    pub(crate) fn queued(&self) -> usize {
        self.token.lock().queue.len()
    }
}

/// The right to lock slots in any order and to wait for one; one for the process.
pub struct Token<'a> {
    gates: &'a Gates,
}

impl Drop for Token<'_> {
    fn drop(&mut self) {
        crate::order::token(false);
        self.gates.with_token(|token| {
            token.is_held = false;
            ((), token.call())
        });
    }
}

/// A place in the queue for the token. Whoever drops it leaves the queue.
pub struct TokenPlace {
    gates: Arc<Gates>,
    id: u64,
    tries: u32,
}

impl Drop for TokenPlace {
    fn drop(&mut self) {
        self.gates.with_token(|token| {
            token.queue.retain(|entry| entry.id != self.id);
            ((), token.call())
        });
    }
}

impl TokenPlace {
    fn is_called(&self) -> bool {
        self.gates.with_token(|token| {
            let mut mine = token.queue.iter().filter(|entry| entry.id == self.id);
            let called = mine.any(|entry| matches!(entry.state, State::Called(_)));
            (called, None)
        })
    }
}

/// The place in the queue that a thread has taken its turn from, and how often it has tried.
#[derive(Clone, Copy, Default)]
pub(crate) struct Turn {
    place: Option<(u64, u32)>,
    /// Whether the world was not to be had, but the token was.
    is_blocked: bool,
}

impl Locker {
    /// Lets the calling thread have the token by the right of `place`, until this is called with
    /// another place or none.
    pub fn take_turn(&self, place: Option<&TokenPlace>) {
        self.turn.set(Turn {
            place: place.map(|place| (place.id, place.tries)),
            is_blocked: false,
        });
    }

    /// The token, if nobody has it and nobody waits for it: the right to wait for slots while
    /// holding others.
    pub fn try_token(&self) -> Option<Token<'_>> {
        let place = self.turn.get().place.map(|(id, _)| id);
        self.store().gates().try_token(place)
    }

    /// The world, if it can be had within `patience`, or twice or four times that for who has tried
    /// before. The thread's gate must be closed.
    pub fn try_world(&self, patience: Duration) -> Option<World<'_>> {
        debug_assert!(
            !self.is_open(),
            "the world is asked for with the gate closed"
        );
        let token = self.try_token()?;
        let mut turn = self.turn.get();
        let tries = turn.place.map_or(0, |(_, tries)| tries.min(DOUBLINGS));
        let world = self
            .store()
            .gates()
            .try_world(token, patience * (1 << tries));
        turn.is_blocked = world.is_none();
        self.turn.set(turn);
        world
    }

    /// Takes a place in the queue for the token, after it, or the world, was not to be had; or
    /// comes back to the one that `place` is. Returns whether it is the caller's turn, who should
    /// call [`Locker::take_turn`] and try again; else the waiter is woken when it is.
    pub fn wait_for_token(
        &self,
        place: &mut Option<TokenPlace>,
        waiter: impl FnOnce() -> Arc<dyn Wake>,
    ) -> bool {
        let gates = self.store().gates();
        let blocked = self.turn.take().is_blocked;
        let place = place.get_or_insert_with(|| {
            let id = gates.with_token(|token| {
                let id = token.next;
                token.next += 1;
                token.queue.push_back(Entry {
                    id,
                    state: State::Waits,
                    wake: waiter(),
                });
                (id, None)
            });
            TokenPlace {
                gates: gates.clone(),
                id,
                tries: 0,
            }
        });
        place.tries += u32::from(blocked);
        let id = place.id;
        gates.with_token(|token| {
            let state = if blocked {
                State::Blocked
            } else {
                State::Waits
            };
            if let Some(entry) = token.queue.iter_mut().find(|entry| entry.id == id) {
                entry.state = state;
            }
            // Nobody would tell of a batch that has ended before.
            let waits = blocked && gates.any_awaited();
            let turn = !waits && token.is_free_for(Some(id));
            if let Some(entry) = token.queue.iter_mut().find(|entry| entry.id == id) {
                match (turn, waits) {
                    (true, _) => entry.state = State::Called(Instant::now()),
                    (_, true) => {}
                    _ => entry.state = State::Waits,
                }
            }
            (turn, token.call())
        })
    }

    /// Waits until it is the caller's turn to have the token. For threads that serve nobody.
    pub fn wait_for_turn(&self, place: &mut Option<TokenPlace>) {
        crate::order::about_to_wait();
        let thread = current();
        let waiter = || {
            let thread = thread.clone();
            Arc::new(move || thread.unpark()) as Arc<dyn Wake>
        };
        if !self.wait_for_token(place, waiter) {
            while !place.as_ref().is_some_and(TokenPlace::is_called) {
                park_timeout(LONGEST_SLEEP);
                self.store().pass_turns();
            }
        }
        self.take_turn(place.as_ref());
    }

    /// The world; tries until it has it, for as long as it takes. For threads that serve nobody.
    pub fn world(&self) -> World<'_> {
        let mut place = None;
        loop {
            let world = self.try_world(Duration::from_millis(1));
            if let Some(world) = world {
                self.take_turn(None);
                return world;
            }
            self.wait_for_turn(&mut place);
        }
    }
}
