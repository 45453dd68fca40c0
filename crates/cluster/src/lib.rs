//! The cluster machine: everything a node decides as a member of a cluster.
//!
//! [`Cluster`] takes in [`Event`]s and gives out [`Effect`]s: membership and gossip, failure
//! detection, elections and votes, slot ownership by configuration epochs, manual failover, replica
//! migration, the CLUSTER commands, nodes.conf. It does no I/O, reads no clock and draws no
//! randomness but from the seed it is given, so that the same code runs under the real driver and
//! under the simulator.
//!
//! What a command needs for its routing is in the [`View`], a snapshot published whenever something
//! in it changes.
//!
//! # What must never be
//! - A vote, a new epoch or a promotion leaves this node before nodes.conf with it is on disk.
//! - Slots change owner on a claim of an older epoch, unless the owner has given them up.
//! - A decision depends on the wall clock.
#![forbid(unsafe_code)]

mod admin;
mod admin_slots;
mod claim;
mod conf;
mod describe;
mod durable;
mod election;
mod event;
mod fault;
mod forgotten;
mod gossip;
mod index;
mod links;
mod machine;
mod manual;
mod message;
mod node;
mod outbox;
mod ownership;
mod receive;
mod request;
mod rng;
mod roster;
mod serving;
mod settings;
mod silence;
mod tick;
mod view;
mod vote;
mod worth;

pub use conf::{ConfError, NodesConf, fuzz_one};
pub use event::{Effect, Event, Level, LinkId, Now, PersistId, Replication};
pub use fault::{Fault, PacketFilter};
pub use links::Acquaintance;
pub use machine::{Boot, Cluster, Mutants};
pub use request::{
    FailoverKind, Health, LinkRow, NodeRow, Reply, Request, Shard, ShardNode, SlotRange,
};
pub use settings::{EndpointType, Settings};
pub use view::{Endpoint, Role, State, View, ViewNode};

#[cfg(test)]
mod tests;
