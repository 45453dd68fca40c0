//! Links as they come up and go down.

use crate::event::{Effect, LinkId};
use crate::machine::Cluster;
use crate::node::{Ix, OutLink};
use bus::{Flags, Kind};

/// What is known of who is at the other end of a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acquaintance {
    /// A node of this cluster has spoken on it, or has answered this node before.
    Known,
    /// A node that is known, or an administrator, named who is dialled; it has never answered.
    Named,
    /// Whoever can reach the bus port brought the link about.
    Stranger,
}

impl Cluster {
    /// What is known of who is at the other end of a link.
    pub fn acquaintance(&self, link: LinkId) -> Acquaintance {
        if let LinkId::In(_) = link {
            return match self.inbound.get(&link) {
                Some(state) if state.node.is_some() => Acquaintance::Known,
                _ => Acquaintance::Stranger,
            };
        }
        let Some(&at) = self.outbound.get(&link) else {
            return Acquaintance::Stranger;
        };
        let node = &self.roster[at];
        match node.in_handshake() {
            true if !node.has(Flags::MEET) => Acquaintance::Stranger,
            false if node.pong_direct.is_some() => Acquaintance::Known,
            _ => Acquaintance::Named,
        }
    }

    /// How many other nodes this one knows, handshakes left out.
    pub fn other_nodes(&self) -> usize {
        let known = self.roster.order().len() - self.roster.handshakes();
        known.saturating_sub(1)
    }

    /// How long a stranger may be silent, in milliseconds.
    pub fn patience_with_strangers(&self) -> u64 {
        self.settings.handshake_timeout()
    }

    pub(crate) fn link_up(&mut self, link: LinkId) {
        let Some(&at) = self.outbound.get(&link) else {
            self.out.push(Effect::Disconnect(link));
            return;
        };
        self.roster[at].out = OutLink::Up {
            link,
            since: self.now.mono,
        };
        let old = self.roster[at].ping_sent;
        if self.roster[at].has(Flags::MEET) {
            self.send_ping(at, Kind::Meet);
        } else {
            self.send_ping(at, Kind::Ping);
        }
        // An unanswered ping from before the reconnection still counts for failure detection.
        if old.is_some() {
            self.roster[at].ping_sent = old;
        }
    }

    pub(crate) fn link_down(&mut self, link: LinkId) {
        if let Some(at) = self.outbound.remove(&link) {
            self.roster[at].out = OutLink::Down;
            // Without this a node that refuses connections would never be suspected.
            let now = self.now.mono;
            self.roster[at].ping_sent.get_or_insert(now);
        } else if let Some(state) = self.inbound.remove(&link)
            && let Some(at) = state.node
            && self.roster[at].inbound == Some(link)
        {
            self.roster[at].inbound = None;
            self.roster[at].met = self.now.mono;
        }
    }

    /// Closes the link that we opened to a node.
    pub(crate) fn close_out(&mut self, at: Ix) {
        if let Some(link) = self.roster[at].out.id() {
            self.outbound.remove(&link);
            self.out.push(Effect::Disconnect(link));
        }
        self.roster[at].out = OutLink::Down;
    }
}
