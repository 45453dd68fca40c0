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

/// The watched keys of one slot.
#[derive(Default)]
pub(crate) struct Watchers(HashMap<(u16, Box<[u8]>), Vec<Watch>>);

impl Watchers {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, db: u16, key: &[u8], watch: &Watch) {
        let watchers = self.0.entry((db, key.into())).or_default();
        if !watchers.iter().any(|other| other.same(watch)) {
            watchers.push(watch.clone());
        }
    }

    pub(crate) fn remove(&mut self, db: u16, key: &[u8], watch: &Watch) {
        let place = (db, Box::from(key));
        if let Some(watchers) = self.0.get_mut(&place) {
            watchers.retain(|other| !other.same(watch));
            if watchers.is_empty() {
                self.0.remove(&place);
            }
        }
    }

    pub(crate) fn touch(&self, db: u16, key: &[u8]) {
        if let Some(watchers) = self.0.get(&(db, Box::from(key))) {
            watchers.iter().for_each(Watch::set_dirty);
        }
    }

    /// Touches every watched key of `db` for which `changed` holds.
    pub(crate) fn touch_where(&self, db: u16, changed: impl Fn(&[u8]) -> bool) {
        for ((number, key), watchers) in &self.0 {
            if *number == db && changed(key) {
                watchers.iter().for_each(Watch::set_dirty);
            }
        }
    }

    /// SWAPDB: touches the watches of keys that `exists` in either database and moves the others
    /// to the other database.
    pub(crate) fn swap(&mut self, a: u16, b: u16, exists: impl Fn(&[u8]) -> bool) {
        let moved = std::mem::take(&mut self.0)
            .into_iter()
            .map(|((db, key), watchers)| {
                if (db == a || db == b) && exists(&key) {
                    watchers.iter().for_each(Watch::set_dirty);
                }
                let db = if db == a {
                    b
                } else if db == b {
                    a
                } else {
                    db
                };
                ((db, key), watchers)
            });
        self.0 = moved.collect();
    }
}
