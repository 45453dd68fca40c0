//! Elections: a replica of a failed primary asks the other primaries for their votes.

use crate::event::{Effect, Level};
use crate::machine::{Cluster, Save, Withheld};
use crate::node::Ix;
use base::{Epoch, NodeId};
use bus::{Body, Header, marks};

/// Our own candidacy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Election {
    /// When votes are (to be) asked for; `None` if no election is planned.
    pub at: Option<u64>,
    /// Whether they were asked for.
    pub asked: bool,
    /// When the request last left.
    pub sent_at: Option<u64>,
    /// The epoch they are asked for.
    pub epoch: Epoch,
    /// Our rank among the replicas when it was planned.
    pub rank: u64,
    /// Who voted for us.
    pub voters: Vec<NodeId>,
    /// The last reason not to stand, and when it was logged.
    pub obstacle: Option<(Obstacle, u64)>,
}

impl Election {
    pub fn abandon(&mut self) {
        *self = Election {
            epoch: self.epoch,
            ..Election::default()
        };
    }
}

/// Why a replica of a failed primary does not stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Obstacle {
    DataAge,
    Waiting,
    Expired,
    NoMajority,
}

impl Obstacle {
    fn text(self) -> &'static str {
        match self {
            Obstacle::DataAge => {
                "Disconnected from master for longer than allowed. Please check the \
                 'cluster-replica-validity-factor' configuration option."
            }
            Obstacle::Waiting => "Waiting the delay before I can start a new failover.",
            Obstacle::Expired => "Failover attempt expired.",
            Obstacle::NoMajority => "Waiting for votes, but majority still not reached.",
        }
    }
}

impl Cluster {
    /// Goes on with our candidacy as far as the moment allows.
    pub(crate) fn step_election(&mut self) {
        let me = self.roster.me();
        let Some(primary) = me.primary.filter(|_| me.is_replica()) else {
            return;
        };
        let manual = self.manual.may_elect(self.now.mono);
        let node = &self.roster[primary];
        let may_stand = node.is_failed() && !self.settings.replica_no_failover;
        let wanted = (manual || may_stand) && node.slot_count > 0;
        if !wanted {
            // The next failure starts afresh instead of waiting out this one's time-outs.
            if self.election.at.is_some() && !self.manual.runs(self.now.mono) {
                self.election.abandon();
            }
            return;
        }
        if !manual && !self.data_is_young(primary) {
            self.obstacle(Obstacle::DataAge);
            return;
        }
        let now = self.now.mono;
        let vote_timeout = (2 * self.settings.node_timeout).max(2_000);
        let Some(at) = self
            .election
            .at
            .filter(|at| now.saturating_sub(*at) <= 2 * vote_timeout)
        else {
            self.plan_election(primary, manual);
            return;
        };
        let at = self.follow_rank(primary, at, manual);
        if now < at {
            self.obstacle(Obstacle::Waiting);
        } else if now - at > vote_timeout {
            self.obstacle(Obstacle::Expired);
        } else if !self.election.asked {
            self.start_election(manual);
        } else {
            self.count_votes(primary);
        }
    }

    /// A replica that was cut off from its primary for long, or never was in sync, must not win:
    /// its data would replace newer data.
    fn data_is_young(&self, primary: Ix) -> bool {
        let factor = self.settings.replica_validity_factor;
        if factor == 0 {
            return true;
        }
        // An empty replica of a primary that has data would lose it all.
        if !self.replication.synced && self.roster[primary].offset > 0 {
            return false;
        }
        let now = self.now.mono;
        // Without a link since it became this primary's replica, what it has is as old as that.
        let heard = self.replication.last_heard.unwrap_or(self.replica_since);
        let age = now
            .saturating_sub(heard)
            .saturating_sub(self.settings.node_timeout);
        age <= self.settings.repl_ping_period + self.settings.node_timeout * factor
    }

    /// How many replicas of our primary have more data.
    fn rank(&self, primary: Ix) -> u64 {
        let me = self.roster.myself;
        let mine = self.replication.offset.0;
        let better =
            |node: &crate::node::Node| !node.has(bus::Flags::NOFAILOVER) && node.offset > mine;
        self.roster
            .replicas(primary)
            .filter(|(at, n)| *at != me && better(n))
            .count() as u64
    }

    /// The unit of election delays: short, but long enough for FAIL to reach the voters.
    fn election_unit(&self) -> u64 {
        (self.settings.node_timeout / 30).clamp(1, 500)
    }

    fn plan_election(&mut self, primary: Ix, manual: bool) {
        let now = self.now.mono;
        let unit = self.election_unit();
        let (rank, delay) = if manual {
            (0, 0)
        } else {
            let rank = self.rank(primary);
            (
                rank,
                unit / 2 + self.rng.below(unit.div_ceil(2)) + rank * 2 * unit,
            )
        };
        self.election = Election {
            at: Some(now + delay),
            epoch: self.election.epoch,
            rank,
            ..Election::default()
        };
        let text = format!(
            "Start of election delayed for {delay} milliseconds (rank #{rank}, offset {}).",
            self.replication.offset
        );
        self.log(Level::Notice, text);
        self.announce_to_siblings();
        if manual {
            self.start_election(true);
        }
    }

    /// News of better replicas puts the election off.
    fn follow_rank(&mut self, primary: Ix, at: u64, manual: bool) -> u64 {
        if self.election.asked || manual {
            return at;
        }
        let rank = self.rank(primary);
        if rank <= self.election.rank {
            return at;
        }
        let added = (rank - self.election.rank) * 2 * self.election_unit();
        self.election.rank = rank;
        self.election.at = Some(at + added);
        let text = format!("Replica rank updated to #{rank}, added {added} milliseconds of delay.");
        self.log(Level::Notice, text);
        at + added
    }

    fn start_election(&mut self, force: bool) {
        self.current_epoch = Epoch(self.current_epoch.0 + 1);
        let epoch = self.current_epoch;
        self.election.epoch = epoch;
        self.election.asked = true;
        self.election.voters.clear();
        self.log(
            Level::Notice,
            format!("Starting a failover election for epoch {epoch}."),
        );
        self.save = self.save.max(Save::Now);
        self.withhold(Withheld::AskVotes { epoch, force });
    }

    /// Sends the request for votes, its epoch being on disk.
    pub(crate) fn ask_for_votes(&mut self, epoch: Epoch, force: bool) {
        if self.election.epoch != epoch || !self.election.asked || !self.roster.me().is_replica() {
            return;
        }
        self.election.sent_at = Some(self.now.mono);
        let mut header = self.header();
        header.current_epoch = epoch;
        if force {
            header.marks |= marks::FORCEACK;
        }
        let packet = bus::Packet {
            header,
            body: Body::AuthRequest,
        };
        self.broadcast(&std::sync::Arc::new(packet));
    }

    /// Repeats the request: who had not heard of the failure yet votes now. It is for the same
    /// epoch, so nobody votes twice.
    fn ask_again(&mut self) {
        let now = self.now.mono;
        let pause = (self.settings.node_timeout / 8).max(100);
        if self.election.sent_at.is_some_and(|at| now - at >= pause) {
            let force = self.manual.may_elect(now);
            self.ask_for_votes(self.election.epoch, force);
        }
    }

    pub(crate) fn receive_vote(&mut self, sender: Ix, header: &Header) {
        let node = &self.roster[sender];
        // A vote names its epoch: one for an earlier election does not count for this.
        if !node.votes() || header.current_epoch != self.election.epoch || !self.election.asked {
            return;
        }
        let id = node.id;
        if !self.election.voters.contains(&id) {
            self.election.voters.push(id);
        }
    }

    fn count_votes(&mut self, primary: Ix) {
        let quorum = if self.mutants.win_without_quorum {
            1
        } else {
            self.roster.quorum()
        };
        if self.election.voters.len() < quorum {
            self.obstacle(Obstacle::NoMajority);
            self.ask_again();
            return;
        }
        self.log(
            Level::Notice,
            "Failover election won: I'm the new master.".to_owned(),
        );
        let epoch = self.election.epoch;
        if self.roster.me().config_epoch < epoch {
            self.roster.me_mut().config_epoch = epoch;
            let text = format!("configEpoch set to {epoch} after successful failover");
            self.log(Level::Notice, text);
        }
        self.replace_primary(primary);
    }

    /// Takes the place of our primary. Others learn of it once it is on disk.
    pub(crate) fn replace_primary(&mut self, old: Ix) {
        let me = self.roster.myself;
        self.make_primary(me);
        let slots = self.roster[old].slots.clone();
        for slot in slots.iter() {
            self.roster.set_owner(slot, Some(me));
        }
        self.out.push(Effect::BecomePrimary);
        self.check_state = true;
        self.changed_critically();
        self.withhold(Withheld::Announce);
        self.end_manual();
        self.election.abandon();
    }

    /// Logs why we do not stand: when the reason changes, and every ten seconds.
    fn obstacle(&mut self, obstacle: Obstacle) {
        let now = self.now.mono;
        if self
            .election
            .obstacle
            .is_some_and(|(o, at)| o == obstacle && now - at < 10_000)
        {
            return;
        }
        self.election.obstacle = Some((obstacle, now));
        self.log(
            Level::Notice,
            format!("Currently unable to failover: {}", obstacle.text()),
        );
        if self.election.asked {
            let text = format!(
                "Needed quorum: {}. Number of votes received so far: {}",
                self.roster.quorum(),
                self.election.voters.len()
            );
            self.log(Level::Notice, text);
        }
    }
}
