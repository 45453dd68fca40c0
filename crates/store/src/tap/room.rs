//! How much of old values may wait for the walkers of taps, and what happens past that.
//!
//! The bound is a threshold: what was admitted before may overshoot. Past it the sink of a tap that
//! is a network peer is given up; for one that is a disk, whoever wants to write is parked before
//! it locks a slot, and when that has lasted too long the tap is given up.

use super::{Remains, Shared, Taps};
use crate::Store;
use crate::order::{Short, brief};
use crate::sync::{AtomicUsize, Instant, Ordering};
use std::time::Duration;

/// Bytes of old values that may wait for one tap.
const BOUND: usize = 64 * 1024 * 1024;

/// The room for images, shared by all taps.
pub(crate) struct Room {
    bound: AtomicUsize,
    /// How many taps have more waiting than that.
    over: AtomicUsize,
}

impl Default for Room {
    fn default() -> Room {
        Room {
            bound: AtomicUsize::new(BOUND),
            over: AtomicUsize::new(0),
        }
    }
}

impl Room {
    pub(crate) fn bound(&self) -> usize {
        self.bound.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// More waits than there is room for. What comes back is to be freed.
    pub(super) fn overrun(&self) -> Option<Remains> {
        if self.network.load(Ordering::Relaxed) {
            return Some(self.give_up());
        }
        let mut over = self.over.lock();
        if over.is_none() {
            *over = Some(Instant::now());
            self.room.over.fetch_add(1, Ordering::SeqCst);
        }
        None
    }

    /// There is room again.
    pub(super) fn relieve(&self) {
        if self.over.lock().take().is_some() {
            self.room.over.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Looks at what is kept for large values, which grows without anything being delivered.
    fn look(&self) {
        let (kept, bound) = (self.kept(), self.room.bound());
        if kept > bound && !self.is_cancelled() {
            drop(self.overrun());
        } else if kept <= bound / 2 {
            self.relieve();
        }
    }

    /// The walker took an image that was counted with so many bytes.
    pub(super) fn taken(&self, bytes: usize) {
        let waiting = self.bytes.fetch_sub(bytes, Ordering::Relaxed) - bytes;
        let grown = self.grown.load(Ordering::Relaxed);
        if bytes > 0 && waiting + grown <= self.room.bound() / 2 {
            self.relieve();
        }
    }

    /// The baseline cannot be had any more, and nothing is taken from now on: what waits comes
    /// back, to be freed where that may take long.
    pub(super) fn give_up(&self) -> Remains {
        self.cancelled.store(true, Ordering::Release);
        let images = std::mem::take(&mut *self.images.lock());
        self.bytes.fetch_sub(images.bytes(), Ordering::Relaxed);
        self.relieve();
        Remains { images }
    }
}

impl Taps {
    /// Whether writers must wait for room.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.room.over.load(Ordering::Relaxed) != 0
    }
}

impl Store {
    /// Whether whoever wants to write must wait, because a disk is too slow for what others have
    /// written. Looked at before slots are locked.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.taps.is_full() || self.journal.is_full()
    }

    /// Sets how many bytes of old values may wait for one tap.
    pub fn bound_images(&self, bytes: usize) {
        self.taps.room.bound.store(bytes, Ordering::Relaxed);
    }

    /// Looks how much each tap keeps, and gives up those for which writers have waited for longer
    /// than `patience`. To be called now and then.
    pub fn end_slow_taps(&self, patience: Duration) {
        let taps: Vec<_> = {
            let _order = brief(Short::Registries);
            let lanes = self.taps.lanes.lock();
            lanes.iter().flatten().cloned().collect()
        };
        for tap in taps {
            tap.look();
            let since = *tap.over.lock();
            if since.is_some_and(|since| since.elapsed() >= patience) {
                drop(tap.give_up());
            }
        }
    }
}
