//! CLIENT PAUSE and the pause of a failover: commands that must wait do so on their connections.

use base::SlotSet;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;
use store::Store;

/// Which commands wait.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PauseKind {
    /// Those that change something or would be replicated.
    Writes,
    /// All.
    All,
}

#[derive(Clone, Copy)]
struct Hold {
    kind: PauseKind,
    /// `None`: until somebody ends it.
    until: Option<Instant>,
}

/// Who has begun a pause. Each has one, and ends none but that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PauseBy {
    /// CLIENT PAUSE.
    Client,
    /// A failover by hand.
    Failover,
    /// A server that ends.
    Ending,
    /// DEBUG RELOAD and DEBUG LOADAOF.
    Reload,
}

/// How many may have begun one.
const HOLDERS: usize = PauseBy::Reload as usize + 1;

/// The pauses in force.
pub struct Pause {
    store: Arc<Store>,
    /// 0: none, 1: writes, 2: all. Read by every command.
    level: AtomicU8,
    holds: Mutex<[Option<Hold>; HOLDERS]>,
}

impl Pause {
    /// No pause, for the clients of a store.
    pub(crate) fn new(store: Arc<Store>) -> Pause {
        Pause {
            store,
            level: AtomicU8::new(0),
            holds: Mutex::default(),
        }
    }

    /// Whether a pause is in force, and which. Asked with the gate open.
    #[inline]
    pub fn level(&self) -> Option<PauseKind> {
        match self.level.load(Ordering::SeqCst) {
            0 => None,
            1 => Some(PauseKind::Writes),
            _ => Some(PauseKind::All),
        }
    }

    /// Begins a pause, or makes the one that `by` has in force longer or stricter. Without `until`
    /// it lasts until it is ended.
    pub fn begin(&self, by: PauseBy, kind: PauseKind, until: Option<Instant>) {
        let mut holds = self.holds.lock();
        let hold = &mut holds[by as usize];
        *hold = Some(match *hold {
            Some(old) => Hold {
                kind: old.kind.max(kind),
                until: old.until.zip(until).map(|(old, new)| old.max(new)),
            },
            None => Hold { kind, until },
        });
        self.publish(&holds);
    }

    /// Ends the pause of `by`.
    pub fn end(&self, by: PauseBy) {
        let mut holds = self.holds.lock();
        holds[by as usize] = None;
        self.publish(&holds);
    }

    /// Ends the pauses whose time is up; returns whether one did.
    pub fn has_ended(&self) -> bool {
        let mut holds = self.holds.lock();
        let now = Instant::now();
        let mut ended = false;
        for hold in holds.iter_mut() {
            if hold.is_some_and(|hold| hold.until.is_some_and(|until| until <= now)) {
                *hold = None;
                ended = true;
            }
        }
        if ended {
            self.publish(&holds);
        }
        ended
    }

    /// Whether the replication offset must stand: a failover waits for it, or a server that ends
    /// does so for its replicas.
    pub fn holds_offset(&self) -> bool {
        let holds = self.holds.lock();
        let by = [PauseBy::Failover, PauseBy::Ending];
        by.iter().any(|by| holds[*by as usize].is_some())
    }

    fn publish(&self, holds: &[Option<Hold>; HOLDERS]) {
        let kind = holds.iter().flatten().map(|hold| hold.kind).max();
        let level = match kind {
            None => 0,
            Some(PauseKind::Writes) => 1,
            Some(PauseKind::All) => 2,
        };
        self.level.store(level, Ordering::SeqCst);
        let slots = if level == 0 {
            SlotSet::new()
        } else {
            SlotSet::full()
        };
        self.store.hold(&slots);
    }
}

#[cfg(test)]
mod tests;
