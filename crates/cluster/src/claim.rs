//! What a primary that was just elected may not do yet: vote.
//!
//! Its shard has one vote, and the primary that it replaced had it. As long as that one has not
//! heard of the election both would vote: with two sides of a partition, each with one of them, two
//! replicas of a third shard could both find a majority, in the same epoch even. So the new primary
//! votes when a majority, itself not counted, knows of its claim. A majority that the old one could
//! be part of has somebody in it who knows better then; and whoever votes tells the candidate first
//! of the claims that it has heard of late, for whose votes the candidate counts.

use crate::machine::Cluster;
use crate::node::Ix;
use base::NodeId;
use bus::Kind;

/// That this node has won an election.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// When it won.
    won_at: u64,
    /// The primary that it replaced.
    replaced: NodeId,
    /// When it told the others, once it was on disk.
    told_at: Option<u64>,
    /// The primaries, the replaced one included, that have answered a ping that came after that.
    known_by: Vec<NodeId>,
}

impl Cluster {
    /// This node has won an election, and replaces a primary.
    pub(crate) fn begin_claim(&mut self, old: Ix) {
        self.claim = Some(Claim {
            won_at: self.now.mono,
            replaced: self.roster[old].id,
            told_at: None,
            known_by: Vec::new(),
        });
    }

    /// The others have been told about us: their answers to a ping show that they know.
    pub(crate) fn press_claim(&mut self) {
        let now = self.now.mono;
        let Some(claim) = self.claim.as_mut().filter(|claim| claim.told_at.is_none()) else {
            return;
        };
        claim.told_at = Some(now);
        let replaced = claim.replaced;
        for i in 0..self.roster.order().len() {
            let at = self.roster.order()[i];
            let node = &self.roster[at];
            if at != self.roster.myself && (node.votes() || node.id == replaced) {
                self.send_ping(at, Kind::Ping);
            }
        }
    }

    /// A node has answered the ping that was sent at this time.
    pub(crate) fn note_answer(&mut self, at: Ix, pinged_at: u64) {
        let quorum = self.roster.quorum();
        let node = &self.roster[at];
        let Some(claim) = &mut self.claim else {
            return;
        };
        let knows = claim.told_at.is_some_and(|told| pinged_at >= told);
        let counts = node.votes() || node.id == claim.replaced;
        if knows && counts && !claim.known_by.contains(&node.id) {
            claim.known_by.push(node.id);
            if claim.known_by.len() >= quorum {
                self.claim = None;
            }
        }
    }

    /// Whether our claim may be unknown to the majority. Not for ever: who elected us and died
    /// since must not silence us.
    pub(crate) fn is_claim_fresh(&self) -> bool {
        let pause = 4 * self.settings.node_timeout;
        let claim = self.claim.as_ref();
        claim.is_some_and(|claim| self.now.mono - claim.won_at < pause)
    }

    /// Tells a candidate what its electors may have lost to others of late.
    pub(crate) fn tell_late_claims(&mut self, candidate: Ix) {
        let since = self.now.mono.saturating_sub(4 * self.settings.node_timeout);
        let late = |at: &Ix| {
            let node = &self.roster[*at];
            *at != candidate && node.votes() && node.claimed_at.is_some_and(|at| at >= since)
        };
        let late: Vec<Ix> = self.roster.order().iter().copied().filter(late).collect();
        for owner in late {
            self.send_update(candidate, owner);
        }
    }
}
