//! Options about when collections take their compact forms.

use crate::effect::{Effect, Observer};
use crate::option::{Kind, Opt, field};
use crate::rows::{INT, LONG, shown};

pub(crate) static ROWS: &[Opt] = &[
    Opt::new(
        "hash-max-listpack-entries",
        "512",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(hash_max_listpack_entries),
        },
    )
    .aliases(&[shown("hash-max-ziplist-entries")])
    .tells(&[Effect::Commands])
    .seen(Observer::In("OBJECT ENCODING")),
    Opt::new(
        "hash-max-listpack-value",
        "64",
        Kind::Memory {
            min: 0,
            max: LONG as u64,
            field: field!(hash_max_listpack_value),
        },
    )
    .aliases(&[shown("hash-max-ziplist-value")])
    .tells(&[Effect::Commands])
    .seen(Observer::In("OBJECT ENCODING")),
    Opt::new(
        "list-max-listpack-size",
        "-2",
        Kind::Number {
            min: -INT - 1,
            max: INT,
            field: field!(list_max_listpack_size),
        },
    )
    .aliases(&[shown("list-max-ziplist-size")])
    .tells(&[Effect::Commands])
    .seen(Observer::In("OBJECT ENCODING")),
    Opt::new(
        "list-compress-depth",
        "0",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(list_compress_depth),
        },
    )
    .stored(),
    Opt::new(
        "set-max-intset-entries",
        "512",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(set_max_intset_entries),
        },
    )
    .stored(),
    Opt::new(
        "set-max-listpack-entries",
        "128",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(set_max_listpack_entries),
        },
    )
    .stored(),
    Opt::new(
        "set-max-listpack-value",
        "64",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(set_max_listpack_value),
        },
    )
    .stored(),
    Opt::new(
        "zset-max-listpack-entries",
        "128",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(zset_max_listpack_entries),
        },
    )
    .aliases(&[shown("zset-max-ziplist-entries")])
    .stored(),
    Opt::new(
        "zset-max-listpack-value",
        "64",
        Kind::Memory {
            min: 0,
            max: LONG as u64,
            field: field!(zset_max_listpack_value),
        },
    )
    .aliases(&[shown("zset-max-ziplist-value")])
    .stored(),
    Opt::new(
        "hll-sparse-max-bytes",
        "3000",
        Kind::Memory {
            min: 0,
            max: LONG as u64,
            field: field!(hll_sparse_max_bytes),
        },
    )
    .stored(),
    Opt::new(
        "stream-node-max-bytes",
        "4096",
        Kind::Memory {
            min: 0,
            max: LONG as u64,
            field: field!(stream_node_max_bytes),
        },
    )
    .stored(),
    Opt::new(
        "stream-node-max-entries",
        "100",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(stream_node_max_entries),
        },
    )
    .stored(),
];
