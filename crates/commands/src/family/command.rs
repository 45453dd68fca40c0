//! Rows of the table: the table itself.

use crate::arg::{oneof, pattern, string};
use crate::flags::{acl, flag};
use crate::spec::Group;

family!(
    command,
    Command = engine("command", -1, "2.8.13", Group::Server)
        .flags(flag::CONTAINER | flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .tips(&["nondeterministic_output_order"])
        .text("Describes all commands.", "O(N), N being the commands"),
    CommandCount = engine("command|count", 2, "2.8.13", Group::Server)
        .flags(flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .text("Counts the commands.", "O(1)"),
    CommandDocs = engine("command|docs", -2, "7.0.0", Group::Server)
        .flags(flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .tips(&["nondeterministic_output_order"])
        .text(
            "Describes commands for readers: texts, arguments, history.",
            "O(N), N being the commands named",
        )
        .args(&[string("command-name").opt().multi()]),
    CommandGetkeys = engine("command|getkeys", -3, "2.8.13", Group::Server)
        .flags(flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .text(
            "Picks the keys out of a full command.",
            "O(N), N being the arguments",
        )
        .args(&[string("command"), string("arg").opt().multi()]),
    CommandGetkeysandflags = engine("command|getkeysandflags", -3, "7.0.0", Group::Server)
        .flags(flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .text(
            "Picks the keys out of a full command and tells how each is used.",
            "O(N), N being the arguments",
        )
        .args(&[string("command"), string("arg").opt().multi()]),
    CommandHelp = engine("command|help", 2, "5.0.0", Group::Server)
        .flags(flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .text("Lists the subcommands with a line about each.", "O(1)"),
    CommandInfo = engine("command|info", -2, "2.8.13", Group::Server)
        .flags(flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .tips(&["nondeterministic_output_order"])
        .text(
            "Describes commands for clients: arity, flags, keys.",
            "O(N), N being the commands named",
        )
        .history(&[("7.0.0", "Without names it describes all commands.")])
        .args(&[string("command-name").opt().multi()]),
    CommandList = engine("command|list", -2, "7.0.0", Group::Server)
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
);
