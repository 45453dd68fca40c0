//! What our data set is worth to the shard that we replicate: whether we may take its primary's
//! place, and how much of its history we show to have.

use crate::event::Replication;
use crate::machine::Cluster;
use crate::node::Ix;
use base::NodeId;

/// Where a replica's data set comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Origin {
    /// It was here before, of this shard, and no link to its primary has confirmed it.
    Unconfirmed,
    /// The history of this shard: a link to one of its primaries was in sync.
    Shard,
    /// Another shard's, or an unfinished copy: to serve it in the primary's place would lose all
    /// that the shard holds.
    Foreign,
}

/// What is known of our data set.
pub(crate) struct Worth {
    /// How replication stands.
    replication: Replication,
    origin: Origin,
    /// When a link to a primary of our shard last brought something; `None` if none did.
    as_of: Option<u64>,
    /// Since when we have followed the present primary.
    follows_since: u64,
}

impl Worth {
    /// That of a node that starts.
    pub(crate) fn new(now: u64) -> Worth {
        Worth {
            replication: Replication::default(),
            origin: Origin::Unconfirmed,
            as_of: None,
            follows_since: now,
        }
    }

    /// Takes in how replication stands, on a replica of `primary` if it is one. News of the link to
    /// a primary that we have left, which may still be under way, says nothing about the present
    /// one.
    fn note(&mut self, replication: Replication, replica_of: Option<Option<NodeId>>) {
        self.replication = replication;
        if replica_of != Some(replication.primary) {
            return;
        }
        if !replication.whole {
            self.origin = Origin::Foreign;
        } else if replication.synced {
            self.origin = Origin::Shard;
        }
        self.as_of = replication.last_heard.or(self.as_of);
    }

    /// We follow another primary from now on, of our shard or of another one.
    pub(crate) fn change_source(&mut self, now: u64, was_primary: bool, same_shard: bool) {
        self.follows_since = now;
        if !same_shard {
            self.origin = Origin::Foreign;
            self.as_of = None;
        } else if was_primary && self.origin != Origin::Foreign {
            // What was written after another node took over is not here.
            self.origin = Origin::Unconfirmed;
            self.as_of = None;
        }
    }

    /// We are the primary of the shard: our history is that of the shard.
    pub(crate) fn lead(&mut self) {
        self.origin = Origin::Shard;
    }

    /// Where our data set stands, whatever it is.
    pub(crate) fn offset(&self) -> i64 {
        self.replication.offset.0
    }

    /// How long nothing has come from a primary of the shard, at `now`. Without a link since we
    /// became its replica, what we have is as old as that.
    fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.as_of.unwrap_or(self.follows_since))
    }
}

impl Cluster {
    /// Takes in how replication stands.
    pub(crate) fn note_replication(&mut self, replication: Replication) {
        let me = self.roster.me();
        let primary = me.primary.map(|at| self.roster[at].id);
        let replica_of = (!me.is_primary()).then_some(primary);
        self.worth.note(replication, replica_of);
    }

    /// Our offset as others are told it: none while what we have is not of our shard.
    pub(crate) fn own_offset(&self) -> i64 {
        if self.roster.me().is_replica() && self.worth.origin == Origin::Foreign {
            0
        } else {
            self.worth.offset()
        }
    }

    /// A replica that was cut off from its primary for long, or never was in sync, must not win:
    /// its data would replace newer data.
    pub(crate) fn data_is_worthy(&self, primary: Ix) -> bool {
        let has_data = self.roster[primary].offset > 0;
        if has_data && self.worth.origin == Origin::Foreign {
            return false;
        }
        let factor = self.settings.replica_validity_factor;
        if factor == 0 {
            return true;
        }
        if has_data && self.worth.origin == Origin::Unconfirmed {
            return false;
        }
        let age = self.worth.age(self.now.mono);
        let age = age.saturating_sub(self.settings.node_timeout);
        age <= self.settings.repl_ping_period + self.settings.node_timeout * factor
    }
}
