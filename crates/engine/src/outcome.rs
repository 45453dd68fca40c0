//! How a command ended.

use base::Slot;

/// How a command ended, for whoever owns the connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done, and its reply is written.
    Done,
    /// Nothing was done: another thread has the slot. Execute it again when it is released.
    Busy(Slot),
    /// Nothing was done: the token, or the world, was not to be had. Execute it again when it is
    /// its turn ([`store::Locker::wait_for_token`]).
    Token,
    /// Nothing was done: the data set is being loaded, or a disk is too slow. Execute it again
    /// soon.
    Later,
    /// Nothing was done: this key is on its way to another server. Execute it again when it is
    /// known whether it arrived ([`store::SlotGuard::await_leaving`]).
    Leaving(Box<[u8]>),
    /// Nothing was done: clients are paused. Execute it again when the pause ends.
    Paused,
    /// The reply comes through a ticket.
    Blocked,
    /// Close the connection once its output is sent.
    Close,
    /// Close the connection at once: what it sent was made for another protocol.
    Intruder,
    /// The connection becomes a replica's: its socket goes to replication.
    Replicate,
}

impl Outcome {
    /// Whether nothing was done, and the command is to be executed again.
    pub fn is_undone(&self) -> bool {
        matches!(
            self,
            Outcome::Busy(_)
                | Outcome::Token
                | Outcome::Later
                | Outcome::Leaving(_)
                | Outcome::Paused
        )
    }
}
