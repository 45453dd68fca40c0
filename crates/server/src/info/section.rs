//! The sections of INFO.

use crate::node::Node;
use crate::traffic::Traffic;
use commands::Cmd;
use engine::Engine;
use engine::clients::flags;
use std::fmt::Write;
use std::sync::atomic::AtomicU64;

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
    Debug,
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
        Section::Debug,
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
            Section::Debug => "debug",
        }
    }

    /// Appends the section.
    pub(super) fn write(self, node: &Node, engine: &Engine, text: &mut String) {
        match self {
            Section::Server => server(node, engine, text),
            Section::Clients => clients(node, engine, text),
            Section::Memory => super::memory::section(node, engine, text),
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
            Section::Latencystats => latency_stats(node, engine, text),
            Section::Cluster => {
                let enabled = u8::from(node.config.read().cluster_enabled);
                put(text, "# Cluster", &[("cluster_enabled", &enabled)]);
            }
            Section::Keyspace => keyspace(node, engine, text),
            Section::Debug => debug(node, text),
        }
    }
}

/// How long the rounds of the workers' loops took. The file is written by a thread of its own.
fn debug(node: &Node, text: &mut String) {
    let totals = node.client_traffic();
    put(
        text,
        "# Debug",
        &[
            ("eventloop_duration_aof_sum", &0),
            (
                "eventloop_duration_cron_sum",
                &(node.traffic().tick_nanoseconds / 1000),
            ),
            (
                "eventloop_duration_max",
                &(totals.longest_round_nanoseconds / 1000),
            ),
            ("eventloop_cmd_per_cycle_max", &totals.most_commands),
        ],
    );
}

/// Appends a headline and fields.
pub(super) fn put(text: &mut String, headline: &str, fields: &[(&str, &dyn std::fmt::Display)]) {
    text.push_str(headline);
    text.push_str("\r\n");
    more(text, fields);
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
    if let Some(left) = node.shutdown.left() {
        let _ = write!(text, "shutdown_in_milliseconds:{left}\r\n");
    }
    let mut listener = 0;
    let mut listen = |line: String| {
        let _ = write!(text, "listener{listener}:{line}\r\n");
        listener += 1;
    };
    if config.port != 0 {
        let binds = config
            .bind
            .iter()
            .map(|address| String::from_utf8_lossy(address));
        let binds: Vec<String> = binds.map(|address| format!("bind={address}")).collect();
        listen(format!("name=tcp,{},port={}", binds.join(","), config.port));
    }
    if !config.unixsocket.is_empty() {
        let path = String::from_utf8_lossy(&config.unixsocket);
        listen(format!("name=unix,bind={path}"));
    }
}

fn clients(node: &Node, engine: &Engine, text: &mut String) {
    let config = node.config.read();
    let all = engine.clients.all();
    let with = |flag: u64| all.iter().filter(|card| card.has_flag(flag)).count();
    let watched = all.iter().map(|card| {
        let watched = &card.numbers.watch;
        watched.load(std::sync::atomic::Ordering::Relaxed)
    });
    let watched: Vec<u64> = watched.filter(|keys| *keys > 0).collect();
    let readings = all.iter().filter_map(|card| card.meter.get());
    let readings: Vec<engine::Reading> = readings.map(|meter| meter.read()).collect();
    let input = readings.iter().map(|reading| reading.query_memory).max();
    let output = readings.iter().map(|reading| reading.output_memory).max();
    let replicas = with(flags::REPLICA);
    let links = node
        .bus()
        .map_or(0, |bus| bus.view().nodes().len().saturating_sub(1) * 2);
    put(
        text,
        "# Clients",
        &[
            ("connected_clients", &(all.len() - replicas)),
            ("cluster_connections", &links),
            ("maxclients", &config.maxclients),
            ("client_recent_max_input_buffer", &input.unwrap_or(0)),
            ("client_recent_max_output_buffer", &output.unwrap_or(0)),
            ("blocked_clients", &with(flags::BLOCKED)),
            ("tracking_clients", &0),
            ("pubsub_clients", &0),
            ("watching_clients", &watched.len()),
            ("clients_in_timeout_table", &0),
            ("total_watched_keys", &watched.iter().sum::<u64>()),
            ("total_blocking_keys", &0),
            ("total_blocking_keys_on_nokey", &0),
        ],
    );
}

fn stats(node: &Node, engine: &Engine, text: &mut String) {
    let traffic = node.traffic();
    let (accepted, rejected) = node.arrivals();
    let (full, partial, refused) = node.replication().hub.sync_counts();
    let rates = &node.rates;
    let kbps = |counter: fn(&Traffic) -> u64| {
        let bytes = rates.of(|counted| counter(&counted.traffic));
        format!("{:.2}", bytes / 1024.0)
    };
    put(
        text,
        "# Stats",
        &[
            ("total_connections_received", &accepted),
            ("total_commands_processed", &engine.stats.total_calls()),
            (
                "instantaneous_ops_per_sec",
                &(rates.of(|counted| counted.commands) as u64),
            ),
            ("total_net_input_bytes", &traffic.bytes_in),
            ("total_net_output_bytes", &traffic.bytes_out),
            ("total_net_repl_input_bytes", &traffic.repl_in),
            ("total_net_repl_output_bytes", &traffic.repl_out),
            ("instantaneous_input_kbps", &kbps(|t| t.bytes_in)),
            ("instantaneous_output_kbps", &kbps(|t| t.bytes_out)),
            ("instantaneous_input_repl_kbps", &kbps(|t| t.repl_in)),
            ("instantaneous_output_repl_kbps", &kbps(|t| t.repl_out)),
            ("rejected_connections", &rejected),
            ("sync_full", &full),
            ("sync_partial_ok", &partial),
            ("sync_partial_err", &refused),
        ],
    );
    keyspace_stats(node, engine, text);
    absent_stats(node, engine, text);
    limit_stats(node, engine, text);
}

/// Appends fields.
fn more(text: &mut String, fields: &[(&str, &dyn std::fmt::Display)]) {
    for (name, value) in fields {
        let _ = write!(text, "{name}:{value}\r\n");
    }
}

fn keyspace_stats(node: &Node, engine: &Engine, text: &mut String) {
    let totals = engine.store.totals();
    let load = |counter: &AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
    more(
        text,
        &[
            ("expired_keys", &totals.expired),
            (
                "expired_stale_perc",
                &format!("{:.2}", load(&node.expiry.stale) as f64 / 1000.0),
            ),
            (
                "expired_time_cap_reached_count",
                &load(&node.expiry.cut_short),
            ),
            (
                "expire_cycle_cpu_milliseconds",
                &(load(&node.expiry.micros) / 1000),
            ),
            ("evicted_keys", &0),
            ("evicted_clients", &0),
            ("total_eviction_exceeded_time", &0),
            ("current_eviction_exceeded_time", &0),
            ("keyspace_hits", &totals.hits),
            ("keyspace_misses", &totals.misses),
        ],
    );
}

/// Fields most of which have no subject here yet.
fn absent_stats(node: &Node, engine: &Engine, text: &mut String) {
    more(
        text,
        &[
            ("pubsub_channels", &0),
            ("pubsub_patterns", &0),
            ("pubsubshard_channels", &0),
            ("latest_fork_usec", &0),
            ("total_forks", &0),
            ("migrate_cached_sockets", &node.links.count()),
            ("slave_expires_tracked_keys", &engine.store.local_expiries()),
            ("active_defrag_hits", &0),
            ("active_defrag_misses", &0),
            ("active_defrag_key_hits", &0),
            ("active_defrag_key_misses", &0),
            ("total_active_defrag_time", &0),
            ("current_active_defrag_time", &0),
            ("tracking_total_keys", &0),
            ("tracking_total_items", &0),
            ("tracking_total_prefixes", &0),
        ],
    );
}

fn limit_stats(node: &Node, engine: &Engine, text: &mut String) {
    let load = |counter: &AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
    let traffic = node.traffic();
    let rounds = node.rates.of(|counted| counted.traffic.rounds);
    let busy = node.rates.of(|counted| counted.traffic.round_nanoseconds);
    let round = if rounds > 0.0 { busy / rounds } else { 0.0 };
    let errors: u64 = engine.stats.errors().iter().map(|(_, count)| count).sum();
    more(
        text,
        &[
            ("unexpected_error_replies", &0),
            ("total_error_replies", &errors),
            ("dump_payload_sanitizations", &0),
            ("total_reads_processed", &traffic.reads),
            ("total_writes_processed", &traffic.writes),
            ("io_threaded_reads_processed", &0),
            ("io_threaded_writes_processed", &0),
            (
                "client_query_buffer_limit_disconnections",
                &load(&node.cut_off.input),
            ),
            (
                "client_output_buffer_limit_disconnections",
                &load(&node.cut_off.output),
            ),
            ("reply_buffer_shrinks", &0),
            ("reply_buffer_expands", &0),
            ("eventloop_cycles", &traffic.rounds),
            (
                "eventloop_duration_sum",
                &(traffic.round_nanoseconds / 1000),
            ),
            (
                "eventloop_duration_cmd_sum",
                &engine.stats.total_microseconds(),
            ),
            ("instantaneous_eventloop_cycles_per_sec", &(rounds as u64)),
            (
                "instantaneous_eventloop_duration_usec",
                &((round / 1000.0) as u64),
            ),
            ("acl_access_denied_auth", &0),
            ("acl_access_denied_cmd", &0),
            ("acl_access_denied_key", &0),
            ("acl_access_denied_channel", &0),
        ],
    );
}

fn cpu(text: &mut String) {
    let (usage, main) = (crate::memory::cpu(), crate::memory::main_thread());
    put(
        text,
        "# CPU",
        &[
            ("used_cpu_sys", &format!("{:.6}", usage.system)),
            ("used_cpu_user", &format!("{:.6}", usage.user)),
            ("used_cpu_sys_children", &"0.000000"),
            ("used_cpu_user_children", &"0.000000"),
            ("used_cpu_sys_main_thread", &format!("{:.6}", main.system)),
            ("used_cpu_user_main_thread", &format!("{:.6}", main.user)),
        ],
    );
}

fn command_stats(engine: &Engine, text: &mut String) {
    text.push_str("# Commandstats\r\n");
    for cmd in Cmd::all() {
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

/// Percentiles of how long commands took, in microseconds.
fn latency_stats(node: &Node, engine: &Engine, text: &mut String) {
    text.push_str("# Latencystats\r\n");
    let config = node.config.read();
    for cmd in Cmd::all() {
        let Some(times) = engine.stats.times(cmd) else {
            continue;
        };
        let percentiles = config
            .latency_tracking_info_percentiles
            .iter()
            .map(|percent| {
                let micros = times.percentile(*percent) as f64 / 1000.0;
                format!("p{percent}={micros:.3}")
            });
        let percentiles: Vec<String> = percentiles.collect();
        let name = cmd.spec().full_name;
        let _ = write!(
            text,
            "latency_percentiles_usec_{name}:{}\r\n",
            percentiles.join(",")
        );
    }
}

fn error_stats(engine: &Engine, text: &mut String) {
    text.push_str("# Errorstats\r\n");
    for (prefix, count) in engine.stats.errors() {
        let _ = write!(text, "errorstat_{prefix}:count={count}\r\n");
    }
}

fn keyspace(node: &Node, engine: &Engine, text: &mut String) {
    let lives = node.expiry.lives.lock().clone();
    text.push_str("# Keyspace\r\n");
    for number in 0..engine.store.databases() {
        let db = engine.store.physical_db(number);
        let (keys, expires) = engine.store.database_size(db);
        if keys > 0 {
            let life = if expires > 0 {
                lives.get(&db).copied()
            } else {
                None
            };
            let life = life.unwrap_or(0);
            let _ = write!(
                text,
                "db{number}:keys={keys},expires={expires},avg_ttl={life}\r\n"
            );
        }
    }
}
