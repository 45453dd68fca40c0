//! The command line: redis-cli's options, and the cluster manager.
#![forbid(unsafe_code)]

pub mod arguments;
pub mod cluster;
pub mod connect;
pub mod options;
mod uri;
mod words;

pub use options::Options;
