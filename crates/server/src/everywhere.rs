//! Replies that leave when what they tell of is in force at every worker.

use net::ConnId;
use std::time::{Duration, Instant};
use store::gate::Boundary;

/// How often it is looked whether the others have come to a boundary.
const TURN: Duration = Duration::from_millis(1);

/// A reply that waits, and the boundaries that it waits for.
struct Waiting {
    boundary: Boundary,
    id: ConnId,
    reply: Reply,
}

/// The reply of a command that changes what all workers go by.
pub(crate) struct Reply {
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// Whether the connection is closed behind it.
    pub(crate) closes: bool,
}

/// The replies that wait at one worker. Each waits for the gates that were open when its command
/// had run: their owners go by what was before up to the end of their batches.
#[derive(Default)]
pub(crate) struct Everywhere(Vec<Waiting>);

impl Everywhere {
    /// Lays a reply aside.
    pub(crate) fn wait(&mut self, boundary: Boundary, id: ConnId, reply: Reply) {
        self.0.push(Waiting {
            boundary,
            id,
            reply,
        });
    }

    /// Gives the replies whose time has come to `send`.
    pub(crate) fn release(
        &mut self,
        gates: &store::gate::Gates,
        send: &mut dyn FnMut(ConnId, Reply),
    ) {
        if self.0.is_empty() {
            return;
        }
        for waiting in std::mem::take(&mut self.0) {
            if gates.all_passed(&waiting.boundary) {
                send(waiting.id, waiting.reply);
            } else {
                self.0.push(waiting);
            }
        }
    }

    /// When to look again, if any wait.
    pub(crate) fn due(&self) -> Option<Instant> {
        (!self.0.is_empty()).then(|| Instant::now() + TURN)
    }
}
