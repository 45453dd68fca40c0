//! Building and sending packets.

use crate::event::{Effect, LinkId};
use crate::machine::Cluster;
use crate::node::{Dialect, Ix};
use crate::view::State;
use base::{NodeId, Offset};
use bus::{Body, Extension, Flags, Gossip, GossipEntry, Header, HeaderState, Kind, Packet, marks};
use std::sync::Arc;

/// What gossip does not tell of: nodes without a proven id or address. That one without an address
/// is missed is told.
const UNTOLD: Flags = Flags(Flags::HANDSHAKE.0 | Flags::NOADDR.0);

impl Cluster {
    /// The header of every packet of ours.
    pub(crate) fn header(&self) -> Header {
        let face = self.public_face();
        let me = self.roster.me();
        let (port, secondary_port) = if self.settings.tls_cluster {
            (me.tls_port, me.tcp_port)
        } else {
            (me.tcp_port, me.tls_port)
        };
        let mut marks = 0;
        let mut offset = self.own_offset();
        if let Some(paused) = self.manual.paused_offset(self.now.mono)
            && me.is_primary()
        {
            marks |= marks::PAUSED;
            offset = paused.0;
        }
        Header {
            sender: me.id,
            port,
            secondary_port,
            bus_port: me.bus_port,
            current_epoch: face.current_epoch,
            config_epoch: face.config_epoch,
            offset: Offset(offset),
            slots: face.slots,
            replica_of: face.replica_of,
            ip: self.settings.announce_ip,
            flags: face.flags,
            state: if self.serving.state() == State::Ok {
                HeaderState::Ok
            } else {
                HeaderState::Fail
            },
            marks,
        }
    }

    pub(crate) fn packet(&self, body: Body) -> Arc<Packet> {
        Arc::new(Packet {
            header: self.header(),
            body,
        })
    }

    /// Sends by the link we opened to a node; without a link the packet is lost, as any may be.
    pub(crate) fn send_packet(&mut self, to: Ix, packet: Arc<Packet>) {
        if let Some(link) = self.roster[to].out.up() {
            self.send_by(link, packet);
        }
    }

    pub(crate) fn send_by(&mut self, link: LinkId, packet: Arc<Packet>) {
        if self.is_silent() {
            return;
        }
        if let Some(kind) = packet.kind() {
            self.links.count_sent(kind);
        }
        self.out.push(Effect::Send { link, packet });
    }

    /// Whether this node wants to be taken for dead: its data set is lost, or its workers have been
    /// stuck for longer than the configuration allows.
    pub(crate) fn is_silent(&self) -> bool {
        self.silence
            .is_on(self.now.mono, self.settings.stuck_timeout)
    }

    /// Sends to every node with a link, handshakes left out.
    pub(crate) fn broadcast(&mut self, packet: &Arc<Packet>) {
        for i in 0..self.roster.order().len() {
            let at = self.roster.order()[i];
            if at != self.roster.myself && !self.roster[at].in_handshake() {
                self.send_packet(at, packet.clone());
            }
        }
    }

    /// Sends PING or MEET by the link we opened, and waits for the answer from now on.
    pub(crate) fn send_ping(&mut self, to: Ix, kind: Kind) {
        let Some(link) = self.roster[to].out.up() else {
            return;
        };
        let now = self.now.mono;
        self.roster[to].ping_sent.get_or_insert(now);
        self.roster[to].ping_last = now;
        self.send_gossip(link, Some(to), kind);
    }

    /// Sends PING, PONG or MEET by a link; `to` is the node at its end if it is known.
    pub(crate) fn send_gossip(&mut self, link: LinkId, to: Option<Ix>, kind: Kind) {
        let entries = self.gossip_entries(to);
        let dialect = to.map_or(Dialect::Unknown, |at| self.roster[at].dialect);
        let gossip = Gossip {
            entries,
            extensions: self.extensions(dialect, None),
        };
        let body = match kind {
            Kind::Meet => Body::Meet(gossip),
            Kind::Pong => Body::Pong(gossip),
            _ => Body::Ping(gossip),
        };
        let packet = self.packet(body);
        self.send_by(link, packet);
    }

    /// Tells everybody about us at once, without waiting for pings.
    pub(crate) fn announce(&mut self) {
        self.announce_to(|_, _| true);
    }

    /// Tells the other replicas of our primary about us: they compare offsets.
    pub(crate) fn announce_to_siblings(&mut self) {
        let Some(primary) = self.roster.me().primary else {
            return;
        };
        self.announce_to(|_, node| node.is_replica() && node.primary == Some(primary));
    }

    fn announce_to(&mut self, wanted: impl Fn(Ix, &crate::node::Node) -> bool) {
        for i in 0..self.roster.order().len() {
            let at = self.roster.order()[i];
            let node = &self.roster[at];
            if at == self.roster.myself || node.in_handshake() || !wanted(at, node) {
                continue;
            }
            if let Some(link) = node.out.up() {
                self.send_gossip(link, Some(at), Kind::Pong);
            }
        }
    }

    fn extensions(&self, dialect: Dialect, forgotten: Option<(NodeId, u64)>) -> Vec<Extension> {
        let me = self.roster.me();
        let mut extensions = Vec::new();
        if !me.hostname.is_empty() {
            extensions.push(Extension::Hostname(me.hostname.clone()));
        }
        if dialect == Dialect::Hostnames {
            return extensions;
        }
        if !me.human_name.is_empty() {
            extensions.push(Extension::HumanName(me.human_name.clone()));
        }
        if let Some((id, ttl)) = forgotten {
            extensions.push(Extension::Forgotten { id, ttl });
        }
        extensions.push(Extension::ShardId(me.shard));
        extensions
    }

    /// Tells everybody that a node was forgotten, so that it is not brought back by gossip.
    pub(crate) fn tell_forgotten(&mut self, id: NodeId, ttl_seconds: u64) {
        for i in 0..self.roster.order().len() {
            let at = self.roster.order()[i];
            let node = &self.roster[at];
            let (skip, dialect) = (node.in_handshake(), node.dialect);
            if at == self.roster.myself || skip || dialect == Dialect::Hostnames {
                continue;
            }
            let extensions = self.extensions(dialect, Some((id, ttl_seconds)));
            let packet = self.packet(Body::Ping(Gossip {
                entries: Vec::new(),
                extensions,
            }));
            let now = self.now.mono;
            if self.roster[at].out.up().is_some() {
                self.roster[at].ping_sent.get_or_insert(now);
                self.roster[at].ping_last = now;
            }
            self.send_packet(at, packet);
        }
    }

    /// A tenth of the nodes, at least three, at random, and all that are suspected.
    fn gossip_entries(&mut self, to: Option<Ix>) -> Vec<GossipEntry> {
        let total = self.roster.len();
        let fresh = total.saturating_sub(2);
        let wanted = (total / 10).max(3).min(fresh);
        self.gossip_stamp += 1;
        let stamp = self.gossip_stamp;
        let mut entries = Vec::with_capacity(wanted);
        // A bounded number of draws: where most nodes are not to be told of, fewer are told.
        for _ in 0..wanted * 3 {
            if entries.len() == wanted {
                break;
            }
            let at = self.roster.order()[self.rng.below(total as u64) as usize];
            let node = &self.roster[at];
            let unknown_and_empty = node.out.up().is_none() && node.slot_count == 0;
            if at == self.roster.myself
                || Some(at) == to
                || node.stamp == stamp
                || node.has(UNTOLD)
                || node.is_suspected()
                || unknown_and_empty
            {
                continue;
            }
            entries.push(self.gossip_entry(at));
            self.roster[at].stamp = stamp;
        }
        for at in self.roster.suspects() {
            if !self.roster[*at].in_handshake() && *at != self.roster.myself {
                entries.push(self.gossip_entry(*at));
            }
        }
        entries
    }

    /// The wall clock in seconds of a monotonic time.
    fn wall_seconds(&self, at: Option<u64>) -> u32 {
        at.map_or(0, |t| {
            (self.wall_ms(t) / 1000).clamp(0, i64::from(u32::MAX)) as u32
        })
    }

    /// The wall clock in milliseconds of a monotonic time; the same whenever it is asked for.
    pub(crate) fn wall_ms(&self, at: u64) -> i64 {
        self.wall_origin + at as i64
    }

    fn gossip_entry(&self, at: Ix) -> GossipEntry {
        let node = &self.roster[at];
        let (port, secondary_port) = if self.settings.tls_cluster {
            (node.tls_port, node.tcp_port)
        } else {
            (node.tcp_port, node.tls_port)
        };
        GossipEntry {
            id: node.id,
            ping_sent: self.wall_seconds(node.ping_sent),
            pong_received: self.wall_seconds(node.pong),
            ip: node.ip,
            port,
            bus_port: node.bus_port,
            flags: node.flags,
            secondary_port,
        }
    }

    /// Tells a node who owns slots that it claims wrongly.
    pub(crate) fn send_update(&mut self, to: Ix, owner: Ix) {
        let node = &self.roster[owner];
        let body = Body::Update {
            config_epoch: node.config_epoch,
            node: node.id,
            slots: node.slots.clone(),
        };
        let packet = self.packet(body);
        self.send_packet(to, packet);
    }

    /// Sends a local message to every node, or to the nodes of our shard.
    pub(crate) fn publish(&mut self, channel: Vec<u8>, message: Vec<u8>, sharded: bool) {
        let packet = self.packet(Body::Publish {
            channel,
            message,
            sharded,
        });
        if !sharded {
            self.broadcast(&packet);
            return;
        }
        let me = self.roster.myself;
        let Some(primary) = self.roster.shard_primary(me) else {
            return;
        };
        for i in 0..self.roster.order().len() {
            let at = self.roster.order()[i];
            let node = &self.roster[at];
            let same = at == primary || node.primary == Some(primary);
            if at != me && same && !node.in_handshake() {
                self.send_packet(at, packet.clone());
            }
        }
    }
}
