//! What a primary does for all of its replicas: the regular PING, and giving up a backlog that
//! nobody needs.

/// Tells when the stream is due for a PING.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    period_ms: u64,
    last: Option<u64>,
}

impl Heartbeat {
    /// The option `repl-ping-replica-period`, in milliseconds.
    pub fn new(period_ms: u64) -> Self {
        Heartbeat {
            period_ms,
            last: None,
        }
    }

    /// Changes the period.
    pub fn set_period(&mut self, period_ms: u64) {
        self.period_ms = period_ms;
    }

    /// True if a PING is to be appended to the stream now. There is none without replicas, and none
    /// while a failover holds the stream still: the offset must not move then.
    pub fn due(&mut self, now: u64, replicas: usize, held: bool) -> bool {
        let since = now.saturating_sub(*self.last.get_or_insert(now));
        if since < self.period_ms {
            return false;
        }
        self.last = Some(now);
        replicas > 0 && !held
    }

    /// The bytes of the PING, in small letters as real primaries write it into the stream.
    pub const PING: &'static [u8] = b"*1\r\n$4\r\nping\r\n";
}

/// Tells when a backlog has been without replicas for too long.
#[derive(Clone, Copy, Debug, Default)]
pub struct Idle {
    since: Option<u64>,
}

impl Idle {
    /// True when the backlog is to be freed and the history forgotten. `limit_ms` is the option
    /// `repl-backlog-ttl`, 0 for never; a replica never frees its own.
    pub fn expired(&mut self, now: u64, replicas: usize, is_replica: bool, limit_ms: u64) -> bool {
        if replicas > 0 || is_replica || limit_ms == 0 {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(now);
        let expired = now.saturating_sub(since) > limit_ms;
        if expired {
            self.since = None;
        }
        expired
    }

    /// The log line for it.
    pub fn log_line(limit_ms: u64) -> String {
        let seconds = limit_ms / 1000;
        format!("Replication backlog freed after {seconds} seconds without connected replicas.")
    }
}

#[cfg(test)]
mod tests;
