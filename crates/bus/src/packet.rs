//! The packets of the bus as values.

use crate::text::IpText;
use base::{Epoch, NodeId, Offset, ShardId, SlotSet};
use std::sync::Arc;

/// Node flags, of a sender or of a node gossiped about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Flags(pub u16);

impl Flags {
    /// The node is a primary.
    pub const MASTER: Flags = Flags(1);
    /// The node is a replica.
    pub const SLAVE: Flags = Flags(1 << 1);
    /// Suspected: it did not answer in time.
    pub const PFAIL: Flags = Flags(1 << 2);
    /// Known to have failed: a majority of the primaries said so.
    pub const FAIL: Flags = Flags(1 << 3);
    /// The node is the one that speaks.
    pub const MYSELF: Flags = Flags(1 << 4);
    /// The first ping was not exchanged yet.
    pub const HANDSHAKE: Flags = Flags(1 << 5);
    /// Its address is not known.
    pub const NOADDR: Flags = Flags(1 << 6);
    /// A MEET is to be sent to it.
    pub const MEET: Flags = Flags(1 << 7);
    /// A primary to which replicas may migrate.
    pub const MIGRATE_TO: Flags = Flags(1 << 8);
    /// A replica that will not try to fail over.
    pub const NOFAILOVER: Flags = Flags(1 << 9);

    /// Whether every flag of `other` is set.
    pub fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }
    /// Whether any flag of `other` is set.
    pub fn any(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }
    /// Sets the flags of `other`.
    pub fn set(&mut self, other: Flags) {
        self.0 |= other.0;
    }
    /// Clears the flags of `other`.
    pub fn clear(&mut self, other: Flags) {
        self.0 &= !other.0;
    }
    /// Both sets together.
    pub const fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// Bits of the first message-flag byte.
pub mod marks {
    /// The primary has paused its clients for a manual failover.
    pub const PAUSED: u8 = 1;
    /// Vote even though the primary is up (manual failover).
    pub const FORCEACK: u8 = 2;
    /// The packet carries ping extensions.
    pub const EXT_DATA: u8 = 4;
}

/// Whether the sender believes that the cluster works.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum HeaderState {
    /// All that is needed is served.
    #[default]
    Ok,
    /// Slots are missing or the majority is out of reach.
    Fail,
}

/// Packet types, with the names that CLUSTER INFO counts them under.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u16)]
pub enum Kind {
    /// Ask for a PONG.
    Ping = 0,
    /// Answer to PING and MEET, or an unasked announcement.
    Pong = 1,
    /// As PING, and asks an unknown node to take the sender in.
    Meet = 2,
    /// A node has failed.
    Fail = 3,
    /// A message for subscribers of a channel.
    Publish = 4,
    /// A replica asks for votes.
    AuthRequest = 5,
    /// A vote.
    AuthAck = 6,
    /// A newer owner of slots.
    Update = 7,
    /// A replica starts a manual failover.
    MfStart = 8,
    /// A module's message.
    Module = 9,
    /// A message for subscribers of a shard channel.
    PublishShard = 10,
}

impl Kind {
    /// Number of types.
    pub const COUNT: usize = 11;
    /// All types, by number.
    pub const ALL: [Kind; Kind::COUNT] = [
        Kind::Ping,
        Kind::Pong,
        Kind::Meet,
        Kind::Fail,
        Kind::Publish,
        Kind::AuthRequest,
        Kind::AuthAck,
        Kind::Update,
        Kind::MfStart,
        Kind::Module,
        Kind::PublishShard,
    ];

    /// The name in the counters of CLUSTER INFO.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ping => "ping",
            Kind::Pong => "pong",
            Kind::Meet => "meet",
            Kind::Fail => "fail",
            Kind::Publish => "publish",
            Kind::AuthRequest => "auth-req",
            Kind::AuthAck => "auth-ack",
            Kind::Update => "update",
            Kind::MfStart => "mfstart",
            Kind::Module => "module",
            Kind::PublishShard => "publishshard",
        }
    }
}

/// What every packet says about its sender.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// The sender's id.
    pub sender: NodeId,
    /// Port for clients (the TLS port when the bus speaks TLS).
    pub port: u16,
    /// The other client port, 0 if there is none.
    pub secondary_port: u16,
    /// Port of the bus, 0 in packets of very old nodes.
    pub bus_port: u16,
    /// The highest epoch the sender has seen.
    pub current_epoch: Epoch,
    /// The sender's own configuration epoch, or its primary's if it is a replica.
    pub config_epoch: Epoch,
    /// Replication offset, of what a primary produced or a replica processed.
    pub offset: Offset,
    /// Slots the sender serves, or its primary's if it is a replica.
    pub slots: Arc<SlotSet>,
    /// The primary that the sender replicates.
    pub replica_of: Option<NodeId>,
    /// Announced address; empty means the socket's.
    pub ip: IpText,
    /// Node flags.
    pub flags: Flags,
    /// State of the cluster, as the sender sees it.
    pub state: HeaderState,
    /// Message flags, see [`marks`].
    pub marks: u8,
}

/// One node gossiped about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GossipEntry {
    /// The node's id.
    pub id: NodeId,
    /// When an unanswered ping was sent to it, Unix seconds, 0 if none waits.
    pub ping_sent: u32,
    /// When it last answered, Unix seconds, 0 if never.
    pub pong_received: u32,
    /// Its address.
    pub ip: IpText,
    /// Its port for clients.
    pub port: u16,
    /// Its bus port.
    pub bus_port: u16,
    /// Its flags as the sender sees them.
    pub flags: Flags,
    /// Its other client port.
    pub secondary_port: u16,
}

/// What follows the gossip entries of a PING, PONG or MEET.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Extension {
    /// The sender's host name (type 0).
    Hostname(String),
    /// The sender's name for people (type 1).
    HumanName(String),
    /// A node was forgotten and must not be taken in again for some seconds (type 2).
    Forgotten {
        /// The node.
        id: NodeId,
        /// Seconds.
        ttl: u64,
    },
    /// The sender's shard (type 3).
    ShardId(ShardId),
}

/// Body of PING, PONG and MEET.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Gossip {
    /// What the sender thinks of other nodes.
    pub entries: Vec<GossipEntry>,
    /// Extensions that this version knows; others are skipped when decoding.
    pub extensions: Vec<Extension>,
}

/// What a packet says besides its header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// See [`Kind::Ping`].
    Ping(Gossip),
    /// See [`Kind::Pong`].
    Pong(Gossip),
    /// See [`Kind::Meet`].
    Meet(Gossip),
    /// The node that failed.
    Fail(NodeId),
    /// A message for a channel.
    Publish {
        /// Channel name.
        channel: Vec<u8>,
        /// The message.
        message: Vec<u8>,
        /// Whether it is for a shard channel.
        sharded: bool,
    },
    /// See [`Kind::AuthRequest`].
    AuthRequest,
    /// See [`Kind::AuthAck`].
    AuthAck,
    /// The newer owner of slots that the receiver claimed.
    Update {
        /// Configuration epoch of the owner.
        config_epoch: Epoch,
        /// The owner.
        node: NodeId,
        /// All its slots.
        slots: Arc<SlotSet>,
    },
    /// See [`Kind::MfStart`].
    MfStart,
    /// A module's message.
    Module {
        /// Module id.
        module: u64,
        /// Message type, of the module's choice.
        kind: u8,
        /// The payload.
        payload: Vec<u8>,
    },
    /// A type of a later version: to be counted and ignored.
    Unknown(u16),
}

/// A whole packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet {
    /// About the sender.
    pub header: Header,
    /// The rest.
    pub body: Body,
}

impl Packet {
    /// The packet's type; `None` for one of a later version.
    pub fn kind(&self) -> Option<Kind> {
        Some(match &self.body {
            Body::Ping(_) => Kind::Ping,
            Body::Pong(_) => Kind::Pong,
            Body::Meet(_) => Kind::Meet,
            Body::Fail(_) => Kind::Fail,
            Body::Publish { sharded: false, .. } => Kind::Publish,
            Body::Publish { sharded: true, .. } => Kind::PublishShard,
            Body::AuthRequest => Kind::AuthRequest,
            Body::AuthAck => Kind::AuthAck,
            Body::Update { .. } => Kind::Update,
            Body::MfStart => Kind::MfStart,
            Body::Module { .. } => Kind::Module,
            Body::Unknown(_) => return None,
        })
    }
}
