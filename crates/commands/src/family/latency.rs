//! Rows of the table: what took long, by event.

use crate::arg::string;
use crate::flags::flag;
use crate::spec::Group;

family!(
    latency,
    Latency = container("latency", -2, "2.8.13", Group::Server).text(
        "Groups the subcommands about slow events.",
        "Depends on subcommand.",
    ),
    LatencyDoctor = engine("latency|doctor", 2, "2.8.13", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .tips(&[
            "nondeterministic_output",
            "request_policy:all_nodes",
            "response_policy:special",
        ])
        .text("Explains in words what made the server slow.", "O(1)"),
    LatencyGraph = engine("latency|graph", 3, "2.8.13", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .tips(&[
            "nondeterministic_output",
            "request_policy:all_nodes",
            "response_policy:special",
        ])
        .text("Draws an event's latency over time.", "O(1)")
        .args(&[string("event")]),
    LatencyHelp = engine("latency|help", 2, "2.8.13", Group::Server)
        .flags(flag::LOADING | flag::STALE)
        .text("Lists the subcommands with a line about each.", "O(1)"),
    LatencyHistogram = engine("latency|histogram", -2, "7.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .tips(&[
            "nondeterministic_output",
            "request_policy:all_nodes",
            "response_policy:special",
        ])
        .text(
            "Replies with the distribution of the run times of commands.",
            "O(N), N being the commands shown",
        )
        .args(&[string("command").opt().multi()]),
    LatencyHistory = engine("latency|history", 3, "2.8.13", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .tips(&[
            "nondeterministic_output",
            "request_policy:all_nodes",
            "response_policy:special",
        ])
        .text("Replies with the samples of one event.", "O(1)")
        .args(&[string("event")]),
    LatencyLatest = engine("latency|latest", 2, "2.8.13", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .tips(&[
            "nondeterministic_output",
            "request_policy:all_nodes",
            "response_policy:special",
        ])
        .text(
            "Replies with the last and the worst sample of every event.",
            "O(1)",
        ),
    LatencyReset = engine("latency|reset", -2, "2.8.13", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .tips(&["request_policy:all_nodes", "response_policy:agg_sum"])
        .text("Forgets the samples of events.", "O(1)")
        .args(&[string("event").opt().multi()]),
);
