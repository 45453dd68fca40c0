//! Voting for a replica that asks.

use crate::durable::Withheld;
use crate::event::Level;
use crate::machine::Cluster;
use crate::node::Ix;
use base::{Epoch, NodeId};
use bus::{Body, Header, marks};
use std::sync::Arc;

/// The reason of a refusal that may be overtaken by the news of the failure.
const PRIMARY_UP: &str = "its master is up";

/// What we have done with our vote.
pub(crate) struct Ballot {
    /// The last epoch in which we voted.
    last_epoch: Epoch,
    /// A request that came before the news that its primary failed.
    early: Option<(NodeId, Header)>,
}

impl Ballot {
    /// That of a node that last voted in this epoch.
    pub(crate) fn new(last_epoch: Epoch) -> Ballot {
        Ballot {
            last_epoch,
            early: None,
        }
    }

    /// The last epoch in which we voted.
    pub(crate) fn last_epoch(&self) -> Epoch {
        self.last_epoch
    }

    /// The node begins anew: its epochs are over.
    pub(crate) fn reset(&mut self) {
        self.last_epoch = Epoch(0);
    }
}

impl Cluster {
    /// A primary has failed: the request of its replica may have come before the news.
    pub(crate) fn reconsider_vote(&mut self, failed: Ix) {
        let Some((id, header)) = self.ballot.early.take() else {
            return;
        };
        if let Some(sender) = self.roster.find(&id)
            && self.roster[sender].primary == Some(failed)
        {
            self.consider_vote(sender, &header);
        }
    }

    /// Considers a request for our vote. A vote leaves once it is on disk, so that a restart cannot
    /// make us vote twice in an epoch.
    pub(crate) fn consider_vote(&mut self, sender: Ix, header: &Header) {
        if !self.roster.me().votes() {
            self.note_rival(header);
            return;
        }
        let epoch = header.current_epoch;
        let refusal = self.refuse_vote(sender, header, epoch);
        let label = self.roster[sender].label();
        if let Some(reason) = refusal {
            self.log(
                Level::Warning,
                format!("Failover auth denied to {label}: {reason}"),
            );
            if reason == PRIMARY_UP {
                self.ballot.early = Some((header.sender, header.clone()));
            }
            return;
        }
        let now = self.now.mono;
        if let Some(primary) = self.roster[sender].primary {
            self.roster[primary].voted = Some((now, self.roster[sender].id));
        }
        self.ballot.last_epoch = epoch;
        self.log(
            Level::Notice,
            format!("Failover auth granted to {label} for epoch {epoch}"),
        );
        self.tell_late_claims(sender);
        let mut ack = self.header();
        // The vote names the epoch it is for, whatever we hear before it leaves.
        ack.current_epoch = epoch;
        let packet = Arc::new(bus::Packet {
            header: ack,
            body: Body::AuthAck,
        });
        if self.mutants.vote_before_persist {
            self.changed();
            self.send_packet(sender, packet);
        } else {
            self.changed_now();
            self.withhold(Withheld::Packet(self.roster[sender].id, packet));
        }
    }

    fn refuse_vote(&mut self, sender: Ix, header: &Header, epoch: Epoch) -> Option<String> {
        let forced = header.marks & marks::FORCEACK != 0;
        if epoch < self.current_epoch {
            return Some(format!(
                "reqEpoch ({epoch}) < curEpoch({})",
                self.current_epoch
            ));
        }
        if self.ballot.last_epoch >= epoch && !self.mutants.vote_twice {
            return Some(format!(
                "already voted for epoch {}",
                self.ballot.last_epoch
            ));
        }
        if self.is_claim_fresh() {
            return Some("my own election is not known to the majority yet".to_owned());
        }
        let node = &self.roster[sender];
        if node.is_primary() {
            return Some("it is a master node".to_owned());
        }
        let Some(primary) = node.primary else {
            return Some("I don't know its master".to_owned());
        };
        if !self.roster[primary].is_failed() && !forced {
            return Some(PRIMARY_UP.to_owned());
        }
        let now = self.now.mono;
        let pause = 2 * self.settings.node_timeout;
        // Whoever has our vote may have won, and not have told us yet: it may ask again, the others
        // may not.
        if let Some((at, candidate)) = self.roster[primary].voted
            && candidate != node.id
            && now - at < pause
            && !forced
            && !self.mutants.vote_twice
        {
            let left = pause - (now - at);
            return Some(format!(
                "can't vote about this master before {left} milliseconds"
            ));
        }
        for slot in header.slots.iter() {
            let Some(owner) = self.roster.owner(slot) else {
                continue;
            };
            let known = self.roster[owner].config_epoch;
            if known <= header.config_epoch {
                continue;
            }
            // It may not have heard of its own primary's newest epoch: without this it would be
            // refused for ever.
            self.send_update(sender, owner);
            let asked = header.config_epoch;
            return Some(format!(
                "slot {slot} epoch ({known}) > reqConfigEpoch ({asked})"
            ));
        }
        None
    }
}
