//! Failover on command: the primary pauses its clients until the replica has everything.

use crate::event::{Effect, Level};
use crate::machine::Cluster;
use crate::node::Ix;
use base::Offset;
use bus::{Body, Kind};

/// A manual failover under way, on either side.
#[derive(Clone, Debug, Default)]
pub(crate) struct ManualFailover {
    /// When it is given up; `None` if none runs.
    until: Option<u64>,
    /// Replica: the offset at which the paused primary stands.
    target: Option<Offset>,
    /// Replica: everything is applied, or need not be.
    ready: bool,
    /// Primary: the replica that asked.
    replica: Option<Ix>,
    /// Primary: where the offset stands, once clients are paused.
    paused: Option<Offset>,
}

impl ManualFailover {
    pub fn runs(&self, now: u64) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    pub fn may_elect(&self, now: u64) -> bool {
        self.ready && self.runs(now)
    }

    pub fn wants_offset(&self) -> bool {
        self.until.is_some() && self.replica.is_none() && self.target.is_none() && !self.ready
    }

    pub fn primary_offset(&mut self, offset: Offset) {
        self.target = Some(offset);
    }

    pub fn paused_at(&mut self, offset: Offset) {
        if self.replica.is_some() {
            self.paused = Some(offset);
        }
    }

    /// Primary: the offset to be told, once it moves no more.
    pub fn paused_offset(&self, now: u64) -> Option<Offset> {
        self.paused.filter(|_| self.runs(now))
    }

    pub fn replica(&self) -> Option<Ix> {
        self.replica
    }

    pub fn forget(&mut self, at: Ix) {
        if self.replica == Some(at) {
            self.replica = None;
        }
    }
}

impl Cluster {
    /// Replica: starts a manual failover; `ready` if the primary is not to be waited for.
    pub(crate) fn begin_manual(&mut self, ready: bool) {
        self.end_manual();
        self.reset_election();
        self.manual = ManualFailover {
            until: Some(self.now.mono + self.settings.manual_failover_timeout),
            ready,
            ..ManualFailover::default()
        };
        if !ready && let Some(primary) = self.roster.me().primary {
            let packet = self.packet(Body::MfStart);
            self.send_packet(primary, packet);
        }
    }

    /// Primary: a replica asks to take over.
    pub(crate) fn receive_manual_start(&mut self, sender: Ix) {
        let me = self.roster.myself;
        if !self.roster.me().is_primary() || self.roster[sender].primary != Some(me) {
            return;
        }
        self.end_manual();
        let now = self.now.mono;
        let timeout = self.settings.manual_failover_timeout;
        self.manual = ManualFailover {
            until: Some(now + timeout),
            replica: Some(sender),
            ..ManualFailover::default()
        };
        let label = self.roster[sender].label();
        self.log(
            Level::Warning,
            format!("Manual failover requested by replica {label}."),
        );
        // Longer than the failover may take, so that nothing is written between its end and the
        // news of it.
        self.out.push(Effect::PauseClients {
            until: now + 2 * timeout,
        });
    }

    /// Goes on with a manual failover as far as the moment allows.
    pub(crate) fn step_manual(&mut self) {
        let now = self.now.mono;
        let Some(until) = self.manual.until else {
            return;
        };
        if now >= until {
            self.log(Level::Warning, "Manual failover timed out.".to_owned());
            self.end_manual();
            return;
        }
        if self.manual.ready || self.roster.me().is_primary() {
            return;
        }
        if self.manual.target == Some(Offset(self.own_offset())) {
            self.manual.ready = true;
            let text = "All master replication stream processed, manual failover can start.";
            self.log(Level::Warning, text.to_owned());
        }
    }

    /// Primary: the replica learns the offset from our packets, so it gets many of them.
    pub(crate) fn ping_manual_replica(&mut self) {
        if self.roster.me().is_primary()
            && let Some(replica) = self.manual.replica()
            && self.manual.runs(self.now.mono)
        {
            self.send_ping(replica, Kind::Ping);
        }
    }

    /// Ends a manual failover, done or not.
    pub(crate) fn end_manual(&mut self) {
        if self.manual.replica.is_some() || self.manual.paused.is_some() {
            self.out.push_late(Effect::UnpauseClients);
        }
        self.manual = ManualFailover::default();
    }
}
