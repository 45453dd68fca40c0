//! The settings as the table's rows begin them, and the bounds that are kept silently.

use crate::settings::Config;
use crate::table::all;

impl Default for Config {
    /// The defaults of Redis 7.2, but for `io-threads`.
    fn default() -> Config {
        let mut config = Config::blank();
        for option in all() {
            option.reset(&mut config);
        }
        config
    }
}

/// Bounds of how often a second periodic work is done.
const HZ: std::ops::RangeInclusive<i64> = 1..=500;

/// Least size of the replication backlog, in bytes.
const MIN_BACKLOG: u64 = 16 << 10;

impl Config {
    /// Brings values into the bounds that Redis keeps silently.
    pub(crate) fn settle(&mut self) {
        self.hz = self.hz.clamp(*HZ.start(), *HZ.end());
        self.repl_backlog_size = self.repl_backlog_size.max(MIN_BACKLOG);
    }
}
