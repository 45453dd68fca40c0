//! The order of locks, checked in builds with debug assertions: the token before slots, slots
//! before the short locks, with the gate open or under the world; and who waits for a slot holds
//! none, unless it has the token.
//!
//! Whoever has a short lock that others may meet under a slot says so with [`brief`], the crates
//! above this one too. What `net` locks it ranks nothing of, as it does not know the store: those
//! who send to an inbox say so for it.

use std::cell::Cell;

/// What the calling thread holds.
#[derive(Clone, Copy, Default)]
struct Held {
    tokens: u32,
    worlds: u32,
    slots: u32,
    /// The highest of the short locks.
    short: Option<Short>,
}

/// Locks that are held for a moment, in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Short {
    /// The append-only file, which is written with this held: not for a moment only, so that nobody
    /// waits for it who holds anything.
    File,
    /// Lists of who waits.
    Queues,
    /// Lists that others look things up in.
    Registries,
    /// The journal's log.
    Journal,
    /// Where a thread writes what is to be journalled.
    JournalLane,
    /// The journal's end.
    JournalEnd,
    /// Readers of the journal that sleep.
    JournalSleepers,
    /// What is sent to other workers.
    Inboxes,
}

crate::sync::thread_local! {
    static HELD: Cell<Held> = Cell::new(Held::default());
}

fn look(check: impl FnOnce(&mut Held)) {
    if cfg!(debug_assertions) {
        HELD.with(|held| {
            let mut now = held.get();
            check(&mut now);
            held.set(now);
        });
    }
}

/// Notes that the token was taken, or given back.
pub(crate) fn token(taken: bool) {
    look(|held| {
        if !taken {
            held.tokens -= 1;
            return;
        }
        assert_eq!(held.slots, 0, "the token was taken with a slot held");
        assert_eq!(
            held.short, None,
            "the token was taken with a short lock held"
        );
        held.tokens += 1;
    });
}

/// Notes that the world was had, or given back.
pub(crate) fn world(taken: bool) {
    look(|held| {
        if taken {
            held.worlds += 1;
        } else {
            held.worlds -= 1;
        }
    });
}

/// Notes that a slot was unlocked.
pub(crate) fn unlocked() {
    look(|held| held.slots -= 1);
}

/// Notes that a slot was locked, by a thread whose gate is open or not.
pub(crate) fn locked(is_open: bool) {
    look(|held| {
        assert!(
            is_open || held.worlds > 0,
            "a slot was locked with the gate closed"
        );
        assert_eq!(held.short, None, "a slot was locked with a short lock held");
        held.slots += 1;
    });
}

/// Before waiting for a slot.
pub(crate) fn about_to_wait() {
    look(|held| {
        assert!(
            held.slots == 0 || held.tokens > 0,
            "a slot is waited for with another held and without the token"
        );
    });
}

/// Before work that may take its time: no slot is held.
pub(crate) fn about_to_work() {
    look(|held| assert_eq!(held.slots, 0, "a file is written with a slot held"));
}

/// A short lock is held while this lives.
pub struct Brief(Option<Short>);

/// Notes that a short lock is about to be taken; it is one below all that the thread holds.
///
/// # Panics
/// In builds with debug assertions, when the thread holds one of the same rank or a later one.
#[inline]
pub fn brief(which: Short) -> Brief {
    let mut before = None;
    look(|held| {
        assert!(held.short < Some(which), "{which:?} after {:?}", held.short);
        before = held.short.replace(which);
    });
    Brief(before)
}

impl Drop for Brief {
    #[inline]
    fn drop(&mut self) {
        look(|held| held.short = self.0);
    }
}
