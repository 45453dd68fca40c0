//! What this node knows of one node, itself included.

use crate::event::LinkId;
use base::{Epoch, NodeId, ShardId, SlotSet};
use bus::{Flags, IpText};
use std::sync::{Arc, LazyLock};

/// A place in the roster. Places of deleted nodes are used again, so whoever keeps one clears it
/// when the node goes.
pub(crate) type Ix = usize;

/// The link we opened to a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OutLink {
    /// None; the next tick opens one.
    Down,
    /// Being opened.
    Connecting { link: LinkId, since: u64 },
    /// Usable.
    Up { link: LinkId, since: u64 },
}

impl OutLink {
    pub fn up(self) -> Option<LinkId> {
        match self {
            OutLink::Up { link, .. } => Some(link),
            _ => None,
        }
    }

    pub fn id(self) -> Option<LinkId> {
        match self {
            OutLink::Down => None,
            OutLink::Connecting { link, .. } | OutLink::Up { link, .. } => Some(link),
        }
    }
}

/// Whether a peer understands the extensions that came with 7.2. They are sent until its packets
/// show that it does not know them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dialect {
    Unknown,
    /// Redis 7.0: host names only.
    Hostnames,
    /// 7.2: names, forgotten nodes and shard ids too.
    Shards,
}

/// A statement of `by` that the node does not answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    pub by: Ix,
    pub at: u64,
}

/// One node. Times are monotonic milliseconds.
///
/// What ticks and gossip look at of every node comes first: in a large cluster it is memory that
/// takes their time.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct Node {
    pub flags: Flags,
    pub tcp_port: u16,
    pub tls_port: u16,
    pub bus_port: u16,
    pub slot_count: usize,
    /// When it last answered, us or (by gossip) others.
    pub pong: Option<u64>,
    /// When the ping that has no answer yet was sent.
    pub ping_sent: Option<u64>,
    /// When anything last came from it.
    pub heard: u64,
    /// Marks nodes already in the gossip being built.
    pub stamp: u64,
    pub reports: Vec<Report>,
    pub out: OutLink,
    pub id: NodeId,
    pub ip: IpText,
    pub primary: Option<Ix>,
    /// When it last answered us.
    pub pong_direct: Option<u64>,
    /// Since when it is a primary with slots and without a working replica.
    pub orphaned_since: Option<u64>,
    pub config_epoch: Epoch,
    /// The highest current epoch that its packets showed.
    pub seen_epoch: Epoch,
    /// What it serves, as we believe; kept in step with the roster's table of owners.
    pub slots: Arc<SlotSet>,
    pub offset: i64,
    pub inbound: Option<LinkId>,
    /// When a ping was last sent, answered or not.
    pub ping_last: u64,
    pub created: u64,
    pub failed_at: u64,
    /// When its configuration epoch last rose.
    pub claimed_at: Option<u64>,
    /// When we last voted for a replica of it, and for which.
    pub voted: Option<(u64, NodeId)>,
    /// Whether it has known us for some time: its link to us outlived a handshake.
    pub acquainted: bool,
    /// When our handshake with it ended, it lost its link to us, or it was last sent a MEET because
    /// it did not seem to know us.
    pub met: u64,
    /// Since when it claims the same epoch as we, in our own shard.
    pub collided_since: Option<u64>,
    pub dialect: Dialect,
    pub shard: ShardId,
    pub hostname: String,
    pub human_name: String,
}

/// No slots: one value for all nodes without any, since each takes two kilobytes.
fn no_slots() -> Arc<SlotSet> {
    static NONE: LazyLock<Arc<SlotSet>> = LazyLock::new(Arc::default);
    NONE.clone()
}

impl Node {
    pub fn new(id: NodeId, shard: ShardId, flags: Flags, now: u64) -> Node {
        Node {
            id,
            shard,
            created: now,
            flags,
            config_epoch: Epoch(0),
            seen_epoch: Epoch(0),
            slots: no_slots(),
            slot_count: 0,
            primary: None,
            ip: IpText::EMPTY,
            tcp_port: 0,
            tls_port: 0,
            bus_port: 0,
            hostname: String::new(),
            human_name: String::new(),
            dialect: Dialect::Unknown,
            ping_sent: None,
            ping_last: 0,
            pong: None,
            pong_direct: None,
            heard: 0,
            failed_at: 0,
            claimed_at: None,
            voted: None,
            offset: 0,
            orphaned_since: None,
            out: OutLink::Down,
            inbound: None,
            acquainted: false,
            met: 0,
            reports: Vec::new(),
            collided_since: None,
            stamp: 0,
        }
    }

    pub fn has(&self, flag: Flags) -> bool {
        self.flags.any(flag)
    }

    pub fn is_primary(&self) -> bool {
        self.has(Flags::MASTER)
    }

    pub fn is_replica(&self) -> bool {
        self.has(Flags::SLAVE)
    }

    /// A primary with slots: only these count in votes and in failure reports.
    pub fn votes(&self) -> bool {
        self.is_primary() && self.slot_count > 0
    }

    pub fn is_failed(&self) -> bool {
        self.has(Flags::FAIL)
    }

    pub fn is_suspected(&self) -> bool {
        self.has(Flags::PFAIL)
    }

    pub fn in_handshake(&self) -> bool {
        self.has(Flags::HANDSHAKE)
    }

    /// `id (name)`, as log lines name a node.
    pub fn label(&self) -> String {
        format!("{} ({})", self.id, self.human_name)
    }
}
