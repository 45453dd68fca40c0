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

/// The place of a server's last pause among the holds.
const ENDING: usize = 2;

/// The pauses in force: that of CLIENT PAUSE, that of a failover, and that of a server that ends.
pub struct Pause {
    store: Arc<Store>,
    /// 0: none, 1: writes, 2: all. Read by every command.
    level: AtomicU8,
    holds: Mutex<[Option<Hold>; 3]>,
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

    /// Begins a pause, or makes the one in force longer or stricter.
    pub fn begin(&self, kind: PauseKind, until: Instant, failover: bool) {
        let mut holds = self.holds.lock();
        let hold = &mut holds[usize::from(failover)];
        *hold = Some(match hold {
            Some(old) => Hold {
                kind: old.kind.max(kind),
                until: old.until.max(Some(until)),
            },
            None => Hold {
                kind,
                until: Some(until),
            },
        });
        self.publish(&holds);
    }

    /// Ends a pause.
    pub fn end(&self, failover: bool) {
        let mut holds = self.holds.lock();
        holds[usize::from(failover)] = None;
        self.publish(&holds);
    }

    /// Begins the pause of writes of a server that ends. It has no end of its own, and other pauses
    /// that end do not end it.
    pub fn begin_ending(&self) {
        let mut holds = self.holds.lock();
        holds[ENDING] = Some(Hold {
            kind: PauseKind::Writes,
            until: None,
        });
        self.publish(&holds);
    }

    /// The server does not end after all.
    pub fn end_ending(&self) {
        let mut holds = self.holds.lock();
        holds[ENDING] = None;
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
        holds[1].is_some() || holds[ENDING].is_some()
    }

    fn publish(&self, holds: &[Option<Hold>; 3]) {
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
