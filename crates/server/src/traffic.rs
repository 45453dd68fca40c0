//! Bytes over the connections of clients and over those of replication, and the rounds of the
//! workers that carry them.

use crate::node::Node;
use parking_lot::Mutex;

/// What went over all connections since the start, or since CONFIG RESETSTAT.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    /// Bytes read, those of replication included.
    pub(crate) bytes_in: u64,
    /// Bytes written, those of replication included.
    pub(crate) bytes_out: u64,
    /// Bytes that the primary sent.
    pub(crate) repl_in: u64,
    /// Bytes for replicas.
    pub(crate) repl_out: u64,
    /// How often a client's socket was read.
    pub(crate) reads: u64,
    /// How often a client's socket was written to.
    pub(crate) writes: u64,
    /// Rounds of the workers' loops.
    pub(crate) rounds: u64,
    /// How long they took.
    pub(crate) round_nanoseconds: u64,
    /// How long the workers' periodic tasks took, which are part of them.
    pub(crate) tick_nanoseconds: u64,
}

impl Traffic {
    fn less(self, before: Traffic) -> Traffic {
        Traffic {
            bytes_in: self.bytes_in - before.bytes_in,
            bytes_out: self.bytes_out - before.bytes_out,
            repl_in: self.repl_in - before.repl_in,
            repl_out: self.repl_out - before.repl_out,
            reads: self.reads - before.reads,
            writes: self.writes - before.writes,
            rounds: self.rounds - before.rounds,
            round_nanoseconds: self.round_nanoseconds - before.round_nanoseconds,
            tick_nanoseconds: self.tick_nanoseconds - before.tick_nanoseconds,
        }
    }
}

/// The counters as they were at the last CONFIG RESETSTAT.
#[derive(Default)]
pub(crate) struct Baseline(Mutex<Traffic>);

impl Node {
    /// What went over all connections since the start.
    fn all_traffic(&self) -> Traffic {
        let clients = self.client_traffic();
        let links = self.replication().hub.traffic().carried();
        Traffic {
            bytes_in: clients.bytes_in + links.from_replicas + links.from_primary,
            bytes_out: clients.bytes_out + links.to_primary + links.to_replicas,
            repl_in: links.from_primary,
            repl_out: links.to_replicas,
            reads: clients.reads,
            writes: clients.writes,
            rounds: clients.rounds,
            round_nanoseconds: clients.round_nanoseconds,
            tick_nanoseconds: clients.tick_nanoseconds,
        }
    }

    /// What went over all connections since the last CONFIG RESETSTAT.
    pub(crate) fn traffic(&self) -> Traffic {
        // The lock is held meanwhile, so that no baseline is taken in between.
        let baseline = self.traffic_before.0.lock();
        self.all_traffic().less(*baseline)
    }

    /// CONFIG RESETSTAT: counts from here on.
    pub(crate) fn reset_traffic(&self) {
        let mut baseline = self.traffic_before.0.lock();
        *baseline = self.all_traffic();
        self.reset_round_records();
    }
}
