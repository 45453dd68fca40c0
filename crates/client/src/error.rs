//! What can go wrong between asking and having an answer.

use std::io;

use crate::address::Address;
use crate::decode::DecodeError;

/// A failure of a connection or of one request on it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection could be made.
    #[error("Could not connect to Redis at {address}: {}", plain(source))]
    Connect {
        /// The server that was called.
        address: Address,
        /// Why not.
        source: io::Error,
    },
    /// The connection failed while it was in use.
    #[error("{}", plain(.0))]
    Io(io::Error),
    /// The server closed the connection where a reply was due.
    #[error("Server closed the connection")]
    Closed,
    /// No reply came within the connection's time-out.
    #[error("Resource temporarily unavailable")]
    Timeout,
    /// The server sent bytes that are no reply.
    #[error("Protocol error, {0}")]
    Protocol(#[from] DecodeError),
    /// The server answered with an error reply (its text, without the leading minus).
    #[error("{0}")]
    Server(String),
    /// A reply of a shape that the command never gives.
    #[error("unexpected reply to {0}")]
    Shape(&'static str),
    /// Too many redirections, or no node left to ask.
    #[error("{0}")]
    Cluster(String),
}

impl Error {
    /// The error code of a server's error reply: its first word (`MOVED`, `ERR`, ...).
    pub fn code(&self) -> Option<&str> {
        match self {
            Error::Server(text) => text.split(' ').next(),
            _ => None,
        }
    }

    /// Whether the connection is of no further use.
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Error::Server(_) | Error::Shape(_))
    }

    /// Sorts a failed read or write: a time-out is told apart, an end is [`Error::Closed`].
    pub(crate) fn from_io(fault: io::Error) -> Self {
        match fault.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Error::Timeout,
            io::ErrorKind::UnexpectedEof => Error::Closed,
            _ => Error::Io(fault),
        }
    }
}

/// The system's own words for an error, without what Rust's library puts before and after them.
pub(crate) fn plain(fault: &io::Error) -> String {
    let text = fault.to_string();
    let text = text
        .strip_prefix("failed to lookup address information: ")
        .unwrap_or(&text);
    match text.rfind(" (os error ") {
        Some(at) => text[..at].to_owned(),
        None => text.to_owned(),
    }
}
