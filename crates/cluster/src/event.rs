//! What goes into the machine and what comes out of it.

use crate::request::{Reply, Request};
use crate::settings::Settings;
use base::{NodeId, Offset, SlotSet, UnixMs};
use bus::{IpText, Packet};
use std::sync::Arc;

/// The time of an event. Decisions go by the monotonic clock; the wall clock is only for what
/// others read (gossip, nodes.conf, CLUSTER NODES), so that setting it breaks nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// Monotonic milliseconds, from an origin that does not change while the machine lives.
    pub mono: u64,
    /// Wall clock.
    pub wall: UnixMs,
}

/// One connection to or from another node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LinkId {
    /// Opened by us; numbered by the machine.
    Out(u64),
    /// Accepted; numbered by the driver.
    In(u64),
}

/// Names one request to write nodes.conf; later ones are greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct PersistId(pub u64);

/// The state of replication, told by the data engine whenever it changes and at least ten times a
/// second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Replication {
    /// Bytes of the replication stream produced (primary) or applied (replica).
    pub offset: Offset,
    /// Whose stream is followed; `None` for a primary.
    pub primary: Option<NodeId>,
    /// Whether the link to that primary was ever in sync: the data set is of its history.
    pub synced: bool,
    /// Whether there is a whole data set: not while a full sync puts another one in its place, nor
    /// after one that failed.
    pub whole: bool,
    /// Whether the link to the primary is up and in sync.
    pub connected: bool,
    /// Monotonic milliseconds when something last came over the link to the primary, or, if it is
    /// down, when it went down; `None` if it never was up.
    pub last_heard: Option<u64>,
}

impl Default for Replication {
    /// A node without a link to anybody, with what it has loaded.
    fn default() -> Replication {
        Replication {
            offset: Offset(0),
            primary: None,
            synced: false,
            whole: true,
            connected: false,
            last_heard: None,
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Time passed; to be given every 100 ms.
    Tick,
    /// The moment that [`crate::Cluster::wake_at`] named has come. May be left out: the next tick
    /// does the same, later.
    Due,
    /// Another node connected to us.
    Accepted {
        /// The new link.
        link: LinkId,
        /// Its far end.
        peer: IpText,
        /// Our end: how the peer reaches us.
        local: IpText,
    },
    /// A link asked for by [`Effect::Connect`] is up.
    LinkUp {
        /// The link.
        link: LinkId,
    },
    /// A link was closed, could not be opened, or was dropped for its buffer.
    LinkDown {
        /// The link.
        link: LinkId,
        /// Whether it was dropped because its output passed `cluster-link-sendbuf-limit`.
        overflow: bool,
    },
    /// A packet came.
    Received {
        /// By which link.
        link: LinkId,
        /// The packet.
        packet: Arc<Packet>,
    },
    /// A CLUSTER command; answered by [`Effect::Reply`] with the same token.
    Request {
        /// Chosen by the sender.
        token: u64,
        /// The command.
        request: Request,
    },
    /// nodes.conf of this id is on disk and synced.
    Persisted(PersistId),
    /// It could not be written.
    PersistFailed {
        /// Which.
        id: PersistId,
        /// The system's words.
        reason: String,
    },
    /// Replication moved.
    Replication(Replication),
    /// Clients are paused as asked by [`Effect::PauseClients`]; the offset moves no more.
    Paused {
        /// Where it stands.
        offset: Offset,
    },
    /// The data set was loaded from disk, with keys in these slots.
    DataLoaded(SlotSet),
    /// Since when (monotonic milliseconds) a worker has not come round; `None` if all do.
    WorkersStuck(Option<u64>),
    /// A local PUBLISH or SPUBLISH, to be sent to others.
    Publish {
        /// Channel name.
        channel: Vec<u8>,
        /// The message.
        message: Vec<u8>,
        /// Whether it is for a shard channel.
        sharded: bool,
    },
    /// The configuration changed.
    Settings(Box<Settings>),
}

/// Weight of a log line, as in Redis.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// `.`
    Debug,
    /// `-`
    Verbose,
    /// `*`
    Notice,
    /// `#`
    Warning,
}

/// Something to be done, in the order given.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Open a link; answer with [`Event::LinkUp`] or [`Event::LinkDown`].
    Connect {
        /// The link.
        link: LinkId,
        /// Where to.
        ip: IpText,
        /// The bus port there.
        port: u16,
    },
    /// Close a link. No [`Event::LinkDown`] is to follow.
    Disconnect(LinkId),
    /// Send a packet.
    Send {
        /// By which link.
        link: LinkId,
        /// The packet, shared among all its receivers.
        packet: Arc<Packet>,
    },
    /// Replace nodes.conf by this text and sync it; answer with [`Event::Persisted`] or
    /// [`Event::PersistFailed`]. There is one at a time.
    Persist {
        /// To be named in the answer.
        id: PersistId,
        /// The file's whole text.
        text: String,
    },
    /// What [`crate::Cluster::view`] returns has changed.
    ViewChanged,
    /// This node may serve until this monotonic millisecond, unless told a later one.
    ServeUntil(u64),
    /// Replicate this node from now on. The role in the view has changed already.
    SetReplicaOf {
        /// The primary.
        id: NodeId,
        /// Its address.
        ip: IpText,
        /// Its port for replication (of the kind that `tls-replication` says).
        port: u16,
        /// Its TLS port, 0 if it has none.
        tls_port: u16,
    },
    /// Stop replicating and be a primary.
    BecomePrimary,
    /// Delete the keys of these slots, once no command can see the old route any more. Comes after
    /// the view that says so.
    SlotsLost(SlotSet),
    /// Delete the whole data set (CLUSTER RESET of a replica).
    EmptyData,
    /// Pause writes until this monotonic millisecond and tell [`Event::Paused`].
    PauseClients {
        /// When to go on by itself.
        until: u64,
    },
    /// End the pause. Comes after the view in which this node may be a replica.
    UnpauseClients,
    /// A message for the subscribers here.
    Deliver {
        /// Channel name.
        channel: Vec<u8>,
        /// The message.
        message: Vec<u8>,
        /// Whether it is for a shard channel.
        sharded: bool,
    },
    /// A line for the log.
    Log {
        /// Its weight.
        level: Level,
        /// Its text.
        text: String,
    },
    /// The answer to a request.
    Reply {
        /// The request's token.
        token: u64,
        /// The answer.
        reply: Reply,
    },
}
