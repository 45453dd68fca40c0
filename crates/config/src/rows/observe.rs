//! Options about slow log, latency, events.

use crate::effect::{Effect, Observer};
use crate::option::{Kind, Opt, field};
use crate::rows::{LONG, shown, valkey};
use crate::rules;

pub(crate) static ROWS: &[Opt] = &[
    Opt::new(
        "slowlog-log-slower-than",
        "10000",
        Kind::Number {
            min: -1,
            max: LONG,
            field: field!(slowlog_log_slower_than),
        },
    )
    .aliases(&[valkey("commandlog-execution-slower-than")])
    .tells(&[Effect::Commands])
    .seen(Observer::In("SLOWLOG GET")),
    Opt::new(
        "slowlog-max-len",
        "128",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(slowlog_max_len),
        },
    )
    .aliases(&[valkey("commandlog-slow-execution-max-len")])
    .tells(&[Effect::Commands])
    .seen(Observer::In("SLOWLOG LEN")),
    Opt::new(
        "latency-monitor-threshold",
        "0",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(latency_monitor_threshold),
        },
    )
    .tells(&[Effect::Commands])
    .seen(Observer::In("LATENCY LATEST")),
    Opt::new(
        "latency-tracking",
        "yes",
        Kind::YesNo(field!(latency_tracking)),
    )
    .tells(&[Effect::Commands])
    .seen(Observer::In("INFO latencystats")),
    Opt::new(
        "latency-tracking-info-percentiles",
        "50 99 99.9",
        Kind::Rule(rules::PERCENTILES),
    )
    .read("by INFO")
    .seen(Observer::In("INFO latencystats")),
    Opt::new("notify-keyspace-events", "", Kind::Rule(rules::NOTIFY)).stored(),
    Opt::new(
        "busy-reply-threshold",
        "5000",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(busy_reply_threshold),
        },
    )
    .aliases(&[shown("lua-time-limit")])
    .stored(),
];
