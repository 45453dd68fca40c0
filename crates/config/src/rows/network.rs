//! Options about sockets, clients and workers.

use crate::checks;
use crate::effect::{Effect, Observer};
use crate::option::{Kind, Opt, field};
use crate::rows::{INT, LONG, UINT};
use crate::rules;

pub(crate) static ROWS: &[Opt] = &[
    Opt::new(
        "port",
        "6379",
        Kind::Number {
            min: 0,
            max: 65535,
            field: field!(port),
        },
    )
    .tells(&[Effect::Listening, Effect::Bus])
    .read("for each connection to a primary that is made")
    .seen(Observer::In("where clients are taken, INFO `tcp_port`")),
    Opt::new("bind", "* -::*", Kind::Rule(rules::BIND))
        .tells(&[Effect::Listening])
        .seen(Observer::In("where clients are taken, INFO `listener0`")),
    Opt::new(
        "bind-source-addr",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(bind_source_addr),
        },
    )
    .tells(&[Effect::Bus])
    .read("for each connection to a primary that is made")
    .seen(Observer::In("the `ip` of a replica in its primary's INFO")),
    Opt::new("protected-mode", "yes", Kind::YesNo(field!(protected_mode)))
        .read("for each client")
        .seen(Observer::In("the answer to clients of other machines")),
    Opt::new(
        "unixsocket",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(unixsocket),
        },
    )
    .immutable()
    .tells(&[Effect::Listening])
    .seen(Observer::In("the file of the socket")),
    Opt::new(
        "unixsocketperm",
        "0",
        Kind::Octal {
            max: 0o777,
            field: field!(unixsocketperm),
        },
    )
    .immutable()
    .tells(&[Effect::Listening])
    .seen(Observer::In("the mode of the socket's file")),
    Opt::new(
        "tcp-backlog",
        "511",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(tcp_backlog),
        },
    )
    .immutable()
    .seen(Observer::In("`Send-Q` of the listener in `ss -lt`")),
    Opt::new(
        "timeout",
        "0",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(timeout),
        },
    )
    .tells(&[Effect::Commands])
    .seen(Observer::In("idle clients are closed")),
    Opt::new(
        "tcp-keepalive",
        "300",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(tcp_keepalive),
        },
    )
    .tells(&[Effect::Keepalive])
    .seen(Observer::In("the timer of a connection in `ss -to`")),
    Opt::new(
        "maxclients",
        "10000",
        Kind::Number {
            min: 1,
            max: UINT,
            field: field!(maxclients),
        },
    )
    .tells(&[Effect::Clients])
    .seen(Observer::In(
        "the answer to one client more, INFO `maxclients`",
    )),
    Opt::new(
        "io-threads",
        "0",
        Kind::Number {
            min: 0,
            max: 128,
            field: field!(io_threads),
        },
    )
    .immutable()
    .seen(Observer::In("the threads `worker-N` of the process")),
    Opt::new(
        "io-threads-do-reads",
        "no",
        Kind::YesNo(field!(io_threads_do_reads)),
    )
    .immutable()
    .stored(),
    Opt::new(
        "client-query-buffer-limit",
        "1073741824",
        Kind::Memory {
            min: 1048576,
            max: LONG as u64,
            field: field!(client_query_buffer_limit),
        },
    )
    .tells(&[Effect::Commands])
    .seen(Observer::In(
        "INFO `client_query_buffer_limit_disconnections`",
    )),
    Opt::new(
        "client-output-buffer-limit",
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        Kind::Rule(rules::OUTPUT_LIMITS),
    )
    .tells(&[Effect::Commands])
    .read("now and then by each link to a replica")
    .seen(Observer::In(
        "INFO `client_output_buffer_limit_disconnections`",
    )),
    Opt::new(
        "proto-max-bulk-len",
        "536870912",
        Kind::Memory {
            min: 1048576,
            max: LONG as u64,
            field: field!(proto_max_bulk_len),
        },
    )
    .tells(&[Effect::Commands])
    .seen(Observer::In("the answer to a longer argument")),
    Opt::new(
        "max-new-connections-per-cycle",
        "10",
        Kind::Number {
            min: 1,
            max: 1000,
            field: field!(max_new_connections_per_cycle),
        },
    )
    .stored(),
    Opt::new(
        "max-new-tls-connections-per-cycle",
        "1",
        Kind::Number {
            min: 1,
            max: 1000,
            field: field!(max_new_tls_connections_per_cycle),
        },
    )
    .stored(),
    Opt::new(
        "socket-mark-id",
        "0",
        Kind::Number {
            min: 0,
            max: UINT,
            field: field!(socket_mark_id),
        },
    )
    .immutable()
    .refused("marking packets does not exist in this version"),
    Opt::new(
        "maxmemory-clients",
        "0",
        Kind::MemoryOrPercent {
            max: LONG as u64,
            field: field!(maxmemory_clients),
        },
    )
    .refused("client eviction does not exist in this version"),
];
