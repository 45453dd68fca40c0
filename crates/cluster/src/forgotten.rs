//! Nodes that were forgotten: gossip does not bring them back for a while.

use base::NodeId;
use std::collections::BTreeMap;

/// The ids of forgotten nodes.
#[derive(Default)]
pub(crate) struct Forgotten {
    /// Until when each is refused, in ms of the monotonic clock.
    until: BTreeMap<NodeId, u64>,
}

impl Forgotten {
    /// Refuses a node until `until`.
    pub(crate) fn insert(&mut self, id: NodeId, until: u64) {
        self.until.insert(id, until);
    }

    /// Refuses it no longer.
    pub(crate) fn remove(&mut self, id: &NodeId) {
        self.until.remove(id);
    }

    /// Whether it is refused at `now`.
    pub(crate) fn holds(&mut self, id: &NodeId, now: u64) -> bool {
        self.until.retain(|_, until| *until > now);
        self.until.contains_key(id)
    }
}
