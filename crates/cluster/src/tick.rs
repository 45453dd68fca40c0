//! What time brings: connections, pings, suspicion, and replicas that change their primary.

use crate::event::{Effect, Level};
use crate::machine::Cluster;
use crate::node::{Ix, OutLink};
use bus::{Flags, Kind};

/// How long a primary must be without replicas before one migrates to it.
const ORPHANED_FOR: u64 = 5_000;
/// Ticks in a second.
const TICKS_PER_SECOND: u64 = 10;
/// Milliseconds from one tick to the next.
const TICK: u64 = 100;
/// How many voters are told of a suspicion at once; in larger clusters gossip does the rest.
const MOST_TOLD: usize = 16;

/// What the rounds of a node go by.
pub(crate) struct Rounds {
    ticks: u64,
    /// When the last tick was.
    last: u64,
    /// When the next node becomes suspect, if that is before the next tick.
    suspicion_at: Option<u64>,
    /// Since when our primary claims to replicate us.
    cycle_since: Option<u64>,
}

impl Rounds {
    /// Those of a node that starts.
    pub(crate) fn new(now: u64) -> Rounds {
        Rounds {
            ticks: 0,
            last: now,
            suspicion_at: None,
            cycle_since: None,
        }
    }

    /// How long ago the last tick was, in ms.
    pub(crate) fn since_last(&self, now: u64) -> u64 {
        now - self.last
    }

    /// The process has slept: the time before counts no more.
    pub(crate) fn begin_anew(&mut self, now: u64) {
        self.last = now;
    }
}

impl Cluster {
    /// The monotonic millisecond at which [`crate::Event::Due`] is wanted, if that is before the
    /// next tick: a shard without a primary should not wait for the clock's grid.
    pub fn wake_at(&self) -> Option<u64> {
        [self.rounds.suspicion_at, self.election.planned_at()]
            .into_iter()
            .flatten()
            // What was due at the last event has had its chance.
            .filter(|at| *at > self.now.mono)
            .min()
    }

    pub(crate) fn tick(&mut self) {
        let now = self.now.mono;
        self.rounds.ticks += 1;
        self.rounds.last = now;
        self.retry_handshakes();
        self.meet_strangers();
        self.connect_all();
        if self.rounds.ticks.is_multiple_of(TICKS_PER_SECOND) && !self.faults.no_random_ping {
            self.ping_random();
        }
        self.watch_nodes();
        self.ping_manual_replica();
        self.repair_chain();
        self.migrate_to_orphan();
        if self.serving.state() == crate::view::State::Fail || self.is_silent() {
            self.serving.check();
        }
        // A role that is not announced for want of disk is tried again.
        self.durable.retry();
    }

    /// Handshakes that took too long end.
    fn retry_handshakes(&mut self) {
        if self.roster.handshakes() == 0 {
            return;
        }
        let limit = self.settings.handshake_timeout();
        let now = self.now.mono;
        let late = |n: &crate::node::Node| n.in_handshake() && now - n.created > limit;
        let late: Vec<Ix> = self
            .roster
            .iter()
            .filter(|(_, n)| late(n))
            .map(|(at, _)| at)
            .collect();
        for at in late {
            self.delete_node(at);
        }
        // A MEET may be lost: it is repeated while there is time.
        let unanswered = |n: &crate::node::Node| {
            n.has(Flags::MEET) && n.out.up().is_some() && now - n.ping_last > limit / 4
        };
        let again: Vec<Ix> = self
            .roster
            .iter()
            .filter(|(_, n)| unanswered(n))
            .map(|(at, _)| at)
            .collect();
        for at in again {
            self.send_ping(at, Kind::Meet);
        }
    }

    /// A node that has no link to us may not know us: its handshake with us failed when ours with
    /// it had succeeded. It is sent a MEET, which does nothing to one that knows us. But who did
    /// know us for some time has forgotten us, and is left alone.
    fn meet_strangers(&mut self) {
        let limit = self.settings.handshake_timeout();
        let now = self.now.mono;
        for i in 0..self.roster.order().len() {
            let at = self.roster.order()[i];
            let node = &self.roster[at];
            if at == self.roster.myself || node.in_handshake() || node.acquainted {
                continue;
            }
            if let Some(state) = node.inbound.and_then(|link| self.links.inbound(link)) {
                self.roster[at].acquainted = now - state.since > 2 * limit;
            } else if node.out.up().is_some() && now - node.met.max(node.created) > limit {
                self.roster[at].met = now;
                self.send_ping(at, Kind::Meet);
            }
        }
    }

    fn connect_all(&mut self) {
        for i in 0..self.roster.order().len() {
            let at = self.roster.order()[i];
            let node = &self.roster[at];
            if at == self.roster.myself || node.has(Flags::NOADDR) || node.out != OutLink::Down {
                continue;
            }
            let (ip, port) = (node.ip, node.bus_port);
            let link = self.links.open(at);
            self.roster[at].out = OutLink::Connecting {
                link,
                since: self.now.mono,
            };
            self.out.push(Effect::Connect { link, ip, port });
        }
    }

    /// Once a second, of five random nodes, the one that answered longest ago.
    fn ping_random(&mut self) {
        let total = self.roster.order().len() as u64;
        let mut oldest: Option<Ix> = None;
        for _ in 0..5 {
            let at = self.roster.order()[self.rng.below(total) as usize];
            let node = &self.roster[at];
            if at == self.roster.myself
                || node.in_handshake()
                || node.out.up().is_none()
                || node.ping_sent.is_some()
            {
                continue;
            }
            if oldest.is_none_or(|o| self.roster[o].pong > node.pong) {
                oldest = Some(at);
            }
        }
        if let Some(at) = oldest {
            self.send_ping(at, Kind::Ping);
        }
    }

    /// Pings nodes that were silent for some time, and suspects those that do not answer.
    pub(crate) fn watch_nodes(&mut self) {
        let now = self.now.mono;
        let timeout = self.settings.node_timeout;
        let voters = self.settings.ping_voters_after(self.roster.size());
        self.rounds.suspicion_at = None;
        for i in 0..self.roster.order().len() {
            let at = self.roster.order()[i];
            if at == self.roster.myself {
                continue;
            }
            let node = &self.roster[at];
            if node.in_handshake() {
                continue;
            }
            if node.has(Flags::NOADDR) {
                // It cannot be asked: it has to make itself heard, like any other.
                self.roster[at].ping_sent.get_or_insert(now);
            }
            self.refresh_link(at);
            let node = &self.roster[at];
            let patience = if node.votes() {
                voters
            } else {
                self.settings.ping_after()
            };
            let stale = node.pong.is_none_or(|p| now.saturating_sub(p) > patience);
            if node.ping_sent.is_none() && node.out.up().is_some() && stale {
                self.send_ping(at, Kind::Ping);
                continue;
            }
            let Some(sent) = node.ping_sent else { continue };
            let silent = now.saturating_sub(sent).min(now.saturating_sub(node.heard));
            if silent > timeout && !node.has(Flags::PFAIL.with(Flags::FAIL)) {
                let id = node.id;
                self.log(Level::Debug, format!("*** NODE {id} possibly failing"));
                self.roster.suspect(at);
                self.serving.check();
                self.changed();
                // In a cluster of one voter nobody else will report it.
                self.fail_if_agreed(at);
                self.tell_suspicion(at);
            } else if !node.has(Flags::PFAIL.with(Flags::FAIL)) && node.votes() {
                let due = sent.max(node.heard) + timeout + 1;
                if due < now + TICK && self.rounds.suspicion_at.is_none_or(|at| due < at) {
                    self.rounds.suspicion_at = Some(due);
                }
            }
        }
    }

    /// The other voters learn at once that we miss a primary: they need our word to agree.
    fn tell_suspicion(&mut self, at: Ix) {
        let me = self.roster.myself;
        if self.roster[at].is_failed() || !self.roster[at].votes() || !self.roster.me().votes() {
            return;
        }
        let total = self.roster.order().len();
        let start = self.rng.below(total as u64) as usize;
        let turn = |i: usize| (start + i) % total;
        let mut told = 0;
        for i in 0..total {
            let other = self.roster.order()[turn(i)];
            let node = &self.roster[other];
            if told == MOST_TOLD {
                return;
            }
            if other != me
                && node.votes()
                && let Some(link) = node.out.up()
            {
                self.send_gossip(link, Some(other), Kind::Pong);
                told += 1;
            }
        }
    }

    /// Reopens a link on which nothing moves, and repeats a ping whose answer was lost.
    fn refresh_link(&mut self, at: Ix) {
        let now = self.now.mono;
        let timeout = self.settings.node_timeout;
        let node = &self.roster[at];
        match node.out {
            OutLink::Up { since, .. } => {
                let Some(sent) = node.ping_sent else { return };
                if now - since <= timeout || now.saturating_sub(sent) <= timeout / 2 {
                    return;
                }
                // A link that carries nothing our way, though the peer reaches us, would only
                // collect output.
                let one_way = now.saturating_sub(sent) > 2 * timeout;
                if one_way || now.saturating_sub(node.heard) > timeout / 2 {
                    self.close_out(at);
                } else if now.saturating_sub(node.ping_last) > timeout / 2 {
                    self.send_ping(at, Kind::Ping);
                }
            }
            OutLink::Connecting { since, .. } if now - since > timeout.max(1_000) => {
                self.close_out(at);
                self.roster[at].ping_sent.get_or_insert(since);
            }
            _ => {}
        }
    }

    /// A replica of a replica follows the primary above; two that follow each other part.
    fn repair_chain(&mut self) {
        let me = self.roster.me();
        let Some(above) = me.primary.filter(|_| me.is_replica()) else {
            return;
        };
        let Some(top) = self.roster[above]
            .primary
            .filter(|_| self.roster[above].is_replica())
        else {
            self.rounds.cycle_since = None;
            return;
        };
        if top == self.roster.myself {
            // Both sides decide alike, by the ids, once it is clear that no news is under way.
            let now = self.now.mono;
            let since = *self.rounds.cycle_since.get_or_insert(now);
            if now - since > self.settings.node_timeout
                && self.roster.me().id < self.roster[above].id
            {
                self.log(
                    Level::Warning,
                    "I am in a cycle of replicas: leaving it.".to_owned(),
                );
                self.bump_epoch();
                self.replace_primary(above);
                self.rounds.cycle_since = None;
            }
            return;
        }
        self.rounds.cycle_since = None;
        let text = format!(
            "I'm a sub-replica! Reconfiguring myself from {} to {}",
            self.roster[above].label(),
            self.roster[top].label()
        );
        self.log(Level::Notice, text);
        self.follow(top);
    }

    /// A replica of a primary with several of them moves to a primary that lost all of its own.
    fn migrate_to_orphan(&mut self) {
        self.note_orphans();
        if self.serving.state() != crate::view::State::Ok || !self.settings.allow_replica_migration
        {
            return;
        }
        let me = self.roster.me();
        let Some(primary) = me.primary.filter(|_| me.is_replica()) else {
            return;
        };
        let mine = self.roster.ok_replicas(primary);
        if mine <= self.settings.migration_barrier || mine < 2 || self.roster[primary].is_failed() {
            return;
        }
        let now = self.now.mono;
        let ripe = |since: Option<u64>| since.is_some_and(|t| now - t > ORPHANED_FOR);
        let Some((target, _)) = self.roster.iter().find(|(_, n)| ripe(n.orphaned_since)) else {
            return;
        };
        let most = self.roster.iter().filter(|(_, n)| n.is_primary());
        let most = most
            .map(|(at, _)| self.roster.ok_replicas(at))
            .max()
            .unwrap_or(0);
        if mine != most || self.first_candidate(most) != Some(self.roster.me().id) {
            return;
        }
        let label = self.roster[target].label();
        self.log(
            Level::Notice,
            format!("Migrating to orphaned master {label}"),
        );
        self.follow(target);
    }

    /// The smallest id among replicas of primaries with the most replicas.
    fn first_candidate(&self, most: usize) -> Option<base::NodeId> {
        let down = Flags::PFAIL.with(Flags::FAIL);
        self.roster
            .iter()
            .filter(|(_, n)| n.is_replica() && !n.has(down))
            .filter(|(_, n)| {
                n.primary
                    .is_some_and(|p| self.roster.ok_replicas(p) == most)
            })
            .map(|(_, n)| n.id)
            .min()
    }

    fn note_orphans(&mut self) {
        if !self.roster.me().is_replica() || !self.settings.allow_replica_migration {
            return;
        }
        let now = self.now.mono;
        // One pass over the nodes counts the working replicas of all primaries.
        let mut working = std::collections::BTreeMap::new();
        for (_, node) in self.roster.iter() {
            if let Some(primary) = node.primary
                && node.is_replica()
                && !node.has(Flags::PFAIL.with(Flags::FAIL))
            {
                *working.entry(primary).or_insert(0usize) += 1;
            }
        }
        for i in 0..self.roster.order().len() {
            let at = self.roster.order()[i];
            let node = &self.roster[at];
            let orphan = node.votes()
                && !node.has(Flags::PFAIL.with(Flags::FAIL))
                && node.has(Flags::MIGRATE_TO)
                && !working.contains_key(&at);
            if !orphan {
                self.roster[at].orphaned_since = None;
            } else if node.orphaned_since.is_none() {
                self.roster[at].orphaned_since = Some(now);
            }
        }
    }
}
