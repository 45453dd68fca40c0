//! Rows of the table: all connections.

use crate::arg::{integer, oneof, string, word};
use crate::flags::{acl, flag};
use crate::spec::Group;

family!(
    client,
    Client = container("client", -2, "2.4.0", Group::Connection).text(
        "Groups the subcommands about client connections.",
        "Depends on subcommand.",
    ),
    ClientGetname = engine("client|getname", 2, "2.6.9", Group::Connection)
        .flags(flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .text("Replies with the connection's name.", "O(1)"),
    ClientHelp = engine("client|help", 2, "5.0.0", Group::Connection)
        .flags(flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .text("Lists the subcommands with a line about each.", "O(1)"),
    ClientId = engine("client|id", 2, "5.0.0", Group::Connection)
        .flags(flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .text("Replies with the connection's number.", "O(1)"),
    ClientInfo = engine("client|info", 2, "6.2.0", Group::Connection)
        .flags(flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .tips(&["nondeterministic_output"])
        .text("Describes this connection.", "O(1)"),
    ClientKill = engine("client|kill", -3, "2.4.0", Group::Connection)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .text(
            "Closes the connections that match an address or filters.",
            "O(N), N being the connections",
        )
        .history(&[
            ("2.8.12", "Filters by name and value."),
            ("2.8.12", "Filter `ID`."),
            ("3.2.0", "Type `master` for the filter `TYPE`."),
            ("5.0.0", "Type `replica`; `slave` still means the same."),
            ("6.2.0", "Filter `LADDR`."),
        ])
        .args(&[oneof(
            "filter",
            &[
                string("old-format").show("ip:port").deprecated("2.8.12"),
                oneof(
                    "new-format",
                    &[
                        integer("client-id").token("ID").since("2.8.12").opt(),
                        oneof(
                            "client-type",
                            &[
                                word("normal", "NORMAL"),
                                word("master", "MASTER").since("3.2.0"),
                                word("slave", "SLAVE"),
                                word("replica", "REPLICA").since("5.0.0"),
                                word("pubsub", "PUBSUB"),
                            ],
                        )
                        .token("TYPE")
                        .since("2.8.12")
                        .opt(),
                        string("username").token("USER").opt(),
                        string("addr").token("ADDR").show("ip:port").opt(),
                        string("laddr")
                            .token("LADDR")
                            .show("ip:port")
                            .since("6.2.0")
                            .opt(),
                        oneof("skipme", &[word("yes", "YES"), word("no", "NO")])
                            .token("SKIPME")
                            .opt(),
                    ],
                )
                .multi(),
            ],
        )]),
    ClientList = engine("client|list", -2, "2.4.0", Group::Connection)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .tips(&["nondeterministic_output"])
        .text(
            "Describes all connections, or those that match a filter.",
            "O(N), N being the connections",
        )
        .history(&[
            ("2.8.12", "Field `id`."),
            ("5.0.0", "Filter `TYPE`."),
            ("6.0.0", "Field `user`."),
            (
                "6.2.0",
                "Fields `argv-mem`, `tot-mem`, `laddr` and `redir`; filter `ID`.",
            ),
            ("7.0.0", "Fields `resp`, `multi-mem`, `rbs` and `rbp`."),
            ("7.0.3", "Field `ssub`."),
        ])
        .args(&[
            oneof(
                "client-type",
                &[
                    word("normal", "NORMAL"),
                    word("master", "MASTER"),
                    word("replica", "REPLICA"),
                    word("pubsub", "PUBSUB"),
                ],
            )
            .token("TYPE")
            .since("5.0.0")
            .opt(),
            integer("client-id")
                .token("ID")
                .since("6.2.0")
                .opt()
                .multi(),
        ]),
    ClientNoEvict = engine("client|no-evict", 3, "7.0.0", Group::Connection)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .text(
            "Turns the connection's exemption from client eviction on or off.",
            "O(1)",
        )
        .args(&[oneof("enabled", &[word("on", "ON"), word("off", "OFF")])]),
    ClientNoTouch = engine("client|no-touch", 3, "7.2.0", Group::Connection)
        .flags(flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .text(
            "Sets whether the connection's commands leave idle times and counters alone.",
            "O(1)",
        )
        .args(&[oneof("enabled", &[word("on", "ON"), word("off", "OFF")])]),
    ClientPause = engine("client|pause", -3, "3.0.0", Group::Connection)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .text("Holds back clients' commands for some time.", "O(1)")
        .history(&[("6.2.0", "Argument `mode` with `WRITE` and `ALL`.")])
        .args(&[
            integer("timeout"),
            oneof("mode", &[word("write", "WRITE"), word("all", "ALL")])
                .since("6.2.0")
                .opt(),
        ]),
    ClientReply = engine("client|reply", 3, "3.2.0", Group::Connection)
        .flags(flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .text(
            "Turns the connection's replies on or off, or skips the next.",
            "O(1)",
        )
        .args(&[oneof(
            "action",
            &[word("on", "ON"), word("off", "OFF"), word("skip", "SKIP")],
        )]),
    ClientSetinfo = engine("client|setinfo", 4, "7.2.0", Group::Connection)
        .flags(flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .text(
            "Tells the server the client library's name or version.",
            "O(1)",
        )
        .args(&[oneof(
            "attr",
            &[
                string("libname").token("LIB-NAME"),
                string("libver").token("LIB-VER"),
            ],
        )]),
    ClientSetname = engine("client|setname", 3, "2.6.9", Group::Connection)
        .flags(flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .text("Gives the connection a name.", "O(1)")
        .args(&[string("connection-name")]),
    ClientUnblock = engine("client|unblock", -3, "5.0.0", Group::Connection)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .text(
            "Ends another connection's blocking wait.",
            "O(log N), N being the connections",
        )
        .args(&[
            integer("client-id"),
            oneof(
                "unblock-type",
                &[word("timeout", "TIMEOUT"), word("error", "ERROR")],
            )
            .opt(),
        ]),
    ClientUnpause = engine("client|unpause", 2, "6.2.0", Group::Connection)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .acl(acl::CONNECTION)
        .text(
            "Ends a pause begun by CLIENT PAUSE.",
            "O(N), N being the clients held back",
        ),
);
