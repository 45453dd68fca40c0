//! Rows of the table: lists.

use crate::arg::{integer, key, oneof, string, word};
use crate::flags::{acl, flag, key as k};
use crate::keyspec::{at, counted};
use crate::spec::Group;

family!(
    list,
    Lindex = engine("lindex", 3, "1.0.0", Group::List)
        .flags(flag::READONLY)
        .acl(acl::LIST)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .text(
            "Reads the list element at an index.",
            "O(N), N being the elements passed to get there; O(1) at both ends",
        )
        .args(&[key("key", 0), integer("index")]),
    Linsert = engine("linsert", 5, "2.2.0", Group::List)
        .flags(flag::WRITE | flag::DENYOOM)
        .acl(acl::LIST)
        .keys(&[at(1, k::RW | k::INSERT)])
        .text(
            "Puts an element next to another one in a list.",
            "O(N), N being the elements passed before the pivot is met",
        )
        .args(&[
            key("key", 0),
            oneof("where", &[word("before", "BEFORE"), word("after", "AFTER")]),
            string("pivot"),
            string("element"),
        ]),
    Llen = engine("llen", 2, "1.0.0", Group::List)
        .flags(flag::READONLY | flag::FAST)
        .acl(acl::LIST)
        .keys(&[at(1, k::RO)])
        .text("Counts the elements of a list.", "O(1)")
        .args(&[key("key", 0)]),
    Lmove = engine("lmove", 5, "6.2.0", Group::List)
        .flags(flag::WRITE | flag::DENYOOM)
        .acl(acl::LIST)
        .keys(&[
            at(1, k::RW | k::ACCESS | k::DELETE),
            at(2, k::RW | k::INSERT),
        ])
        .text(
            "Takes an element from one end of a list and puts it at an end of another.",
            "O(1)",
        )
        .args(&[
            key("source", 0),
            key("destination", 1),
            oneof("wherefrom", &[word("left", "LEFT"), word("right", "RIGHT")]),
            oneof("whereto", &[word("left", "LEFT"), word("right", "RIGHT")]),
        ]),
    Lmpop = engine("lmpop", -4, "7.0.0", Group::List)
        .flags(flag::WRITE)
        .acl(acl::LIST)
        .keys(&[counted(1, k::RW | k::ACCESS | k::DELETE)])
        .text(
            "Takes elements from the first of several lists that has any.",
            "O(N+M), N being the keys named and M the elements taken",
        )
        .args(&[
            integer("numkeys"),
            key("key", 0).multi(),
            oneof("where", &[word("left", "LEFT"), word("right", "RIGHT")]),
            integer("count").token("COUNT").opt(),
        ]),
    Lpop = engine("lpop", -2, "1.0.0", Group::List)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::LIST)
        .keys(&[at(1, k::RW | k::ACCESS | k::DELETE)])
        .text(
            "Takes elements from the head of a list.",
            "O(N), N being the elements taken",
        )
        .history(&[("6.2.0", "Argument `count`.")])
        .args(&[key("key", 0), integer("count").since("6.2.0").opt()]),
    Lpos = engine("lpos", -3, "6.0.6", Group::List)
        .flags(flag::READONLY)
        .acl(acl::LIST)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .text(
            "Finds the indexes at which a list holds an element.",
            "O(N), N being the elements compared",
        )
        .args(&[
            key("key", 0),
            string("element"),
            integer("rank").token("RANK").opt(),
            integer("num-matches").token("COUNT").opt(),
            integer("len").token("MAXLEN").opt(),
        ]),
    Lpush = engine("lpush", -3, "1.0.0", Group::List)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::LIST)
        .keys(&[at(1, k::RW | k::INSERT)])
        .text(
            "Puts elements at the head of a list, which is made if missing.",
            "O(N), N being the elements added",
        )
        .history(&[("2.4.0", "Takes several elements.")])
        .args(&[key("key", 0), string("element").multi()]),
    Lpushx = engine("lpushx", -3, "2.2.0", Group::List)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::LIST)
        .keys(&[at(1, k::RW | k::INSERT)])
        .text(
            "Puts elements at the head of a list that exists.",
            "O(N), N being the elements added",
        )
        .history(&[("4.0.0", "Takes several elements.")])
        .args(&[key("key", 0), string("element").multi()]),
    Lrange = engine("lrange", 4, "1.0.0", Group::List)
        .flags(flag::READONLY)
        .acl(acl::LIST)
        .keys(&[at(1, k::RO | k::ACCESS)])
        .text(
            "Reads the list elements from one index to another.",
            "O(S+N), S being the distance from the nearer end and N the elements returned",
        )
        .args(&[key("key", 0), integer("start"), integer("stop")]),
    Lrem = engine("lrem", 4, "1.0.0", Group::List)
        .flags(flag::WRITE)
        .acl(acl::LIST)
        .keys(&[at(1, k::RW | k::DELETE)])
        .text(
            "Removes elements equal to a value from a list.",
            "O(N+M), N being the elements compared and M those removed",
        )
        .args(&[key("key", 0), integer("count"), string("element")]),
    Lset = engine("lset", 4, "1.0.0", Group::List)
        .flags(flag::WRITE | flag::DENYOOM)
        .acl(acl::LIST)
        .keys(&[at(1, k::RW | k::UPDATE)])
        .text(
            "Replaces the list element at an index.",
            "O(N), N being the elements passed to get there; O(1) at both ends",
        )
        .args(&[key("key", 0), integer("index"), string("element")]),
    Ltrim = engine("ltrim", 4, "1.0.0", Group::List)
        .flags(flag::WRITE)
        .acl(acl::LIST)
        .keys(&[at(1, k::RW | k::DELETE)])
        .text(
            "Keeps only the list elements from one index to another.",
            "O(N), N being the elements removed",
        )
        .args(&[key("key", 0), integer("start"), integer("stop")]),
    Rpop = engine("rpop", -2, "1.0.0", Group::List)
        .flags(flag::WRITE | flag::FAST)
        .acl(acl::LIST)
        .keys(&[at(1, k::RW | k::ACCESS | k::DELETE)])
        .text(
            "Takes elements from the tail of a list.",
            "O(N), N being the elements taken",
        )
        .history(&[("6.2.0", "Argument `count`.")])
        .args(&[key("key", 0), integer("count").since("6.2.0").opt()]),
    Rpoplpush = engine("rpoplpush", 3, "1.2.0", Group::List)
        .flags(flag::WRITE | flag::DENYOOM)
        .acl(acl::LIST)
        .keys(&[
            at(1, k::RW | k::ACCESS | k::DELETE),
            at(2, k::RW | k::INSERT),
        ])
        .text(
            "Takes the last element of a list and puts it at the head of another.",
            "O(1)",
        )
        .deprecated("6.2.0", "`LMOVE` with `RIGHT` and `LEFT`")
        .args(&[key("source", 0), key("destination", 1)]),
    Rpush = engine("rpush", -3, "1.0.0", Group::List)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::LIST)
        .keys(&[at(1, k::RW | k::INSERT)])
        .text(
            "Puts elements at the tail of a list, which is made if missing.",
            "O(N), N being the elements added",
        )
        .history(&[("2.4.0", "Takes several elements.")])
        .args(&[key("key", 0), string("element").multi()]),
    Rpushx = engine("rpushx", -3, "2.2.0", Group::List)
        .flags(flag::WRITE | flag::DENYOOM | flag::FAST)
        .acl(acl::LIST)
        .keys(&[at(1, k::RW | k::INSERT)])
        .text(
            "Puts elements at the tail of a list that exists.",
            "O(N), N being the elements added",
        )
        .history(&[("4.0.0", "Takes several elements.")])
        .args(&[key("key", 0), string("element").multi()]),
);
