//! Links as they come up and go down.

use crate::event::{Effect, LinkId};
use crate::machine::Cluster;
use crate::node::{Ix, OutLink};
use bus::{Flags, Kind};

impl Cluster {
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
