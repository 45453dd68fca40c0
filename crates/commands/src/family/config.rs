//! Rows of the table: settings.

use crate::arg::{block, string};
use crate::flags::flag;
use crate::secret::Secrets;
use crate::spec::Group;

family!(
    config,
    Config = container("config", -2, "2.0.0", Group::Server).text(
        "Groups the subcommands about the server's settings.",
        "Depends on subcommand.",
    ),
    ConfigGet = host("config|get", -3, "2.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .text(
            "Replies with the settings whose names match patterns.",
            "O(N), N being the patterns",
        )
        .history(&[("7.0.0", "Takes several patterns.")])
        .args(&[string("parameter").multi()]),
    ConfigHelp = engine("config|help", 2, "5.0.0", Group::Server)
        .flags(flag::LOADING | flag::STALE)
        .text("Lists the subcommands with a line about each.", "O(1)"),
    ConfigResetstat = host("config|resetstat", 2, "2.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .text("Sets the counters that INFO shows back to zero.", "O(1)"),
    ConfigRewrite = host("config|rewrite", 2, "2.8.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .text(
            "Writes the settings in force back to the configuration file.",
            "O(1)",
        ),
    ConfigSet = host("config|set", -4, "2.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .text(
            "Changes settings while the server runs.",
            "O(N), N being the settings named",
        )
        .history(&[("7.0.0", "Takes several settings, set all or none.")])
        .secrets(Secrets::BehindOptions(2))
        .args(&[block("data", &[string("parameter"), string("value")]).multi()]),
);
