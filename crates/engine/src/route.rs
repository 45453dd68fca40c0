//! Which node serves a command, and what a client of another node's slot is told.
//!
//! The bus publishes a [`View`] and, for every slot, a word that commands read under the slot's
//! lock: a slot that is simply ours costs one load. Everything else (redirections, slots on their
//! way, a cluster that is down) is decided from the view.

use crate::Engine;
use crate::fail::{self, Done, Fail};
use base::Slot;
use cluster::{Role, State, View};
use parking_lot::RwLock;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
use store::{SlotGuard, When};

/// The slot is ours and nothing is happening to it.
const MINE: u64 = 1;
/// The slot's keys are leaving or coming.
const MOVING: u64 = 2;

/// What commands know of the cluster.
pub struct Routing {
    view: RwLock<Option<Arc<View>>>,
    healthy: AtomicBool,
    /// Until when this node may serve, in ms after `start`: a primary that was paused or cut off
    /// stops before it can write, because nobody has moved this on.
    serve_until: AtomicU64,
    start: Instant,
}

impl Default for Routing {
    fn default() -> Routing {
        Routing {
            view: RwLock::new(None),
            healthy: AtomicBool::new(false),
            serve_until: AtomicU64::new(0),
            start: Instant::now(),
        }
    }
}

impl Routing {
    /// The cluster as it was last published.
    pub fn view(&self) -> Option<Arc<View>> {
        self.view.read().clone()
    }

    /// Extends the right to serve to `until`.
    pub fn serve_until(&self, until: Instant) {
        let until = until.saturating_duration_since(self.start).as_millis() as u64;
        self.serve_until.store(until, Ordering::Release);
    }

    /// Whether the cluster is up and this node's right to serve has not run out.
    pub fn is_serving(&self, now: Instant) -> bool {
        let now = now.saturating_duration_since(self.start).as_millis() as u64;
        self.healthy.load(Ordering::Acquire) && now < self.serve_until.load(Ordering::Acquire)
    }

    /// Publishes a new view: commands that lock a slot from now on go by it.
    pub fn publish(&self, store: &store::Store, view: Arc<View>) {
        let moving: std::collections::BTreeSet<Slot> =
            view.migrating().chain(view.importing()).collect();
        let mine = |slot| view.is_mine(slot) && view.role() == Role::Primary;
        // What is lost goes first: whoever sees the new view finds no word of the old one.
        for slot in Slot::all().filter(|slot| !mine(*slot)) {
            store.route(slot).fetch_and(!MINE, Ordering::AcqRel);
        }
        *self.view.write() = Some(view.clone());
        self.healthy
            .store(view.state() == State::Ok, Ordering::Release);
        for slot in Slot::all() {
            let mine = view.is_mine(slot) && view.role() == Role::Primary;
            let moving = if moving.contains(&slot) { MOVING } else { 0 };
            let word = moving | if mine { MINE } else { 0 };
            store.route(slot).store(word, Ordering::Release);
        }
    }
}

/// Calls a function with the name and the hash of each key.
pub(crate) type Keys<'a> = &'a mut dyn FnMut(&mut dyn FnMut(&[u8], u64));

/// What a command, or a transaction as a whole, wants of its slot.
pub(crate) struct Wish<'a> {
    /// Whether it may touch a slot that is being imported.
    pub(crate) asking: bool,
    /// Whether its client accepts reads from a replica.
    pub(crate) readonly: bool,
    /// Whether it is MIGRATE, which finds its keys wherever they are.
    pub(crate) migrates: bool,
    /// Whether it changes keys: a transaction does if any of its commands does.
    pub(crate) writes: bool,
    /// What it is told where this node serves its slot, for want of memory.
    pub(crate) memory_refusal: Option<&'static str>,
    /// All its keys.
    pub(crate) keys: Keys<'a>,
    pub(crate) when: When,
    pub(crate) now: Instant,
}

impl Engine {
    /// Whether this node serves the command, whose keys are all in the slot of `guard`.
    ///
    /// # Errors
    /// MOVED, ASK, TRYAGAIN or CLUSTERDOWN; or that there is no memory for it.
    #[inline]
    pub(crate) fn check_route(&self, wish: Wish<'_>, guard: &mut SlotGuard<'_>) -> Done {
        let word = self.store.route(guard.slot()).load(Ordering::Acquire);
        let refusal = wish.memory_refusal;
        if word != MINE || !self.routing.is_serving(wish.now) {
            self.redirect(wish, guard)?;
        }
        // Who is redirected hears of that first.
        match refusal {
            None => Ok(()),
            Some(text) => Err(text.into()),
        }
    }

    #[cold]
    fn redirect(&self, wish: Wish<'_>, guard: &mut SlotGuard<'_>) -> Done {
        let slot = guard.slot();
        let view = self.routing.view().ok_or(fail::CLUSTERDOWN)?;
        if view.owner(slot).is_none() {
            return Err(fail::CLUSTERDOWN_SLOT.into());
        }
        if !self.routing.is_serving(wish.now) {
            if !view.allow_reads_when_down() {
                return Err(fail::CLUSTERDOWN.into());
            }
            if wish.writes {
                return Err(fail::CLUSTERDOWN_WRITE.into());
            }
        }
        let mine = view.is_mine(slot);
        let migrating = mine && view.migrating_to(slot).is_some();
        let importing = !mine && view.importing_from(slot).is_some();
        if (migrating || importing) && wish.migrates {
            return Ok(());
        }
        let keys = if migrating || importing {
            Presence::of(wish.keys, guard, wish.when)
        } else {
            Presence::NONE
        };
        if migrating && keys.missing > 0 {
            let text = if keys.present > 0 {
                None
            } else {
                view.ask(slot, false)
            };
            return Err(text.map_or(fail::TRYAGAIN.into(), Fail::from));
        }
        if importing && wish.asking {
            let torn = keys.missing > 0 && keys.missing + keys.present > 1;
            return if torn {
                Err(fail::TRYAGAIN.into())
            } else {
                Ok(())
            };
        }
        if mine || (view.is_my_primarys(slot) && wish.readonly && !wish.writes) {
            return Ok(());
        }
        Err(view
            .moved(slot, false)
            .map_or(fail::CLUSTERDOWN_SLOT.into(), Fail::from))
    }
}

/// How many of a command's keys are here. A key that is named several times counts once.
struct Presence {
    present: usize,
    missing: usize,
}

impl Presence {
    const NONE: Presence = Presence {
        present: 0,
        missing: 0,
    };

    fn of(keys: Keys<'_>, guard: &mut SlotGuard<'_>, when: When) -> Presence {
        let mut presence = Presence::NONE;
        let mut counted: HashSet<Box<[u8]>> = HashSet::new();
        keys(&mut |key, hash| {
            if !counted.insert(key.into()) {
                return;
            }
            match guard.find(0, hash, key, when) {
                Some(_) => presence.present += 1,
                None => presence.missing += 1,
            }
        });
        presence
    }
}
