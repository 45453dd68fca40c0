//! What CLUSTER NODES, INFO, SLOTS and SHARDS tell, and the view.

use crate::machine::Cluster;
use crate::node::Ix;
use crate::request::{Health, NodeRow, Shard, ShardNode, SlotRange};
use crate::view::{Role, State, View, ViewNode, endpoint, owners_table};
use base::Slot;
use bus::{Flags, Kind};
use std::fmt::Write;

/// The flags as CLUSTER NODES and nodes.conf spell them, in their order.
pub(crate) const FLAG_WORDS: [(Flags, &str); 8] = [
    (Flags::MYSELF, "myself"),
    (Flags::MASTER, "master"),
    (Flags::SLAVE, "slave"),
    (Flags::PFAIL, "fail?"),
    (Flags::FAIL, "fail"),
    (Flags::HANDSHAKE, "handshake"),
    (Flags::NOADDR, "noaddr"),
    (Flags::NOFAILOVER, "nofailover"),
];

impl Cluster {
    /// The present snapshot for routing.
    pub fn view(&self) -> View {
        let places = self.roster.order().iter().max().map_or(0, |at| at + 1);
        let mut index: Vec<Option<usize>> = vec![None; places];
        let known = |at: &Ix| !self.roster[*at].in_handshake();
        let order: Vec<Ix> = self.roster.order().iter().copied().filter(known).collect();
        for (i, at) in order.iter().enumerate() {
            index[*at] = Some(i);
        }
        let place = |at: Ix| index.get(at).copied().flatten().map(|i| i as u16);
        let nodes = order.iter().map(|at| self.view_node(*at, &index)).collect();
        let open = |slots: &std::collections::BTreeMap<Slot, Ix>| {
            slots
                .iter()
                .filter_map(|(slot, at)| Some((*slot, place(*at)?)))
                .collect()
        };
        View {
            nodes,
            myself: index[self.roster.myself].unwrap_or_default(),
            owners: owners_table(|slot| self.roster.owner(slot).and_then(place)),
            migrating: open(&self.roster.migrating),
            importing: open(&self.roster.importing),
            state: self.serving.state(),
            endpoint_type: self.settings.endpoint_type,
            allow_reads_when_down: self.settings.allow_reads_when_down,
            allow_pubsubshard_when_down: self.settings.allow_pubsubshard_when_down,
            require_full_coverage: self.settings.require_full_coverage,
            size: self.roster.size(),
        }
    }

    fn view_node(&self, at: Ix, index: &[Option<usize>]) -> ViewNode {
        let node = &self.roster[at];
        ViewNode {
            id: node.id,
            shard: node.shard,
            ip: node.ip,
            tcp_port: node.tcp_port,
            tls_port: node.tls_port,
            bus_port: node.bus_port,
            hostname: node.hostname.clone(),
            human_name: node.human_name.clone(),
            role: if node.is_replica() {
                Role::Replica
            } else {
                Role::Primary
            },
            primary: node.primary.and_then(|p| index.get(p).copied().flatten()),
            config_epoch: node.config_epoch,
            failed: node.is_failed(),
        }
    }

    /// CLUSTER NODES.
    pub(crate) fn nodes_text(&self, tls: bool) -> String {
        let mut text = String::new();
        for &at in self.roster.order() {
            text.push_str(&self.node_line(at, tls));
            text.push('\n');
        }
        text
    }

    /// One line of CLUSTER NODES.
    pub(crate) fn node_line(&self, at: Ix, tls: bool) -> String {
        let node = &self.roster[at];
        let port = if tls && node.tls_port != 0 {
            node.tls_port
        } else {
            node.tcp_port
        };
        let name = if node.hostname.is_empty() {
            String::new()
        } else {
            format!(",{}", node.hostname)
        };
        let address = format!("{}:{port}@{}{name}", node.ip, node.bus_port);
        self.line(at, &address)
    }

    /// A line of CLUSTER NODES or nodes.conf, which differ in the address only.
    pub(crate) fn line(&self, at: Ix, address: &str) -> String {
        let node = &self.roster[at];
        let me = at == self.roster.myself;
        let mut line = format!("{} {address} {}", node.id, flag_words(node.flags));
        let primary = node.primary.filter(|_| node.is_replica());
        match primary {
            Some(primary) => _ = write!(line, " {}", self.roster[primary].id),
            None => line.push_str(" -"),
        }
        // A replica is shown with its primary's epoch.
        let epoch = primary.map_or(node.config_epoch, |p| self.roster[p].config_epoch);
        let wall = |t: Option<u64>| t.map_or(0, |t| self.wall_ms(t).max(0));
        let linked = me || node.out.up().is_some();
        let link = if linked { "connected" } else { "disconnected" };
        let (ping, pong) = if me {
            (0, 0)
        } else {
            (wall(node.ping_sent), wall(node.pong))
        };
        _ = write!(line, " {ping} {pong} {epoch} {link}");
        for range in node.slots.ranges() {
            let (start, end) = (range.start(), range.end());
            _ = if start == end {
                write!(line, " {start}")
            } else {
                write!(line, " {start}-{end}")
            };
        }
        if me {
            for (slot, to) in &self.roster.migrating {
                _ = write!(line, " [{slot}->-{}]", self.roster[*to].id);
            }
            for (slot, from) in &self.roster.importing {
                _ = write!(line, " [{slot}-<-{}]", self.roster[*from].id);
            }
        }
        line
    }

    /// CLUSTER INFO.
    pub(crate) fn info_text(&self) -> String {
        let (mut assigned, mut pfail, mut fail) = (0, 0, 0);
        for (_, node) in self.roster.iter() {
            assigned += node.slot_count;
            if node.is_failed() {
                fail += node.slot_count;
            } else if node.is_suspected() {
                pfail += node.slot_count;
            }
        }
        let me = self.roster.me();
        let my_epoch = me.primary.filter(|_| me.is_replica());
        let my_epoch = my_epoch.map_or(me.config_epoch, |p| self.roster[p].config_epoch);
        let state = if self.serving.state() == State::Ok {
            "ok"
        } else {
            "fail"
        };
        let mut text = format!(
            "cluster_state:{state}\r\ncluster_slots_assigned:{assigned}\r\n\
             cluster_slots_ok:{}\r\ncluster_slots_pfail:{pfail}\r\ncluster_slots_fail:{fail}\r\n\
             cluster_known_nodes:{}\r\ncluster_size:{}\r\ncluster_current_epoch:{}\r\n\
             cluster_my_epoch:{my_epoch}\r\n",
            assigned - pfail - fail,
            self.roster.len(),
            self.roster.size(),
            self.current_epoch,
        );
        for (counts, word) in self.links.counts() {
            for kind in Kind::ALL {
                let count = counts[kind as usize];
                if count > 0 {
                    let name = kind.name();
                    _ = write!(text, "cluster_stats_messages_{name}_{word}:{count}\r\n");
                }
            }
            let total: u64 = counts.iter().sum();
            _ = write!(text, "cluster_stats_messages_{word}:{total}\r\n");
        }
        _ = write!(
            text,
            "total_cluster_links_buffer_limit_exceeded:{}\r\n",
            self.links.overflows()
        );
        text
    }

    fn row(&self, at: Ix) -> NodeRow {
        let node = &self.roster[at];
        NodeRow {
            id: node.id,
            ip: node.ip,
            tcp_port: node.tcp_port,
            tls_port: node.tls_port,
            hostname: node.hostname.clone(),
            endpoint: endpoint(self.settings.endpoint_type, &node.ip, &node.hostname),
        }
    }

    /// The offset of a node, of ourselves from the source.
    fn offset_of(&self, at: Ix) -> i64 {
        if at == self.roster.myself {
            self.own_offset()
        } else {
            self.roster[at].offset
        }
    }

    /// CLUSTER SLOTS.
    pub(crate) fn slot_ranges(&self) -> Vec<SlotRange> {
        let mut ranges = Vec::new();
        for (at, node) in self.roster.iter().filter(|(_, n)| n.slot_count > 0) {
            // Replicas without data yet are of no use to clients.
            let usable = |ix: &Ix| !self.roster[*ix].is_failed() && self.offset_of(*ix) != 0;
            let replicas = self.roster.replicas_by_id(at);
            let nodes: Vec<NodeRow> = std::iter::once(at)
                .chain(replicas.into_iter().filter(usable))
                .map(|ix| self.row(ix))
                .collect();
            for range in node.slots.ranges() {
                let (start, end) = (*range.start(), *range.end());
                ranges.push(SlotRange {
                    start,
                    end,
                    nodes: nodes.clone(),
                });
            }
        }
        ranges.sort_by_key(|range| range.start);
        ranges
    }

    /// CLUSTER SHARDS.
    pub(crate) fn shards(&self) -> Vec<Shard> {
        let mut shards: Vec<Shard> = Vec::new();
        for (at, node) in self.roster.iter().filter(|(_, n)| !n.in_handshake()) {
            let place = match shards.iter().position(|s| s.id == node.shard) {
                Some(place) => place,
                None => {
                    shards.push(Shard {
                        id: node.shard,
                        slots: Vec::new(),
                        nodes: Vec::new(),
                    });
                    shards.len() - 1
                }
            };
            let shard = &mut shards[place];
            if node.slot_count > 0 {
                let pairs = node
                    .slots
                    .ranges()
                    .into_iter()
                    .map(|r| (*r.start(), *r.end()));
                shard.slots.extend(pairs);
            }
            let offset = self.offset_of(at);
            let health = if node.has(Flags::FAIL.with(Flags::PFAIL)) {
                Health::Fail
            } else if node.is_replica() && offset == 0 {
                Health::Loading
            } else {
                Health::Online
            };
            let primary = !node.is_replica();
            let entry = ShardNode {
                row: self.row(at),
                primary,
                offset,
                health,
            };
            // The primary comes first.
            if primary {
                shard.nodes.insert(0, entry)
            } else {
                shard.nodes.push(entry)
            }
        }
        shards
    }
}

pub(crate) fn flag_words(flags: Flags) -> String {
    let words: Vec<&str> = FLAG_WORDS
        .iter()
        .filter(|(flag, _)| flags.any(*flag))
        .map(|(_, word)| *word)
        .collect();
    if words.is_empty() {
        "noflags".to_owned()
    } else {
        words.join(",")
    }
}
