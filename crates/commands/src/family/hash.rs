//! Rows of the table: hashes.

use crate::arg::{block, double, integer, key, pattern, string, word};
use crate::flags::{acl, flag, key as k};
use crate::keyspec::at;
use crate::spec::Group;

family!(
    hash,
    Hdel = engine("hdel", -3, "2.0.0", Group::Hash)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::HASH)
        .keys(&[at(1, k::RW | k::DELETE)])
        .text(
            "Removes fields of a hash; an emptied hash is removed with them.",
            "O(N), N being the fields named",
        )
        .history(&[("2.4.0", "Takes several fields.")])
        .args(&[key("key", 0), string("field").multi()]),
    Hexists = engine("hexists", 3, "2.0.0", Group::Hash)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::HASH)
        .keys(&[at(1, k::RO)])
        .text("Tells whether a hash has a field.", "O(1)")
        .args(&[key("key", 0), string("field")]),
    Hget = engine("hget", 3, "2.0.0", Group::Hash)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::HASH)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .text("Reads one field of a hash.", "O(1)")
        .args(&[key("key", 0), string("field")]),
    Hgetall = engine("hgetall", 2, "2.0.0", Group::Hash)
        .flags(flag::READONLY)
        .acl(acl::HASH)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .tips(&["nondeterministic_output_order"])
        .text(
            "Reads all fields of a hash with their values.",
            "O(N), N being the fields of the hash",
        )
        .args(&[key("key", 0)]),
    Hincrby = engine("hincrby", 4, "2.0.0", Group::Hash)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::HASH)
        .keys(&[at(1, k::RW | k::ACCESS | k::UPDATE)])
        .text(
            "Adds an integer to a field of a hash; a missing field counts as 0.",
            "O(1)",
        )
        .args(&[key("key", 0), string("field"), integer("increment")]),
    Hincrbyfloat = engine("hincrbyfloat", 4, "2.6.0", Group::Hash)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::HASH)
        .keys(&[at(1, k::RW | k::ACCESS | k::UPDATE)])
        .text(
            "Adds a floating-point number to a field of a hash; a missing field counts as 0.",
            "O(1)",
        )
        .args(&[key("key", 0), string("field"), double("increment")]),
    Hkeys = engine("hkeys", 2, "2.0.0", Group::Hash)
        .flags(flag::READONLY)
        .acl(acl::HASH)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .tips(&["nondeterministic_output_order"])
        .text(
            "Lists the field names of a hash.",
            "O(N), N being the fields of the hash",
        )
        .args(&[key("key", 0)]),
    Hlen = engine("hlen", 2, "2.0.0", Group::Hash)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::HASH)
        .keys(&[at(1, k::RO)])
        .text("Counts the fields of a hash.", "O(1)")
        .args(&[key("key", 0)]),
    Hmget = engine("hmget", -3, "2.0.0", Group::Hash)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::HASH)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .text(
            "Reads several fields of a hash.",
            "O(N), N being the fields named",
        )
        .args(&[key("key", 0), string("field").multi()]),
    Hmset = engine("hmset", -4, "2.0.0", Group::Hash)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::HASH)
        .keys(&[at(1, k::RW | k::UPDATE)])
        .text(
            "Writes several fields of a hash.",
            "O(N), N being the fields written",
        )
        .deprecated("4.0.0", "`HSET`, which takes several pairs")
        .args(&[
            key("key", 0),
            block("data", &[string("field"), string("value")]).multi(),
        ]),
    Hrandfield = engine("hrandfield", -2, "6.2.0", Group::Hash)
        .flags(flag::READONLY)
        .acl(acl::HASH)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .tips(&["nondeterministic_output"])
        .text(
            "Picks fields of a hash at random.",
            "O(N), N being the fields returned",
        )
        .args(&[
            key("key", 0),
            block(
                "options",
                &[integer("count"), word("withvalues", "WITHVALUES").opt()],
            )
            .opt(),
        ]),
    Hscan = engine("hscan", -3, "2.8.0", Group::Hash)
        .flags(flag::READONLY)
        .acl(acl::HASH)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .tips(&["nondeterministic_output"])
        .text(
            "Walks through the fields and values of a hash by cursor.",
            "O(1) for a call, O(N) for the whole walk over N fields",
        )
        .args(&[
            key("key", 0),
            integer("cursor"),
            pattern("pattern").token("MATCH").opt(),
            integer("count").token("COUNT").opt(),
        ]),
    Hset = engine("hset", -4, "2.0.0", Group::Hash)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::HASH)
        .keys(&[at(1, k::RW | k::UPDATE)])
        .text(
            "Writes fields of a hash and replies how many were new.",
            "O(N), N being the fields written",
        )
        .history(&[("4.0.0", "Takes several pairs of field and value.")])
        .args(&[
            key("key", 0),
            block("data", &[string("field"), string("value")]).multi(),
        ]),
    Hsetnx = engine("hsetnx", 4, "2.0.0", Group::Hash)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::HASH)
        .keys(&[at(1, k::RW | k::INSERT)])
        .text(
            "Writes a field of a hash only if the field is missing.",
            "O(1)",
        )
        .args(&[key("key", 0), string("field"), string("value")]),
    Hstrlen = engine("hstrlen", 3, "3.2.0", Group::Hash)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::HASH)
        .keys(&[at(1, k::RO)])
        .text(
            "Replies with the length in bytes of one field's value.",
            "O(1)",
        )
        .args(&[key("key", 0), string("field")]),
    Hvals = engine("hvals", 2, "2.0.0", Group::Hash)
        .flags(flag::READONLY)
        .acl(acl::HASH)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .tips(&["nondeterministic_output_order"])
        .text(
            "Lists the values of a hash.",
            "O(N), N being the fields of the hash",
        )
        .args(&[key("key", 0)]),
);
