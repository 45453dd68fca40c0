//! Options about RDB files and the append-only file.

use crate::checks;
use crate::option::{Kind, Opt, choice, field};
use crate::rows::{INT, LONG};
use crate::rules;

pub(crate) static ROWS: &[Opt] = &[
    Opt::new("save", "3600 1 300 100 60 10000", Kind::Rule(rules::SAVE)),
    Opt::new(
        "stop-writes-on-bgsave-error",
        "yes",
        Kind::YesNo(field!(stop_writes_on_bgsave_error)),
    ),
    Opt::new("rdbcompression", "yes", Kind::YesNo(field!(rdbcompression))),
    Opt::new("rdbchecksum", "yes", Kind::YesNo(field!(rdbchecksum))).immutable(),
    Opt::new(
        "dbfilename",
        "dump.rdb",
        Kind::Text {
            valid: checks::file_name,
            field: field!(dbfilename),
        },
    )
    .protected(),
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
    ),
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
    .hidden(),
    Opt::new(
        "key-load-delay",
        "0",
        Kind::Number {
            min: -INT - 1,
            max: INT,
            field: field!(key_load_delay),
        },
    )
    .hidden(),
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
    Opt::new("appendonly", "no", Kind::YesNo(field!(appendonly))).fixed_while_loading(),
    Opt::new(
        "appendfilename",
        "appendonly.aof",
        Kind::Text {
            valid: checks::append_name,
            field: field!(appendfilename),
        },
    )
    .immutable(),
    Opt::new(
        "appenddirname",
        "appendonlydir",
        Kind::Text {
            valid: checks::dir_name,
            field: field!(appenddirname),
        },
    )
    .immutable(),
    Opt::new(
        "appendfsync",
        "everysec",
        Kind::Choice(choice!(appendfsync: AppendFsync)),
    ),
    Opt::new(
        "no-appendfsync-on-rewrite",
        "no",
        Kind::YesNo(field!(no_appendfsync_on_rewrite)),
    ),
    Opt::new(
        "auto-aof-rewrite-percentage",
        "100",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(auto_aof_rewrite_percentage),
        },
    ),
    Opt::new(
        "auto-aof-rewrite-min-size",
        "67108864",
        Kind::Memory {
            min: 0,
            max: LONG as u64,
            field: field!(auto_aof_rewrite_min_size),
        },
    ),
    Opt::new(
        "aof-load-truncated",
        "yes",
        Kind::YesNo(field!(aof_load_truncated)),
    ),
    Opt::new(
        "aof-use-rdb-preamble",
        "yes",
        Kind::YesNo(field!(aof_use_rdb_preamble)),
    ),
    Opt::new(
        "aof-timestamp-enabled",
        "no",
        Kind::YesNo(field!(aof_timestamp_enabled)),
    ),
    Opt::new(
        "aof-rewrite-incremental-fsync",
        "yes",
        Kind::YesNo(field!(aof_rewrite_incremental_fsync)),
    ),
    Opt::new(
        "aof-disable-auto-gc",
        "no",
        Kind::YesNo(field!(aof_disable_auto_gc)),
    )
    .hidden(),
];
