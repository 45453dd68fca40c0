//! CLUSTER commands and their answers, as data.

use crate::event::LinkId;
use crate::fault::Fault;
use base::{NodeId, ShardId, Slot, UnixMs};
use bus::IpText;

/// How CLUSTER FAILOVER is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailoverKind {
    /// With the primary's help: nothing is lost.
    Default,
    /// Without the primary, with votes.
    Force,
    /// Without votes.
    Takeover,
}

/// A CLUSTER command that concerns the cluster's state. Node ids are the client's text, since
/// wrong ones must be named in the answer.
///
/// Arity, number syntax and the commands about keys (KEYSLOT, COUNTKEYSINSLOT, GETKEYSINSLOT) are
/// the caller's; facts about the data set are passed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// MEET ip port \[bus-port\]; a bus port of 0 means port + 10000. The numbers are as given.
    Meet {
        /// The address as given.
        ip: String,
        /// The port.
        port: i64,
        /// The bus port, where it is not the port plus 10000.
        bus_port: Option<i64>,
    },
    /// FORGET id.
    Forget(Vec<u8>),
    /// REPLICATE id.
    Replicate {
        /// The primary.
        node: Vec<u8>,
        /// Whether any key exists here.
        has_keys: bool,
    },
    /// ADDSLOTS and ADDSLOTSRANGE, slots in the order given, repetitions included.
    AddSlots(Vec<Slot>),
    /// DELSLOTS and DELSLOTSRANGE.
    DelSlots(Vec<Slot>),
    /// FLUSHSLOTS.
    FlushSlots {
        /// Whether any key exists here.
        has_keys: bool,
    },
    /// SETSLOT slot MIGRATING id.
    SetSlotMigrating(Slot, Vec<u8>),
    /// SETSLOT slot IMPORTING id.
    SetSlotImporting(Slot, Vec<u8>),
    /// SETSLOT slot STABLE.
    SetSlotStable(Slot),
    /// SETSLOT slot NODE id.
    SetSlotNode {
        /// The slot.
        slot: Slot,
        /// Its new owner.
        node: Vec<u8>,
        /// Whether any key of the slot exists here.
        has_keys: bool,
    },
    /// FAILOVER \[FORCE|TAKEOVER\].
    Failover(FailoverKind),
    /// RESET \[HARD|SOFT\].
    Reset {
        /// HARD: also a new id and no epoch.
        hard: bool,
        /// Whether any key exists here.
        has_keys: bool,
    },
    /// BUMPEPOCH.
    BumpEpoch,
    /// SET-CONFIG-EPOCH n.
    SetConfigEpoch(i64),
    /// SAVECONFIG.
    SaveConfig,
    /// NODES.
    Nodes {
        /// Whether the client uses TLS: it is told TLS ports.
        tls: bool,
    },
    /// INFO.
    Info,
    /// SLOTS.
    Slots,
    /// SHARDS.
    Shards,
    /// LINKS.
    Links,
    /// REPLICAS id and SLAVES id.
    Replicas {
        /// The primary.
        node: Vec<u8>,
        /// Whether the client uses TLS.
        tls: bool,
    },
    /// COUNT-FAILURE-REPORTS id.
    CountFailureReports(Vec<u8>),
    /// MYID.
    MyId,
    /// MYSHARDID.
    MyShardId,
    /// DEBUG: make a fault.
    Fault(Fault),
}

/// The answer to a [`Request`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// `+OK`.
    Ok,
    /// A status other than OK (BUMPEPOCH).
    Status(String),
    /// An error line, with its first word, without the leading `-`.
    Error(String),
    /// A number.
    Integer(i64),
    /// A bulk string (MYID, NODES, INFO, ...); NODES and INFO are verbatim strings in RESP3.
    Text(String),
    /// An array of bulk strings (REPLICAS).
    Lines(Vec<String>),
    /// CLUSTER SLOTS.
    Slots(Vec<SlotRange>),
    /// CLUSTER SHARDS.
    Shards(Vec<Shard>),
    /// CLUSTER LINKS.
    Links(Vec<LinkRow>),
}

/// One row of CLUSTER SLOTS: a range and who serves it, the primary first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotRange {
    /// First slot.
    pub start: u16,
    /// Last slot.
    pub end: u16,
    /// The primary, then its replicas that have data.
    pub nodes: Vec<NodeRow>,
}

/// One node as clients are told of it. Which port and endpoint a client is given depends on its
/// connection: see [`NodeRow::port`] and [`crate::Endpoint`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeRow {
    /// Its id.
    pub id: NodeId,
    /// Its address; empty if not known.
    pub ip: IpText,
    /// Its plain port, 0 if it has none.
    pub tcp_port: u16,
    /// Its TLS port, 0 if it has none.
    pub tls_port: u16,
    /// Its host name; empty if it announced none.
    pub hostname: String,
    /// What to tell clients in place of an address.
    pub endpoint: crate::view::Endpoint,
}

impl NodeRow {
    /// The port for a client that is connected with or without TLS.
    pub fn port(&self, tls: bool) -> u16 {
        if tls && self.tls_port != 0 {
            self.tls_port
        } else {
            self.tcp_port
        }
    }
}

/// Health words of CLUSTER SHARDS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    /// Serving.
    Online,
    /// A replica without data yet.
    Loading,
    /// Failed.
    Fail,
}

impl Health {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Health::Online => "online",
            Health::Loading => "loading",
            Health::Fail => "fail",
        }
    }
}

/// One node of a shard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardNode {
    /// Address, ports, names.
    pub row: NodeRow,
    /// Whether it is the primary.
    pub primary: bool,
    /// Replication offset.
    pub offset: i64,
    /// Health.
    pub health: Health,
}

/// One shard of CLUSTER SHARDS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shard {
    /// The shard's id.
    pub id: ShardId,
    /// Slot ranges, both ends included.
    pub slots: Vec<(u16, u16)>,
    /// Its nodes.
    pub nodes: Vec<ShardNode>,
}

/// One link of CLUSTER LINKS. The driver adds the sizes of its buffers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkRow {
    /// Which link.
    pub link: LinkId,
    /// The node at its far end.
    pub node: NodeId,
    /// When it came up.
    pub created: UnixMs,
    /// Bytes allocated for output.
    pub buffer_allocated: u64,
    /// Bytes waiting for output.
    pub buffer_used: u64,
}
