//! Options about names that only Valkey knows.

use crate::option::{Kind, Opt, choice, field};
use crate::rows::LONG;

pub(crate) static ROWS: &[Opt] = &[
    Opt::new(
        "dual-channel-replication-enabled",
        "no",
        Kind::YesNo(field!(dual_channel_replication_enabled)),
    )
    .hidden()
    .stored(),
    Opt::new(
        "extended-redis-compatibility",
        "no",
        Kind::YesNo(field!(extended_redis_compatibility)),
    )
    .hidden()
    .stored(),
    Opt::new(
        "rdb-version-check",
        "strict",
        Kind::Choice(choice!(rdb_version_check: VersionCheck)),
    )
    .hidden()
    .stored(),
    Opt::new(
        "prefetch-batch-max-size",
        "16",
        Kind::Number {
            min: 0,
            max: 128,
            field: field!(prefetch_batch_max_size),
        },
    )
    .hidden()
    .stored(),
    Opt::new(
        "commandlog-request-larger-than",
        "1048576",
        Kind::Number {
            min: -1,
            max: LONG,
            field: field!(commandlog_request_larger_than),
        },
    )
    .hidden()
    .stored(),
    Opt::new(
        "commandlog-large-request-max-len",
        "128",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(commandlog_large_request_max_len),
        },
    )
    .hidden()
    .stored(),
    Opt::new(
        "commandlog-reply-larger-than",
        "1048576",
        Kind::Number {
            min: -1,
            max: LONG,
            field: field!(commandlog_reply_larger_than),
        },
    )
    .hidden()
    .stored(),
    Opt::new(
        "commandlog-large-reply-max-len",
        "128",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(commandlog_large_reply_max_len),
        },
    )
    .hidden()
    .stored(),
];
