//! Rows of the table: the slow log.

use crate::arg::integer;
use crate::flags::flag;
use crate::spec::Group;

family!(
    slowlog,
    Slowlog = container("slowlog", -2, "2.2.12", Group::Server).text(
        "Groups the subcommands about the log of slow commands.",
        "Depends on subcommand.",
    ),
    SlowlogGet = engine("slowlog|get", -2, "2.2.12", Group::Server)
        .flags(flag::ADMIN | flag::LOADING | flag::STALE)
        .tips(&["request_policy:all_nodes", "nondeterministic_output"])
        .text(
            "Replies with the newest entries of the slow log.",
            "O(N), N being the entries returned",
        )
        .history(&[("4.0.0", "Entries hold the client's address and name.")])
        .args(&[integer("count").opt()]),
    SlowlogHelp = engine("slowlog|help", 2, "6.2.0", Group::Server)
        .flags(flag::LOADING | flag::STALE)
        .text("Lists the subcommands with a line about each.", "O(1)"),
    SlowlogLen = engine("slowlog|len", 2, "2.2.12", Group::Server)
        .flags(flag::ADMIN | flag::LOADING | flag::STALE)
        .tips(&[
            "request_policy:all_nodes",
            "response_policy:agg_sum",
            "nondeterministic_output",
        ])
        .text("Counts the entries of the slow log.", "O(1)"),
    SlowlogReset = engine("slowlog|reset", 2, "2.2.12", Group::Server)
        .flags(flag::ADMIN | flag::LOADING | flag::STALE)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .text("Empties the slow log.", "O(N), N being the entries"),
);
