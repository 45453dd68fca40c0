//! What our data set is worth to the shard that we replicate: whether we may take its primary's
//! place, and how much of its history we show to have.

use crate::event::Replication;
use crate::machine::Cluster;
use crate::node::Ix;

/// Where a replica's data set comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// It was here before, of this shard, and no link to its primary has confirmed it.
    Unconfirmed,
    /// The history of this shard: a link to one of its primaries was in sync.
    Shard,
    /// Another shard's, or an unfinished copy: to serve it in the primary's place would lose all
    /// that the shard holds.
    Foreign,
}

impl Cluster {
    /// Takes in how replication stands. News of the link to a primary that we have left, which may
    /// still be under way, says nothing about the present one.
    pub(crate) fn note_replication(&mut self, replication: Replication) {
        self.replication = replication;
        let me = self.roster.me();
        if me.is_primary() {
            return;
        }
        let primary = me.primary.map(|at| self.roster[at].id);
        if replication.primary != primary {
            return;
        }
        if !replication.whole {
            self.origin = Origin::Foreign;
        } else if replication.synced {
            self.origin = Origin::Shard;
        }
        self.data_as_of = replication.last_heard.or(self.data_as_of);
    }

    /// We follow another primary from now on, of our shard or of another one.
    pub(crate) fn change_source(&mut self, was_primary: bool, same_shard: bool) {
        if !same_shard {
            self.origin = Origin::Foreign;
            self.data_as_of = None;
        } else if was_primary && self.origin != Origin::Foreign {
            // What was written after another node took over is not here.
            self.origin = Origin::Unconfirmed;
            self.data_as_of = None;
        }
    }

    /// Our offset as others are told it: none while what we have is not of our shard.
    pub(crate) fn own_offset(&self) -> i64 {
        if self.roster.me().is_replica() && self.origin == Origin::Foreign {
            0
        } else {
            self.replication.offset.0
        }
    }

    /// A replica that was cut off from its primary for long, or never was in sync, must not win:
    /// its data would replace newer data.
    pub(crate) fn data_is_worthy(&self, primary: Ix) -> bool {
        let has_data = self.roster[primary].offset > 0;
        if has_data && self.origin == Origin::Foreign {
            return false;
        }
        let factor = self.settings.replica_validity_factor;
        if factor == 0 {
            return true;
        }
        if has_data && self.origin == Origin::Unconfirmed {
            return false;
        }
        let now = self.now.mono;
        // Without a link since it became this shard's replica, what it has is as old as that.
        let heard = self.data_as_of.unwrap_or(self.replica_since);
        let age = now
            .saturating_sub(heard)
            .saturating_sub(self.settings.node_timeout);
        age <= self.settings.repl_ping_period + self.settings.node_timeout * factor
    }
}
