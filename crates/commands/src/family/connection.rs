//! Rows of the table: the connection itself.

use crate::arg::{block, integer, string};
use crate::flags::{acl, flag};
use crate::secret::Secrets;
use crate::spec::Group;

family!(
    connection,
    Auth = engine("auth", -2, "1.0.0", Group::Connection)
        .flags(
            flag::NOSCRIPT
                | flag::LOADING
                | flag::STALE
                | flag::FAST
                | flag::NO_AUTH
                | flag::ALLOW_BUSY,
        )
        .acl(acl::CONNECTION)
        .text(
            "Identifies the connection by password, or by user name and password.",
            "O(N), N being the passwords of the user",
        )
        .history(&[("6.0.0", "Takes a user name before the password.")])
        .secrets(Secrets::From(1))
        .args(&[string("username").since("6.0.0").opt(), string("password")]),
    Echo = engine("echo", 2, "1.0.0", Group::Connection)
        .flags(flag::LOADING | flag::STALE | flag::FAST)
        .acl(acl::CONNECTION)
        .text("Replies with its argument.", "O(1)")
        .args(&[string("message")]),
    Hello = engine("hello", -1, "6.0.0", Group::Connection)
        .flags(
            flag::NOSCRIPT
                | flag::LOADING
                | flag::STALE
                | flag::FAST
                | flag::NO_AUTH
                | flag::ALLOW_BUSY,
        )
        .acl(acl::CONNECTION)
        .text(
            "Negotiates the protocol, optionally with login and name, and describes the server.",
            "O(1)",
        )
        .history(&[(
            "6.2.0",
            "The protocol version may be left out to ask for the connection's context.",
        )])
        .secrets(Secrets::Behind {
            from: 1,
            words: &[("AUTH", 2)],
            end: "",
        })
        .args(&[block(
            "arguments",
            &[
                integer("protover"),
                block("auth", &[string("username"), string("password")])
                    .token("AUTH")
                    .opt(),
                string("clientname").token("SETNAME").opt(),
            ],
        )
        .opt()]),
    Ping = engine("ping", -1, "1.0.0", Group::Connection)
        .flags(flag::FAST)
        .acl(acl::CONNECTION)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .text(
            "Replies PONG, or its argument, to show that the server is there.",
            "O(1)",
        )
        .args(&[string("message").opt()]),
    Quit = engine("quit", -1, "1.0.0", Group::Connection)
        .flags(
            flag::NOT_QUEUED
                | flag::NOSCRIPT
                | flag::LOADING
                | flag::STALE
                | flag::FAST
                | flag::NO_AUTH
                | flag::ALLOW_BUSY,
        )
        .acl(acl::CONNECTION)
        .text("Closes the connection after the reply.", "O(1)")
        .deprecated("7.2.0", "closing the socket"),
    Reset = engine("reset", 1, "6.2.0", Group::Connection)
        .flags(
            flag::NOT_QUEUED
                | flag::NOSCRIPT
                | flag::LOADING
                | flag::STALE
                | flag::FAST
                | flag::NO_AUTH
                | flag::ALLOW_BUSY,
        )
        .acl(acl::CONNECTION)
        .text(
            "Puts the connection back into the state of a new one.",
            "O(1)",
        ),
    Select = engine("select", 2, "1.0.0", Group::Connection)
        .flags(flag::LOADING | flag::STALE | flag::FAST)
        .acl(acl::CONNECTION)
        .text("Changes the connection's database.", "O(1)")
        .args(&[integer("index")]),
);
