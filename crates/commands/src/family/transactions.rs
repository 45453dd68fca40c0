//! Rows of the table: transactions.

use crate::arg::key;
use crate::flags::{acl, flag, key as k};
use crate::keyspec::range;
use crate::spec::Group;

family!(
    transactions,
    Multi = engine("multi", 1, "1.2.0", Group::Transactions)
        .flags(
            flag::NOT_QUEUED
                | flag::NOSCRIPT
                | flag::LOADING
                | flag::STALE
                | flag::FAST
                | flag::ALLOW_BUSY
        )
        .acl(acl::TRANSACTION)
        .text(
            "Begins a transaction: commands are queued from here on.",
            "O(1)",
        ),
    Exec = engine("exec", 1, "1.2.0", Group::Transactions)
        .flags(flag::NOT_QUEUED | flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::SKIP_SLOWLOG)
        .acl(acl::TRANSACTION)
        .text(
            "Runs the queued commands of a transaction as one step.",
            "The sum of the queued commands",
        ),
    Discard = engine("discard", 1, "2.0.0", Group::Transactions)
        .flags(
            flag::NOT_QUEUED
                | flag::NOSCRIPT
                | flag::LOADING
                | flag::STALE
                | flag::FAST
                | flag::ALLOW_BUSY
        )
        .acl(acl::TRANSACTION)
        .text(
            "Drops the queued commands and ends the transaction.",
            "O(N), N being the commands queued",
        ),
    Watch = engine("watch", -2, "2.2.0", Group::Transactions)
        .flags(
            flag::NOT_QUEUED
                | flag::NOSCRIPT
                | flag::LOADING
                | flag::STALE
                | flag::FAST
                | flag::ALLOW_BUSY
        )
        .acl(acl::TRANSACTION)
        .keys(&[range(1, -1, 1, k::RO)])
        .text(
            "Lets the next transaction fail if one of these keys changes before it.",
            "O(1) for each key",
        )
        .args(&[key("key", 0).multi()]),
    Unwatch = engine("unwatch", 1, "2.2.0", Group::Transactions)
        .flags(flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST | flag::ALLOW_BUSY)
        .acl(acl::TRANSACTION)
        .text("Forgets all watched keys.", "O(1)"),
);
