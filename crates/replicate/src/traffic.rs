//! How many bytes replication links carry.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes over all replication links of a server, since it started. Snapshots count.
#[derive(Debug, Default)]
pub struct Traffic {
    from_primary: AtomicU64,
    to_primary: AtomicU64,
    from_replicas: AtomicU64,
    to_replicas: AtomicU64,
}

/// The same at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Snapshots and stream, as a replica.
    pub from_primary: u64,
    /// The handshake and acknowledgements, as a replica.
    pub to_primary: u64,
    /// Acknowledgements of replicas.
    pub from_replicas: u64,
    /// Snapshots and stream.
    pub to_replicas: u64,
}

impl Traffic {
    /// What was carried so far.
    pub fn carried(&self) -> Carried {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Carried {
            from_primary: load(&self.from_primary),
            to_primary: load(&self.to_primary),
            from_replicas: load(&self.from_replicas),
            to_replicas: load(&self.to_replicas),
        }
    }

    pub(crate) fn read_from_primary(&self, bytes: usize) {
        self.from_primary.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn sent_to_primary(&self, bytes: usize) {
        self.to_primary.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn read_from_replica(&self, bytes: usize) {
        self.from_replicas
            .fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A replica's socket, whose output is counted.
pub(crate) struct ToReplica {
    pub(crate) socket: Arc<TcpStream>,
    pub(crate) traffic: Arc<Traffic>,
}

/// Bytes of a file that are sent between two looks at the counter.
const PIECE: u64 = 64 << 10;

impl ToReplica {
    fn count(&self, bytes: u64) {
        self.traffic.to_replicas.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Sends a piece of a file from where it stands; 0 at its end.
    pub(crate) fn send_piece(&mut self, file: &mut File) -> io::Result<u64> {
        // The socket itself is named, so that the system copies.
        let sent = io::copy(&mut file.take(PIECE), &mut &*self.socket)?;
        self.count(sent);
        Ok(sent)
    }
}

impl Write for ToReplica {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = (&*self.socket).write(bytes)?;
        self.count(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.socket).flush()
    }
}
