//! CLUSTER commands about nodes: who belongs, who replicates whom, who takes over.

use crate::durable::Withheld;
use crate::event::{Effect, Level};
use crate::machine::Cluster;
use crate::node::Ix;
use crate::request::{FailoverKind, LinkRow, Reply, Request};
use base::{Epoch, NodeId, ShardId, UnixMs};
use bus::{Flags, IpText};
use std::net::IpAddr;

pub(crate) fn error(text: impl std::fmt::Display) -> Reply {
    Reply::Error(format!("ERR {text}"))
}

pub(crate) fn unknown_node(text: &[u8]) -> Reply {
    error(format_args!(
        "Unknown node {}",
        String::from_utf8_lossy(text)
    ))
}

impl Cluster {
    /// Carries out a command. What changes nodes.conf is answered when that is on disk.
    pub(crate) fn request(&mut self, token: u64, request: Request) {
        let save = matches!(request, Request::SaveConfig);
        let fault = matches!(request, Request::Fault(_));
        let reply = self.answer(request);
        let failed = matches!(reply, Reply::Error(_));
        if save || (!failed && !fault && self.durable.is_stale() && !is_query(&reply)) {
            self.withhold(Withheld::Reply(token, reply));
        } else {
            self.out.push(Effect::Reply { token, reply });
        }
    }

    fn answer(&mut self, request: Request) -> Reply {
        match request {
            Request::Meet { ip, port, bus_port } => self.meet(&ip, port, bus_port),
            Request::Forget(node) => self.forget(&node),
            Request::Replicate { node, has_keys } => self.replicate(&node, has_keys),
            Request::AddSlots(slots) => self.add_slots(&slots),
            Request::DelSlots(slots) => self.del_slots(&slots),
            Request::FlushSlots { has_keys } => self.flush_slots(has_keys),
            Request::SetSlotMigrating(slot, node) => self.set_migrating(slot, &node),
            Request::SetSlotImporting(slot, node) => self.set_importing(slot, &node),
            Request::SetSlotStable(slot) => self.set_stable(slot),
            Request::SetSlotNode {
                slot,
                node,
                has_keys,
            } => self.set_slot_node(slot, &node, has_keys),
            Request::Failover(kind) => self.failover(kind),
            Request::Reset { hard, has_keys } => self.reset(hard, has_keys),
            Request::BumpEpoch => {
                let word = if self.bump_epoch() { "BUMPED" } else { "STILL" };
                Reply::Status(format!("{word} {}", self.roster.me().config_epoch))
            }
            Request::SetConfigEpoch(epoch) => self.set_config_epoch(epoch),
            Request::SaveConfig => Reply::Ok,
            Request::Nodes { tls } => Reply::Text(self.nodes_text(tls)),
            Request::Info => Reply::Text(self.info_text()),
            Request::Slots => Reply::Slots(self.slot_ranges()),
            Request::Shards => Reply::Shards(self.shards()),
            Request::Links => Reply::Links(self.links()),
            Request::Replicas { node, tls } => match self.roster.find_text(&node) {
                None => unknown_node(&node),
                Some(at) if self.roster[at].is_replica() => {
                    error("The specified node is not a master")
                }
                Some(at) => {
                    let replicas = self.roster.replicas_by_id(at).into_iter();
                    let lines = replicas.map(|ix| self.node_line(ix, tls));
                    Reply::Lines(lines.collect())
                }
            },
            Request::CountFailureReports(node) => match self.roster.find_text(&node) {
                None => unknown_node(&node),
                Some(at) => Reply::Integer(self.count_reports(at) as i64),
            },
            Request::MyId => Reply::Text(self.roster.me().id.to_string()),
            Request::MyShardId => Reply::Text(self.roster.me().shard.to_string()),
            Request::Fault(fault) => self.make_fault(fault),
        }
    }

    fn meet(&mut self, ip: &str, port: i64, bus_port: Option<i64>) -> Reply {
        let bus = bus_port.unwrap_or(port.saturating_add(10_000));
        let refused = || error(format_args!("Invalid node address specified: {ip}:{port}"));
        let Ok(address) = ip.parse::<IpAddr>() else {
            return refused();
        };
        let (Ok(port16), Ok(bus16)) = (u16::try_from(port), u16::try_from(bus)) else {
            return refused();
        };
        if port16 == 0 || bus16 == 0 {
            return refused();
        }
        let Some(text) = IpText::new(&address.to_string()) else {
            return refused();
        };
        let (tcp, tls) = if self.settings.tls_cluster {
            (0, port16)
        } else {
            (port16, 0)
        };
        self.log(
            Level::Notice,
            format!("Cluster meet {ip}:{port} (user request)"),
        );
        self.begin_handshake(text, tcp, tls, bus16, true);
        Reply::Ok
    }

    fn forget(&mut self, node: &[u8]) -> Reply {
        let Some(at) = self.roster.find_text(node) else {
            return match NodeId::parse(node) {
                Some(id) if self.is_forgotten(&id) => Reply::Ok,
                _ => unknown_node(node),
            };
        };
        if at == self.roster.myself {
            return error("I tried hard but I can't forget myself...");
        }
        if self.roster.me().is_replica() && self.roster.me().primary == Some(at) {
            return error("Can't forget my master!");
        }
        let id = self.roster[at].id;
        let ttl = self.settings.blacklist_ttl;
        self.log(Level::Notice, format!("Cluster forget {id} (user request)"));
        self.forgotten.insert(id, self.now.mono + ttl);
        self.delete_node(at);
        self.tell_forgotten(id, ttl / 1000);
        self.changed_now();
        Reply::Ok
    }

    fn replicate(&mut self, node: &[u8], has_keys: bool) -> Reply {
        let Some(at) = self.roster.find_text(node) else {
            return unknown_node(node);
        };
        if at == self.roster.myself {
            return error("Can't replicate myself");
        }
        if self.roster[at].is_replica() {
            return error("I can only replicate a master, not a replica.");
        }
        let me = self.roster.me();
        if me.is_primary() && (me.slot_count > 0 || has_keys) {
            return error("To set a master the node must be empty and without assigned slots.");
        }
        if me.is_replica() && me.primary == Some(at) {
            return Reply::Ok;
        }
        if !self.roster[at].is_primary() {
            return unknown_node(node);
        }
        self.log(
            Level::Notice,
            format!("Cluster replicate {} (user request)", self.roster[at].id),
        );
        self.follow(at);
        Reply::Ok
    }

    fn failover(&mut self, kind: FailoverKind) -> Reply {
        let me = self.roster.me();
        if me.is_primary() {
            return error("You should send CLUSTER FAILOVER to a replica");
        }
        let Some(primary) = me.primary else {
            return error("I'm a replica but my master is unknown to me");
        };
        let node = &self.roster[primary];
        if (node.is_failed() || node.out.up().is_none()) && kind == FailoverKind::Default {
            return error("Master is down or failed, please use CLUSTER FAILOVER FORCE");
        }
        match kind {
            FailoverKind::Takeover => {
                self.log(
                    Level::Warning,
                    "Taking over the master (user request).".to_owned(),
                );
                self.end_manual();
                self.bump_epoch();
                self.replace_primary(primary);
            }
            FailoverKind::Force => {
                self.log(
                    Level::Warning,
                    "Forced failover user request accepted.".to_owned(),
                );
                self.begin_manual(true);
            }
            FailoverKind::Default => {
                self.log(
                    Level::Warning,
                    "Manual failover user request accepted.".to_owned(),
                );
                self.begin_manual(false);
            }
        }
        Reply::Ok
    }

    fn set_config_epoch(&mut self, epoch: i64) -> Reply {
        if epoch < 0 {
            return error(format_args!("Invalid config epoch specified: {epoch}"));
        }
        if self.roster.len() > 1 {
            return error(
                "The user can assign a config epoch only when the node does not know any other \
                 node.",
            );
        }
        if self.roster.me().config_epoch.0 != 0 {
            return error("Node config epoch is already non-zero");
        }
        let epoch = Epoch(epoch as u64);
        self.roster.me_mut().config_epoch = epoch;
        self.current_epoch = self.current_epoch.max(epoch);
        self.changed_critically();
        self.log(
            Level::Warning,
            format!("configEpoch set to {epoch} via CLUSTER SET-CONFIG-EPOCH"),
        );
        Reply::Ok
    }

    fn reset(&mut self, hard: bool, has_keys: bool) -> Reply {
        let me = self.roster.myself;
        if self.roster.me().is_primary() && has_keys {
            return error("CLUSTER RESET can't be called with master nodes containing keys");
        }
        let text = if hard { "hard" } else { "soft" };
        self.log(
            Level::Notice,
            format!("Cluster reset ({text} user request)."),
        );
        if self.roster.me().is_replica() {
            self.make_primary(me);
            self.out.push(Effect::BecomePrimary);
            self.out.push(Effect::EmptyData);
        }
        // Replicas of before are of another shard.
        self.roster.me_mut().shard = ShardId::from_random(self.rng.bytes20());
        for at in self.roster.order().to_vec() {
            self.roster.release_slots(at);
        }
        self.roster.migrating.clear();
        self.roster.importing.clear();
        self.end_manual();
        self.election.abandon();
        let others: Vec<Ix> = self
            .roster
            .order()
            .iter()
            .copied()
            .filter(|at| *at != me)
            .collect();
        for at in others {
            self.delete_node(at);
        }
        if hard {
            self.current_epoch = Epoch(0);
            self.ballot.reset();
            self.roster.me_mut().config_epoch = Epoch(0);
            let old = self.roster.me().id;
            let id = NodeId::from_random(self.rng.bytes20());
            self.roster.rename(me, id);
            self.log(Level::Notice, format!("Node hard reset, now I'm {id}"));
            self.log(
                Level::Debug,
                format!("configEpoch set to 0 via CLUSTER RESET HARD of {old}"),
            );
            self.election = crate::election::Election::default();
            self.claim = None;
        }
        self.roster.me_mut().flags.clear(Flags::MIGRATE_TO);
        self.serving.check();
        self.changed_now();
        Reply::Ok
    }

    fn links(&self) -> Vec<LinkRow> {
        let row = |link, node: NodeId, since| LinkRow {
            link,
            node,
            created: UnixMs(self.wall_ms(since)),
            buffer_allocated: 0,
            buffer_used: 0,
        };
        let mut rows = Vec::new();
        for (_, node) in self.roster.iter() {
            if let crate::node::OutLink::Up { link, since }
            | crate::node::OutLink::Connecting { link, since } = node.out
            {
                rows.push(row(link, node.id, since));
            }
            if let Some(link) = node.inbound
                && let Some(state) = self.links.inbound(link)
            {
                rows.push(row(link, node.id, state.since));
            }
        }
        rows
    }
}

/// Whether an answer only tells.
fn is_query(reply: &Reply) -> bool {
    !matches!(reply, Reply::Ok | Reply::Status(_))
}
