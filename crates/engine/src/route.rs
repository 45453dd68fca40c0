//! Which node serves a command, and what a client of another node's slot is told.
//!
//! The bus publishes a [`View`] and, for every slot, a word that commands read under the slot's
//! lock: a slot that is simply ours costs one load. Everything else (redirections, slots on their
//! way, a cluster that is down) is decided from the view.

use crate::fail::{self, Done, Fail};
use crate::{Engine, Session};
use base::Slot;
use cluster::{Role, State, View};
use commands::{Cmd, Spec, flag};
use parking_lot::{Mutex, RwLock};
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
    /// The words of all slots as they were last published, closer together than the slots are.
    words: Mutex<Box<[u8]>>,
    healthy: AtomicBool,
    /// Until when this node may serve, in ms after `start`: a primary that was paused or cut off
    /// stops before it can write, because nobody has moved this on.
    serve_until: AtomicU64,
    /// How often that has run out and been given anew.
    lapses: AtomicU64,
    start: Instant,
}

impl Default for Routing {
    fn default() -> Routing {
        Routing {
            view: RwLock::new(None),
            words: Mutex::new(vec![0; Slot::COUNT].into()),
            healthy: AtomicBool::new(false),
            serve_until: AtomicU64::new(0),
            lapses: AtomicU64::new(0),
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
        let until = self.milliseconds(until);
        if self.serve_until.load(Ordering::Relaxed) <= self.milliseconds(Instant::now()) {
            self.lapses.fetch_add(1, Ordering::Release);
        }
        self.serve_until.store(until, Ordering::Release);
    }

    fn milliseconds(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.start).as_millis() as u64
    }

    /// How often the right to serve has run out: see [`Routing::has_served_since`].
    pub fn lapses(&self) -> u64 {
        self.lapses.load(Ordering::Acquire)
    }

    /// Whether this node serves now and its right to has not run out since there were so many
    /// `lapses`. Where not, another may have been elected meanwhile that knows nothing of what was
    /// written here since then.
    pub fn has_served_since(&self, lapses: u64) -> bool {
        self.is_serving(Instant::now()) && self.lapses() == lapses
    }

    /// Whether the cluster is up and this node's right to serve has not run out.
    pub fn is_serving(&self, now: Instant) -> bool {
        let now = self.milliseconds(now);
        self.healthy.load(Ordering::Acquire) && now < self.serve_until.load(Ordering::Acquire)
    }

    /// Publishes a new view: commands that lock a slot from now on go by it.
    pub fn publish(&self, store: &store::Store, view: Arc<View>) {
        let serves = view.role() == Role::Primary;
        let word = |slot| {
            if serves && view.is_mine(slot) {
                MINE
            } else {
                0
            }
        };
        let mut new: Vec<u8> = Slot::all().map(|slot| word(slot) as u8).collect();
        for slot in view.migrating().chain(view.importing()) {
            new[slot.index()] |= MOVING as u8;
        }
        self.change_words(store, new.into(), || {
            self.healthy
                .store(view.state() == State::Ok, Ordering::Release);
            *self.view.write() = Some(view);
        });
    }

    /// Changes the words of the slots for which they are new, and of no others. What is lost goes
    /// first, then `show` shows the new view: whoever sees it finds no word of the old one.
    fn change_words(&self, store: &store::Store, new: Box<[u8]>, show: impl FnOnce()) {
        let mut words = self.words.lock();
        let both = |slot: Slot| (words[slot.index()], new[slot.index()]);
        let is_new = |slot: &Slot| both(*slot).0 != both(*slot).1;
        let changed: Vec<Slot> = Slot::all().filter(is_new).collect();
        for &slot in &changed {
            let (was, is) = both(slot);
            if u64::from(was & !is) & MINE != 0 {
                store.set_route(slot, u64::from(was) & !MINE);
            }
        }
        show();
        for &slot in &changed {
            store.set_route(slot, u64::from(both(slot).1));
        }
        *words = new;
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
        let word = self.store.route(guard.slot());
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

impl<'a> Wish<'a> {
    /// What one command wants; the times are its clock stamp and the running clock's.
    pub(crate) fn of(
        session: &Session,
        spec: &Spec,
        keys: Keys<'a>,
        (when, now): (When, Instant),
    ) -> Wish<'a> {
        Wish {
            asking: session.asking || spec.has(flag::ASKING),
            readonly: session.readonly,
            migrates: spec.id == Cmd::Migrate,
            writes: spec.has(flag::WRITE),
            memory_refusal: session.memory_refusal,
            keys,
            when,
            now,
        }
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

#[cfg(test)]
mod tests;
