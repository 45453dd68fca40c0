//! Rows of the table: commands for keys of any type.

use crate::arg::{block, integer, key, oneof, pattern, string, word};
use crate::cmd::Cmd;
use crate::flags::{acl, flag, key as k};
use crate::keyspec::{at, behind, range, unknown};
use crate::secret::Secrets;
use crate::spec::{Group, Spec};

pub(crate) static ROWS: &[Spec] = &[
    Spec::new(Cmd::Copy, "copy", -3, "6.2.0", Group::Generic)
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
    Spec::new(Cmd::Del, "del", -2, "1.0.0", Group::Generic)
        .flags(flag::WRITE)
        .acl(acl::KEYSPACE)
        .keys(&[range(1, -1, 1, k::RM | k::DELETE)])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .text(
            "Deletes keys.",
            "O(N), N being the keys and the elements of their collections",
        )
        .args(&[key("key", 0).multi()]),
    Spec::new(Cmd::Dump, "dump", 2, "2.6.0", Group::Generic)
        .flags(flag::READONLY)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .tips(&["nondeterministic_output"])
        .text(
            "Replies with a key's value in the serialized form that RESTORE takes.",
            "O(N*M), N being the value's elements and M their mean size",
        )
        .args(&[key("key", 0)]),
    Spec::new(Cmd::Exists, "exists", -2, "1.0.0", Group::Generic)
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
    Spec::new(Cmd::Keys, "keys", 2, "1.0.0", Group::Generic)
        .flags(flag::READONLY)
        .acl(acl::KEYSPACE | acl::DANGEROUS)
        .tips(&["request_policy:all_shards", "nondeterministic_output_order"])
        .text(
            "Lists the keys that match a pattern.",
            "O(N), N being the keys of the database",
        )
        .args(&[pattern("pattern")]),
    Spec::new(Cmd::Migrate, "migrate", -6, "2.6.0", Group::Generic)
        .flags(flag::WRITE)
        .acl(acl::KEYSPACE | acl::DANGEROUS)
        .keys(&[
            at(3, k::RW | k::ACCESS | k::DELETE),
            behind("KEYS", -2, k::RW | k::ACCESS | k::DELETE | k::INCOMPLETE),
        ])
        .tips(&["nondeterministic_output"])
        .text(
            "Moves keys to another server and deletes them here once they have arrived.",
            "O(N), N being the bytes moved, on top of DUMP, DEL and RESTORE",
        )
        .history(&[
            ("3.0.0", "Options `COPY` and `REPLACE`."),
            ("3.0.6", "Option `KEYS`."),
            ("4.0.7", "Option `AUTH`."),
            ("6.0.0", "Option `AUTH2`."),
        ])
        .secrets(Secrets::Behind {
            from: 6,
            words: &[("AUTH", 1), ("AUTH2", 2)],
            end: "KEYS",
        })
        .args(&[
            string("host"),
            integer("port"),
            oneof("key-selector", &[key("key", 0), word("empty-string", "")]),
            integer("destination-db"),
            integer("timeout"),
            word("copy", "COPY").since("3.0.0").opt(),
            word("replace", "REPLACE").since("3.0.0").opt(),
            oneof(
                "authentication",
                &[
                    string("auth").token("AUTH").show("password").since("4.0.7"),
                    block("auth2", &[string("username"), string("password")])
                        .token("AUTH2")
                        .since("6.0.0"),
                ],
            )
            .opt(),
            key("keys", 1)
                .token("KEYS")
                .show("key")
                .since("3.0.6")
                .opt()
                .multi(),
        ]),
    Spec::new(Cmd::Move, "move", 3, "1.0.0", Group::Generic)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RW | k::ACCESS | k::UPDATE)])
        .text("Moves a key to another database.", "O(1)")
        .args(&[key("key", 0), integer("db")]),
    Spec::new(Cmd::Object, "object", -2, "2.2.3", Group::Generic)
        .text(
            "Groups the subcommands that look at how a value is kept.",
            "Depends on subcommand.",
        )
        .subcommands(OBJECT),
    Spec::new(Cmd::Persist, "persist", 2, "2.2.0", Group::Generic)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RW | k::UPDATE)])
        .text("Takes the expiry off a key.", "O(1)")
        .args(&[key("key", 0)]),
    Spec::new(Cmd::Randomkey, "randomkey", 1, "1.0.0", Group::Generic)
        .flags(flag::READONLY)
        .acl(acl::KEYSPACE)
        .tips(&[
            "request_policy:all_shards",
            "response_policy:special",
            "nondeterministic_output",
        ])
        .text("Picks a key of the database at random.", "O(1)"),
    Spec::new(Cmd::Rename, "rename", 3, "1.0.0", Group::Generic)
        .flags(flag::WRITE)
        .acl(acl::KEYSPACE)
        .keys(&[
            at(1, k::RW | k::ACCESS | k::DELETE),
            at(2, k::OW | k::UPDATE),
        ])
        .text("Gives a key another name, replacing what had it.", "O(1)")
        .args(&[key("key", 0), key("newkey", 1)]),
    Spec::new(Cmd::Renamenx, "renamenx", 3, "1.0.0", Group::Generic)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[
            at(1, k::RW | k::ACCESS | k::DELETE),
            at(2, k::OW | k::INSERT),
        ])
        .text("Gives a key another name if that one is free.", "O(1)")
        .history(&[("3.2.0", "No error when both names are the same.")])
        .args(&[key("key", 0), key("newkey", 1)]),
    Spec::new(Cmd::Restore, "restore", -4, "2.6.0", Group::Generic)
        .flags(flag::WRITE | flag::DENYOOM)
        .acl(acl::KEYSPACE | acl::DANGEROUS)
        .keys(&[at(1, k::OW | k::UPDATE)])
        .text(
            "Makes a key from the serialized form that DUMP gave.",
            "O(N*M), N being the value's elements and M their mean size",
        )
        .history(&[
            ("3.0.0", "Option `REPLACE`."),
            ("5.0.0", "Option `ABSTTL`."),
            ("5.0.0", "Options `IDLETIME` and `FREQ`."),
        ])
        .args(&[
            key("key", 0),
            integer("ttl"),
            string("serialized-value"),
            word("replace", "REPLACE").since("3.0.0").opt(),
            word("absttl", "ABSTTL").since("5.0.0").opt(),
            integer("seconds").token("IDLETIME").since("5.0.0").opt(),
            integer("frequency").token("FREQ").since("5.0.0").opt(),
        ]),
    Spec::new(Cmd::Scan, "scan", -2, "2.8.0", Group::Generic)
        .flags(flag::READONLY)
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
    Spec::new(Cmd::Sort, "sort", -2, "1.0.0", Group::Generic)
        .flags(flag::WRITE | flag::DENYOOM)
        .acl(acl::SET | acl::SORTEDSET | acl::LIST | acl::DANGEROUS)
        .keys(&[
            at(1, k::RO | k::ACCESS),
            unknown(k::RO | k::ACCESS).note("Keys derived from the elements by BY and GET"),
            unknown(k::OW | k::UPDATE).note("The key after STORE, wherever that stands"),
        ])
        .text(
            "Sorts the elements of a collection, and stores them if asked.",
            "O(N+M*log(M)), N being the elements sorted and M those returned",
        )
        .args(&[
            key("key", 0),
            pattern("by-pattern")
                .token("BY")
                .show("pattern")
                .found_by(1)
                .opt(),
            block("limit", &[integer("offset"), integer("count")])
                .token("LIMIT")
                .opt(),
            pattern("get-pattern")
                .token("GET")
                .show("pattern")
                .found_by(1)
                .opt()
                .multi()
                .multi_token(),
            oneof("order", &[word("asc", "ASC"), word("desc", "DESC")]).opt(),
            word("sorting", "ALPHA").opt(),
            key("destination", 2).token("STORE").opt(),
        ]),
    Spec::new(Cmd::SortRo, "sort_ro", -2, "7.0.0", Group::Generic)
        .flags(flag::READONLY)
        .acl(acl::SET | acl::SORTEDSET | acl::LIST | acl::DANGEROUS)
        .keys(&[
            at(1, k::RO | k::ACCESS),
            unknown(k::RO | k::ACCESS).note("Keys derived from the elements by BY and GET"),
        ])
        .text(
            "Sorts the elements of a collection without storing them.",
            "O(N+M*log(M)), N being the elements sorted and M those returned",
        )
        .args(&[
            key("key", 0),
            pattern("by-pattern")
                .token("BY")
                .show("pattern")
                .found_by(1)
                .opt(),
            block("limit", &[integer("offset"), integer("count")])
                .token("LIMIT")
                .opt(),
            pattern("get-pattern")
                .token("GET")
                .show("pattern")
                .found_by(1)
                .opt()
                .multi()
                .multi_token(),
            oneof("order", &[word("asc", "ASC"), word("desc", "DESC")]).opt(),
            word("sorting", "ALPHA").opt(),
        ]),
    Spec::new(Cmd::Touch, "touch", -2, "3.2.1", Group::Generic)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[range(1, -1, 1, k::RO)])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .text(
            "Marks keys as just used and counts those that exist.",
            "O(N), N being the keys named",
        )
        .args(&[key("key", 0).multi()]),
    Spec::new(Cmd::Type, "type", 2, "1.0.0", Group::Generic)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RO)])
        .text("Names the type of the value at a key.", "O(1)")
        .args(&[key("key", 0)]),
    Spec::new(Cmd::Unlink, "unlink", -2, "4.0.0", Group::Generic)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::KEYSPACE)
        .keys(&[range(1, -1, 1, k::RM | k::DELETE)])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .text(
            "Deletes keys, freeing large values in the background.",
            "O(1) for each key; the memory is freed on another thread",
        )
        .args(&[key("key", 0).multi()]),
    Spec::new(Cmd::Wait, "wait", 3, "3.0.0", Group::Generic)
        .flags(flag::BLOCKING)
        .acl(acl::CONNECTION)
        .tips(&["request_policy:all_shards", "response_policy:agg_min"])
        .text(
            "Waits until the connection's writes have reached a number of replicas.",
            "O(1)",
        )
        .args(&[integer("numreplicas"), integer("timeout")]),
    Spec::new(Cmd::Waitaof, "waitaof", 4, "7.2.0", Group::Generic)
        .flags(flag::BLOCKING)
        .acl(acl::CONNECTION)
        .tips(&["request_policy:all_shards", "response_policy:agg_min"])
        .text(
            "Waits until the connection's writes are synced here and on a number of replicas.",
            "O(1)",
        )
        .args(&[
            integer("numlocal"),
            integer("numreplicas"),
            integer("timeout"),
        ]),
];

static OBJECT: &[Spec] = &[
    Spec::new(
        Cmd::ObjectEncoding,
        "object|encoding",
        3,
        "2.2.3",
        Group::Generic,
    )
    .of(Cmd::Object)
    .flags(flag::READONLY)
    .acl(acl::KEYSPACE)
    .keys(&[at(2, k::RO)])
    .tips(&["nondeterministic_output"])
    .text("Names the inner encoding of a value.", "O(1)")
    .args(&[key("key", 0)]),
    Spec::new(Cmd::ObjectFreq, "object|freq", 3, "4.0.0", Group::Generic)
        .of(Cmd::Object)
        .flags(flag::READONLY)
        .acl(acl::KEYSPACE)
        .keys(&[at(2, k::RO)])
        .tips(&["nondeterministic_output"])
        .text(
            "Replies with the access frequency counter of a key.",
            "O(1)",
        )
        .args(&[key("key", 0)]),
    Spec::new(Cmd::ObjectHelp, "object|help", 2, "6.2.0", Group::Generic)
        .of(Cmd::Object)
        .flags(flag::LOADING | flag::STALE)
        .acl(acl::KEYSPACE)
        .text("Lists the subcommands with a line about each.", "O(1)"),
    Spec::new(
        Cmd::ObjectIdletime,
        "object|idletime",
        3,
        "2.2.3",
        Group::Generic,
    )
    .of(Cmd::Object)
    .flags(flag::READONLY)
    .acl(acl::KEYSPACE)
    .keys(&[at(2, k::RO)])
    .tips(&["nondeterministic_output"])
    .text(
        "Replies with the seconds since a key was last used.",
        "O(1)",
    )
    .args(&[key("key", 0)]),
    Spec::new(
        Cmd::ObjectRefcount,
        "object|refcount",
        3,
        "2.2.3",
        Group::Generic,
    )
    .of(Cmd::Object)
    .flags(flag::READONLY)
    .acl(acl::KEYSPACE)
    .keys(&[at(2, k::RO)])
    .tips(&["nondeterministic_output"])
    .text("Replies with the reference count of a value.", "O(1)")
    .args(&[key("key", 0)]),
];
