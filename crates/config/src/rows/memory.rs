//! Options about memory and expiry.

use crate::effect::{Effect, Observer};
use crate::option::{Kind, Opt, choice, field};
use crate::rows::{INT, LONG};

pub(crate) static ROWS: &[Opt] = &[
    Opt::new(
        "maxmemory",
        "0",
        Kind::Memory {
            min: 0,
            max: u64::MAX,
            field: field!(maxmemory),
        },
    )
    .tells(&[Effect::Commands, Effect::MemoryLimit])
    .seen(Observer::In("the answer -OOM to a write, INFO `maxmemory`")),
    Opt::new(
        "maxmemory-policy",
        "noeviction",
        Kind::Choice(choice!(maxmemory_policy: EvictionPolicy)),
    )
    .tells(&[Effect::Commands, Effect::MemoryLimit])
    .read("by each save")
    .seen(Observer::In("OBJECT FREQ, INFO `maxmemory_policy`")),
    Opt::new(
        "maxmemory-samples",
        "5",
        Kind::Number {
            min: 1,
            max: 64,
            field: field!(maxmemory_samples),
        },
    )
    .stored(),
    Opt::new(
        "maxmemory-eviction-tenacity",
        "10",
        Kind::Number {
            min: 0,
            max: 100,
            field: field!(maxmemory_eviction_tenacity),
        },
    )
    .stored(),
    Opt::new(
        "active-expire-effort",
        "1",
        Kind::Number {
            min: 1,
            max: 10,
            field: field!(active_expire_effort),
        },
    )
    .read("by each round of expiry")
    .seen(Observer::In("INFO `expire_cycle_cpu_milliseconds`")),
    Opt::new(
        "lazyfree-lazy-eviction",
        "no",
        Kind::YesNo(field!(lazyfree_lazy_eviction)),
    )
    .stored(),
    Opt::new(
        "lazyfree-lazy-expire",
        "no",
        Kind::YesNo(field!(lazyfree_lazy_expire)),
    )
    .tells(&[Effect::Expiry])
    .seen(Observer::In("UNLINK in place of DEL in the stream")),
    Opt::new(
        "lazyfree-lazy-server-del",
        "no",
        Kind::YesNo(field!(lazyfree_lazy_server_del)),
    )
    .stored(),
    Opt::new(
        "lazyfree-lazy-user-del",
        "no",
        Kind::YesNo(field!(lazyfree_lazy_user_del)),
    )
    .tells(&[Effect::Commands])
    .seen(Observer::In("INFO `lazyfree_pending_objects` after DEL")),
    Opt::new(
        "lazyfree-lazy-user-flush",
        "no",
        Kind::YesNo(field!(lazyfree_lazy_user_flush)),
    )
    .tells(&[Effect::Commands])
    .seen(Observer::In(
        "INFO `lazyfree_pending_objects` after FLUSHALL",
    )),
    Opt::new(
        "lfu-log-factor",
        "10",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(lfu_log_factor),
        },
    )
    .tells(&[Effect::Commands])
    .seen(Observer::In("OBJECT FREQ")),
    Opt::new(
        "lfu-decay-time",
        "1",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(lfu_decay_time),
        },
    )
    .tells(&[Effect::Commands])
    .seen(Observer::In("OBJECT FREQ")),
    Opt::new(
        "activerehashing",
        "yes",
        Kind::YesNo(field!(activerehashing)),
    )
    .stored(),
    Opt::new("activedefrag", "no", Kind::YesNo(field!(activedefrag)))
        .refused("moving values to defragment memory does not exist in this version"),
    Opt::new(
        "active-defrag-cycle-min",
        "1",
        Kind::Number {
            min: 1,
            max: 99,
            field: field!(active_defrag_cycle_min),
        },
    )
    .stored(),
    Opt::new(
        "active-defrag-cycle-max",
        "25",
        Kind::Number {
            min: 1,
            max: 99,
            field: field!(active_defrag_cycle_max),
        },
    )
    .stored(),
    Opt::new(
        "active-defrag-threshold-lower",
        "10",
        Kind::Number {
            min: 0,
            max: 1000,
            field: field!(active_defrag_threshold_lower),
        },
    )
    .stored(),
    Opt::new(
        "active-defrag-threshold-upper",
        "100",
        Kind::Number {
            min: 0,
            max: 1000,
            field: field!(active_defrag_threshold_upper),
        },
    )
    .stored(),
    Opt::new(
        "active-defrag-ignore-bytes",
        "104857600",
        Kind::Memory {
            min: 1,
            max: LONG as u64,
            field: field!(active_defrag_ignore_bytes),
        },
    )
    .stored(),
    Opt::new(
        "active-defrag-max-scan-fields",
        "1000",
        Kind::Number {
            min: 1,
            max: LONG,
            field: field!(active_defrag_max_scan_fields),
        },
    )
    .stored(),
    Opt::new(
        "jemalloc-bg-thread",
        "yes",
        Kind::YesNo(field!(jemalloc_bg_thread)),
    )
    .tells(&[Effect::Allocator])
    .seen(Observer::In("the thread `jemalloc_bg_thd`")),
    Opt::new(
        "tracking-table-max-keys",
        "1000000",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(tracking_table_max_keys),
        },
    )
    .stored(),
];
