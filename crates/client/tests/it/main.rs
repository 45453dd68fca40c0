//! The client against real servers.

mod cluster;
mod connection;
