//! Gates, the token and the world: how one thread gets to see every slot at one instant.
//!
//! Every thread that locks slots owns a [`Gate`] and opens it for a batch of work. A request for
//! the world takes the token, closes the gates (owners do not reopen at their next boundary), and
//! has the world once no gate is open. Nobody waits for it longer than a moment: a request that
//! meets a long batch gives up, lets everybody go on, and tries again when that batch has ended.

mod token;

pub use token::{Token, TokenPlace};

use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Condvar, Instant, Mutex, Ordering, RwLock};
use std::sync::Arc;
use std::time::Duration;
use token::TokenQueue;
pub(crate) use token::Turn;

/// All gates of a store, and the token.
#[derive(Default)]
pub struct Gates {
    gates: RwLock<Vec<Arc<GateCell>>>,
    closed: AtomicBool,
    reopened: Condvar,
    reopen: Mutex<()>,
    token: Mutex<TokenQueue>,
    numbers: AtomicUsize,
    /// Counts how often the gates were closed for somebody, and let go.
    worlds: AtomicU64,
}

/// What others see of one gate; in a line of its own, since its owner writes it at each boundary.
#[derive(Default)]
#[repr(align(64))]
struct GateCell {
    open: AtomicBool,
    /// Counts boundaries, so that others can wait for this gate to have passed one.
    passed: AtomicU64,
    retired: AtomicBool,
    /// Somebody wants the world and waits for the end of this batch.
    awaited: AtomicBool,
}

/// The gate of one thread that locks slots.
pub struct Gate {
    gates: Arc<Gates>,
    cell: Arc<GateCell>,
    number: usize,
}

impl Gates {
    /// A new gate, free at first.
    pub fn add(self: &Arc<Gates>) -> Gate {
        let cell = Arc::new(GateCell::default());
        let mut gates = self.gates.write();
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        gates.push(cell.clone());
        Gate {
            gates: self.clone(),
            cell,
            number,
        }
    }

    /// The world, for whoever has the token: every gate closed. `None` when a batch did not end
    /// within `patience`; then everything goes on as before, and the caller tries again when it has
    /// ended. The caller's own gate must be free.
    pub(crate) fn try_world<'a>(
        &'a self,
        token: Token<'a>,
        patience: Duration,
    ) -> Option<World<'a>> {
        let deadline = Instant::now() + patience;
        self.closed.store(true, Ordering::SeqCst);
        let world = World { gates: self, token };
        crate::order::world(true);
        let mut spins = 0u32;
        loop {
            if !self.any_open() {
                return Some(world);
            }
            if Instant::now() >= deadline {
                self.await_open();
                return None;
            }
            spins += 1;
            if spins < 16 {
                std::hint::spin_loop();
            } else {
                crate::sync::yield_now();
            }
        }
    }

    /// Whether somebody has the world or wants it.
    #[inline]
    pub(crate) fn are_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    fn any_open(&self) -> bool {
        self.gates
            .read()
            .iter()
            .any(|gate| gate.open.load(Ordering::SeqCst))
    }

    /// Has the owners of open gates call who waits for the world when they close them.
    fn await_open(&self) {
        for gate in self.gates.read().iter() {
            if gate.open.load(Ordering::SeqCst) {
                gate.awaited.store(true, Ordering::SeqCst);
            }
        }
    }

    /// Whether a gate is still open that somebody waits for.
    fn any_awaited(&self) -> bool {
        let gates = self.gates.read();
        let mut gates = gates.iter();
        gates.any(|gate| gate.awaited.load(Ordering::SeqCst) && gate.open.load(Ordering::SeqCst))
    }

    /// Where every gate is now; give it to [`Gates::all_passed`] to learn whether each has since
    /// been at a boundary.
    pub fn mark(&self) -> Boundary {
        // Whatever the caller has changed goes before the look at the gates: the owner of one that
        // is closed sees it when it opens the gate.
        std::sync::atomic::fence(Ordering::SeqCst);
        let count = self.worlds.load(Ordering::SeqCst);
        let world = self.closed.load(Ordering::SeqCst).then_some(count);
        let gates = self.gates.read();
        let passed = |cell: &Arc<GateCell>| {
            let count = cell.passed.load(Ordering::SeqCst);
            (
                cell.clone(),
                cell.open.load(Ordering::SeqCst).then_some(count),
            )
        };
        Boundary {
            gates: gates
                .iter()
                .map(passed)
                .filter_map(|(c, n)| n.map(|n| (c, n)))
                .collect(),
            world,
        }
    }

    /// Whether every gate that was open at `mark` has passed a boundary since, and who had the
    /// world has given it back.
    pub fn all_passed(&self, mark: &Boundary) -> bool {
        let ended = |count| self.worlds.load(Ordering::SeqCst) != count;
        mark.world.is_none_or(ended)
            && mark.gates.iter().all(|(cell, count)| {
                cell.passed.load(Ordering::SeqCst) != *count || !cell.open.load(Ordering::SeqCst)
            })
    }
}

/// The gates that were open at one moment, each with its count of boundaries; and the count of
/// worlds, where somebody had one: a command that runs under it does so with its own gate closed.
pub struct Boundary {
    gates: Vec<(Arc<GateCell>, u64)>,
    world: Option<u64>,
}

/// The token and every gate: nobody else holds or gets a slot while this lives.
pub struct World<'a> {
    gates: &'a Gates,
    token: Token<'a>,
}

impl<'a> World<'a> {
    /// The token that is part of it.
    pub fn token(&self) -> &Token<'a> {
        &self.token
    }
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        crate::order::world(false);
        let _reopen = self.gates.reopen.lock();
        self.gates.worlds.fetch_add(1, Ordering::SeqCst);
        self.gates.closed.store(false, Ordering::SeqCst);
        self.gates.reopened.notify_all();
    }
}

impl Gate {
    /// This gate's number among the store's gates, from 0 up.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Opens the gate for a batch. While somebody has the world, waits until it is given back.
    #[inline]
    pub fn open(&self) {
        loop {
            self.cell.open.store(true, Ordering::SeqCst);
            if !self.gates.closed.load(Ordering::SeqCst) {
                return;
            }
            self.cell.open.store(false, Ordering::SeqCst);
            let mut reopen = self.gates.reopen.lock();
            while self.gates.closed.load(Ordering::SeqCst) {
                self.gates.reopened.wait(&mut reopen);
            }
        }
    }

    /// Closes the gate at the end of a batch: this thread is at a boundary.
    #[inline]
    pub fn close(&self) {
        self.cell.passed.fetch_add(1, Ordering::Relaxed);
        self.cell.open.store(false, Ordering::SeqCst);
        if self.cell.awaited.load(Ordering::SeqCst) {
            self.end_awaited();
        }
    }

    #[cold]
    fn end_awaited(&self) {
        self.cell.awaited.store(false, Ordering::SeqCst);
        self.gates.batch_ended();
    }

    /// Whether the gate is open: slots may be locked.
    pub fn is_open(&self) -> bool {
        self.cell.open.load(Ordering::Relaxed)
    }

    /// The gates that this one belongs to.
    pub fn gates(&self) -> &Arc<Gates> {
        &self.gates
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.close();
        self.cell.retired.store(true, Ordering::SeqCst);
        self.gates
            .gates
            .write()
            .retain(|cell| !cell.retired.load(Ordering::SeqCst));
    }
}
