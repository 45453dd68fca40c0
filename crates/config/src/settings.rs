//! The settings: one typed field per option.

use crate::choices::{
    AppendFsync, DisklessLoad, EndpointType, EvictionPolicy, LogLevel, OomScoreAdj,
    PropagationError, ProtectedAction, PubsubDefault, SanitizeDump, Supervised, SyslogFacility,
    TlsAuthClients, VersionCheck,
};
use crate::values::{NotifyEvents, OutputLimits, ReplicaOf, SavePoint, ShutdownOn};

/// Defines the settings, and settings with nothing in them.
macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $ty:ty,)*) => {
        /// All settings. Every field is the option of the same name, with `_` for `-`. Numbers of
        /// bytes are `u64`, other numbers `i64`; texts are bytes, and empty where nothing is set.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Config {
            $($(#[$doc])* pub $name: $ty,)*
        }

        impl Config {
            pub(crate) fn blank() -> Config {
                Config { $($name: <$ty>::default(),)* }
            }
        }
    };
}

settings! {
    /// TCP port for clients; 0: none.
    port: i64,
    /// Addresses to listen on, as written; a leading `-` lets the address be missing.
    bind: Vec<Vec<u8>>,
    /// Address that outgoing connections to masters and nodes come from; empty: any.
    bind_source_addr: Vec<u8>,
    /// Without password, serve this machine only.
    protected_mode: bool,
    /// Path of the unix socket; empty: none.
    unixsocket: Vec<u8>,
    /// Permission bits of the unix socket; 0: as the umask leaves them.
    unixsocketperm: i64,
    /// Length of the accept queue.
    tcp_backlog: i64,
    /// Seconds after which an idle client is closed; 0: never.
    timeout: i64,
    /// Seconds between probes of idle connections; 0: none.
    tcp_keepalive: i64,
    /// Most client connections at a time.
    maxclients: i64,
    /// Worker threads; 0: one for each core.
    io_threads: i64,
    /// Taken for the sake of old files: workers always read themselves.
    io_threads_do_reads: bool,
    /// Most bytes of one client's unread or unfinished requests.
    client_query_buffer_limit: u64,
    /// Bounds of replies waiting to be sent, by class of client.
    client_output_buffer_limit: OutputLimits,
    /// Most bytes of one argument.
    proto_max_bulk_len: u64,
    /// Most connections accepted by a wake-up of a worker.
    max_new_connections_per_cycle: i64,
    /// Most TLS connections accepted by a wake-up of a worker.
    max_new_tls_connections_per_cycle: i64,
    /// Mark on outgoing packets, for the firewall.
    socket_mark_id: i64,
    /// Most memory of all clients together, in bytes or, negative, in percent of maxmemory.
    maxmemory_clients: i64,
    /// Detach from the terminal.
    daemonize: bool,
    /// File that the process id is written to; empty: none, or a default one if daemonized.
    pidfile: Vec<u8>,
    /// Which supervisor is told when the server is ready.
    supervised: Supervised,
    /// Least important lines that are logged.
    loglevel: LogLevel,
    /// Log file; empty: standard output.
    logfile: Vec<u8>,
    /// Log to syslog too.
    syslog_enabled: bool,
    /// Name that syslog lines carry.
    syslog_ident: Vec<u8>,
    /// Facility of syslog lines.
    syslog_facility: SyslogFacility,
    /// Show the start-up picture even when not on a terminal.
    always_show_logo: bool,
    /// Let the process list show the server's address and mode.
    set_proc_title: bool,
    /// What the process list shows.
    proc_title_template: Vec<u8>,
    /// Number of databases.
    databases: i64,
    /// How often a second periodic work is done, 1 to 500.
    hz: i64,
    /// More periodic work with more clients.
    dynamic_hz: bool,
    /// Working directory, where data files go.
    dir: Vec<u8>,
    /// Password of the default user; empty: none.
    requirepass: Vec<u8>,
    /// Channels that a new user may use.
    acl_pubsub_default: PubsubDefault,
    /// File of users.
    aclfile: Vec<u8>,
    /// Entries kept of refused accesses.
    acllog_max_len: i64,
    /// Who may change protected options while the server runs.
    enable_protected_configs: ProtectedAction,
    /// Who may use DEBUG.
    enable_debug_command: ProtectedAction,
    /// Who may use MODULE.
    enable_module_command: ProtectedAction,
    /// Costly self-checks, for tests.
    enable_debug_assert: bool,
    /// Seconds that a shutdown waits for replicas.
    shutdown_timeout: i64,
    /// How SIGINT shuts the server down.
    shutdown_on_sigint: ShutdownOn,
    /// How SIGTERM shuts the server down.
    shutdown_on_sigterm: ShutdownOn,
    /// Write a report on a crash.
    crash_log_enabled: bool,
    /// Check the memory on a crash.
    crash_memcheck_enabled: bool,
    /// End without a core file on a panic.
    use_exit_on_panic: bool,
    /// Milliseconds after which a stalled main loop is logged.
    watchdog_period: i64,
    /// Turn huge pages off for the process.
    disable_thp: bool,
    /// Whether the kernel's choice of victims is influenced.
    oom_score_adj: OomScoreAdj,
    /// Scores of a master, a replica and a background child.
    oom_score_adj_values: [i64; 3],
    /// Processors for the workers.
    server_cpulist: Vec<u8>,
    /// Processors for background threads.
    bio_cpulist: Vec<u8>,
    /// Processors for rewriting the append-only file.
    aof_rewrite_cpulist: Vec<u8>,
    /// Processors for saving in the background.
    bgsave_cpulist: Vec<u8>,
    /// Start-up warnings not to stop for.
    ignore_warnings: Vec<u8>,
    /// Locale whose order SORT ALPHA uses; empty: that of the bytes.
    locale_collate: Vec<u8>,
    /// Seed of the hash function of keys; empty: random at every start.
    hash_seed: Vec<u8>,
    /// Keep keys and values out of crash reports.
    hide_user_data_from_log: bool,
    /// What to do when a command from the master fails.
    propagation_error_behavior: PropagationError,
    /// When to save by itself: pairs of seconds and changes.
    save: Vec<SavePoint>,
    /// Refuse writes while saving fails.
    stop_writes_on_bgsave_error: bool,
    /// Compress strings in RDB files.
    rdbcompression: bool,
    /// Write and check the checksum of RDB files.
    rdbchecksum: bool,
    /// Name of the RDB file.
    dbfilename: Vec<u8>,
    /// Delete RDB files made only for replication.
    rdb_del_sync_files: bool,
    /// Sync an RDB file piece by piece while writing it.
    rdb_save_incremental_fsync: bool,
    /// Which payloads are checked in depth; here all are.
    sanitize_dump_payload: SanitizeDump,
    /// Microseconds to wait after each key saved, for tests; negative: keys per microsecond.
    rdb_key_save_delay: i64,
    /// Microseconds to wait after each key loaded, for tests; negative: keys per microsecond.
    key_load_delay: i64,
    /// Bytes loaded between looks at the sockets.
    loading_process_events_interval_bytes: i64,
    /// Keep an append-only file.
    appendonly: bool,
    /// Base name of the append-only files.
    appendfilename: Vec<u8>,
    /// Directory of the append-only files, below `dir`.
    appenddirname: Vec<u8>,
    /// When the append-only file is synced.
    appendfsync: AppendFsync,
    /// Do not sync while a rewrite or a save runs.
    no_appendfsync_on_rewrite: bool,
    /// Growth in percent that starts a rewrite; 0: never.
    auto_aof_rewrite_percentage: i64,
    /// Least size in bytes for a rewrite to start by itself.
    auto_aof_rewrite_min_size: u64,
    /// Load an append-only file that ends in the middle of a command.
    aof_load_truncated: bool,
    /// Begin a rewritten append-only file with an RDB image.
    aof_use_rdb_preamble: bool,
    /// Write the time into the append-only file.
    aof_timestamp_enabled: bool,
    /// Sync a rewritten append-only file piece by piece.
    aof_rewrite_incremental_fsync: bool,
    /// Keep append-only files that are no longer needed.
    aof_disable_auto_gc: bool,
    /// Host and port of the master; empty: none.
    replicaof: Option<ReplicaOf>,
    /// User name for the master.
    masteruser: Vec<u8>,
    /// Password for the master.
    masterauth: Vec<u8>,
    /// Answer while the link to the master is down.
    replica_serve_stale_data: bool,
    /// Refuse writes of clients on a replica.
    replica_read_only: bool,
    /// Address that a replica tells its master; empty: that of the connection.
    replica_announce_ip: Vec<u8>,
    /// Port that a replica tells its master; 0: its own.
    replica_announce_port: i64,
    /// Let sentinels know this replica.
    replica_announced: bool,
    /// Rank among replicas for promotion; 0: never.
    replica_priority: i64,
    /// A replica does not evict by itself.
    replica_ignore_maxmemory: bool,
    /// Free the old data in the background before a full sync; here it always is.
    replica_lazy_flush: bool,
    /// A replica goes on though it cannot write its disk.
    replica_ignore_disk_write_errors: bool,
    /// Send a full sync without a file.
    repl_diskless_sync: bool,
    /// Seconds to wait for more replicas before a full sync.
    repl_diskless_sync_delay: i64,
    /// Replicas that end the wait before a full sync; 0: none does.
    repl_diskless_sync_max_replicas: i64,
    /// How a replica loads a full sync.
    repl_diskless_load: DisklessLoad,
    /// Seconds between pings to replicas.
    repl_ping_replica_period: i64,
    /// Seconds without news after which a replication link is closed.
    repl_timeout: i64,
    /// Let small packets to replicas wait.
    repl_disable_tcp_nodelay: bool,
    /// Bytes of the stream kept for partial resync.
    repl_backlog_size: u64,
    /// Seconds without replicas after which the backlog is freed; 0: never.
    repl_backlog_ttl: i64,
    /// Replicas without which writes are refused.
    min_replicas_to_write: i64,
    /// Seconds of lag up to which a replica counts for that.
    min_replicas_max_lag: i64,
    /// Be a node of a cluster.
    cluster_enabled: bool,
    /// File of the cluster's state, written by the node.
    cluster_config_file: Vec<u8>,
    /// Milliseconds of silence after which a node counts as failing.
    cluster_node_timeout: i64,
    /// Milliseconds between pings to random nodes; 0: the usual second.
    cluster_ping_interval: i64,
    /// Port of the cluster bus; 0: the port for clients plus 10000.
    cluster_port: i64,
    /// Address told to other nodes; empty: the one they see.
    cluster_announce_ip: Vec<u8>,
    /// Port for clients told to other nodes; 0: the real one.
    cluster_announce_port: i64,
    /// TLS port told to other nodes; 0: the real one.
    cluster_announce_tls_port: i64,
    /// Bus port told to other nodes; 0: the real one.
    cluster_announce_bus_port: i64,
    /// Host name told to other nodes; empty: none.
    cluster_announce_hostname: Vec<u8>,
    /// Name for people, shown in logs; empty: none.
    cluster_announce_human_nodename: Vec<u8>,
    /// What redirections and CLUSTER SLOTS name nodes by.
    cluster_preferred_endpoint_type: EndpointType,
    /// Serve nothing unless every slot has an owner.
    cluster_require_full_coverage: bool,
    /// Serve reads though the cluster is down.
    cluster_allow_reads_when_down: bool,
    /// Serve shard channels though the cluster is down.
    cluster_allow_pubsubshard_when_down: bool,
    /// Let replicas move to masters that have none.
    cluster_allow_replica_migration: bool,
    /// Replicas a master keeps when one moves away.
    cluster_migration_barrier: i64,
    /// Node time-outs of silence that rule a replica out of elections; 0: never.
    cluster_replica_validity_factor: i64,
    /// Never start an election by itself.
    cluster_replica_no_failover: bool,
    /// Most bytes waiting on a bus link; 0: no limit.
    cluster_link_sendbuf_limit: u64,
    /// Keep statistics for each slot.
    cluster_slot_stats_enabled: bool,
    /// Most bytes of data; 0: no limit.
    maxmemory: u64,
    /// What to evict at the limit.
    maxmemory_policy: EvictionPolicy,
    /// Keys looked at for each eviction.
    maxmemory_samples: i64,
    /// How long to try to evict.
    maxmemory_eviction_tenacity: i64,
    /// How hard to look for expired keys.
    active_expire_effort: i64,
    /// Free evicted values in the background.
    lazyfree_lazy_eviction: bool,
    /// Free expired values in the background; here large ones always are.
    lazyfree_lazy_expire: bool,
    /// Free overwritten values in the background; here large ones always are.
    lazyfree_lazy_server_del: bool,
    /// Let DEL be UNLINK.
    lazyfree_lazy_user_del: bool,
    /// Let FLUSHALL and FLUSHDB be ASYNC.
    lazyfree_lazy_user_flush: bool,
    /// How slowly use counters grow.
    lfu_log_factor: i64,
    /// Minutes after which use counters shrink.
    lfu_decay_time: i64,
    /// Move tables to their new size while idle.
    activerehashing: bool,
    /// Move values to defragment memory.
    activedefrag: bool,
    /// Least share of time for that, in percent.
    active_defrag_cycle_min: i64,
    /// Largest share of time for that, in percent.
    active_defrag_cycle_max: i64,
    /// Percent of fragmentation that starts it.
    active_defrag_threshold_lower: i64,
    /// Percent of fragmentation that asks for full effort.
    active_defrag_threshold_upper: i64,
    /// Bytes of fragmentation not worth it.
    active_defrag_ignore_bytes: u64,
    /// Elements above which a collection is handled apart.
    active_defrag_max_scan_fields: i64,
    /// Let the allocator purge in the background.
    jemalloc_bg_thread: bool,
    /// Keys remembered for clients that keep copies.
    tracking_table_max_keys: i64,
    /// Fields up to which a hash is a listpack.
    hash_max_listpack_entries: i64,
    /// Bytes of a field or value up to which a hash is a listpack.
    hash_max_listpack_value: u64,
    /// Size of a list's nodes: elements, or negative: -1 to -5 for 4 to 64 KB.
    list_max_listpack_size: i64,
    /// Nodes at each end of a list that are not compressed; 0: none is.
    list_compress_depth: i64,
    /// Members up to which a set of integers is an intset.
    set_max_intset_entries: i64,
    /// Members up to which a set is a listpack.
    set_max_listpack_entries: i64,
    /// Bytes of a member up to which a set is a listpack.
    set_max_listpack_value: i64,
    /// Members up to which a sorted set is a listpack.
    zset_max_listpack_entries: i64,
    /// Bytes of a member up to which a sorted set is a listpack.
    zset_max_listpack_value: u64,
    /// Bytes up to which a cardinality estimate is sparse.
    hll_sparse_max_bytes: u64,
    /// Bytes of a stream's node.
    stream_node_max_bytes: u64,
    /// Entries of a stream's node.
    stream_node_max_entries: i64,
    /// Microseconds above which a command enters the slow log; negative: none does.
    slowlog_log_slower_than: i64,
    /// Entries of the slow log.
    slowlog_max_len: i64,
    /// Milliseconds above which an event is sampled; 0: none is.
    latency_monitor_threshold: i64,
    /// Keep the distribution of commands' run times.
    latency_tracking: bool,
    /// Percentiles that INFO shows.
    latency_tracking_info_percentiles: Vec<f64>,
    /// Kinds of key events that are published.
    notify_keyspace_events: NotifyEvents,
    /// Milliseconds after which a running script is reported to others.
    busy_reply_threshold: i64,
    /// Full syncs over a connection of their own.
    dual_channel_replication_enabled: bool,
    /// Speak of Redis where Valkey speaks of itself; here always so.
    extended_redis_compatibility: bool,
    /// Whether files of unknown versions are read; here never.
    rdb_version_check: VersionCheck,
    /// Commands whose keys are fetched ahead together.
    prefetch_batch_max_size: i64,
    /// Bytes above which a request enters a log of large ones; negative: none does.
    commandlog_request_larger_than: i64,
    /// Entries of the log of large requests.
    commandlog_large_request_max_len: i64,
    /// Bytes above which a reply enters a log of large ones; negative: none does.
    commandlog_reply_larger_than: i64,
    /// Entries of the log of large replies.
    commandlog_large_reply_max_len: i64,
    /// TCP port for TLS clients; 0: none.
    tls_port: i64,
    /// TLS on the cluster bus.
    tls_cluster: bool,
    /// TLS to the master.
    tls_replication: bool,
    /// Whether clients must show a certificate.
    tls_auth_clients: TlsAuthClients,
    /// Prefer the server's order of ciphers.
    tls_prefer_server_ciphers: bool,
    /// Let clients resume sessions.
    tls_session_caching: bool,
    /// Sessions kept.
    tls_session_cache_size: i64,
    /// Seconds a session is kept.
    tls_session_cache_timeout: i64,
    /// Certificate.
    tls_cert_file: Vec<u8>,
    /// Key of the certificate.
    tls_key_file: Vec<u8>,
    /// Password of the key.
    tls_key_file_pass: Vec<u8>,
    /// Certificate for outgoing connections.
    tls_client_cert_file: Vec<u8>,
    /// Key for outgoing connections.
    tls_client_key_file: Vec<u8>,
    /// Password of the key for outgoing connections.
    tls_client_key_file_pass: Vec<u8>,
    /// Diffie-Hellman parameters.
    tls_dh_params_file: Vec<u8>,
    /// Certificates of trusted authorities.
    tls_ca_cert_file: Vec<u8>,
    /// Directory of certificates of trusted authorities.
    tls_ca_cert_dir: Vec<u8>,
    /// Versions allowed.
    tls_protocols: Vec<u8>,
    /// Ciphers up to TLS 1.2.
    tls_ciphers: Vec<u8>,
    /// Ciphers of TLS 1.3.
    tls_ciphersuites: Vec<u8>,
}
