//! The kit for tests on real processes: reserve ports, start our servers and real ones in
//! directories of their own, talk to them, cut and delay their links, stop, pause and kill them.
//!
//! Everything here waits by polling with a deadline, never by a fixed sleep, and panics with the
//! servers' logs when something does not come true: a test that cannot get what it needs fails.
//!
//! ```no_run
//! use testkit::{Program, Server};
//! let server = Server::of(Program::Shoal).option("appendonly", "yes").start();
//! let mut conn = server.connect();
//! conn.call(&["SET", "k", "v"]).expect_ok();
//! assert_eq!(conn.call(&["GET", "k"]).text(), "v");
//! ```
#![forbid(unsafe_code)]

mod cluster;
mod conn;
mod follower;
mod grammar;
pub mod history;
mod link;
mod port;
mod process;
mod program;
mod reply;
pub mod script;
mod seed;
mod server;
mod tempdir;
mod wait;

pub use cluster::{Cluster, ClusterPlan};
pub use conn::Conn;
pub use follower::Follower;
pub use grammar::Grammar;
pub use link::{Direction, Link};
pub use port::{Port, reserve, reserve_exact, reserve_many};
pub use process::Process;
pub use program::{Program, Tool, client_path, repository, suite_directory};
pub use reply::Reply;
pub use seed::{Rng, seed};
pub use server::{Server, ServerPlan, StartError};
pub use tempdir::TempDir;
pub use wait::{eventually, until, wait_for};

#[cfg(test)]
mod tests;
