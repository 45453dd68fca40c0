//! Rows of the table: strings.

use crate::arg::{block, double, integer, key, oneof, string, unix_time, word};
use crate::flags::{acl, flag, key as k};
use crate::keyspec::{at, range};
use crate::spec::Group;

family!(
    string,
    Append = engine("append", 3, "2.0.0", Group::String)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::STRING)
        .keys(&[at(1, k::RW | k::INSERT)])
        .text(
            "Adds bytes to the end of the string at a key, which is made if missing.",
            "O(1) amortized",
        )
        .args(&[key("key", 0), string("value")]),
    Decr = engine("decr", 2, "1.0.0", Group::String)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::STRING)
        .keys(&[at(1, k::RW | k::ACCESS | k::UPDATE)])
        .text(
            "Lowers the integer at a key by one; a missing key counts as 0.",
            "O(1)",
        )
        .args(&[key("key", 0)]),
    Decrby = engine("decrby", 3, "1.0.0", Group::String)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::STRING)
        .keys(&[at(1, k::RW | k::ACCESS | k::UPDATE)])
        .text(
            "Lowers the integer at a key by a given amount; a missing key counts as 0.",
            "O(1)",
        )
        .args(&[key("key", 0), integer("decrement")]),
    Get = engine("get", 2, "1.0.0", Group::String)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::STRING)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .text("Reads the string at a key.", "O(1)")
        .args(&[key("key", 0)]),
    Getdel = engine("getdel", 2, "6.2.0", Group::String)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::STRING)
        .keys(&[at(1, k::RW | k::ACCESS | k::DELETE)])
        .text("Reads the string at a key and deletes the key.", "O(1)")
        .args(&[key("key", 0)]),
    Getex = engine("getex", -2, "6.2.0", Group::String)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::STRING)
        .keys(&[
            at(1, k::RW | k::ACCESS | k::UPDATE).note("An update too, as the expiry may change")
        ])
        .text(
            "Reads the string at a key and sets or clears its expiry.",
            "O(1)",
        )
        .args(&[
            key("key", 0),
            oneof(
                "expiration",
                &[
                    integer("seconds").token("EX"),
                    integer("milliseconds").token("PX"),
                    unix_time("unix-time-seconds").token("EXAT"),
                    unix_time("unix-time-milliseconds").token("PXAT"),
                    word("persist", "PERSIST"),
                ],
            )
            .opt(),
        ]),
    Getrange = engine("getrange", 4, "2.4.0", Group::String)
        .flags(flag::READONLY)
        .acl(acl::STRING)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .text(
            "Reads part of the string at a key, from one offset to another.",
            "O(N), N being the bytes returned",
        )
        .args(&[key("key", 0), integer("start"), integer("end")]),
    Getset = engine("getset", 3, "1.0.0", Group::String)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::STRING)
        .keys(&[at(1, k::RW | k::ACCESS | k::UPDATE)])
        .text(
            "Replaces the string at a key and replies with the old one.",
            "O(1)",
        )
        .deprecated("6.2.0", "`SET` with the option `GET`")
        .args(&[key("key", 0), string("value")]),
    Incr = engine("incr", 2, "1.0.0", Group::String)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::STRING)
        .keys(&[at(1, k::RW | k::ACCESS | k::UPDATE)])
        .text(
            "Raises the integer at a key by one; a missing key counts as 0.",
            "O(1)",
        )
        .args(&[key("key", 0)]),
    Incrby = engine("incrby", 3, "1.0.0", Group::String)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::STRING)
        .keys(&[at(1, k::RW | k::ACCESS | k::UPDATE)])
        .text(
            "Raises the integer at a key by a given amount; a missing key counts as 0.",
            "O(1)",
        )
        .args(&[key("key", 0), integer("increment")]),
    Incrbyfloat = engine("incrbyfloat", 3, "2.6.0", Group::String)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::STRING)
        .keys(&[at(1, k::RW | k::ACCESS | k::UPDATE)])
        .text(
            "Adds a floating-point amount to the number at a key; a missing key counts as 0.",
            "O(1)",
        )
        .args(&[key("key", 0), double("increment")]),
    Lcs = engine("lcs", -3, "7.0.0", Group::String)
        .flags(flag::READONLY)
        .acl(acl::STRING)
        .keys(&[range(1, 1, 1, k::RO | k::ACCESS)])
        .text(
            "Computes the longest common subsequence of two strings.",
            "O(N*M), the lengths of the two strings",
        )
        .args(&[
            key("key1", 0),
            key("key2", 0),
            word("len", "LEN").opt(),
            word("idx", "IDX").opt(),
            integer("min-match-len").token("MINMATCHLEN").opt(),
            word("withmatchlen", "WITHMATCHLEN").opt(),
        ]),
    Mget = engine("mget", -2, "1.0.0", Group::String)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::STRING)
        .keys(&[range(1, -1, 1, k::RO | k::ACCESS)])
        .tips(&["request_policy:multi_shard"])
        .text(
            "Reads the strings at several keys in one step.",
            "O(N), N being the keys read",
        )
        .args(&[key("key", 0).multi()]),
    Mset = engine("mset", -3, "1.0.1", Group::String)
        .flags(flag::WRITE | flag::DENYOOM)
        .acl(acl::STRING)
        .keys(&[range(1, -1, 2, k::OW | k::UPDATE)])
        .tips(&[
            "request_policy:multi_shard",
            "response_policy:all_succeeded",
        ])
        .text(
            "Writes the strings of several keys in one step.",
            "O(N), N being the keys written",
        )
        .args(&[block("data", &[key("key", 0), string("value")]).multi()]),
    Msetnx = engine("msetnx", -3, "1.0.1", Group::String)
        .flags(flag::WRITE | flag::DENYOOM)
        .acl(acl::STRING)
        .keys(&[range(1, -1, 2, k::OW | k::INSERT)])
        .text(
            "Writes the strings of several keys in one step, but only if none of them exists.",
            "O(N), N being the keys named",
        )
        .args(&[block("data", &[key("key", 0), string("value")]).multi()]),
    Psetex = engine("psetex", 4, "2.6.0", Group::String)
        .flags(flag::WRITE | flag::DENYOOM)
        .acl(acl::STRING)
        .keys(&[at(1, k::OW | k::UPDATE)])
        .text(
            "Writes the string at a key together with an expiry in milliseconds.",
            "O(1)",
        )
        .deprecated("2.6.12", "`SET` with the option `PX`")
        .args(&[key("key", 0), integer("milliseconds"), string("value")]),
    Set = engine("set", -3, "1.0.0", Group::String)
        .flags(flag::WRITE | flag::DENYOOM)
        .acl(acl::STRING)
        .keys(&[at(1, k::RW | k::ACCESS | k::UPDATE | k::VARIABLE_FLAGS)
            .note("Read too when `GET` is given")])
        .text("Writes the string at a key, whatever was there.", "O(1)")
        .history(&[
            ("2.6.12", "Options `EX`, `PX`, `NX` and `XX`."),
            ("6.0.0", "Option `KEEPTTL`."),
            ("6.2.0", "Options `GET`, `EXAT` and `PXAT`."),
            ("7.0.0", "`NX` and `GET` may be combined."),
        ])
        .args(&[
            key("key", 0),
            string("value"),
            oneof("condition", &[word("nx", "NX"), word("xx", "XX")])
                .since("2.6.12")
                .opt(),
            word("get", "GET").since("6.2.0").opt(),
            oneof(
                "expiration",
                &[
                    integer("seconds").token("EX").since("2.6.12"),
                    integer("milliseconds").token("PX").since("2.6.12"),
                    unix_time("unix-time-seconds").token("EXAT").since("6.2.0"),
                    unix_time("unix-time-milliseconds")
                        .token("PXAT")
                        .since("6.2.0"),
                    word("keepttl", "KEEPTTL").since("6.0.0"),
                ],
            )
            .opt(),
        ]),
    Setex = engine("setex", 4, "2.0.0", Group::String)
        .flags(flag::WRITE | flag::DENYOOM)
        .acl(acl::STRING)
        .keys(&[at(1, k::OW | k::UPDATE)])
        .text(
            "Writes the string at a key together with an expiry in seconds.",
            "O(1)",
        )
        .deprecated("2.6.12", "`SET` with the option `EX`")
        .args(&[key("key", 0), integer("seconds"), string("value")]),
    Setnx = engine("setnx", 3, "1.0.0", Group::String)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::STRING)
        .keys(&[at(1, k::OW | k::INSERT)])
        .text(
            "Writes the string at a key only if the key is missing.",
            "O(1)",
        )
        .deprecated("2.6.12", "`SET` with the option `NX`")
        .args(&[key("key", 0), string("value")]),
    Setrange = engine("setrange", 4, "2.2.0", Group::String)
        .flags(flag::WRITE | flag::DENYOOM)
        .acl(acl::STRING)
        .keys(&[at(1, k::RW | k::UPDATE)])
        .text(
            "Overwrites bytes of a string; a gap before them is filled with zero bytes.",
            "O(N), N being the bytes written",
        )
        .args(&[key("key", 0), integer("offset"), string("value")]),
    Strlen = engine("strlen", 2, "2.2.0", Group::String)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::STRING)
        .keys(&[at(1, k::RO)])
        .text(
            "Replies with the length in bytes of the string at a key.",
            "O(1)",
        )
        .args(&[key("key", 0)]),
    Substr = engine("substr", 4, "1.0.0", Group::String)
        .flags(flag::READONLY)
        .acl(acl::STRING)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .text(
            "Older name of GETRANGE.",
            "O(N), N being the bytes returned",
        )
        .deprecated("2.0.0", "`GETRANGE`")
        .args(&[key("key", 0), integer("start"), integer("end")]),
);
