//! Rows of the table: the server as a whole.

use crate::arg::{integer, oneof, string, word};
use crate::flags::{acl, flag};
use crate::spec::Group;

family!(
    server,
    Dbsize = engine("dbsize", 1, "1.0.0", Group::Server)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::KEYSPACE)
        .tips(&["request_policy:all_shards", "response_policy:agg_sum"])
        .text("Counts the keys of the database.", "O(1)"),
    Flushall = engine("flushall", -1, "1.0.0", Group::Server)
        .flags(flag::WORLD | flag::WRITE)
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
    Flushdb = engine("flushdb", -1, "1.0.0", Group::Server)
        .flags(flag::WORLD | flag::WRITE)
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
    Info = host("info", -1, "1.0.0", Group::Server)
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
    Shutdown = host("shutdown", -1, "1.0.0", Group::Server)
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
    Swapdb = engine("swapdb", 3, "4.0.0", Group::Server)
        .flags(flag::WORLD | flag::WRITE | flag::FAST)
        .acl(acl::KEYSPACE | acl::DANGEROUS)
        .text(
            "Exchanges the contents of two databases.",
            "O(N), N being the clients that watch or wait for keys of the two",
        )
        .args(&[integer("index1"), integer("index2")]),
    Time = engine("time", 1, "2.6.0", Group::Server)
        .flags(flag::LOADING | flag::STALE | flag::FAST)
        .tips(&["nondeterministic_output"])
        .text(
            "Replies with the server's clock in seconds and microseconds.",
            "O(1)",
        ),
);
