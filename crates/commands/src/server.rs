//! Rows of the table: the server as a whole.

use crate::arg::{integer, key, oneof, string, word};
use crate::cmd::Cmd;
use crate::flags::{acl, flag, key as k};
use crate::keyspec::at;
use crate::spec::{Group, Spec};

pub(crate) static ROWS: &[Spec] = &[
    Spec::new(Cmd::Bgrewriteaof, "bgrewriteaof", 1, "1.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING)
        .text(
            "Starts rewriting the append-only file in the background.",
            "O(1)",
        ),
    Spec::new(Cmd::Bgsave, "bgsave", -1, "1.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING)
        .text("Starts saving all databases in the background.", "O(1)")
        .history(&[("3.2.2", "Option `SCHEDULE`.")])
        .args(&[word("schedule", "SCHEDULE").since("3.2.2").opt()]),
    Spec::new(Cmd::Dbsize, "dbsize", 1, "1.0.0", Group::Server)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::KEYSPACE)
        .tips(&["request_policy:all_shards", "response_policy:agg_sum"])
        .text("Counts the keys of the database.", "O(1)"),
    Spec::new(Cmd::Debug, "debug", -2, "1.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::PROTECTED)
        .text(
            "Groups the subcommands made for testing a server.",
            "Depends on subcommand.",
        )
        .system(),
    Spec::new(Cmd::Flushall, "flushall", -1, "1.0.0", Group::Server)
        .flags(flag::WRITE)
        .acl(acl::KEYSPACE | acl::DANGEROUS)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .text(
            "Deletes all keys of all databases.",
            "O(N), N being the keys of all databases",
        )
        .history(&[("4.0.0", "Option `ASYNC`."), ("6.2.0", "Option `SYNC`.")])
        .args(&[oneof(
            "flush-type",
            &[
                word("async", "ASYNC").since("4.0.0"),
                word("sync", "SYNC").since("6.2.0"),
            ],
        )
        .opt()]),
    Spec::new(Cmd::Flushdb, "flushdb", -1, "1.0.0", Group::Server)
        .flags(flag::WRITE)
        .acl(acl::KEYSPACE | acl::DANGEROUS)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .text(
            "Deletes all keys of the database.",
            "O(N), N being the keys of the database",
        )
        .history(&[("4.0.0", "Option `ASYNC`."), ("6.2.0", "Option `SYNC`.")])
        .args(&[oneof(
            "flush-type",
            &[
                word("async", "ASYNC").since("4.0.0"),
                word("sync", "SYNC").since("6.2.0"),
            ],
        )
        .opt()]),
    Spec::new(Cmd::Info, "info", -1, "1.0.0", Group::Server)
        .flags(flag::LOADING | flag::STALE)
        .acl(acl::DANGEROUS)
        .tips(&[
            "nondeterministic_output",
            "request_policy:all_shards",
            "response_policy:special",
        ])
        .text(
            "Describes the server's state in sections of names and values.",
            "O(1)",
        )
        .history(&[("7.0.0", "Takes several sections.")])
        .args(&[string("section").opt().multi()]),
    Spec::new(Cmd::Lastsave, "lastsave", 1, "1.0.0", Group::Server)
        .flags(flag::LOADING | flag::STALE | flag::FAST)
        .acl(acl::ADMIN | acl::DANGEROUS)
        .tips(&["nondeterministic_output"])
        .text(
            "Replies with the Unix time of the last successful save.",
            "O(1)",
        ),
    Spec::new(Cmd::Monitor, "monitor", 1, "1.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .text("Streams every command that the server runs.", ""),
    Spec::new(
        Cmd::RestoreAsking,
        "restore-asking",
        -4,
        "3.0.0",
        Group::Server,
    )
    .flags(flag::WRITE | flag::DENYOOM | flag::ASKING)
    .acl(acl::KEYSPACE | acl::DANGEROUS)
    .keys(&[at(1, k::OW | k::UPDATE)])
    .text(
        "RESTORE as a cluster node sends it while a slot moves.",
        "O(N*M), N being the value's elements and M their mean size",
    )
    .history(&[
        ("3.0.0", "Option `REPLACE`."),
        ("5.0.0", "Option `ABSTTL`."),
        ("5.0.0", "Options `IDLETIME` and `FREQ`."),
    ])
    .system()
    .args(&[
        key("key", 0),
        integer("ttl"),
        string("serialized-value"),
        word("replace", "REPLACE").since("3.0.0").opt(),
        word("absttl", "ABSTTL").since("5.0.0").opt(),
        integer("seconds").token("IDLETIME").since("5.0.0").opt(),
        integer("frequency").token("FREQ").since("5.0.0").opt(),
    ]),
    Spec::new(Cmd::Save, "save", 1, "1.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING | flag::NO_MULTI)
        .text(
            "Saves all databases and replies when done.",
            "O(N), N being the keys of all databases",
        ),
    Spec::new(Cmd::Shutdown, "shutdown", -1, "1.0.0", Group::Server)
        .flags(
            flag::ADMIN
                | flag::NOSCRIPT
                | flag::LOADING
                | flag::STALE
                | flag::NO_MULTI
                | flag::ALLOW_BUSY,
        )
        .text(
            "Stops the server, saving first if it is set up to.",
            "O(N) when saving, N being the keys of all databases, otherwise O(1)",
        )
        .history(&[("7.0.0", "Options `NOW`, `FORCE` and `ABORT`.")])
        .args(&[
            oneof(
                "save-selector",
                &[word("nosave", "NOSAVE"), word("save", "SAVE")],
            )
            .opt(),
            word("now", "NOW").since("7.0.0").opt(),
            word("force", "FORCE").since("7.0.0").opt(),
            word("abort", "ABORT").since("7.0.0").opt(),
        ]),
    Spec::new(Cmd::Swapdb, "swapdb", 3, "4.0.0", Group::Server)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::KEYSPACE | acl::DANGEROUS)
        .text(
            "Exchanges the contents of two databases.",
            "O(N), N being the clients that watch or wait for keys of the two",
        )
        .args(&[integer("index1"), integer("index2")]),
    Spec::new(Cmd::Time, "time", 1, "2.6.0", Group::Server)
        .flags(flag::LOADING | flag::STALE | flag::FAST)
        .tips(&["nondeterministic_output"])
        .text(
            "Replies with the server's clock in seconds and microseconds.",
            "O(1)",
        ),
];
