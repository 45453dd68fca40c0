//! Options about masters and replicas.

use crate::checks;
use crate::option::{Kind, Opt, choice, field};
use crate::rows::{INT, LONG, shown, valkey};
use crate::rules;

pub(crate) static ROWS: &[Opt] = &[
    Opt::new("replicaof", "", Kind::Rule(rules::REPLICAOF))
        .aliases(&[shown("slaveof")])
        .immutable(),
    Opt::new(
        "masteruser",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(masteruser),
        },
    )
    .aliases(&[valkey("primaryuser")])
    .sensitive(),
    Opt::new(
        "masterauth",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(masterauth),
        },
    )
    .aliases(&[valkey("primaryauth")])
    .sensitive(),
    Opt::new(
        "replica-serve-stale-data",
        "yes",
        Kind::YesNo(field!(replica_serve_stale_data)),
    )
    .aliases(&[shown("slave-serve-stale-data")]),
    Opt::new(
        "replica-read-only",
        "yes",
        Kind::YesNo(field!(replica_read_only)),
    )
    .aliases(&[shown("slave-read-only")]),
    Opt::new(
        "replica-announce-ip",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(replica_announce_ip),
        },
    )
    .aliases(&[shown("slave-announce-ip")]),
    Opt::new(
        "replica-announce-port",
        "0",
        Kind::Number {
            min: 0,
            max: 65535,
            field: field!(replica_announce_port),
        },
    )
    .aliases(&[shown("slave-announce-port")]),
    Opt::new(
        "replica-announced",
        "yes",
        Kind::YesNo(field!(replica_announced)),
    )
    .stored(),
    Opt::new(
        "replica-priority",
        "100",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(replica_priority),
        },
    )
    .aliases(&[shown("slave-priority")]),
    Opt::new(
        "replica-ignore-maxmemory",
        "yes",
        Kind::YesNo(field!(replica_ignore_maxmemory)),
    )
    .aliases(&[shown("slave-ignore-maxmemory")]),
    Opt::new(
        "replica-lazy-flush",
        "no",
        Kind::YesNo(field!(replica_lazy_flush)),
    )
    .aliases(&[shown("slave-lazy-flush")])
    .stored(),
    Opt::new(
        "replica-ignore-disk-write-errors",
        "no",
        Kind::YesNo(field!(replica_ignore_disk_write_errors)),
    ),
    Opt::new(
        "repl-diskless-sync",
        "yes",
        Kind::YesNo(field!(repl_diskless_sync)),
    ),
    Opt::new(
        "repl-diskless-sync-delay",
        "5",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(repl_diskless_sync_delay),
        },
    )
    .stored(),
    Opt::new(
        "repl-diskless-sync-max-replicas",
        "0",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(repl_diskless_sync_max_replicas),
        },
    )
    .stored(),
    Opt::new(
        "repl-diskless-load",
        "disabled",
        Kind::Choice(choice!(repl_diskless_load: DisklessLoad)),
    )
    .stored()
    .fixed_while_loading(),
    Opt::new(
        "repl-ping-replica-period",
        "10",
        Kind::Number {
            min: 1,
            max: INT,
            field: field!(repl_ping_replica_period),
        },
    )
    .aliases(&[shown("repl-ping-slave-period")]),
    Opt::new(
        "repl-timeout",
        "60",
        Kind::Number {
            min: 1,
            max: INT,
            field: field!(repl_timeout),
        },
    ),
    Opt::new(
        "repl-disable-tcp-nodelay",
        "no",
        Kind::YesNo(field!(repl_disable_tcp_nodelay)),
    ),
    Opt::new(
        "repl-backlog-size",
        "1048576",
        Kind::Memory {
            min: 1,
            max: LONG as u64,
            field: field!(repl_backlog_size),
        },
    ),
    Opt::new(
        "repl-backlog-ttl",
        "3600",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(repl_backlog_ttl),
        },
    ),
    Opt::new(
        "min-replicas-to-write",
        "0",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(min_replicas_to_write),
        },
    )
    .aliases(&[shown("min-slaves-to-write")]),
    Opt::new(
        "min-replicas-max-lag",
        "10",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(min_replicas_max_lag),
        },
    )
    .aliases(&[shown("min-slaves-max-lag")]),
];
