//! Rows of the table: files.

use crate::arg::word;
use crate::flags::{acl, flag};
use crate::spec::Group;

family!(
    persistence,
    Bgrewriteaof = host("bgrewriteaof", 1, "1.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING)
        .text(
            "Starts rewriting the append-only file in the background.",
            "O(1)",
        ),
    Bgsave = host("bgsave", -1, "1.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING)
        .text("Starts saving all databases in the background.", "O(1)")
        .history(&[("3.2.2", "Option `SCHEDULE`.")])
        .args(&[word("schedule", "SCHEDULE").since("3.2.2").opt()]),
    Lastsave = host("lastsave", 1, "1.0.0", Group::Server)
        .flags(flag::LOADING | flag::STALE | flag::FAST)
        .acl(acl::ADMIN | acl::DANGEROUS)
        .tips(&["nondeterministic_output"])
        .text(
            "Replies with the Unix time of the last successful save.",
            "O(1)",
        ),
    Save = host("save", 1, "1.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING | flag::NO_MULTI)
        .text(
            "Saves all databases and replies when done.",
            "O(N), N being the keys of all databases",
        ),
);
