//! The sections of INFO.

use crate::node::Node;
use commands::Cmd;
use engine::Engine;
use engine::clients::flags;
use std::fmt::Write;

/// A section of INFO.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Section {
    Server,
    Clients,
    Memory,
    Persistence,
    Stats,
    Replication,
    Cpu,
    Modules,
    Commandstats,
    Errorstats,
    Latencystats,
    Cluster,
    Keyspace,
}

impl Section {
    /// All sections, in the order in which INFO shows them.
    pub(super) const ALL: &[Section] = &[
        Section::Server,
        Section::Clients,
        Section::Memory,
        Section::Persistence,
        Section::Stats,
        Section::Replication,
        Section::Cpu,
        Section::Modules,
        Section::Commandstats,
        Section::Errorstats,
        Section::Latencystats,
        Section::Cluster,
        Section::Keyspace,
    ];

    /// The name that INFO takes.
    pub(super) fn name(self) -> &'static str {
        match self {
            Section::Server => "server",
            Section::Clients => "clients",
            Section::Memory => "memory",
            Section::Persistence => "persistence",
            Section::Stats => "stats",
            Section::Replication => "replication",
            Section::Cpu => "cpu",
            Section::Modules => "modules",
            Section::Commandstats => "commandstats",
            Section::Errorstats => "errorstats",
            Section::Latencystats => "latencystats",
            Section::Cluster => "cluster",
            Section::Keyspace => "keyspace",
        }
    }

    /// Appends the section.
    pub(super) fn write(self, node: &Node, engine: &Engine, text: &mut String) {
        match self {
            Section::Server => server(node, engine, text),
            Section::Clients => clients(node, engine, text),
            Section::Memory => memory(node, engine, text),
            Section::Persistence => {
                text.push_str("# Persistence\r\n");
                text.push_str(&crate::persistence::info(node, engine));
            }
            Section::Stats => stats(node, engine, text),
            Section::Replication => {
                text.push_str("# Replication\r\n");
                text.push_str(&crate::replication::info(node));
            }
            Section::Cpu => cpu(text),
            Section::Modules => text.push_str("# Modules\r\n"),
            Section::Commandstats => command_stats(engine, text),
            Section::Errorstats => error_stats(engine, text),
            Section::Latencystats => text.push_str("# Latencystats\r\n"),
            Section::Cluster => {
                let enabled = u8::from(node.config.read().cluster_enabled);
                put(text, "# Cluster", &[("cluster_enabled", &enabled)]);
            }
            Section::Keyspace => keyspace(engine, text),
        }
    }
}

/// Appends a headline and fields.
fn put(text: &mut String, headline: &str, fields: &[(&str, &dyn std::fmt::Display)]) {
    text.push_str(headline);
    text.push_str("\r\n");
    for (name, value) in fields {
        let _ = write!(text, "{name}:{value}\r\n");
    }
}

fn server(node: &Node, engine: &Engine, text: &mut String) {
    let _ = engine;
    let config = node.config.read();
    let mode = if config.cluster_enabled {
        "cluster"
    } else {
        "standalone"
    };
    let system = rustix::system::uname();
    let os = format!(
        "{} {} {}",
        system.sysname().to_string_lossy(),
        system.release().to_string_lossy(),
        system.machine().to_string_lossy()
    );
    let uptime = node.started.elapsed().as_secs();
    let program = std::env::current_exe().map(|path| path.display().to_string());
    let file = node
        .config_file()
        .map(|path| path.display().to_string())
        .unwrap_or_default();
    let supervised = config.supervised.word();
    let now = engine::wall_us();
    put(
        text,
        "# Server",
        &[
            ("redis_version", &crate::REDIS_VERSION),
            ("redis_git_sha1", &"00000000"),
            ("redis_git_dirty", &0),
            ("redis_build_id", &"0"),
            ("redis_mode", &mode),
            ("shoal_version", &env!("CARGO_PKG_VERSION")),
            ("os", &os),
            ("arch_bits", &usize::BITS),
            ("monotonic_clock", &"POSIX clock_gettime"),
            ("multiplexing_api", &"epoll"),
            ("atomicvar_api", &"rust"),
            ("gcc_version", &"0.0.0"),
            ("process_id", &std::process::id()),
            ("process_supervised", &supervised),
            ("run_id", &node.run_id),
            ("tcp_port", &config.port),
            ("server_time_usec", &now),
            ("uptime_in_seconds", &uptime),
            ("uptime_in_days", &(uptime / 86_400)),
            ("hz", &config.hz),
            ("configured_hz", &config.hz),
            ("lru_clock", &engine::access::lru_clock(now / 1000)),
            ("executable", &program.unwrap_or_default()),
            ("config_file", &file),
            (
                "io_threads_active",
                &u8::from(crate::boot::workers(&config) > 1),
            ),
        ],
    );
}

fn clients(node: &Node, engine: &Engine, text: &mut String) {
    let config = node.config.read();
    let all = engine.clients.all();
    let with = |flag: u64| all.iter().filter(|card| card.has_flag(flag)).count();
    let watching = all
        .iter()
        .filter(|card| {
            card.numbers
                .watch
                .load(std::sync::atomic::Ordering::Relaxed)
                > 0
        })
        .count();
    put(
        text,
        "# Clients",
        &[
            ("connected_clients", &all.len()),
            ("cluster_connections", &0),
            ("maxclients", &config.maxclients),
            ("client_recent_max_input_buffer", &0),
            ("client_recent_max_output_buffer", &0),
            ("blocked_clients", &with(flags::BLOCKED)),
            ("tracking_clients", &0),
            ("pubsub_clients", &0),
            ("watching_clients", &watching),
            ("clients_in_timeout_table", &0),
            ("total_watched_keys", &0),
            ("total_blocking_keys", &0),
            ("total_blocking_keys_on_nokey", &0),
        ],
    );
}

fn memory(node: &Node, engine: &Engine, text: &mut String) {
    let memory = crate::memory::read();
    let config = node.config.read();
    let human = |bytes: u64| {
        let bytes = bytes as f64;
        match bytes {
            _ if bytes < 1024.0 => format!("{bytes}B"),
            _ if bytes < 1024.0 * 1024.0 => format!("{:.2}K", bytes / 1024.0),
            _ if bytes < 1024.0 * 1024.0 * 1024.0 => format!("{:.2}M", bytes / 1048576.0),
            _ => format!("{:.2}G", bytes / 1073741824.0),
        }
    };
    let ratio = memory.rss as f64 / memory.used.max(1) as f64;
    let pending = engine.store.pending_garbage();
    put(
        text,
        "# Memory",
        &[
            ("used_memory", &memory.used),
            ("used_memory_human", &human(memory.used)),
            ("used_memory_rss", &memory.rss),
            ("used_memory_rss_human", &human(memory.rss)),
            ("used_memory_peak", &memory.peak),
            ("used_memory_peak_human", &human(memory.peak)),
            ("used_memory_overhead", &0),
            ("used_memory_startup", &memory.startup),
            (
                "used_memory_dataset",
                &memory.used.saturating_sub(memory.startup),
            ),
            ("allocator_allocated", &memory.used),
            ("allocator_active", &memory.active),
            ("allocator_resident", &memory.resident),
            ("total_system_memory", &memory.total),
            ("total_system_memory_human", &human(memory.total)),
            ("maxmemory", &config.maxmemory),
            ("maxmemory_human", &human(config.maxmemory)),
            ("maxmemory_policy", &config.maxmemory_policy.word()),
            ("mem_fragmentation_ratio", &format!("{ratio:.2}")),
            (
                "mem_fragmentation_bytes",
                &memory.rss.saturating_sub(memory.used),
            ),
            ("mem_not_counted_for_evict", &0),
            ("mem_replication_backlog", &engine.store.journal.retained()),
            (
                "mem_total_replication_buffers",
                &engine.store.journal.retained(),
            ),
            ("mem_snapshot_images", &engine.store.tap_bytes()),
            ("mem_clients_slaves", &0),
            ("mem_clients_normal", &0),
            ("mem_cluster_links", &0),
            ("mem_aof_buffer", &0),
            ("mem_allocator", &"jemalloc-5.3.1"),
            ("active_defrag_running", &0),
            ("lazyfree_pending_objects", &pending),
            ("lazyfreed_objects", &0),
        ],
    );
}

fn stats(node: &Node, engine: &Engine, text: &mut String) {
    let totals = engine.store.totals();
    let traffic = node.traffic();
    let (accepted, rejected) = node.arrivals();
    put(
        text,
        "# Stats",
        &[
            ("total_connections_received", &accepted),
            ("total_commands_processed", &engine.stats.total_calls()),
            ("instantaneous_ops_per_sec", &node.rates.operations()),
            ("total_net_input_bytes", &traffic.0),
            ("total_net_output_bytes", &traffic.1),
            ("total_net_repl_input_bytes", &0),
            ("total_net_repl_output_bytes", &0),
            ("instantaneous_input_kbps", &"0.00"),
            ("instantaneous_output_kbps", &"0.00"),
            ("rejected_connections", &rejected),
            ("sync_full", &node.replication().hub.sync_counts().0),
            ("sync_partial_ok", &node.replication().hub.sync_counts().1),
            ("sync_partial_err", &node.replication().hub.sync_counts().2),
            ("expired_keys", &totals.expired),
            ("expired_stale_perc", &"0.00"),
            ("expired_time_cap_reached_count", &0),
            ("evicted_keys", &0),
            ("evicted_clients", &0),
            ("total_eviction_exceeded_time", &0),
            ("keyspace_hits", &totals.hits),
            ("keyspace_misses", &totals.misses),
            ("pubsub_channels", &0),
            ("pubsub_patterns", &0),
            ("latest_fork_usec", &0),
            ("total_forks", &0),
            ("migrate_cached_sockets", &node.links.count()),
            ("slave_expires_tracked_keys", &0),
            (
                "total_error_replies",
                &engine.stats.errors().iter().map(|(_, n)| n).sum::<u64>(),
            ),
            ("total_reads_processed", &0),
            ("total_writes_processed", &0),
        ],
    );
}

fn cpu(text: &mut String) {
    let usage = crate::memory::cpu();
    put(
        text,
        "# CPU",
        &[
            ("used_cpu_sys", &format!("{:.6}", usage.system)),
            ("used_cpu_user", &format!("{:.6}", usage.user)),
            ("used_cpu_sys_children", &"0.000000"),
            ("used_cpu_user_children", &"0.000000"),
        ],
    );
}

fn command_stats(engine: &Engine, text: &mut String) {
    text.push_str("# Commandstats\r\n");
    for cmd in (0..Cmd::COUNT).filter_map(Cmd::from_index) {
        let stats = engine.stats.of(cmd);
        if stats.calls + stats.rejected == 0 {
            continue;
        }
        let each = stats.microseconds as f64 / stats.calls.max(1) as f64;
        let _ = write!(
            text,
            "cmdstat_{}:calls={},usec={},usec_per_call={each:.2},rejected_calls={},\
             failed_calls={}\r\n",
            cmd.spec().full_name,
            stats.calls,
            stats.microseconds,
            stats.rejected,
            stats.failed
        );
    }
}

fn error_stats(engine: &Engine, text: &mut String) {
    text.push_str("# Errorstats\r\n");
    for (prefix, count) in engine.stats.errors() {
        let _ = write!(text, "errorstat_{prefix}:count={count}\r\n");
    }
}

fn keyspace(engine: &Engine, text: &mut String) {
    text.push_str("# Keyspace\r\n");
    for number in 0..engine.store.databases() {
        let (keys, expires) = engine.store.database_size(engine.store.physical_db(number));
        if keys > 0 {
            let _ = write!(
                text,
                "db{number}:keys={keys},expires={expires},avg_ttl=0\r\n"
            );
        }
    }
}
