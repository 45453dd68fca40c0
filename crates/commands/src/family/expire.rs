//! Rows of the table: expiry of keys.

use crate::arg::{integer, key, oneof, unix_time, word};
use crate::flags::{acl, flag, key as k};
use crate::keyspec::at;
use crate::spec::Group;

family!(
    expire,
    Expire = engine("expire", -3, "1.0.0", Group::Generic)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RW | k::UPDATE)])
        .text("Lets a key expire after a number of seconds.", "O(1)")
        .history(&[("7.0.0", "Options `NX`, `XX`, `GT` and `LT`.")])
        .args(&[
            key("key", 0),
            integer("seconds"),
            oneof(
                "condition",
                &[
                    word("nx", "NX"),
                    word("xx", "XX"),
                    word("gt", "GT"),
                    word("lt", "LT"),
                ],
            )
            .since("7.0.0")
            .opt(),
        ]),
    Expireat = engine("expireat", -3, "1.2.0", Group::Generic)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RW | k::UPDATE)])
        .text("Lets a key expire at a Unix time in seconds.", "O(1)")
        .history(&[("7.0.0", "Options `NX`, `XX`, `GT` and `LT`.")])
        .args(&[
            key("key", 0),
            unix_time("unix-time-seconds"),
            oneof(
                "condition",
                &[
                    word("nx", "NX"),
                    word("xx", "XX"),
                    word("gt", "GT"),
                    word("lt", "LT"),
                ],
            )
            .since("7.0.0")
            .opt(),
        ]),
    Expiretime = engine("expiretime", 2, "7.0.0", Group::Generic)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .text(
            "Replies with a key's expiry as a Unix time in seconds.",
            "O(1)",
        )
        .args(&[key("key", 0)]),
    Persist = engine("persist", 2, "2.2.0", Group::Generic)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RW | k::UPDATE)])
        .text("Takes the expiry off a key.", "O(1)")
        .args(&[key("key", 0)]),
    Pexpire = engine("pexpire", -3, "2.6.0", Group::Generic)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RW | k::UPDATE)])
        .text("Lets a key expire after a number of milliseconds.", "O(1)")
        .history(&[("7.0.0", "Options `NX`, `XX`, `GT` and `LT`.")])
        .args(&[
            key("key", 0),
            integer("milliseconds"),
            oneof(
                "condition",
                &[
                    word("nx", "NX"),
                    word("xx", "XX"),
                    word("gt", "GT"),
                    word("lt", "LT"),
                ],
            )
            .since("7.0.0")
            .opt(),
        ]),
    Pexpireat = engine("pexpireat", -3, "2.6.0", Group::Generic)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RW | k::UPDATE)])
        .text("Lets a key expire at a Unix time in milliseconds.", "O(1)")
        .history(&[("7.0.0", "Options `NX`, `XX`, `GT` and `LT`.")])
        .args(&[
            key("key", 0),
            unix_time("unix-time-milliseconds"),
            oneof(
                "condition",
                &[
                    word("nx", "NX"),
                    word("xx", "XX"),
                    word("gt", "GT"),
                    word("lt", "LT"),
                ],
            )
            .since("7.0.0")
            .opt(),
        ]),
    Pexpiretime = engine("pexpiretime", 2, "7.0.0", Group::Generic)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .text(
            "Replies with a key's expiry as a Unix time in milliseconds.",
            "O(1)",
        )
        .args(&[key("key", 0)]),
    Pttl = engine("pttl", 2, "2.6.0", Group::Generic)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .tips(&["nondeterministic_output"])
        .text("Replies with the milliseconds a key has left.", "O(1)")
        .history(&[("2.8.0", "Replies -2 for a missing key.")])
        .args(&[key("key", 0)]),
    Ttl = engine("ttl", 2, "1.0.0", Group::Generic)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .tips(&["nondeterministic_output"])
        .text("Replies with the seconds a key has left.", "O(1)")
        .history(&[("2.8.0", "Replies -2 for a missing key.")])
        .args(&[key("key", 0)]),
);
