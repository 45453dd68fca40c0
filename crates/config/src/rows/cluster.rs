//! Options about the cluster.

use crate::checks;
use crate::option::{Kind, Opt, choice, field};
use crate::rows::{INT, LONG, shown};

pub(crate) static ROWS: &[Opt] = &[
    Opt::new(
        "cluster-enabled",
        "no",
        Kind::YesNo(field!(cluster_enabled)),
    )
    .immutable(),
    Opt::new(
        "cluster-config-file",
        "nodes.conf",
        Kind::Text {
            valid: checks::any,
            field: field!(cluster_config_file),
        },
    )
    .immutable(),
    Opt::new(
        "cluster-node-timeout",
        "15000",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(cluster_node_timeout),
        },
    ),
    Opt::new(
        "cluster-ping-interval",
        "0",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(cluster_ping_interval),
        },
    )
    .hidden(),
    Opt::new(
        "cluster-port",
        "0",
        Kind::Number {
            min: 0,
            max: 65535,
            field: field!(cluster_port),
        },
    )
    .immutable(),
    Opt::new(
        "cluster-announce-ip",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(cluster_announce_ip),
        },
    ),
    Opt::new(
        "cluster-announce-port",
        "0",
        Kind::Number {
            min: 0,
            max: 65535,
            field: field!(cluster_announce_port),
        },
    ),
    Opt::new(
        "cluster-announce-tls-port",
        "0",
        Kind::Number {
            min: 0,
            max: 65535,
            field: field!(cluster_announce_tls_port),
        },
    )
    .stored(),
    Opt::new(
        "cluster-announce-bus-port",
        "0",
        Kind::Number {
            min: 0,
            max: 65535,
            field: field!(cluster_announce_bus_port),
        },
    ),
    Opt::new(
        "cluster-announce-hostname",
        "",
        Kind::Text {
            valid: checks::host_name,
            field: field!(cluster_announce_hostname),
        },
    ),
    Opt::new(
        "cluster-announce-human-nodename",
        "",
        Kind::Text {
            valid: checks::node_name,
            field: field!(cluster_announce_human_nodename),
        },
    ),
    Opt::new(
        "cluster-preferred-endpoint-type",
        "ip",
        Kind::Choice(choice!(cluster_preferred_endpoint_type: EndpointType)),
    ),
    Opt::new(
        "cluster-require-full-coverage",
        "yes",
        Kind::YesNo(field!(cluster_require_full_coverage)),
    ),
    Opt::new(
        "cluster-allow-reads-when-down",
        "no",
        Kind::YesNo(field!(cluster_allow_reads_when_down)),
    ),
    Opt::new(
        "cluster-allow-pubsubshard-when-down",
        "yes",
        Kind::YesNo(field!(cluster_allow_pubsubshard_when_down)),
    )
    .stored(),
    Opt::new(
        "cluster-allow-replica-migration",
        "yes",
        Kind::YesNo(field!(cluster_allow_replica_migration)),
    ),
    Opt::new(
        "cluster-migration-barrier",
        "1",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(cluster_migration_barrier),
        },
    ),
    Opt::new(
        "cluster-replica-validity-factor",
        "10",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(cluster_replica_validity_factor),
        },
    )
    .aliases(&[shown("cluster-slave-validity-factor")]),
    Opt::new(
        "cluster-replica-no-failover",
        "no",
        Kind::YesNo(field!(cluster_replica_no_failover)),
    )
    .aliases(&[shown("cluster-slave-no-failover")]),
    Opt::new(
        "cluster-link-sendbuf-limit",
        "0",
        Kind::Memory {
            min: 0,
            max: u64::MAX,
            field: field!(cluster_link_sendbuf_limit),
        },
    ),
    Opt::new(
        "cluster-slot-stats-enabled",
        "no",
        Kind::YesNo(field!(cluster_slot_stats_enabled)),
    )
    .hidden()
    .stored(),
];
