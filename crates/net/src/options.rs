//! How the network layer starts, and what it tells of itself.

use std::io;

use crate::listen::Listen;

/// How to start.
pub struct Options {
    /// Number of workers, at least 1.
    pub workers: usize,
    /// Where to listen; may be empty at first.
    pub listen: Vec<Listen>,
    /// `tcp-backlog`
    pub backlog: i32,
    /// `maxclients`
    pub max_clients: usize,
    /// Descriptors with this number or a higher one are kept for what is no connection: files, and
    /// whatever must go on when there are too many clients.
    pub kept_from: usize,
    /// `tcp-keepalive`, in seconds; 0 for none.
    pub keepalive: u64,
    /// Connections wait to be accepted until [`crate::Server::pause_accepting`] says otherwise.
    pub paused: bool,
    /// What a connection is told that comes when there are too many.
    pub full: Vec<u8>,
    /// Is told what happens that no handler hears of. Called from the server's threads.
    pub notice: Box<dyn Fn(Notice) + Send + Sync>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            workers: 1,
            listen: Vec::new(),
            backlog: 511,
            max_clients: 10_000,
            kept_from: usize::MAX,
            keepalive: 300,
            paused: false,
            full: resp::shared::MAX_CLIENTS.to_vec(),
            notice: Box::new(|_| {}),
        }
    }
}

/// What happens outside of any connection.
#[derive(Debug)]
pub enum Notice {
    /// Descriptors or memory for connections ran out. Accepting goes on by itself.
    AcceptFailed(io::Error),
    /// Connections are refused because the descriptors below this number are in use, and the others
    /// kept for what is no connection. Told now and then.
    DescriptorsKept(usize),
    /// A thread's poller failed and the thread has ended: the server is of no use any more.
    PollerFailed(io::Error),
}
