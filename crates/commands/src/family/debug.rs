//! Rows of the table: experiments.

use crate::flags::flag;
use crate::spec::Group;

family!(
    debug,
    Debug = engine("debug", -2, "1.0.0", Group::Server)
        .flags(
            flag::WORLD
                | flag::ADMIN
                | flag::NOSCRIPT
                | flag::LOADING
                | flag::STALE
                | flag::PROTECTED
        )
        .text(
            "Groups the subcommands made for testing a server.",
            "Depends on subcommand.",
        )
        .system(),
);
