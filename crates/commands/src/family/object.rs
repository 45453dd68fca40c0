//! Rows of the table: what is known of a value.

use crate::arg::key;
use crate::flags::{acl, flag, key as k};
use crate::keyspec::at;
use crate::spec::Group;

family!(
    object,
    Object = container("object", -2, "2.2.3", Group::Generic).text(
        "Groups the subcommands that look at how a value is kept.",
        "Depends on subcommand.",
    ),
    ObjectEncoding = engine("object|encoding", 3, "2.2.3", Group::Generic)
        .flags(flag::READONLY)
        .acl(acl::KEYSPACE)
        .keys(&[at(2, k::RO)])
        .tips(&["nondeterministic_output"])
        .text("Names the inner encoding of a value.", "O(1)")
        .args(&[key("key", 0)]),
    ObjectFreq = engine("object|freq", 3, "4.0.0", Group::Generic)
        .flags(flag::READONLY)
        .acl(acl::KEYSPACE)
        .keys(&[at(2, k::RO)])
        .tips(&["nondeterministic_output"])
        .text(
            "Replies with the access frequency counter of a key.",
            "O(1)",
        )
        .args(&[key("key", 0)]),
    ObjectHelp = engine("object|help", 2, "6.2.0", Group::Generic)
        .flags(flag::LOADING | flag::STALE)
        .acl(acl::KEYSPACE)
        .text("Lists the subcommands with a line about each.", "O(1)"),
    ObjectIdletime = engine("object|idletime", 3, "2.2.3", Group::Generic)
        .flags(flag::READONLY)
        .acl(acl::KEYSPACE)
        .keys(&[at(2, k::RO)])
        .tips(&["nondeterministic_output"])
        .text(
            "Replies with the seconds since a key was last used.",
            "O(1)",
        )
        .args(&[key("key", 0)]),
    ObjectRefcount = engine("object|refcount", 3, "2.2.3", Group::Generic)
        .flags(flag::READONLY)
        .acl(acl::KEYSPACE)
        .keys(&[at(2, k::RO)])
        .tips(&["nondeterministic_output"])
        .text("Replies with the reference count of a value.", "O(1)")
        .args(&[key("key", 0)]),
);
