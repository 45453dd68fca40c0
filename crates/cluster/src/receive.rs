//! Taking in packets.

use crate::conf::MAX_EPOCH;
use crate::event::{Effect, Level, LinkId};
use crate::machine::Cluster;
use crate::node::{Dialect, Ix, Node};
use base::{Epoch, Offset, ShardId};
use bus::{Body, Extension, Flags, Gossip, Header, IpText, Kind, Packet, marks};

impl Cluster {
    pub(crate) fn receive(&mut self, link: LinkId, packet: &Packet) {
        if let Some(kind) = packet.kind() {
            self.links.count_received(kind);
        }
        if self.is_dropped(link, packet) {
            return;
        }
        let header = &packet.header;
        if header.current_epoch.0 > MAX_EPOCH || header.config_epoch.0 > MAX_EPOCH {
            // Nobody counts that far: it is forged, and would leave no epoch for elections.
            return;
        }
        let sender = match self.roster.find(&header.sender) {
            Some(at) if at == self.roster.myself => return,
            Some(at) if self.roster[at].in_handshake() => None,
            other => other,
        };
        if let Some(at) = sender {
            self.note_sender(link, at, header);
        }
        match &packet.body {
            Body::Ping(gossip) | Body::Pong(gossip) | Body::Meet(gossip) => {
                let Some(kind) = packet.kind() else { return };
                self.receive_gossip(link, sender, kind, header, gossip);
            }
            Body::Unknown(_) | Body::Module { .. } => {}
            body => {
                if let Some(sender) = sender {
                    self.receive_known(sender, header, body);
                }
            }
        }
    }

    /// Packets that only known nodes may send.
    fn receive_known(&mut self, sender: Ix, header: &Header, body: &Body) {
        match body {
            Body::Fail(id) => self.receive_fail(sender, id),
            Body::Publish {
                channel,
                message,
                sharded,
            } => {
                let (channel, message) = (channel.clone(), message.clone());
                self.out.push(Effect::Deliver {
                    channel,
                    message,
                    sharded: *sharded,
                });
            }
            Body::AuthRequest => self.consider_vote(sender, header),
            Body::AuthAck => self.receive_vote(sender, header),
            Body::MfStart => self.receive_manual_start(sender),
            Body::Update {
                config_epoch,
                node,
                slots,
            } => {
                let Some(at) = self.roster.find(node) else {
                    return;
                };
                if at == self.roster.myself || self.roster[at].in_handshake() {
                    return;
                }
                if self.roster[at].config_epoch >= *config_epoch || config_epoch.0 > MAX_EPOCH {
                    return;
                }
                if self.roster[at].is_replica() {
                    self.make_primary(at);
                }
                self.roster[at].config_epoch = *config_epoch;
                self.roster[at].claimed_at = Some(self.now.mono);
                self.changed_now();
                self.take_claims(at, *config_epoch, slots, false);
            }
            _ => {}
        }
    }

    /// What every packet of a known node tells.
    fn note_sender(&mut self, link: LinkId, at: Ix, header: &Header) {
        let now = self.now.mono;
        self.roster[at].heard = now;
        if let LinkId::In(_) = link {
            self.own_inbound(link, at);
        }
        if header.current_epoch > self.current_epoch {
            self.current_epoch = header.current_epoch;
            self.durable.save_soon();
        }
        self.roster[at].seen_epoch = self.roster[at].seen_epoch.max(header.current_epoch);
        // A replica's header carries its primary's epoch, which is not its own.
        if header.replica_of.is_none() && header.config_epoch > self.roster[at].config_epoch {
            self.roster[at].config_epoch = header.config_epoch;
            self.roster[at].claimed_at = Some(now);
            self.changed();
        }
        self.roster[at].offset = header.offset.0;
        if self.roster.me().is_replica()
            && self.roster.me().primary == Some(at)
            && header.marks & marks::PAUSED != 0
            && self.manual.wants_offset()
        {
            self.manual.primary_offset(Offset(header.offset.0));
            let text = format!(
                "Received replication offset for paused master manual failover: {}",
                header.offset
            );
            self.log(Level::Warning, text);
        }
    }

    /// A node has one link to us: a newer one replaces the older.
    fn own_inbound(&mut self, link: LinkId, at: Ix) {
        if self.links.identify(link, at)
            && let Some(old) = self.roster[at].inbound.replace(link)
        {
            self.links.forget_inbound(old);
            self.out.push(Effect::Disconnect(old));
        }
    }

    fn receive_gossip(
        &mut self,
        link: LinkId,
        sender: Option<Ix>,
        kind: Kind,
        header: &Header,
        gossip: &Gossip,
    ) {
        if kind != Kind::Pong {
            self.learn_own_ip(link, kind);
            if kind == Kind::Meet && sender.is_none() {
                self.meet_unknown(link, header);
                // It was introduced by an administrator: what it knows is of this cluster.
                self.read_entries(None, gossip);
            }
            self.send_gossip(link, sender, Kind::Pong);
        }
        let mut sender = sender;
        if let LinkId::Out(_) = link {
            match self.answer_of(link, sender, header) {
                Some(at) => sender = Some(at),
                None => return,
            }
        }
        let Some(at) = sender else { return };
        self.copy_flag(at, header.flags, Flags::NOFAILOVER);
        if kind == Kind::Ping {
            self.follow_address(link, at, header);
        }
        if matches!(link, LinkId::Out(_)) && kind == Kind::Pong {
            self.receive_pong(at);
        }
        self.read_extensions(at, header, gossip);
        // Packets of two links overtake each other: one that shows an older epoch than another of
        // the same node before it says nothing about that node's role and slots any more.
        if header.current_epoch >= self.roster[at].seen_epoch {
            self.follow_role(at, header);
            self.compare_claims(at, header);
            self.settle_collision(at, header);
            self.yield_epoch(at, header);
        }
        self.read_entries(Some(at), gossip);
    }

    fn copy_flag(&mut self, at: Ix, flags: Flags, flag: Flags) {
        if self.roster[at].has(flag) != flags.any(flag) {
            self.roster[at].flags.clear(flag);
            self.roster[at].flags.set(Flags(flags.0 & flag.0));
            self.durable.save_soon();
        }
    }

    /// Our address is what others reach us by, unless it is configured.
    fn learn_own_ip(&mut self, link: LinkId, kind: Kind) {
        if !self.settings.announce_ip.is_empty() {
            return;
        }
        let Some(local) = self.links.inbound(link).map(|l| l.local) else {
            return;
        };
        let me = self.roster.me();
        if local.is_empty() || me.ip == local || (kind != Kind::Meet && !me.ip.is_empty()) {
            return;
        }
        self.roster.me_mut().ip = local;
        self.log(
            Level::Warning,
            format!("IP address for this node updated to {local}"),
        );
        self.changed_now();
    }

    fn meet_unknown(&mut self, link: LinkId, header: &Header) {
        let Some(peer) = self.links.inbound(link).map(|l| l.peer) else {
            return;
        };
        let ip = if header.ip.is_empty() {
            peer
        } else {
            header.ip
        };
        let (tcp, tls) = self.ports_of(header);
        self.begin_handshake(ip, tcp, tls, header.bus_port, false);
    }

    /// The plain and the TLS port in a header.
    fn ports_of(&self, header: &Header) -> (u16, u16) {
        if self.settings.tls_cluster {
            (header.secondary_port, header.port)
        } else {
            (header.port, header.secondary_port)
        }
    }

    /// Adds a node whose id is not known yet. Returns whether one was added.
    pub(crate) fn begin_handshake(
        &mut self,
        ip: IpText,
        tcp_port: u16,
        tls_port: u16,
        bus_port: u16,
        meet: bool,
    ) -> bool {
        let same = |n: &Node| n.in_handshake() && n.ip == ip && n.bus_port == bus_port;
        let under_way = self.roster.iter().find(|(_, n)| same(n)).map(|(at, _)| at);
        if let Some(at) = under_way {
            if meet && self.roster[at].out.up().is_none() {
                self.roster[at].flags.set(Flags::MEET);
            }
            return false;
        }
        if self.roster.is_full() || bus_port == 0 {
            return false;
        }
        let mut flags = Flags::HANDSHAKE;
        if meet {
            flags.set(Flags::MEET);
        }
        let id = base::NodeId::from_random(self.rng.bytes20());
        let shard = ShardId::from_random(self.rng.bytes20());
        let mut node = Node::new(id, shard, flags, self.now.mono);
        node.ip = ip;
        node.tcp_port = tcp_port;
        node.tls_port = tls_port;
        node.bus_port = bus_port;
        self.roster.add(node);
        true
    }

    /// Checks who answered by a link that we opened. `None` if there is nothing more to do.
    fn answer_of(&mut self, link: LinkId, sender: Option<Ix>, header: &Header) -> Option<Ix> {
        let at = self.links.leads_to(link)?;
        if self.roster[at].in_handshake() {
            if let Some(known) = sender {
                let text = format!(
                    "Handshake: we already know node {}, updating the address if needed.",
                    self.roster[known].label()
                );
                self.log(Level::Verbose, text);
                self.take_address_of(at, known);
                self.delete_node(at);
                return None;
            }
            self.roster.finish_handshake(at, header.sender);
            let node = &mut self.roster[at];
            node.flags
                .set(Flags(header.flags.0 & (Flags::MASTER.0 | Flags::SLAVE.0)));
            if !node.is_replica() {
                node.flags.set(Flags::MASTER);
            }
            (node.heard, node.met) = (self.now.mono, self.now.mono);
            self.log(
                Level::Debug,
                format!("Handshake with node {} completed.", header.sender),
            );
            self.forgotten.remove(&header.sender);
            self.serving.check();
            self.changed_now();
            self.note_sender(link, at, header);
            return Some(at);
        }
        if self.roster[at].id != header.sender {
            let text = format!(
                "PONG contains mismatching sender ID. About node {} in shard {} added {} ms ago, \
                 having flags {}",
                self.roster[at].id,
                self.roster[at].shard,
                self.now.mono - self.roster[at].created,
                self.roster[at].flags.0
            );
            self.log(Level::Notice, text);
            // Somebody else lives at that address now.
            self.close_out(at);
            let node = &mut self.roster[at];
            node.flags.set(Flags::NOADDR);
            node.ip = IpText::EMPTY;
            node.tcp_port = 0;
            node.tls_port = 0;
            node.bus_port = 0;
            self.changed();
            return None;
        }
        Some(at)
    }

    /// The handshake showed that a known node lives at a new address.
    fn take_address_of(&mut self, handshake: Ix, known: Ix) {
        let new = self.roster[handshake].clone();
        if new.ip.is_empty() {
            return;
        }
        let old = &self.roster[known];
        if (old.ip, old.bus_port) == (new.ip, new.bus_port) && !old.has(Flags::NOADDR) {
            return;
        }
        self.move_node(known, new.ip, (new.tcp_port, new.tls_port), new.bus_port);
    }

    /// A ping of a known node shows where it is.
    fn follow_address(&mut self, link: LinkId, at: Ix, header: &Header) {
        let Some(peer) = self.links.inbound(link).map(|l| l.peer) else {
            return;
        };
        let ip = if header.ip.is_empty() {
            peer
        } else {
            header.ip
        };
        let (tcp, tls) = self.ports_of(header);
        let node = &self.roster[at];
        let same = (node.ip, node.bus_port) == (ip, header.bus_port);
        if ip.is_empty() || (same && (node.tcp_port, node.tls_port) == (tcp, tls)) {
            return;
        }
        self.move_node(at, ip, (tcp, tls), header.bus_port);
    }

    pub(crate) fn move_node(&mut self, at: Ix, ip: IpText, ports: (u16, u16), bus_port: u16) {
        let node = &mut self.roster[at];
        node.ip = ip;
        (node.tcp_port, node.tls_port) = ports;
        node.bus_port = bus_port;
        node.flags.clear(Flags::NOADDR);
        let text = format!(
            "Address updated for node {}, now {ip}:{}",
            node.label(),
            ports.0
        );
        self.close_out(at);
        self.log(Level::Warning, text);
        if self.roster.me().is_replica() && self.roster.me().primary == Some(at) {
            self.tell_primary(at);
        }
        self.changed_now();
    }

    fn receive_pong(&mut self, at: Ix) {
        let now = self.now.mono;
        let node = &mut self.roster[at];
        node.pong = Some(now);
        node.pong_direct = Some(now);
        let pinged_at = node.ping_sent.take();
        if node.is_suspected() {
            self.roster.absolve(at);
            self.changed();
            self.serving.check();
        } else if node.is_failed() {
            self.clear_failure(at);
        }
        if let Some(pinged_at) = pinged_at {
            self.note_answer(at, pinged_at);
        }
    }

    /// Takes over whether a node says that it is a primary, or whose replica it is.
    fn follow_role(&mut self, at: Ix, header: &Header) {
        let Some(primary_id) = header.replica_of else {
            if header.flags.any(Flags::MASTER) {
                self.make_primary(at);
            }
            return;
        };
        let primary = self.roster.find(&primary_id);
        if self.roster[at].is_primary() {
            let slots = self.roster.release_slots(at);
            let node = &mut self.roster[at];
            node.flags.clear(Flags::MASTER.with(Flags::MIGRATE_TO));
            node.flags.set(Flags::SLAVE);
            node.orphaned_since = None;
            let text = format!(
                "Node {} is now a replica of node {primary_id} and lost {slots} slots",
                node.label()
            );
            self.log(Level::Debug, text);
            self.serving.check();
            self.changed();
        }
        if primary.is_some() && primary != Some(at) && self.roster[at].primary != primary {
            self.roster.set_primary(at, primary);
            self.changed();
        }
        if let Some(primary) = self.roster[at].primary
            && self.roster[at].dialect != Dialect::Shards
        {
            // A node that names no shard is in its primary's.
            self.roster[at].shard = self.roster[primary].shard;
        }
    }

    /// Marks a node as a primary (not for ourselves).
    pub(crate) fn make_primary(&mut self, at: Ix) {
        let node = &mut self.roster[at];
        if node.is_primary() {
            return;
        }
        node.flags.clear(Flags::SLAVE);
        node.flags.set(Flags::MASTER);
        let followed = node.primary.is_some();
        self.roster.set_primary(at, None);
        if followed && at != self.roster.myself {
            self.roster[at].flags.set(Flags::MIGRATE_TO);
        }
        self.serving.check();
        self.changed();
    }

    fn read_extensions(&mut self, at: Ix, header: &Header, gossip: &Gossip) {
        let (mut hostname, mut human, mut shard) = ("", "", None);
        for extension in &gossip.extensions {
            match extension {
                Extension::Hostname(name) => hostname = name,
                Extension::HumanName(name) => human = name,
                Extension::ShardId(id) => shard = Some(*id),
                Extension::Forgotten { id, ttl } => self.hear_forgotten(at, *id, *ttl),
            }
        }
        let node = &mut self.roster[at];
        node.dialect = if shard.is_some() {
            Dialect::Shards
        } else {
            Dialect::Hostnames
        };
        let shard = shard.unwrap_or(node.shard);
        if node.hostname != hostname || node.human_name != human || node.shard != shard {
            node.hostname = hostname.to_owned();
            node.human_name = human.to_owned();
            node.shard = shard;
            self.changed();
        }
        // A replica belongs to its primary's shard, whatever was thought before; not to that of a
        // primary which itself has become a replica, before we have its data.
        let me = self.roster.me();
        let primary = me.is_replica() && me.primary == Some(at) && header.replica_of.is_none();
        if primary && me.shard != shard {
            self.roster.me_mut().shard = shard;
            self.changed();
        }
    }

    fn hear_forgotten(&mut self, by: Ix, id: base::NodeId, ttl: u64) {
        let Some(at) = self.roster.find(&id) else {
            return;
        };
        let me = self.roster.myself;
        if at == me || at == by || self.roster[me].primary == Some(at) {
            return;
        }
        let ttl = ttl.min(24 * 3600).saturating_mul(1000);
        self.forgotten.insert(id, self.now.mono + ttl);
        self.delete_node(at);
    }

    /// The highest epoch seen anywhere.
    pub(crate) fn highest_epoch(&self) -> Epoch {
        Epoch(self.roster.max_epoch().max(self.current_epoch.0))
    }
}
