//! Saves after FLUSHALL, so that a crash does not bring back what was deleted.

use super::{State, in_background, run};
use crate::node::Node;
use engine::Engine;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Every FLUSHALL wants a save that begins after it. One thread at a time sees to that, and one
/// save does for all that came before it.
#[derive(Default)]
pub(super) struct Flushes {
    /// How many there were.
    pub(super) seen: u64,
    /// How many of them need no save any more.
    done: u64,
    /// Whether there is a thread that sees to the others.
    has_thread: bool,
    /// What `dirty_then` was without those whose save is to come.
    before: Option<u64>,
}

impl State {
    /// A save of the data set with so many changes is in the file; it began after so many FLUSHALL.
    pub(super) fn saved(&mut self, dirty: u64, flushes: u64) {
        self.flushes.done = self.flushes.done.max(flushes);
        if self.flushes.done < self.flushes.seen {
            // The last one counts as saved already, and may yet turn out not to be.
            self.flushes.before = Some(dirty);
        } else {
            self.flushes.before = None;
            self.dirty_then = dirty;
        }
    }

    /// The first so many FLUSHALL get no save, so that they count as changes again.
    fn give_up(&mut self, flushes: u64) {
        self.flushes.done = self.flushes.done.max(flushes);
        if let Some(before) = self.flushes.before {
            self.dirty_then = self.dirty_then.min(before);
        }
        if self.flushes.done == self.flushes.seen {
            self.flushes.before = None;
        }
    }
}

/// After FLUSHALL: a save that is under way would bring back what was deleted, and is stopped.
/// Where there are save points an empty file takes the place of the old one, as in Redis, so that a
/// crash does not bring it back. Its changes count as saved from here on, unless that fails. No
/// reply waits for the disk.
pub(crate) fn save_after_flush(node: &Arc<Node>, engine: &Arc<Engine>) {
    if engine.settings().loading {
        return;
    }
    if node.config.read().save.is_empty() {
        if let Some(running) = &node.persistence.state.lock().running {
            running.progress.stop.store(true, Ordering::Relaxed);
        }
        return;
    }
    let dirty = engine.store.totals().dirty;
    {
        let mut state = node.persistence.state.lock();
        let before = std::mem::replace(&mut state.dirty_then, dirty);
        state.flushes.before.get_or_insert(before);
        state.flushes.seen += 1;
        if std::mem::replace(&mut state.flushes.has_thread, true) {
            return;
        }
    }
    let (for_thread, engine) = (node.clone(), engine.clone());
    if in_background(move || save_flushed(&for_thread, &engine)).is_err() {
        let mut state = node.persistence.state.lock();
        let seen = state.flushes.seen;
        state.give_up(seen);
        state.flushes.has_thread = false;
    }
}

/// Saves until there is no FLUSHALL whose save is to come.
fn save_flushed(node: &Node, engine: &Engine) {
    let persistence = &node.persistence;
    loop {
        let wanted = !node.config.read().save.is_empty();
        let mut state = persistence.state.lock();
        let seen = state.flushes.seen;
        if !wanted {
            state.give_up(seen);
        }
        if state.flushes.done == seen {
            state.flushes.has_thread = false;
            return;
        }
        if let Some(running) = &state.running {
            // It would write what is gone, unless it has begun since.
            if running.flushes < seen {
                running.progress.stop.store(true, Ordering::Relaxed);
            }
            persistence.ended.wait(&mut state);
            continue;
        }
        let Some(progress) = state.begin() else {
            continue;
        };
        drop(state);
        let saved = run(node, engine, &progress);
        // Who ends the server or the save of another may have stopped it: that is a failure too,
        // and what follows has its own save.
        if saved.is_err() {
            persistence.state.lock().give_up(seen);
        }
    }
}
