//! Drives the cluster machine with sockets, time and nodes.conf.
//!
//! [`start`] gives the machine a thread of its own, which owns the bus port and all links and never
//! waits for a worker or a disk: nodes.conf is written by another thread, everything from outside
//! comes through a mailbox, and what the rest of the server must do is told through [`Hooks`],
//! which must not block either.
#![forbid(unsafe_code)]

mod driver;
mod file;
mod handle;
mod link;
mod mailbox;
mod start;

pub use driver::STRANGERS;
pub use file::{ConfLock, LockError};
pub use handle::{Clock, Handle};
pub use start::{Doors, Hooks, Options, Primary, StartError, start, start_at};

#[cfg(test)]
mod tests;
