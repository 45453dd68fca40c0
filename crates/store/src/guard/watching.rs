//! The watches of a slot's keys.

use super::SlotGuard;
use crate::Watch;
use crate::watch::Swapped;

impl SlotGuard<'_> {
    /// Sets `watch` when the key changes from now on.
    /// `now` is in milliseconds since 1970: that a key is deleted which has expired already changes
    /// nothing.
    pub fn watch(&mut self, db: u16, key: &[u8], watch: &Watch, now: i64) {
        let expired = self.is_expired(db, key, now) == Some(true);
        let watchers = &mut self.state_mut().rare().watchers;
        watchers.add(db, key, watch, expired);
    }

    /// Whether a key that this watch is about has expired since the watch began.
    pub fn has_expired(&self, db: u16, key: &[u8], watch: &Watch, now: i64) -> bool {
        let rare = self.state().rare.as_ref();
        let before = rare.is_some_and(|rare| rare.watchers.began_expired(db, key, watch));
        !before && self.is_expired(db, key, now) == Some(true)
    }

    /// Whether the time of a key that is there is up.
    fn is_expired(&self, db: u16, key: &[u8], now: i64) -> Option<bool> {
        let object = self
            .state()
            .keys(db)?
            .table
            .find(ds::siphash::of(key), key)?;
        Some(object.expire().is_some_and(|expire| expire <= now))
    }

    /// Ends a watch.
    pub fn unwatch(&mut self, db: u16, key: &[u8], watch: &Watch) {
        if let Some(rare) = &mut self.state_mut().rare {
            rare.watchers.remove(db, key, watch);
            self.tidy = true;
        }
    }

    /// SWAPDB: what it means for the watches of this slot.
    pub(crate) fn swap_watches(&mut self, a: u16, b: u16, now: i64) {
        let state = self.state_mut();
        let Some(rare) = &mut state.rare else { return };
        if rare.watchers.is_empty() {
            return;
        }
        let mut watchers = std::mem::take(&mut rare.watchers);
        watchers.swap(a, b, |key, from, to| {
            let (was, is) = (
                self.is_expired(from, key, now),
                self.is_expired(to, key, now),
            );
            Swapped {
                was: was.is_some(),
                is: is.is_some(),
                is_expired: is == Some(true),
            }
        });
        self.state_mut().rare().watchers = watchers;
    }
}
