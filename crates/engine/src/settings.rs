//! The settings that handlers go by: a plain copy that each worker reads without a lock.

/// Limits and modes. A worker picks up changes at the beginning of a batch.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Longest string, `proto-max-bulk-len`, in bytes.
    pub max_bulk: usize,
    /// `list-max-listpack-size`.
    pub list_max_listpack_size: i32,
    /// `hash-max-listpack-entries`.
    pub hash_max_listpack_entries: usize,
    /// `hash-max-listpack-value`, in bytes.
    pub hash_max_listpack_value: usize,
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

impl Default for Settings {
    /// The defaults of redis.conf 7.2.
    fn default() -> Settings {
        Settings {
            max_bulk: 512 << 20,
            list_max_listpack_size: -2,
            hash_max_listpack_entries: 512,
            hash_max_listpack_value: 64,
            maxmemory: 0,
            replica_ignore_maxmemory: true,
            lfu: false,
            lfu_decay_minutes: 1,
            lfu_log_factor: 10,
            password: Vec::new(),
            cluster: false,
            slowlog_slower_than: 10_000,
            slowlog_max_len: 128,
            latency_threshold: 0,
            latency_tracking: true,
            loading: false,
            replica: false,
            replica_read_only: true,
            stale: false,
            refuse_writes: None,
            disk_failed: false,
            append_only_failure: None,
            commit_gate: false,
            debug: 0,
            lazy_user_del: false,
            lazy_user_flush: false,
            query_buffer_limit: 1 << 30,
            output_limits: [
                (0, 0, 0),
                (256 << 20, 64 << 20, 60),
                (32 << 20, 8 << 20, 60),
            ],
            idle_timeout: 0,
            pause_periodic: false,
            active_expire: true,
        }
    }
}
