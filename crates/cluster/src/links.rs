//! Links as they come up and go down.

use crate::event::{Effect, LinkId};
use crate::machine::Cluster;
use crate::node::{Ix, OutLink};
use bus::{Flags, IpText, Kind};
use std::collections::BTreeMap;

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

/// A link that another node opened to us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InLink {
    /// Who it is, once it has said so.
    pub(crate) node: Option<Ix>,
    pub(crate) peer: IpText,
    pub(crate) local: IpText,
    pub(crate) since: u64,
}

/// The links, and what went over them.
#[derive(Debug, Default)]
pub(crate) struct Links {
    inbound: BTreeMap<LinkId, InLink>,
    outbound: BTreeMap<LinkId, Ix>,
    /// The number of the link that was opened last.
    last: u64,
    sent: [u64; Kind::COUNT],
    received: [u64; Kind::COUNT],
    overflows: u64,
}

impl Links {
    /// Another node has opened one.
    pub(crate) fn accepted(&mut self, link: LinkId, state: InLink) {
        self.inbound.insert(link, state);
    }

    /// A new one to a node.
    pub(crate) fn open(&mut self, to: Ix) -> LinkId {
        self.last += 1;
        let link = LinkId::Out(self.last);
        self.outbound.insert(link, to);
        link
    }

    /// One that another node opened.
    pub(crate) fn inbound(&self, link: LinkId) -> Option<&InLink> {
        self.inbound.get(&link)
    }

    /// Whom one of ours leads to.
    pub(crate) fn leads_to(&self, link: LinkId) -> Option<Ix> {
        self.outbound.get(&link).copied()
    }

    /// Notes who opened a link. False if that is not new.
    pub(crate) fn identify(&mut self, link: LinkId, at: Ix) -> bool {
        let state = self.inbound.get_mut(&link);
        let Some(state) = state.filter(|state| state.node.is_none()) else {
            return false;
        };
        state.node = Some(at);
        true
    }

    /// Forgets a link that another node opened.
    pub(crate) fn forget_inbound(&mut self, link: LinkId) {
        self.inbound.remove(&link);
    }

    /// A node is gone: nobody knows any more who opened its links.
    pub(crate) fn forget_node(&mut self, at: Ix) {
        for link in self.inbound.values_mut() {
            if link.node == Some(at) {
                link.node = None;
            }
        }
    }

    /// Counts a packet that was sent.
    pub(crate) fn count_sent(&mut self, kind: Kind) {
        self.sent[kind as usize] += 1;
    }

    /// Counts a packet that came.
    pub(crate) fn count_received(&mut self, kind: Kind) {
        self.received[kind as usize] += 1;
    }

    /// Packets by kind, those that were sent before those that came.
    pub(crate) fn counts(&self) -> [(&[u64; Kind::COUNT], &'static str); 2] {
        [(&self.sent, "sent"), (&self.received, "received")]
    }

    /// Counts a link that was closed since too much waited in it.
    pub(crate) fn overflowed(&mut self) {
        self.overflows += 1;
    }

    /// How many links were closed since too much waited in them.
    pub(crate) fn overflows(&self) -> u64 {
        self.overflows
    }
}

impl Cluster {
    /// What is known of who is at the other end of a link.
    pub fn acquaintance(&self, link: LinkId) -> Acquaintance {
        if let LinkId::In(_) = link {
            return match self.links.inbound(link) {
                Some(state) if state.node.is_some() => Acquaintance::Known,
                _ => Acquaintance::Stranger,
            };
        }
        let Some(at) = self.links.leads_to(link) else {
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
        let Some(at) = self.links.leads_to(link) else {
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
        if let Some(at) = self.links.outbound.remove(&link) {
            self.roster[at].out = OutLink::Down;
            // Without this a node that refuses connections would never be suspected.
            let now = self.now.mono;
            self.roster[at].ping_sent.get_or_insert(now);
        } else if let Some(state) = self.links.inbound.remove(&link)
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
            self.links.outbound.remove(&link);
            self.out.push(Effect::Disconnect(link));
        }
        self.roster[at].out = OutLink::Down;
    }
}
