//! Options about RDB files and the append-only file.

use crate::checks;
use crate::effect::{Effect, Observer};
use crate::option::{Kind, Opt, choice, field};
use crate::rows::{INT, LONG};
use crate::rules;

pub(crate) static ROWS: &[Opt] = &[
    Opt::new("save", "3600 1 300 100 60 10000", Kind::Rule(rules::SAVE))
        .tells(&[Effect::WriteRefusal])
        .read("ten times a second, and by SHUTDOWN")
        .seen(Observer::In("INFO `rdb_last_save_time`")),
    Opt::new(
        "stop-writes-on-bgsave-error",
        "yes",
        Kind::YesNo(field!(stop_writes_on_bgsave_error)),
    )
    .tells(&[Effect::WriteRefusal])
    .seen(Observer::In("the answer -MISCONF to a write")),
    Opt::new("rdbcompression", "yes", Kind::YesNo(field!(rdbcompression)))
        .read("by each save")
        .seen(Observer::In("the size of the dump")),
    Opt::new("rdbchecksum", "yes", Kind::YesNo(field!(rdbchecksum)))
        .immutable()
        .seen(Observer::In("the last eight bytes of the dump")),
    Opt::new(
        "dbfilename",
        "dump.rdb",
        Kind::Text {
            valid: checks::file_name,
            field: field!(dbfilename),
        },
    )
    .protected()
    .read("by each save")
    .seen(Observer::In("the file")),
    Opt::new(
        "rdb-del-sync-files",
        "no",
        Kind::YesNo(field!(rdb_del_sync_files)),
    )
    .stored(),
    Opt::new(
        "rdb-save-incremental-fsync",
        "yes",
        Kind::YesNo(field!(rdb_save_incremental_fsync)),
    )
    .read("by each save")
    .seen(Observer::In("the calls of `fdatasync` while it saves")),
    Opt::new(
        "sanitize-dump-payload",
        "no",
        Kind::Choice(choice!(sanitize_dump_payload: SanitizeDump)),
    )
    .stored(),
    Opt::new(
        "rdb-key-save-delay",
        "0",
        Kind::Number {
            min: -INT - 1,
            max: INT,
            field: field!(rdb_key_save_delay),
        },
    )
    .hidden()
    .read("by each save")
    .seen(Observer::In("how long a save takes")),
    Opt::new(
        "key-load-delay",
        "0",
        Kind::Number {
            min: -INT - 1,
            max: INT,
            field: field!(key_load_delay),
        },
    )
    .hidden()
    .read("whenever a file is loaded")
    .seen(Observer::In("how long loading takes")),
    Opt::new(
        "loading-process-events-interval-bytes",
        "2097152",
        Kind::Number {
            min: 1024,
            max: INT,
            field: field!(loading_process_events_interval_bytes),
        },
    )
    .stored()
    .hidden(),
    Opt::new("appendonly", "no", Kind::YesNo(field!(appendonly)))
        .fixed_while_loading()
        .tells(&[Effect::AppendOnlySwitch])
        .read("when the server starts, and by each full sync")
        .seen(Observer::Info("aof_enabled")),
    Opt::new(
        "appendfilename",
        "appendonly.aof",
        Kind::Text {
            valid: checks::append_name,
            field: field!(appendfilename),
        },
    )
    .immutable()
    .seen(Observer::In("the files")),
    Opt::new(
        "appenddirname",
        "appendonlydir",
        Kind::Text {
            valid: checks::dir_name,
            field: field!(appenddirname),
        },
    )
    .immutable()
    .seen(Observer::In("the directory")),
    Opt::new(
        "appendfsync",
        "everysec",
        Kind::Choice(choice!(appendfsync: AppendFsync)),
    )
    .tells(&[Effect::AppendOnlyWriter])
    .read("by each writer that begins")
    .seen(Observer::In("the calls of `fdatasync`")),
    Opt::new(
        "no-appendfsync-on-rewrite",
        "no",
        Kind::YesNo(field!(no_appendfsync_on_rewrite)),
    )
    .read("when a snapshot begins")
    .seen(Observer::In("the calls of `fdatasync` while it runs")),
    Opt::new(
        "auto-aof-rewrite-percentage",
        "100",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(auto_aof_rewrite_percentage),
        },
    )
    .read("ten times a second")
    .seen(Observer::In("INFO `aof_rewrites`")),
    Opt::new(
        "auto-aof-rewrite-min-size",
        "67108864",
        Kind::Memory {
            min: 0,
            max: LONG as u64,
            field: field!(auto_aof_rewrite_min_size),
        },
    )
    .read("ten times a second")
    .seen(Observer::In("INFO `aof_rewrites`")),
    Opt::new(
        "aof-load-truncated",
        "yes",
        Kind::YesNo(field!(aof_load_truncated)),
    )
    .read("whenever the file is loaded")
    .seen(Observer::In("whether DEBUG LOADAOF and the start go well")),
    Opt::new(
        "aof-use-rdb-preamble",
        "yes",
        Kind::YesNo(field!(aof_use_rdb_preamble)),
    )
    .read("by each rewrite")
    .seen(Observer::In("the name of the file's base")),
    Opt::new(
        "aof-timestamp-enabled",
        "no",
        Kind::YesNo(field!(aof_timestamp_enabled)),
    )
    .tells(&[Effect::AppendOnlyWriter])
    .read("by each writer that begins")
    .seen(Observer::In("lines `#TS:` in the file")),
    Opt::new(
        "aof-rewrite-incremental-fsync",
        "yes",
        Kind::YesNo(field!(aof_rewrite_incremental_fsync)),
    )
    .read("by each rewrite")
    .seen(Observer::In("the calls of `fdatasync` while it runs")),
    Opt::new(
        "aof-disable-auto-gc",
        "no",
        Kind::YesNo(field!(aof_disable_auto_gc)),
    )
    .hidden()
    .read("by each rewrite")
    .seen(Observer::In("files that stay")),
];
