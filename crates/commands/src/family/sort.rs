//! Rows of the table: sorting.

use crate::arg::{block, integer, key, oneof, pattern, word};
use crate::flags::{acl, flag, key as k};
use crate::keyspec::{at, unknown};
use crate::spec::Group;

family!(
    sort,
    Sort = engine("sort", -2, "1.0.0", Group::Generic)
        .flags(flag::WANDERS | flag::WRITE | flag::DENYOOM)
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
    SortRo = engine("sort_ro", -2, "7.0.0", Group::Generic)
        .flags(flag::WANDERS | flag::READONLY)
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
);
