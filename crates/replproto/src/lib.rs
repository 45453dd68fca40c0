//! The two ends of a replication link as machines: events in, effects out.
//!
//! [`history`] says who may continue from where. [`primary::PrimarySession`] serves one replica,
//! from its handshake to the stream. [`replica::ReplicaSession`] follows a primary. [`schedule`]
//! holds what a primary does for all of its replicas. None of them has a clock, a socket or a file:
//! times come with the events, in milliseconds of any steady clock, and the drivers carry the
//! effects out in their order.
#![forbid(unsafe_code)]

mod effect;
#[doc(hidden)]
pub mod fuzz;
pub mod history;
mod listener;
pub mod primary;
pub mod replica;
pub mod schedule;
mod transfer;
mod units;

pub use effect::Level;
pub use history::{Answer, History, Window};
pub use listener::{Listener, NotCommands};
pub use primary::{PrimaryEffect, PrimarySession, PrimaryView, Role};
pub use replica::{Piece, ReplicaConfig, ReplicaEffect, ReplicaSession, Unit};
pub use schedule::{Heartbeat, Idle};
pub use transfer::{Framing, Mark};
