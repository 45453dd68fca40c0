//! Command handlers, a file or folder for each family.

pub(crate) mod bitmap;
pub(crate) mod client;
pub(crate) mod cluster;
pub(crate) mod command;
pub(crate) mod config;
pub(crate) mod connection;
pub(crate) mod debug;
pub(crate) mod expire;
pub(crate) mod forward;
pub(crate) mod generic;
pub(crate) mod hash;
pub(crate) mod latency;
pub(crate) mod list;
pub(crate) mod memory;
pub(crate) mod monitor;
pub(crate) mod object;
pub(crate) mod payload;
pub(crate) mod server;
pub(crate) mod slowlog;
pub(crate) mod sort;
pub(crate) mod string;
pub(crate) mod transactions;
