//! Rows of the table: containers that look into the server: commands, settings, latency, memory, slow log.

use crate::arg::{block, integer, key, oneof, pattern, string};
use crate::cmd::Cmd;
use crate::flags::{acl, flag, key as k};
use crate::keyspec::at;
use crate::secret::Secrets;
use crate::spec::{Group, Spec};

pub(crate) static ROWS: &[Spec] = &[
    Spec::new(Cmd::Command, "command", -1, "2.8.13", Group::Server)
        .flags(flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .tips(&["nondeterministic_output_order"])
        .text("Describes all commands.", "O(N), N being the commands")
        .subcommands(COMMAND),
    Spec::new(Cmd::Config, "config", -2, "2.0.0", Group::Server)
        .text(
            "Groups the subcommands about the server's settings.",
            "Depends on subcommand.",
        )
        .subcommands(CONFIG),
    Spec::new(Cmd::Latency, "latency", -2, "2.8.13", Group::Server)
        .text(
            "Groups the subcommands about slow events.",
            "Depends on subcommand.",
        )
        .subcommands(LATENCY),
    Spec::new(Cmd::Memory, "memory", -2, "4.0.0", Group::Server)
        .text(
            "Groups the subcommands about memory.",
            "Depends on subcommand.",
        )
        .subcommands(MEMORY),
    Spec::new(Cmd::Slowlog, "slowlog", -2, "2.2.12", Group::Server)
        .text(
            "Groups the subcommands about the log of slow commands.",
            "Depends on subcommand.",
        )
        .subcommands(SLOWLOG),
];

static COMMAND: &[Spec] = &[
    Spec::new(
        Cmd::CommandCount,
        "command|count",
        2,
        "2.8.13",
        Group::Server,
    )
    .of(Cmd::Command)
    .flags(flag::LOADING | flag::STALE)
    .acl(acl::CONNECTION)
    .text("Counts the commands.", "O(1)"),
    Spec::new(Cmd::CommandDocs, "command|docs", -2, "7.0.0", Group::Server)
        .of(Cmd::Command)
        .flags(flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .tips(&["nondeterministic_output_order"])
        .text(
            "Describes commands for readers: texts, arguments, history.",
            "O(N), N being the commands named",
        )
        .args(&[string("command-name").opt().multi()]),
    Spec::new(
        Cmd::CommandGetkeys,
        "command|getkeys",
        -3,
        "2.8.13",
        Group::Server,
    )
    .of(Cmd::Command)
    .flags(flag::LOADING | flag::STALE)
    .acl(acl::CONNECTION)
    .text(
        "Picks the keys out of a full command.",
        "O(N), N being the arguments",
    )
    .args(&[string("command"), string("arg").opt().multi()]),
    Spec::new(
        Cmd::CommandGetkeysandflags,
        "command|getkeysandflags",
        -3,
        "7.0.0",
        Group::Server,
    )
    .of(Cmd::Command)
    .flags(flag::LOADING | flag::STALE)
    .acl(acl::CONNECTION)
    .text(
        "Picks the keys out of a full command and tells how each is used.",
        "O(N), N being the arguments",
    )
    .args(&[string("command"), string("arg").opt().multi()]),
    Spec::new(Cmd::CommandHelp, "command|help", 2, "5.0.0", Group::Server)
        .of(Cmd::Command)
        .flags(flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .text("Lists the subcommands with a line about each.", "O(1)"),
    Spec::new(
        Cmd::CommandInfo,
        "command|info",
        -2,
        "2.8.13",
        Group::Server,
    )
    .of(Cmd::Command)
    .flags(flag::LOADING | flag::STALE)
    .acl(acl::CONNECTION)
    .tips(&["nondeterministic_output_order"])
    .text(
        "Describes commands for clients: arity, flags, keys.",
        "O(N), N being the commands named",
    )
    .history(&[("7.0.0", "Without names it describes all commands.")])
    .args(&[string("command-name").opt().multi()]),
    Spec::new(Cmd::CommandList, "command|list", -2, "7.0.0", Group::Server)
        .of(Cmd::Command)
        .flags(flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .tips(&["nondeterministic_output_order"])
        .text(
            "Lists the names of the commands.",
            "O(N), N being the commands",
        )
        .args(&[oneof(
            "filterby",
            &[
                string("module-name").token("MODULE"),
                string("category").token("ACLCAT"),
                pattern("pattern").token("PATTERN"),
            ],
        )
        .token("FILTERBY")
        .opt()]),
];

static CONFIG: &[Spec] = &[
    Spec::new(Cmd::ConfigGet, "config|get", -3, "2.0.0", Group::Server)
        .of(Cmd::Config)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .text(
            "Replies with the settings whose names match patterns.",
            "O(N), N being the patterns",
        )
        .history(&[("7.0.0", "Takes several patterns.")])
        .args(&[string("parameter").multi()]),
    Spec::new(Cmd::ConfigHelp, "config|help", 2, "5.0.0", Group::Server)
        .of(Cmd::Config)
        .flags(flag::LOADING | flag::STALE)
        .text("Lists the subcommands with a line about each.", "O(1)"),
    Spec::new(
        Cmd::ConfigResetstat,
        "config|resetstat",
        2,
        "2.0.0",
        Group::Server,
    )
    .of(Cmd::Config)
    .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
    .text("Sets the counters that INFO shows back to zero.", "O(1)"),
    Spec::new(
        Cmd::ConfigRewrite,
        "config|rewrite",
        2,
        "2.8.0",
        Group::Server,
    )
    .of(Cmd::Config)
    .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
    .text(
        "Writes the settings in force back to the configuration file.",
        "O(1)",
    ),
    Spec::new(Cmd::ConfigSet, "config|set", -4, "2.0.0", Group::Server)
        .of(Cmd::Config)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .text(
            "Changes settings while the server runs.",
            "O(N), N being the settings named",
        )
        .history(&[("7.0.0", "Takes several settings, set all or none.")])
        .secrets(Secrets::BehindOptions(2))
        .args(&[block("data", &[string("parameter"), string("value")]).multi()]),
];

static LATENCY: &[Spec] = &[
    Spec::new(
        Cmd::LatencyDoctor,
        "latency|doctor",
        2,
        "2.8.13",
        Group::Server,
    )
    .of(Cmd::Latency)
    .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
    .tips(&[
        "nondeterministic_output",
        "request_policy:all_nodes",
        "response_policy:special",
    ])
    .text("Explains in words what made the server slow.", "O(1)"),
    Spec::new(
        Cmd::LatencyGraph,
        "latency|graph",
        3,
        "2.8.13",
        Group::Server,
    )
    .of(Cmd::Latency)
    .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
    .tips(&[
        "nondeterministic_output",
        "request_policy:all_nodes",
        "response_policy:special",
    ])
    .text("Draws an event's latency over time.", "O(1)")
    .args(&[string("event")]),
    Spec::new(Cmd::LatencyHelp, "latency|help", 2, "2.8.13", Group::Server)
        .of(Cmd::Latency)
        .flags(flag::LOADING | flag::STALE)
        .text("Lists the subcommands with a line about each.", "O(1)"),
    Spec::new(
        Cmd::LatencyHistogram,
        "latency|histogram",
        -2,
        "7.0.0",
        Group::Server,
    )
    .of(Cmd::Latency)
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
    Spec::new(
        Cmd::LatencyHistory,
        "latency|history",
        3,
        "2.8.13",
        Group::Server,
    )
    .of(Cmd::Latency)
    .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
    .tips(&[
        "nondeterministic_output",
        "request_policy:all_nodes",
        "response_policy:special",
    ])
    .text("Replies with the samples of one event.", "O(1)")
    .args(&[string("event")]),
    Spec::new(
        Cmd::LatencyLatest,
        "latency|latest",
        2,
        "2.8.13",
        Group::Server,
    )
    .of(Cmd::Latency)
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
    Spec::new(
        Cmd::LatencyReset,
        "latency|reset",
        -2,
        "2.8.13",
        Group::Server,
    )
    .of(Cmd::Latency)
    .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
    .tips(&["request_policy:all_nodes", "response_policy:agg_sum"])
    .text("Forgets the samples of events.", "O(1)")
    .args(&[string("event").opt().multi()]),
];

static MEMORY: &[Spec] = &[
    Spec::new(
        Cmd::MemoryDoctor,
        "memory|doctor",
        2,
        "4.0.0",
        Group::Server,
    )
    .of(Cmd::Memory)
    .tips(&[
        "nondeterministic_output",
        "request_policy:all_shards",
        "response_policy:special",
    ])
    .text(
        "Explains in words what is wrong with the use of memory.",
        "O(1)",
    ),
    Spec::new(Cmd::MemoryHelp, "memory|help", 2, "4.0.0", Group::Server)
        .of(Cmd::Memory)
        .flags(flag::LOADING | flag::STALE)
        .text("Lists the subcommands with a line about each.", "O(1)"),
    Spec::new(
        Cmd::MemoryMallocStats,
        "memory|malloc-stats",
        2,
        "4.0.0",
        Group::Server,
    )
    .of(Cmd::Memory)
    .tips(&[
        "nondeterministic_output",
        "request_policy:all_shards",
        "response_policy:special",
    ])
    .text(
        "Replies with the allocator's own report.",
        "Depends on the size of the heap",
    ),
    Spec::new(Cmd::MemoryPurge, "memory|purge", 2, "4.0.0", Group::Server)
        .of(Cmd::Memory)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .text(
            "Asks the allocator to give free pages back.",
            "Depends on the size of the heap",
        ),
    Spec::new(Cmd::MemoryStats, "memory|stats", 2, "4.0.0", Group::Server)
        .of(Cmd::Memory)
        .tips(&[
            "nondeterministic_output",
            "request_policy:all_shards",
            "response_policy:special",
        ])
        .text("Replies with what the memory is used for.", "O(1)"),
    Spec::new(Cmd::MemoryUsage, "memory|usage", -3, "4.0.0", Group::Server)
        .of(Cmd::Memory)
        .flags(flag::READONLY)
        .keys(&[at(2, k::RO)])
        .text(
            "Estimates the bytes that a key and its value take.",
            "O(N), N being the elements sampled",
        )
        .args(&[key("key", 0), integer("count").token("SAMPLES").opt()]),
];

static SLOWLOG: &[Spec] = &[
    Spec::new(Cmd::SlowlogGet, "slowlog|get", -2, "2.2.12", Group::Server)
        .of(Cmd::Slowlog)
        .flags(flag::ADMIN | flag::LOADING | flag::STALE)
        .tips(&["request_policy:all_nodes", "nondeterministic_output"])
        .text(
            "Replies with the newest entries of the slow log.",
            "O(N), N being the entries returned",
        )
        .history(&[("4.0.0", "Entries hold the client's address and name.")])
        .args(&[integer("count").opt()]),
    Spec::new(Cmd::SlowlogHelp, "slowlog|help", 2, "6.2.0", Group::Server)
        .of(Cmd::Slowlog)
        .flags(flag::LOADING | flag::STALE)
        .text("Lists the subcommands with a line about each.", "O(1)"),
    Spec::new(Cmd::SlowlogLen, "slowlog|len", 2, "2.2.12", Group::Server)
        .of(Cmd::Slowlog)
        .flags(flag::ADMIN | flag::LOADING | flag::STALE)
        .tips(&[
            "request_policy:all_nodes",
            "response_policy:agg_sum",
            "nondeterministic_output",
        ])
        .text("Counts the entries of the slow log.", "O(1)"),
    Spec::new(
        Cmd::SlowlogReset,
        "slowlog|reset",
        2,
        "2.2.12",
        Group::Server,
    )
    .of(Cmd::Slowlog)
    .flags(flag::ADMIN | flag::LOADING | flag::STALE)
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
    .text("Empties the slow log.", "O(N), N being the entries"),
];
