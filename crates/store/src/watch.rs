//! WATCH: who wants to know that a key changed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A connection's flag that one of the keys it watches changed.
#[derive(Clone, Default, Debug)]
pub struct Watch(Arc<AtomicBool>);

impl Watch {
    /// A new flag: nothing changed yet.
    pub fn new() -> Watch {
        Watch::default()
    }

    /// Whether a watched key changed. Exact while the slots of the watched keys are locked.
    pub fn is_dirty(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Notes that a watched key changed.
    pub fn set_dirty(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn same(&self, other: &Watch) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Somebody who watches a key.
struct Watcher {
    watch: Watch,
    /// The key had expired when the watch began, and nothing has come in its place since: that it
    /// is deleted changes nothing.
    expired: bool,
}

/// What SWAPDB means for a key that is watched in one of the two databases.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Swapped {
    /// The key was there.
    pub(crate) was: bool,
    /// It is there now.
    pub(crate) is: bool,
    /// It is there now, but its time is up.
    pub(crate) is_expired: bool,
}

/// The watched keys of one slot.
#[derive(Default)]
pub(crate) struct Watchers(HashMap<(u16, Box<[u8]>), Vec<Watcher>>);

impl Watchers {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, db: u16, key: &[u8], watch: &Watch, expired: bool) {
        let watchers = self.0.entry((db, key.into())).or_default();
        if !watchers.iter().any(|other| other.watch.same(watch)) {
            watchers.push(Watcher {
                watch: watch.clone(),
                expired,
            });
        }
    }

    pub(crate) fn remove(&mut self, db: u16, key: &[u8], watch: &Watch) {
        let place = (db, Box::from(key));
        if let Some(watchers) = self.0.get_mut(&place) {
            watchers.retain(|other| !other.watch.same(watch));
            if watchers.is_empty() {
                self.0.remove(&place);
            }
        }
    }

    /// Whether the key had expired already when this watch of it began.
    pub(crate) fn began_expired(&self, db: u16, key: &[u8], watch: &Watch) -> bool {
        let watchers = self.0.get(&(db, Box::from(key)));
        let mut watchers = watchers.into_iter().flatten();
        watchers.any(|other| other.expired && other.watch.same(watch))
    }

    pub(crate) fn touch(&self, db: u16, key: &[u8]) {
        if let Some(watchers) = self.0.get(&(db, Box::from(key))) {
            watchers.iter().for_each(|other| other.watch.set_dirty());
        }
    }

    /// The key was deleted because its time is up.
    pub(crate) fn expire(&mut self, db: u16, key: &[u8]) {
        if let Some(watchers) = self.0.get_mut(&(db, Box::from(key))) {
            watchers.iter_mut().for_each(Watcher::gone);
        }
    }

    /// Every key of `db` for which `there` holds is gone.
    pub(crate) fn flush(&mut self, db: u16, there: impl Fn(&[u8]) -> bool) {
        for ((number, key), watchers) in &mut self.0 {
            if *number == db && there(key) {
                watchers.iter_mut().for_each(Watcher::gone);
            }
        }
    }

    /// SWAPDB: watches go by number, so they move to the other physical database; `swapped` says
    /// what that means for a key, given the database it is watched in so far and the other.
    pub(crate) fn swap(&mut self, a: u16, b: u16, swapped: impl Fn(&[u8], u16, u16) -> Swapped) {
        let moved = std::mem::take(&mut self.0).into_iter();
        let moved = moved.map(|((db, key), mut watchers)| {
            let other = match db {
                _ if db == a => b,
                _ if db == b => a,
                _ => return ((db, key), watchers),
            };
            let change = swapped(&key, db, other);
            watchers
                .iter_mut()
                .for_each(|watcher| watcher.swapped(change));
            ((other, key), watchers)
        });
        self.0 = moved.collect();
    }
}

impl Watcher {
    fn gone(&mut self) {
        if !std::mem::take(&mut self.expired) {
            self.watch.set_dirty();
        }
    }

    fn swapped(&mut self, change: Swapped) {
        let Swapped {
            was,
            is,
            is_expired,
        } = change;
        match self.expired {
            _ if !was && !is => {}
            true if !is => self.expired = false,
            true if is_expired => {}
            false if !was && is_expired => self.expired = true,
            _ => self.watch.set_dirty(),
        }
    }
}
