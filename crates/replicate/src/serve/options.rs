//! What serving a replica needs to know of the server.

use base::ReplId;
use replproto::{Level, Role};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use store::{Locker, Tap};

/// Writes the baseline of a tap as an RDB file.
pub type Snapshot = dyn Fn(Tap, &Locker, &mut dyn Write) -> Result<(), String> + Send + Sync;

/// Takes a line for the log.
pub type LogLine = dyn Fn(Level, &str) + Send + Sync;

/// What serving a replica needs to know of the server. Asked anew whenever it is needed.
pub struct ServeOptions {
    /// What this server is.
    pub role: Box<dyn Fn() -> Role + Send + Sync>,
    /// The limits that may change while the replica is served.
    pub limits: Box<dyn Fn() -> ServeLimits + Send + Sync>,
    /// Whether a snapshot is streamed while it is made, if the replica can take that.
    pub diskless: bool,
    /// Whether small pieces of the stream are sent at once (`repl-disable-tcp-nodelay no`).
    pub nodelay: bool,
    /// Where a snapshot that is not streamed is kept.
    pub directory: PathBuf,
    /// Writes the snapshot.
    pub snapshot: Arc<Snapshot>,
    /// Gets log lines.
    pub log: Arc<LogLine>,
    /// Random ids, for a new history and for the marks behind streamed snapshots.
    pub random_id: fn() -> ReplId,
    /// Whether the data set is whole: else no snapshot is made of it. Asked under the world too.
    pub whole: Box<dyn Fn() -> bool + Send + Sync>,
    /// Set when the connection is ended from outside: the replica does not count any more.
    pub closed: Arc<AtomicBool>,
    /// This server is asked to acknowledge to its own primary at once.
    pub acknowledge_now: Box<dyn Fn() + Send + Sync>,
}

/// Limits of a link to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeLimits {
    /// `repl-timeout`, in ms.
    pub timeout_ms: u64,
    /// Bytes of the journal that may wait for the replica (`client-output-buffer-limit replica`);
    /// 0: any.
    pub lag: u64,
    /// `repl-backlog-size`, in bytes.
    pub backlog: u64,
}
