//! The settings that handlers go by: a plain copy that each worker reads without a lock.

#[cfg(test)]
mod tests;

use config::{Config, ProtectedAction};
use ds::{HashLimits, Limits, ListLimits};

/// Limits and modes. A worker picks up changes at the beginning of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Longest string, `proto-max-bulk-len`, in bytes.
    pub max_bulk: usize,
    /// When collections change their encoding (`hash-max-listpack-*`, `list-max-listpack-size`).
    pub limits: Limits,
    /// `maxmemory`, in bytes; 0: no limit.
    pub maxmemory: u64,
    /// Whether a replica goes by its primary and not by `maxmemory` (`replica-ignore-maxmemory`).
    pub replica_ignore_maxmemory: bool,
    /// Whether the access field is an LFU counter (`maxmemory-policy`).
    pub lfu: bool,
    /// `lfu-decay-time`, in minutes.
    pub lfu_decay_minutes: u32,
    /// `lfu-log-factor`.
    pub lfu_log_factor: u32,
    /// `requirepass`; empty: nobody has to log in.
    pub password: Vec<u8>,
    /// Whether keys of commands must lie in one slot that this node serves.
    pub cluster: bool,
    /// `slowlog-log-slower-than`, in microseconds; negative: off.
    pub slowlog_slower_than: i64,
    /// `slowlog-max-len`.
    pub slowlog_max_len: usize,
    /// `latency-monitor-threshold`, in milliseconds; 0: off.
    pub latency_threshold: u64,
    /// `latency-tracking`: whether the times of commands are counted.
    pub latency_tracking: bool,
    /// Whether the data set is being loaded.
    pub loading: bool,
    /// Whether this server follows a primary.
    pub replica: bool,
    /// Whether a replica refuses writes (`replica-read-only`).
    pub replica_read_only: bool,
    /// Whether a replica has lost its primary and must not serve what it has.
    pub stale: bool,
    /// The error that writes get because a save failed or replicas are missing, if any.
    pub refuse_writes: Option<&'static str>,
    /// Whether the last save or write to the append-only file failed, while that stops writes.
    pub disk_failed: bool,
    /// Why writes are refused because the append-only file cannot be written, while that is so.
    pub append_only_failure: Option<std::sync::Arc<str>>,
    /// Whether a reply waits until what it tells of is synced (`appendfsync always`).
    pub commit_gate: bool,
    /// Whether DEBUG may be called: `enable-debug-command` as 0 no, 1 local, 2 yes.
    pub debug: u8,
    /// `lazyfree-lazy-user-del`: DEL is UNLINK.
    pub lazy_user_del: bool,
    /// `lazyfree-lazy-user-flush`: FLUSHALL without SYNC or ASYNC is ASYNC.
    pub lazy_user_flush: bool,
    /// `client-query-buffer-limit`, in bytes.
    pub query_buffer_limit: usize,
    /// `client-output-buffer-limit` of normal clients, replicas and subscribers: the hard limit
    /// and the soft one in bytes, and how long the soft one may be passed, in seconds.
    pub output_limits: [(usize, usize, u64); 3],
    /// `timeout`, in seconds; 0: never.
    pub idle_timeout: u64,
    /// Whether periodic work rests (DEBUG PAUSE-CRON 1).
    pub pause_periodic: bool,
    /// Whether active expiry and lazy deletion rest (DEBUG SET-ACTIVE-EXPIRE 0 rests the former).
    pub active_expire: bool,
}

impl Settings {
    /// Whether a connection may do more than log in: it has, or nobody has to, as long as that is
    /// so.
    #[inline]
    pub fn admits(&self, session: &crate::Session) -> bool {
        session.authenticated || self.password.is_empty()
    }

    /// Whether the server's state refuses no command: what nearly all of them find.
    pub(crate) fn let_all_run(&self) -> bool {
        let refuses = self.loading
            || self.stale
            || self.replica
            || self.refuse_writes.is_some()
            || self.append_only_failure.is_some();
        !refuses
    }

    /// The limit of memory that commands go by, if there is one: none while the data set is loaded,
    /// nor on a replica, which has what its primary has.
    pub(crate) fn memory_limit(&self) -> Option<u64> {
        let spared = self.loading || (self.replica && self.replica_ignore_maxmemory);
        (self.maxmemory > 0 && !spared).then_some(self.maxmemory)
    }
}

/// `enable-debug-command`, as [`Settings::debug`] has it.
fn debug(action: ProtectedAction) -> u8 {
    match action {
        ProtectedAction::No => 0,
        ProtectedAction::Local => 1,
        ProtectedAction::Yes => 2,
    }
}

/// When collections change their encoding.
fn limits(config: &Config) -> Limits {
    Limits {
        hash: HashLimits {
            entries: config.hash_max_listpack_entries as usize,
            value: config.hash_max_listpack_value as usize,
        },
        list: ListLimits {
            listpack_size: config.list_max_listpack_size as i32,
        },
    }
}

/// `client-output-buffer-limit`, as [`Settings::output_limits`] has it.
fn output_limits(config: &Config) -> [(usize, usize, u64); 3] {
    let limits = config.client_output_buffer_limit.classes();
    limits.map(|(_, limit)| {
        let (hard, soft) = (limit.hard as usize, limit.soft as usize);
        (hard, soft, limit.seconds as u64)
    })
}

impl Settings {
    /// What a configuration says, while nothing has happened yet.
    pub fn of(config: &Config) -> Settings {
        Settings {
            max_bulk: config.proto_max_bulk_len as usize,
            limits: limits(config),
            maxmemory: config.maxmemory,
            replica_ignore_maxmemory: config.replica_ignore_maxmemory,
            lfu: config.maxmemory_policy.word().contains("lfu"),
            lfu_decay_minutes: config.lfu_decay_time as u32,
            lfu_log_factor: config.lfu_log_factor as u32,
            password: config.requirepass.clone(),
            cluster: config.cluster_enabled,
            slowlog_slower_than: config.slowlog_log_slower_than,
            slowlog_max_len: config.slowlog_max_len as usize,
            latency_threshold: config.latency_monitor_threshold as u64,
            latency_tracking: config.latency_tracking,
            loading: false,
            replica: false,
            replica_read_only: config.replica_read_only,
            stale: false,
            refuse_writes: None,
            disk_failed: false,
            append_only_failure: None,
            commit_gate: false,
            debug: debug(config.enable_debug_command),
            lazy_user_del: config.lazyfree_lazy_user_del,
            lazy_user_flush: config.lazyfree_lazy_user_flush,
            query_buffer_limit: config.client_query_buffer_limit as usize,
            output_limits: output_limits(config),
            idle_timeout: config.timeout as u64,
            pause_periodic: false,
            active_expire: true,
        }
    }

    /// Takes over what a configuration says; what is state and not configuration stays.
    pub fn follow(&mut self, config: &Config) {
        *self = Settings {
            loading: self.loading,
            replica: self.replica,
            stale: self.stale,
            refuse_writes: self.refuse_writes,
            disk_failed: self.disk_failed,
            append_only_failure: self.append_only_failure.take(),
            commit_gate: self.commit_gate,
            pause_periodic: self.pause_periodic,
            active_expire: self.active_expire,
            ..Settings::of(config)
        };
    }
}

impl Default for Settings {
    /// The defaults that the options' rows give.
    fn default() -> Settings {
        Settings::of(&Config::default())
    }
}
