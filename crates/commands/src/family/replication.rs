//! Rows of the table: replication.

use crate::arg::{block, integer, oneof, string, word};
use crate::flags::{acl, flag};
use crate::spec::Group;

family!(
    replication,
    Psync = host("psync", -3, "2.8.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING | flag::NO_MULTI)
        .text(
            "Asks a master for its stream of changes from an offset on.",
            "",
        )
        .args(&[string("replicationid"), integer("offset")]),
    Replconf = host("replconf", -1, "3.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::ALLOW_BUSY)
        .text(
            "Exchanges settings and offsets between a master and its replica.",
            "O(1)",
        )
        .system(),
    Replicaof = host("replicaof", 3, "5.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::STALE | flag::NO_ASYNC_LOADING)
        .text(
            "Makes the server a replica of another one, or a master again.",
            "O(1)",
        )
        .args(&[oneof(
            "args",
            &[
                block("host-port", &[string("host"), integer("port")]),
                block("no-one", &[word("no", "NO"), word("one", "ONE")]),
            ],
        )]),
    Role = host("role", 1, "2.8.12", Group::Server)
        .flags(flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST)
        .acl(acl::ADMIN | acl::DANGEROUS)
        .text("Replies with the server's part in replication.", "O(1)"),
    Slaveof = host("slaveof", 3, "1.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::STALE | flag::NO_ASYNC_LOADING)
        .text("Older name of REPLICAOF.", "O(1)")
        .deprecated("5.0.0", "`REPLICAOF`")
        .args(&[oneof(
            "args",
            &[
                block("host-port", &[string("host"), integer("port")]),
                block("no-one", &[word("no", "NO"), word("one", "ONE")]),
            ],
        )]),
    Sync = host("sync", 1, "1.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING | flag::NO_MULTI)
        .text(
            "Asks a master for a full copy and the stream of changes after it.",
            "",
        ),
    Wait = host("wait", 3, "3.0.0", Group::Generic)
        .flags(flag::BLOCKING)
        .acl(acl::CONNECTION)
        .tips(&["request_policy:all_shards", "response_policy:agg_min"])
        .text(
            "Waits until the connection's writes have reached a number of replicas.",
            "O(1)",
        )
        .args(&[integer("numreplicas"), integer("timeout")]),
    Waitaof = host("waitaof", 4, "7.2.0", Group::Generic)
        .flags(flag::BLOCKING)
        .acl(acl::CONNECTION)
        .tips(&["request_policy:all_shards", "response_policy:agg_min"])
        .text(
            "Waits until the connection's writes are synced here and on a number of replicas.",
            "O(1)",
        )
        .args(&[
            integer("numlocal"),
            integer("numreplicas"),
            integer("timeout"),
        ]),
);
