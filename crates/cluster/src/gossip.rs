//! What other nodes say of third ones, and when a node counts as failed.

use crate::event::Level;
use crate::machine::Cluster;
use crate::node::{Ix, Node, Report};
use base::{NodeId, ShardId};
use bus::{Body, Flags, Gossip, GossipEntry};

const DOWN: Flags = Flags(Flags::PFAIL.0 | Flags::FAIL.0);
const NOWHERE: Flags = Flags(Flags::NOADDR.0 | DOWN.0);

impl Cluster {
    /// Reads gossip; `sender` is `None` for a MEET of a node not known yet. What that one knows is
    /// taken in, since an administrator introduced it, but not what it thinks of nodes known here.
    pub(crate) fn read_entries(&mut self, sender: Option<Ix>, gossip: &Gossip) {
        for entry in &gossip.entries {
            match self.roster.find(&entry.id) {
                Some(at) => {
                    if let Some(sender) = sender {
                        self.hear_of(sender, at, entry);
                    }
                }
                None => self.learn_node(entry),
            }
        }
    }

    fn hear_of(&mut self, sender: Ix, at: Ix, entry: &GossipEntry) {
        let me = self.roster.myself;
        if at == me || self.roster[at].in_handshake() {
            return;
        }
        if self.roster[sender].votes() {
            if entry.flags.any(DOWN) {
                if self.add_report(at, sender) {
                    let text = format!(
                        "Node {} reported node {} as not reachable.",
                        self.roster[sender].label(),
                        self.roster[at].label()
                    );
                    self.log(Level::Verbose, text);
                }
                self.fail_if_agreed(at);
            } else if self.remove_report(at, sender) {
                let text = format!(
                    "Node {} reported node {} is back online.",
                    self.roster[sender].label(),
                    self.roster[at].label()
                );
                self.log(Level::Verbose, text);
            }
        }
        if !entry.flags.any(DOWN) && self.roster[at].ping_sent.is_none() {
            self.refresh_pong(at, entry.pong_received);
        }
        self.hear_address(at, entry);
    }

    /// Others heard from it lately: no need for a ping of ours. Wall clocks are compared only here,
    /// and only to save pings.
    fn refresh_pong(&mut self, at: Ix, pong: u32) {
        if !self.roster[at].reports.is_empty() || pong == 0 {
            return;
        }
        let age = self.now.wall.0 - i64::from(pong) * 1000;
        if age < -500 {
            return;
        }
        let heard = self.now.mono.saturating_sub(age.max(0) as u64);
        let node = &mut self.roster[at];
        if node.pong.is_none_or(|known| heard > known) {
            node.pong = Some(heard);
        }
    }

    /// A node that we cannot reach may live elsewhere by now.
    fn hear_address(&mut self, at: Ix, entry: &GossipEntry) {
        let node = &self.roster[at];
        let (tcp, tls) = self.entry_ports(entry);
        if !node.has(DOWN.with(Flags::NOADDR))
            || entry.flags.any(NOWHERE)
            || entry.ip.is_empty()
            || entry.bus_port == 0
            || (node.ip, node.bus_port, node.tcp_port) == (entry.ip, entry.bus_port, tcp)
        {
            return;
        }
        self.move_node(at, entry.ip, (tcp, tls), entry.bus_port);
    }

    fn entry_ports(&self, entry: &GossipEntry) -> (u16, u16) {
        if self.settings.tls_cluster {
            (entry.secondary_port, entry.port)
        } else {
            (entry.port, entry.secondary_port)
        }
    }

    fn learn_node(&mut self, entry: &GossipEntry) {
        let usable = !entry.flags.any(Flags::NOADDR.with(Flags::HANDSHAKE))
            && !entry.ip.is_empty()
            && entry.bus_port != 0;
        if !usable || self.is_forgotten(&entry.id) || self.roster.is_full() {
            return;
        }
        let mut flags = Flags(entry.flags.0 & (Flags::MASTER.0 | Flags::SLAVE.0));
        if !flags.any(Flags::SLAVE) {
            flags = Flags::MASTER;
        } else {
            flags = Flags::SLAVE;
        }
        let shard = ShardId::from_random(self.rng.bytes20());
        let mut node = Node::new(entry.id, shard, flags, self.now.mono);
        node.ip = entry.ip;
        (node.tcp_port, node.tls_port) = self.entry_ports(entry);
        node.bus_port = entry.bus_port;
        self.roster.add(node);
        self.changed();
    }

    pub(crate) fn is_forgotten(&mut self, id: &NodeId) -> bool {
        self.forgotten.holds(id, self.now.mono)
    }

    /// Notes that `by` misses a node; true if that is news.
    fn add_report(&mut self, at: Ix, by: Ix) -> bool {
        let now = self.now.mono;
        let reports = &mut self.roster[at].reports;
        if let Some(report) = reports.iter_mut().find(|r| r.by == by) {
            report.at = now;
            return false;
        }
        reports.push(Report { by, at: now });
        true
    }

    fn remove_report(&mut self, at: Ix, by: Ix) -> bool {
        let reports = &mut self.roster[at].reports;
        let before = reports.len();
        reports.retain(|r| r.by != by);
        before != reports.len()
    }

    /// Statements of other primaries that are still valid.
    pub(crate) fn count_reports(&mut self, at: Ix) -> usize {
        let oldest = self.now.mono.saturating_sub(2 * self.settings.node_timeout);
        self.roster[at].reports.retain(|r| r.at >= oldest);
        self.roster[at].reports.len()
    }

    /// A suspected node has failed once a majority of the primaries with slots says so.
    pub(crate) fn fail_if_agreed(&mut self, at: Ix) {
        if !self.roster[at].is_suspected() || self.roster[at].is_failed() {
            return;
        }
        // Reports of nodes that lost their slots since do not count.
        let mut agreed = 0;
        self.count_reports(at);
        for report in &self.roster[at].reports {
            agreed += usize::from(self.roster[report.by].votes());
        }
        agreed += usize::from(self.roster.me().votes());
        if agreed < self.roster.quorum() {
            return;
        }
        let label = self.roster[at].label();
        self.log(
            Level::Notice,
            format!("Marking node {label} as failing (quorum reached)."),
        );
        self.mark_failed(at);
        let packet = self.packet(Body::Fail(self.roster[at].id));
        self.broadcast(&packet);
    }

    fn mark_failed(&mut self, at: Ix) {
        let now = self.now.mono;
        self.roster.absolve(at);
        let node = &mut self.roster[at];
        node.flags.set(Flags::FAIL);
        node.failed_at = now;
        self.serving.check();
        self.changed();
        self.reconsider_vote(at);
    }

    pub(crate) fn receive_fail(&mut self, sender: Ix, id: &NodeId) {
        let Some(at) = self.roster.find(id) else {
            return;
        };
        let node = &self.roster[at];
        if at == self.roster.myself || node.is_failed() || node.in_handshake() {
            return;
        }
        let text = format!(
            "FAIL message received from {} about {}",
            self.roster[sender].label(),
            node.label()
        );
        self.log(Level::Notice, text);
        self.mark_failed(at);
    }

    /// A failed node answers again: whether it is taken back depends on what it owns.
    pub(crate) fn clear_failure(&mut self, at: Ix) {
        let node = &self.roster[at];
        let label = node.label();
        let age = self.now.mono - node.failed_at;
        let text = if node.is_replica() {
            format!("Clear FAIL state for node {label}: replica is reachable again.")
        } else if node.slot_count == 0 {
            format!("Clear FAIL state for node {label}: master without slots is reachable again.")
        } else if age > 2 * self.settings.node_timeout {
            format!(
                "Clear FAIL state for node {label}: is reachable again and nobody is serving its \
                 slots after some time."
            )
        } else {
            return;
        };
        self.log(Level::Notice, text);
        self.roster[at].flags.clear(Flags::FAIL);
        self.serving.check();
        self.changed();
    }
}
