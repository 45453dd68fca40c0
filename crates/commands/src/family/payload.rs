//! Rows of the table: values that leave and arrive as bytes.

use crate::arg::{block, integer, key, oneof, string, word};
use crate::flags::{acl, flag, key as k};
use crate::keyspec::{at, behind};
use crate::secret::Secrets;
use crate::spec::Group;

family!(
    payload,
    Dump = engine("dump", 2, "2.6.0", Group::Generic)
        .flags(flag::READONLY)
        .acl(acl::KEYSPACE)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .tips(&["nondeterministic_output"])
        .text(
            "Replies with a key's value in the serialized form that RESTORE takes.",
            "O(N*M), N being the value's elements and M their mean size",
        )
        .args(&[key("key", 0)]),
    Migrate = host("migrate", -6, "2.6.0", Group::Generic)
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
    Restore = engine("restore", -4, "2.6.0", Group::Generic)
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
    RestoreAsking = engine("restore-asking", -4, "3.0.0", Group::Server)
        .flags(flag::WRITE | flag::DENYOOM | flag::ASKING)
        .acl(acl::KEYSPACE | acl::DANGEROUS)
        .keys(&[at(1, k::OW | k::UPDATE)])
        .text(
            "RESTORE as a cluster node sends it while a slot moves.",
            "O(N*M), N being the value's elements and M their mean size",
        )
        .history(&[
            ("3.0.0", "Option `REPLACE`."),
            ("5.0.0", "Option `ABSTTL`."),
            ("5.0.0", "Options `IDLETIME` and `FREQ`."),
        ])
        .system()
        .args(&[
            key("key", 0),
            integer("ttl"),
            string("serialized-value"),
            word("replace", "REPLACE").since("3.0.0").opt(),
            word("absttl", "ABSTTL").since("5.0.0").opt(),
            integer("seconds").token("IDLETIME").since("5.0.0").opt(),
            integer("frequency").token("FREQ").since("5.0.0").opt(),
        ]),
);
