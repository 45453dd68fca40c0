//! Rows of the table: the use of memory.

use crate::arg::{integer, key};
use crate::flags::{flag, key as k};
use crate::keyspec::at;
use crate::spec::Group;

family!(
    memory,
    Memory = container("memory", -2, "4.0.0", Group::Server).text(
        "Groups the subcommands about memory.",
        "Depends on subcommand.",
    ),
    MemoryDoctor = engine("memory|doctor", 2, "4.0.0", Group::Server)
        .tips(&[
            "nondeterministic_output",
            "request_policy:all_shards",
            "response_policy:special",
        ])
        .text(
            "Explains in words what is wrong with the use of memory.",
            "O(1)",
        ),
    MemoryHelp = engine("memory|help", 2, "4.0.0", Group::Server)
        .flags(flag::LOADING | flag::STALE)
        .text("Lists the subcommands with a line about each.", "O(1)"),
    MemoryMallocStats = host("memory|malloc-stats", 2, "4.0.0", Group::Server)
        .tips(&[
            "nondeterministic_output",
            "request_policy:all_shards",
            "response_policy:special",
        ])
        .text(
            "Replies with the allocator's own report.",
            "Depends on the size of the heap",
        ),
    MemoryPurge = host("memory|purge", 2, "4.0.0", Group::Server)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .text(
            "Asks the allocator to give free pages back.",
            "Depends on the size of the heap",
        ),
    MemoryStats = engine("memory|stats", 2, "4.0.0", Group::Server)
        .tips(&[
            "nondeterministic_output",
            "request_policy:all_shards",
            "response_policy:special",
        ])
        .text("Replies with what the memory is used for.", "O(1)"),
    MemoryUsage = engine("memory|usage", -3, "4.0.0", Group::Server)
        .flags(flag::READONLY)
        .keys(&[at(2, k::RO)])
        .text(
            "Estimates the bytes that a key and its value take.",
            "O(N), N being the elements sampled",
        )
        .args(&[key("key", 0), integer("count").token("SAMPLES").opt()]),
);
