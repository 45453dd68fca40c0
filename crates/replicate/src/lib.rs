//! Primary and replica drivers: what carries out the machines of `replproto` with sockets, threads
//! and the store.
//!
//! A primary has two threads for each replica: one sends (first a snapshot taken through tap, then
//! the journal), one receives acknowledgements. A replica has one thread that follows its primary.
#![forbid(unsafe_code)]

mod follow;
mod hub;
mod row;
mod serve;
mod traffic;

pub use follow::{Apply, Connection, Credentials, FollowOptions, Follower, LinkStatus, Terms};
pub use hub::{Hub, ReplicaInfo};
pub use serve::{LogLine, ServeLimits, ServeOptions, Snapshot, serve};
pub use traffic::{Carried, Traffic};

use std::sync::OnceLock;
use std::time::Instant;

/// Milliseconds of a steady clock that began when the process did.
pub fn steady_ms() -> u64 {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    BEGIN.get_or_init(Instant::now).elapsed().as_millis() as u64
}

#[cfg(test)]
mod tests;
