//! Elections: a replica of a failed primary asks the other primaries for their votes.

use crate::durable::Withheld;
use crate::event::{Effect, Level};
use crate::machine::Cluster;
use crate::node::Ix;
use base::{Epoch, NodeId};
use bus::{Body, Header, marks};

/// Our own candidacy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Election {
    /// When votes are (to be) asked for; `None` if no election is planned.
    at: Option<u64>,
    /// Whether they were asked for.
    asked: bool,
    /// When the request last left.
    sent_at: Option<u64>,
    /// The epoch they are asked for.
    epoch: Epoch,
    /// Our rank among the replicas of our primary, and its own among failed primaries, that the
    /// plan goes by.
    rank: (u64, u64),
    /// It is not wanted any more, though votes may be under way.
    idle: bool,
    /// Somebody else asked in this epoch or a later one: the votes may be split.
    contested: bool,
    /// Who voted for us.
    voters: Vec<NodeId>,
    /// The last reason not to stand, and when it was logged.
    obstacle: Option<(Obstacle, u64)>,
}

impl Election {
    /// It is over, whatever came of it.
    pub(crate) fn abandon(&mut self) {
        *self = Election {
            epoch: self.epoch,
            ..Election::default()
        };
    }

    /// When votes will be asked for, if that is planned.
    pub(crate) fn planned_at(&self) -> Option<u64> {
        self.at.filter(|_| !self.asked)
    }

    /// A node is gone, and its vote with it.
    pub(crate) fn forget(&mut self, id: &NodeId) {
        self.voters.retain(|voter| voter != id);
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
            if self.election.at.is_some() && !self.manual.runs(self.now.mono) {
                self.election.idle = self.election.asked;
                if !self.election.asked {
                    self.election.abandon();
                }
            }
            return;
        }
        // The next failure starts afresh instead of waiting out this one's time-outs.
        if self.election.idle {
            self.election.abandon();
        }
        if !manual && !self.data_is_worthy(primary) {
            self.obstacle(Obstacle::DataAge);
            return;
        }
        let now = self.now.mono;
        let vote_timeout = self.vote_timeout();
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

    /// How many replicas of our primary come before us: those with more data, and of those with as
    /// much the ones with smaller ids, so that no two stand at the same moment.
    fn rank(&self, primary: Ix) -> u64 {
        let me = self.roster.me();
        let mine = (self.own_offset(), me.id);
        let better = |node: &crate::node::Node| {
            !node.has(bus::Flags::NOFAILOVER.with(bus::Flags::FAIL))
                && (node.offset > mine.0 || (node.offset == mine.0 && node.id < mine.1))
        };
        self.roster
            .replicas(primary)
            .filter(|(at, n)| *at != self.roster.myself && better(n))
            .count() as u64
    }

    /// How many failed primaries come before ours, by their ids. A voter has one vote in an epoch:
    /// where several primaries fail at once their replicas had better not ask in the same one.
    fn primary_rank(&self, primary: Ix) -> u64 {
        let id = self.roster[primary].id;
        self.roster
            .iter()
            .filter(|(_, n)| n.votes() && n.is_failed() && n.id < id)
            .count() as u64
    }

    /// How long votes are waited for.
    fn vote_timeout(&self) -> u64 {
        (2 * self.settings.node_timeout).max(2_000)
    }

    /// The unit of election delays: short, but long enough for FAIL to reach the voters.
    fn election_unit(&self) -> u64 {
        (self.settings.node_timeout / 30).clamp(1, 500)
    }

    fn plan_election(&mut self, primary: Ix, manual: bool) {
        let now = self.now.mono;
        let unit = self.election_unit();
        let (mut rank, mut delay) = ((0, 0), 0);
        if !manual {
            rank = (self.rank(primary), self.primary_rank(primary));
            delay = unit / 2 + self.rng.below(unit.div_ceil(2)) + rank.0 * 2 * unit + rank.1 * unit;
        }
        self.election = Election {
            at: Some(now + delay),
            epoch: self.election.epoch,
            rank,
            ..Election::default()
        };
        let text = format!(
            "Start of election delayed for {delay} milliseconds (rank #{}, primary rank #{}, offset \
             {}).",
            rank.0,
            rank.1,
            self.own_offset()
        );
        self.log(Level::Notice, text);
        self.announce_to_siblings();
        if manual {
            self.start_election(true);
        }
    }

    /// News of better replicas and of more failed primaries put the election off.
    fn follow_rank(&mut self, primary: Ix, at: u64, manual: bool) -> u64 {
        if self.election.asked || manual {
            return at;
        }
        let unit = self.election_unit();
        let (rank, primary_rank) = (self.rank(primary), self.primary_rank(primary));
        let mut at = at;
        if rank > self.election.rank.0 {
            let added = (rank - self.election.rank.0) * 2 * unit;
            at += added;
            self.election.rank.0 = rank;
            let text =
                format!("Replica rank updated to #{rank}, added {added} milliseconds of delay.");
            self.log(Level::Notice, text);
        }
        if primary_rank > self.election.rank.1 {
            let added = (primary_rank - self.election.rank.1) * unit;
            at += added;
            self.election.rank.1 = primary_rank;
            let text = format!(
                "Failed primary rank updated to #{primary_rank}, added {added} milliseconds of \
                 delay."
            );
            self.log(Level::Notice, text);
        }
        self.election.at = Some(at);
        at
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
        self.durable.save_now();
        self.withhold(Withheld::AskVotes { epoch, force });
    }

    /// Sends the request for votes, its epoch being on disk.
    pub(crate) fn ask_for_votes(&mut self, epoch: Epoch, force: bool) {
        let election = &self.election;
        let off = election.epoch != epoch || !election.asked || election.idle;
        if off || !self.roster.me().is_replica() {
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
        let wanted = self.election.asked && !self.election.idle;
        if !node.votes() || header.current_epoch != self.election.epoch || !wanted {
            return;
        }
        let id = node.id;
        if !self.election.voters.contains(&id) {
            self.election.voters.push(id);
        }
    }

    /// Another replica asks for votes: in our epoch it may have got some of those that we need, in
    /// a later one nobody will vote for us any more.
    pub(crate) fn note_rival(&mut self, header: &Header) {
        if self.election.asked && header.current_epoch >= self.election.epoch {
            self.election.contested = true;
        }
    }

    /// A primary shows an epoch of its own: in an epoch that another replica won, or one before it,
    /// we cannot win any more.
    pub(crate) fn yield_epoch(&mut self, sender: Ix, header: &Header) {
        let epoch = self.election.epoch;
        let over = self.election.asked && !self.election.idle && header.config_epoch >= epoch;
        if !over || header.replica_of.is_some() || !self.roster[sender].is_primary() {
            return;
        }
        let text = format!(
            "Failover election in progress for epoch {epoch}, but received a claim from node {} \
             with an equal or higher epoch {}. Resetting the election since we cannot win an \
             election in the past.",
            self.roster[sender].label(),
            header.config_epoch
        );
        self.log(Level::Notice, text);
        self.election.abandon();
    }

    /// An administrator wants a failover: an election under way must not hold it up.
    pub(crate) fn reset_election(&mut self) {
        let election = &self.election;
        let now = self.now.mono;
        let recent = election
            .at
            .is_some_and(|at| now.saturating_sub(at) <= self.vote_timeout());
        if election.asked && recent {
            let text = format!(
                "Failover election in progress for epoch {}, but received a manual failover \
                 request. Resetting the election.",
                election.epoch
            );
            self.log(Level::Notice, text);
        }
        self.election.abandon();
    }

    fn count_votes(&mut self, primary: Ix) {
        let quorum = if self.mutants.win_without_quorum {
            1
        } else {
            self.roster.quorum()
        };
        if self.votes() < quorum {
            self.obstacle(Obstacle::NoMajority);
            let now = self.now.mono;
            let patience = (self.settings.node_timeout / 2).max(500);
            let waited = self.election.at.is_some_and(|at| now - at >= patience);
            if self.election.contested && waited && !self.manual.may_elect(now) {
                let epoch = self.election.epoch;
                let text = format!(
                    "Failover election in progress for epoch {epoch}, but other replicas asked for \
                     votes too, and no majority is reached. Resetting the election."
                );
                self.log(Level::Notice, text);
                self.election.abandon();
                self.plan_election(primary, false);
                return;
            }
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
        self.begin_claim(primary);
        self.replace_primary(primary);
    }

    /// The votes of those that are primaries yet, as far as we know.
    fn votes(&self) -> usize {
        let voters = self.election.voters.iter();
        let voters = voters.filter_map(|id| self.roster.find(id));
        voters.filter(|at| self.roster[*at].votes()).count()
    }

    /// Takes the place of our primary. Others learn of it once it is on disk.
    pub(crate) fn replace_primary(&mut self, old: Ix) {
        let me = self.roster.myself;
        self.make_primary(me);
        self.worth.lead();
        let slots = self.roster[old].slots.clone();
        for slot in slots.iter() {
            self.roster.set_owner(slot, Some(me));
        }
        self.out.push(Effect::BecomePrimary);
        self.serving.check();
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
                self.votes()
            );
            self.log(Level::Notice, text);
        }
    }
}
