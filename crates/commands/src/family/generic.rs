//! Rows of the table: keys of any type.

use crate::arg::{integer, key, pattern, string, word};
use crate::flags::{acl, flag, key as k};
use crate::keyspec::{at, range};
use crate::spec::Group;

family!(
    generic,
    Copy = engine("copy", -3, "6.2.0", Group::Generic)
        .flags(flag::WRITE | flag::DENYOOM)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RO | k::ACCESS), at(2, k::OW | k::UPDATE)])
        .text(
            "Copies a key's value to another key.",
            "O(N), N being the elements of a collection; O(1) for a string",
        )
        .args(&[
            key("source", 0),
            key("destination", 1),
            integer("destination-db").token("DB").opt(),
            word("replace", "REPLACE").opt(),
        ]),
    Del = engine("del", -2, "1.0.0", Group::Generic)
        .flags(flag::WRITE)
        .acl(acl::KEYSPACE)
        .keys(&[range(1, -1, 1, k::RM | k::DELETE)])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .text(
            "Deletes keys.",
            "O(N), N being the keys and the elements of their collections",
        )
        .args(&[key("key", 0).multi()]),
    Exists = engine("exists", -2, "1.0.0", Group::Generic)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[range(1, -1, 1, k::RO)])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .text(
            "Counts how many of the given keys exist.",
            "O(N), N being the keys named",
        )
        .history(&[("3.0.3", "Takes several keys.")])
        .args(&[key("key", 0).multi()]),
    Keys = engine("keys", 2, "1.0.0", Group::Generic)
        .flags(flag::WORLD_IN_EXEC | flag::READONLY)
        .acl(acl::KEYSPACE | acl::DANGEROUS)
        .tips(&["request_policy:all_shards", "nondeterministic_output_order"])
        .text(
            "Lists the keys that match a pattern.",
            "O(N), N being the keys of the database",
        )
        .args(&[pattern("pattern")]),
    Move = engine("move", 3, "1.0.0", Group::Generic)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RW | k::ACCESS | k::UPDATE)])
        .text("Moves a key to another database.", "O(1)")
        .args(&[key("key", 0), integer("db")]),
    Randomkey = engine("randomkey", 1, "1.0.0", Group::Generic)
        .flags(flag::WANDERS | flag::READONLY)
        .acl(acl::KEYSPACE)
        .tips(&[
            "request_policy:all_shards",
            "response_policy:special",
            "nondeterministic_output",
        ])
        .text("Picks a key of the database at random.", "O(1)"),
    Rename = engine("rename", 3, "1.0.0", Group::Generic)
        .flags(flag::WRITE)
        .acl(acl::KEYSPACE)
        .keys(&[
            at(1, k::RW | k::ACCESS | k::DELETE),
            at(2, k::OW | k::UPDATE),
        ])
        .text("Gives a key another name, replacing what had it.", "O(1)")
        .args(&[key("key", 0), key("newkey", 1)]),
    Renamenx = engine("renamenx", 3, "1.0.0", Group::Generic)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[
            at(1, k::RW | k::ACCESS | k::DELETE),
            at(2, k::OW | k::INSERT),
        ])
        .text("Gives a key another name if that one is free.", "O(1)")
        .history(&[("3.2.0", "No error when both names are the same.")])
        .args(&[key("key", 0), key("newkey", 1)]),
    Scan = engine("scan", -2, "2.8.0", Group::Generic)
        .flags(flag::WANDERS | flag::READONLY)
        .acl(acl::KEYSPACE)
        .tips(&[
            "nondeterministic_output",
            "request_policy:special",
            "response_policy:special",
        ])
        .text(
            "Walks through the keys of the database by cursor.",
            "O(1) for a call, O(N) for the whole walk over N keys",
        )
        .history(&[("6.0.0", "Option `TYPE`.")])
        .args(&[
            integer("cursor"),
            pattern("pattern").token("MATCH").opt(),
            integer("count").token("COUNT").opt(),
            string("type").token("TYPE").since("6.0.0").opt(),
        ]),
    Touch = engine("touch", -2, "3.2.1", Group::Generic)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[range(1, -1, 1, k::RO)])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .text(
            "Marks keys as just used and counts those that exist.",
            "O(N), N being the keys named",
        )
        .args(&[key("key", 0).multi()]),
    Type = engine("type", 2, "1.0.0", Group::Generic)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RO)])
        .text("Names the type of the value at a key.", "O(1)")
        .args(&[key("key", 0)]),
    Unlink = engine("unlink", -2, "4.0.0", Group::Generic)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[range(1, -1, 1, k::RM | k::DELETE)])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .text(
            "Deletes keys, freeing large values in the background.",
            "O(1) for each key; the memory is freed on another thread",
        )
        .args(&[key("key", 0).multi()]),
);
