//! Command handlers, a file or folder for each family.

pub(crate) mod bitmap;
pub(crate) mod client;
pub(crate) mod cluster;
pub(crate) mod command;
pub(crate) mod connection;
pub(crate) mod debug;
pub(crate) mod expire;
pub(crate) mod forward;
pub(crate) mod hash;
pub(crate) mod key;
pub(crate) mod latency;
pub(crate) mod list;
pub(crate) mod memory;
pub(crate) mod object;
pub(crate) mod payload;
pub(crate) mod slow;
pub(crate) mod sort;
pub(crate) mod string;
pub(crate) mod transaction;
pub(crate) mod world;
