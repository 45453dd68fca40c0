//! Rows of the table: bits of strings.

use crate::arg::{block, integer, key, oneof, string, word};
use crate::flags::{acl, flag, key as k};
use crate::keyspec::{at, range};
use crate::spec::Group;

family!(
    bitmap,
    Bitcount = engine("bitcount", -2, "2.6.0", Group::Bitmap)
        .flags(flag::READONLY)
        .acl(acl::BITMAP)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .text(
            "Counts the one bits of a string or of a range in it.",
            "O(N)",
        )
        .history(&[("7.0.0", "Option `BYTE|BIT`.")])
        .args(&[
            key("key", 0),
            block(
                "range",
                &[
                    integer("start"),
                    integer("end"),
                    oneof("unit", &[word("byte", "BYTE"), word("bit", "BIT")])
                        .since("7.0.0")
                        .opt(),
                ],
            )
            .opt(),
        ]),
    Bitfield = engine("bitfield", -2, "3.2.0", Group::Bitmap)
        .flags(flag::WRITE | flag::DENYOOM)
        .acl(acl::BITMAP)
        .keys(&[at(1, k::RW | k::ACCESS | k::UPDATE | k::VARIABLE_FLAGS)
            .note("Reads, writes or both, by its operations")])
        .text(
            "Reads and changes integers of any width inside a string.",
            "O(1) for each operation",
        )
        .args(&[
            key("key", 0),
            oneof(
                "operation",
                &[
                    block("get-block", &[string("encoding"), integer("offset")]).token("GET"),
                    block(
                        "write",
                        &[
                            oneof(
                                "overflow-block",
                                &[
                                    word("wrap", "WRAP"),
                                    word("sat", "SAT"),
                                    word("fail", "FAIL"),
                                ],
                            )
                            .token("OVERFLOW")
                            .opt(),
                            oneof(
                                "write-operation",
                                &[
                                    block(
                                        "set-block",
                                        &[string("encoding"), integer("offset"), integer("value")],
                                    )
                                    .token("SET"),
                                    block(
                                        "incrby-block",
                                        &[
                                            string("encoding"),
                                            integer("offset"),
                                            integer("increment"),
                                        ],
                                    )
                                    .token("INCRBY"),
                                ],
                            ),
                        ],
                    ),
                ],
            )
            .opt()
            .multi(),
        ]),
    BitfieldRo = engine("bitfield_ro", -2, "6.0.0", Group::Bitmap)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::BITMAP)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .text(
            "Reads integers of any width inside a string.",
            "O(1) for each operation",
        )
        .args(&[
            key("key", 0),
            block("get-block", &[string("encoding"), integer("offset")])
                .token("GET")
                .opt()
                .multi()
                .multi_token(),
        ]),
    Bitop = engine("bitop", -4, "2.6.0", Group::Bitmap)
        .flags(flag::WRITE | flag::DENYOOM)
        .acl(acl::BITMAP)
        .keys(&[at(2, k::OW | k::UPDATE), range(3, -1, 1, k::RO | k::ACCESS)])
        .text(
            "Combines strings bit by bit and stores what comes out.",
            "O(N)",
        )
        .args(&[
            oneof(
                "operation",
                &[
                    word("and", "AND"),
                    word("or", "OR"),
                    word("xor", "XOR"),
                    word("not", "NOT"),
                ],
            ),
            key("destkey", 0),
            key("key", 1).multi(),
        ]),
    Bitpos = engine("bitpos", -3, "2.8.7", Group::Bitmap)
        .flags(flag::READONLY)
        .acl(acl::BITMAP)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .text(
            "Finds the first bit with a given value in a string or a range of it.",
            "O(N)",
        )
        .history(&[("7.0.0", "Option `BYTE|BIT`.")])
        .args(&[
            key("key", 0),
            integer("bit"),
            block(
                "range",
                &[
                    integer("start"),
                    block(
                        "end-unit-block",
                        &[
                            integer("end"),
                            oneof("unit", &[word("byte", "BYTE"), word("bit", "BIT")])
                                .since("7.0.0")
                                .opt(),
                        ],
                    )
                    .opt(),
                ],
            )
            .opt(),
        ]),
    Getbit = engine("getbit", 3, "2.2.0", Group::Bitmap)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::BITMAP)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .text("Reads one bit of the string at a key.", "O(1)")
        .args(&[key("key", 0), integer("offset")]),
    Setbit = engine("setbit", 4, "2.2.0", Group::Bitmap)
        .flags(flag::WRITE | flag::DENYOOM)
        .acl(acl::BITMAP)
        .keys(&[at(1, k::RW | k::ACCESS | k::UPDATE)])
        .text(
            "Sets one bit of the string at a key to 0 or 1 and replies with the old bit.",
            "O(1)",
        )
        .args(&[key("key", 0), integer("offset"), integer("value")]),
);
