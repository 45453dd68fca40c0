//! Options about the cluster.

use crate::checks;
use crate::effect::{Effect, Observer};
use crate::option::{Kind, Opt, choice, field};
use crate::rows::{INT, LONG, shown};

pub(crate) static ROWS: &[Opt] = &[
    Opt::new(
        "cluster-enabled",
        "no",
        Kind::YesNo(field!(cluster_enabled)),
    )
    .immutable()
    .tells(&[Effect::Commands])
    .seen(Observer::Info("cluster_enabled")),
    Opt::new(
        "cluster-config-file",
        "nodes.conf",
        Kind::Text {
            valid: checks::any,
            field: field!(cluster_config_file),
        },
    )
    .immutable()
    .seen(Observer::In("the file")),
    Opt::new(
        "cluster-node-timeout",
        "15000",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(cluster_node_timeout),
        },
    )
    .tells(&[Effect::Bus])
    .seen(Observer::In("when CLUSTER NODES says `fail?`")),
    Opt::new(
        "cluster-ping-interval",
        "0",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(cluster_ping_interval),
        },
    )
    .hidden()
    .tells(&[Effect::Bus])
    .seen(Observer::In(
        "CLUSTER INFO `cluster_stats_messages_ping_sent`",
    )),
    Opt::new(
        "cluster-port",
        "0",
        Kind::Number {
            min: 0,
            max: 65535,
            field: field!(cluster_port),
        },
    )
    .immutable()
    .tells(&[Effect::Bus])
    .seen(Observer::In("CLUSTER NODES behind the `@`")),
    Opt::new(
        "cluster-announce-ip",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(cluster_announce_ip),
        },
    )
    .tells(&[Effect::Bus])
    .seen(Observer::In("CLUSTER NODES")),
    Opt::new(
        "cluster-announce-port",
        "0",
        Kind::Number {
            min: 0,
            max: 65535,
            field: field!(cluster_announce_port),
        },
    )
    .tells(&[Effect::Bus])
    .seen(Observer::In("CLUSTER NODES")),
    Opt::new(
        "cluster-announce-tls-port",
        "0",
        Kind::Number {
            min: 0,
            max: 65535,
            field: field!(cluster_announce_tls_port),
        },
    )
    .stored()
    .tells(&[Effect::Bus]),
    Opt::new(
        "cluster-announce-bus-port",
        "0",
        Kind::Number {
            min: 0,
            max: 65535,
            field: field!(cluster_announce_bus_port),
        },
    )
    .tells(&[Effect::Bus])
    .seen(Observer::In("CLUSTER NODES behind the `@`")),
    Opt::new(
        "cluster-announce-hostname",
        "",
        Kind::Text {
            valid: checks::host_name,
            field: field!(cluster_announce_hostname),
        },
    )
    .tells(&[Effect::Bus])
    .seen(Observer::In("CLUSTER NODES and CLUSTER SLOTS")),
    Opt::new(
        "cluster-announce-human-nodename",
        "",
        Kind::Text {
            valid: checks::node_name,
            field: field!(cluster_announce_human_nodename),
        },
    )
    .tells(&[Effect::Bus])
    .seen(Observer::In("lines about the node in the logs of others")),
    Opt::new(
        "cluster-preferred-endpoint-type",
        "ip",
        Kind::Choice(choice!(cluster_preferred_endpoint_type: EndpointType)),
    )
    .tells(&[Effect::Bus])
    .seen(Observer::In("CLUSTER SLOTS and redirections")),
    Opt::new(
        "cluster-require-full-coverage",
        "yes",
        Kind::YesNo(field!(cluster_require_full_coverage)),
    )
    .tells(&[Effect::Bus])
    .seen(Observer::In("CLUSTER INFO `cluster_state`")),
    Opt::new(
        "cluster-allow-reads-when-down",
        "no",
        Kind::YesNo(field!(cluster_allow_reads_when_down)),
    )
    .tells(&[Effect::Bus])
    .seen(Observer::In("the answer -CLUSTERDOWN to a read")),
    Opt::new(
        "cluster-allow-pubsubshard-when-down",
        "yes",
        Kind::YesNo(field!(cluster_allow_pubsubshard_when_down)),
    )
    .stored()
    .tells(&[Effect::Bus]),
    Opt::new(
        "cluster-allow-replica-migration",
        "yes",
        Kind::YesNo(field!(cluster_allow_replica_migration)),
    )
    .tells(&[Effect::Bus])
    .seen(Observer::In("which primary CLUSTER NODES gives a replica")),
    Opt::new(
        "cluster-migration-barrier",
        "1",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(cluster_migration_barrier),
        },
    )
    .tells(&[Effect::Bus])
    .seen(Observer::In("which primary CLUSTER NODES gives a replica")),
    Opt::new(
        "cluster-replica-validity-factor",
        "10",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(cluster_replica_validity_factor),
        },
    )
    .aliases(&[shown("cluster-slave-validity-factor")])
    .tells(&[Effect::Bus])
    .seen(Observer::In("whether a replica takes over")),
    Opt::new(
        "cluster-replica-no-failover",
        "no",
        Kind::YesNo(field!(cluster_replica_no_failover)),
    )
    .aliases(&[shown("cluster-slave-no-failover")])
    .tells(&[Effect::Bus])
    .seen(Observer::In("the flag `nofailover` in CLUSTER NODES")),
    Opt::new(
        "cluster-link-sendbuf-limit",
        "0",
        Kind::Memory {
            min: 0,
            max: u64::MAX,
            field: field!(cluster_link_sendbuf_limit),
        },
    )
    .tells(&[Effect::Bus])
    .seen(Observer::In(
        "CLUSTER INFO `total_cluster_links_buffer_limit_exceeded`",
    )),
    Opt::new(
        "cluster-slot-stats-enabled",
        "no",
        Kind::YesNo(field!(cluster_slot_stats_enabled)),
    )
    .hidden()
    .stored(),
];
