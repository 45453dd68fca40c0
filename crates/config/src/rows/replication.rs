//! Options about masters and replicas.

use crate::checks;
use crate::effect::{Effect, Observer};
use crate::option::{Kind, Opt, choice, field};
use crate::rows::{INT, LONG, shown, valkey};
use crate::rules;

pub(crate) static ROWS: &[Opt] = &[
    Opt::new("replicaof", "", Kind::Rule(rules::REPLICAOF))
        .aliases(&[shown("slaveof")])
        .immutable()
        .seen(Observer::In("INFO `master_host` and `master_port`")),
    Opt::new(
        "masteruser",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(masteruser),
        },
    )
    .aliases(&[valkey("primaryuser")])
    .sensitive()
    .read("for each connection to a primary that is made")
    .seen(Observer::In("INFO `master_link_status`")),
    Opt::new(
        "masterauth",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(masterauth),
        },
    )
    .aliases(&[valkey("primaryauth")])
    .sensitive()
    .read("for each connection to a primary that is made")
    .seen(Observer::In("INFO `master_link_status`")),
    Opt::new(
        "replica-serve-stale-data",
        "yes",
        Kind::YesNo(field!(replica_serve_stale_data)),
    )
    .aliases(&[shown("slave-serve-stale-data")])
    .tells(&[Effect::StaleData])
    .read("when the link comes and goes")
    .seen(Observer::In("the answer -MASTERDOWN")),
    Opt::new(
        "replica-read-only",
        "yes",
        Kind::YesNo(field!(replica_read_only)),
    )
    .aliases(&[shown("slave-read-only")])
    .tells(&[Effect::Commands])
    .seen(Observer::In(
        "the answer -READONLY to a write, INFO `slave_read_only`",
    )),
    Opt::new(
        "replica-announce-ip",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(replica_announce_ip),
        },
    )
    .aliases(&[shown("slave-announce-ip")])
    .read("for each connection to a primary that is made")
    .seen(Observer::In("the `ip` of a replica in its primary's INFO")),
    Opt::new(
        "replica-announce-port",
        "0",
        Kind::Number {
            min: 0,
            max: 65535,
            field: field!(replica_announce_port),
        },
    )
    .aliases(&[shown("slave-announce-port")])
    .read("for each connection to a primary that is made")
    .seen(Observer::In(
        "the `port` of a replica in its primary's INFO",
    )),
    Opt::new(
        "replica-announced",
        "yes",
        Kind::YesNo(field!(replica_announced)),
    )
    .read("by INFO, which sentinels read")
    .seen(Observer::Info("replica_announced")),
    Opt::new(
        "replica-priority",
        "100",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(replica_priority),
        },
    )
    .aliases(&[shown("slave-priority")])
    .read("by INFO, which sentinels read")
    .seen(Observer::Info("slave_priority")),
    Opt::new(
        "replica-ignore-maxmemory",
        "yes",
        Kind::YesNo(field!(replica_ignore_maxmemory)),
    )
    .aliases(&[shown("slave-ignore-maxmemory")])
    .tells(&[Effect::Commands])
    .seen(Observer::In(
        "the answer -OOM of a replica that can be written",
    )),
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
    )
    .read("when the disk fails")
    .seen(Observer::In("whether the replica goes on")),
    Opt::new(
        "repl-diskless-sync",
        "yes",
        Kind::YesNo(field!(repl_diskless_sync)),
    )
    .read("by each full sync")
    .seen(Observer::In("a file in the directory while it runs")),
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
    .aliases(&[shown("repl-ping-slave-period")])
    .tells(&[Effect::Bus])
    .read("ten times a second")
    .seen(Observer::In("PING in the stream")),
    Opt::new(
        "repl-timeout",
        "60",
        Kind::Number {
            min: 1,
            max: INT,
            field: field!(repl_timeout),
        },
    )
    .read("by each link, again and again")
    .seen(Observer::In("silent links are closed")),
    Opt::new(
        "repl-disable-tcp-nodelay",
        "no",
        Kind::YesNo(field!(repl_disable_tcp_nodelay)),
    )
    .read("for each link that comes")
    .seen(Observer::Nowhere(
        "the system does not show this of a connection",
    )),
    Opt::new(
        "repl-backlog-size",
        "1048576",
        Kind::Memory {
            min: 1,
            max: LONG as u64,
            field: field!(repl_backlog_size),
        },
    )
    .tells(&[Effect::Backlog])
    .read("by links and by INFO")
    .seen(Observer::Info("repl_backlog_size")),
    Opt::new(
        "repl-backlog-ttl",
        "3600",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(repl_backlog_ttl),
        },
    )
    .read("ten times a second")
    .seen(Observer::In("INFO `repl_backlog_active`")),
    Opt::new(
        "min-replicas-to-write",
        "0",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(min_replicas_to_write),
        },
    )
    .aliases(&[shown("min-slaves-to-write")])
    .tells(&[Effect::WriteRefusal])
    .seen(Observer::In("the answer -NOREPLICAS to a write")),
    Opt::new(
        "min-replicas-max-lag",
        "10",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(min_replicas_max_lag),
        },
    )
    .aliases(&[shown("min-slaves-max-lag")])
    .tells(&[Effect::WriteRefusal])
    .seen(Observer::In("INFO `min_slaves_good_slaves`")),
];
