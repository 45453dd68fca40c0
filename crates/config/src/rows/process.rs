//! Options about the process as a whole.

use crate::checks;
use crate::effect::{Effect, Observer};
use crate::option::{Kind, Opt, choice, field};
use crate::rows::{INT, LONG, shown};
use crate::rules;

pub(crate) static ROWS: &[Opt] = &[
    Opt::new("daemonize", "no", Kind::YesNo(field!(daemonize)))
        .immutable()
        .seen(Observer::In("the process has no terminal")),
    Opt::new(
        "pidfile",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(pidfile),
        },
    )
    .immutable()
    .seen(Observer::In("the file")),
    Opt::new(
        "supervised",
        "no",
        Kind::Choice(choice!(supervised: Supervised)),
    )
    .immutable()
    .seen(Observer::Info("process_supervised")),
    Opt::new(
        "loglevel",
        "notice",
        Kind::Choice(choice!(loglevel: LogLevel)),
    )
    .tells(&[Effect::Log])
    .seen(Observer::In("lines of the log")),
    Opt::new(
        "logfile",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(logfile),
        },
    )
    .immutable()
    .seen(Observer::In("the file")),
    Opt::new("syslog-enabled", "no", Kind::YesNo(field!(syslog_enabled)))
        .immutable()
        .seen(Observer::In("the system's log")),
    Opt::new(
        "syslog-ident",
        "redis",
        Kind::Text {
            valid: checks::any,
            field: field!(syslog_ident),
        },
    )
    .immutable()
    .seen(Observer::In("the system's log")),
    Opt::new(
        "syslog-facility",
        "local0",
        Kind::Choice(choice!(syslog_facility: SyslogFacility)),
    )
    .immutable()
    .seen(Observer::In("the system's log")),
    Opt::new(
        "always-show-logo",
        "no",
        Kind::YesNo(field!(always_show_logo)),
    )
    .immutable()
    .stored(),
    Opt::new("set-proc-title", "yes", Kind::YesNo(field!(set_proc_title)))
        .immutable()
        .stored(),
    Opt::new(
        "proc-title-template",
        "{title} {listen-addr} {server-mode}",
        Kind::Text {
            valid: checks::title_template,
            field: field!(proc_title_template),
        },
    )
    .stored(),
    Opt::new(
        "databases",
        "16",
        Kind::Number {
            min: 1,
            max: INT,
            field: field!(databases),
        },
    )
    .immutable()
    .seen(Observer::In("the answer to SELECT")),
    Opt::new(
        "hz",
        "10",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(hz),
        },
    )
    .read("before each round of periodic work")
    .seen(Observer::Info("configured_hz")),
    Opt::new("dynamic-hz", "yes", Kind::YesNo(field!(dynamic_hz))).stored(),
    Opt::new(
        "dir",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(dir),
        },
    )
    .fixed_while_loading()
    .protected()
    .always_written()
    .read("whenever a file is opened")
    .seen(Observer::In("where files are")),
    Opt::new(
        "requirepass",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(requirepass),
        },
    )
    .sensitive()
    .tells(&[Effect::Commands])
    .seen(Observer::In(
        "the answer to a client that has not logged in",
    )),
    Opt::new(
        "acl-pubsub-default",
        "resetchannels",
        Kind::Choice(choice!(acl_pubsub_default: PubsubDefault)),
    )
    .stored(),
    Opt::new(
        "aclfile",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(aclfile),
        },
    )
    .immutable()
    .refused("access lists do not exist in this version"),
    Opt::new(
        "acllog-max-len",
        "128",
        Kind::Number {
            min: 0,
            max: LONG,
            field: field!(acllog_max_len),
        },
    )
    .stored(),
    Opt::new(
        "enable-protected-configs",
        "no",
        Kind::Choice(choice!(enable_protected_configs: ProtectedAction)),
    )
    .immutable()
    .read("by CONFIG SET")
    .seen(Observer::In("the answer to CONFIG SET dir")),
    Opt::new(
        "enable-debug-command",
        "no",
        Kind::Choice(choice!(enable_debug_command: ProtectedAction)),
    )
    .immutable()
    .tells(&[Effect::Commands])
    .seen(Observer::In("the answer to DEBUG")),
    Opt::new(
        "enable-module-command",
        "no",
        Kind::Choice(choice!(enable_module_command: ProtectedAction)),
    )
    .immutable()
    .stored(),
    Opt::new(
        "enable-debug-assert",
        "no",
        Kind::YesNo(field!(enable_debug_assert)),
    )
    .immutable()
    .hidden()
    .stored(),
    Opt::new(
        "shutdown-timeout",
        "10",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(shutdown_timeout),
        },
    )
    .read("by SHUTDOWN")
    .seen(Observer::In("INFO `shutdown_in_milliseconds`")),
    Opt::new(
        "shutdown-on-sigint",
        "default",
        Kind::Rule(rules::ON_SIGINT),
    )
    .read("when the signal comes")
    .seen(Observer::In("whether there is a dump afterwards")),
    Opt::new(
        "shutdown-on-sigterm",
        "default",
        Kind::Rule(rules::ON_SIGTERM),
    )
    .read("when the signal comes")
    .seen(Observer::In("whether there is a dump afterwards")),
    Opt::new(
        "crash-log-enabled",
        "yes",
        Kind::YesNo(field!(crash_log_enabled)),
    )
    .read("at a crash")
    .seen(Observer::In("the report in the log")),
    Opt::new(
        "crash-memcheck-enabled",
        "yes",
        Kind::YesNo(field!(crash_memcheck_enabled)),
    )
    .stored(),
    Opt::new(
        "use-exit-on-panic",
        "no",
        Kind::YesNo(field!(use_exit_on_panic)),
    )
    .hidden()
    .stored(),
    Opt::new(
        "watchdog-period",
        "0",
        Kind::Number {
            min: 0,
            max: INT,
            field: field!(watchdog_period),
        },
    )
    .hidden()
    .stored(),
    Opt::new("disable-thp", "yes", Kind::YesNo(field!(disable_thp)))
        .immutable()
        .stored(),
    Opt::new(
        "oom-score-adj",
        "no",
        Kind::Choice(choice!(oom_score_adj: OomScoreAdj)),
    )
    .stored(),
    Opt::new(
        "oom-score-adj-values",
        "0 200 800",
        Kind::Rule(rules::OOM_VALUES),
    )
    .stored(),
    Opt::new(
        "server-cpulist",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(server_cpulist),
        },
    )
    .aliases(&[shown("server_cpulist")])
    .immutable()
    .stored(),
    Opt::new(
        "bio-cpulist",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(bio_cpulist),
        },
    )
    .aliases(&[shown("bio_cpulist")])
    .immutable()
    .stored(),
    Opt::new(
        "aof-rewrite-cpulist",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(aof_rewrite_cpulist),
        },
    )
    .aliases(&[shown("aof_rewrite_cpulist")])
    .immutable()
    .stored(),
    Opt::new(
        "bgsave-cpulist",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(bgsave_cpulist),
        },
    )
    .aliases(&[shown("bgsave_cpulist")])
    .immutable()
    .stored(),
    Opt::new(
        "ignore-warnings",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(ignore_warnings),
        },
    )
    .stored(),
    Opt::new(
        "locale-collate",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(locale_collate),
        },
    )
    .refused("sorting by the rules of a locale does not exist in this version"),
    Opt::new(
        "hash-seed",
        "",
        Kind::Text {
            valid: checks::any,
            field: field!(hash_seed),
        },
    )
    .stored()
    .immutable()
    .hidden()
    .sensitive(),
    Opt::new(
        "hide-user-data-from-log",
        "no",
        Kind::YesNo(field!(hide_user_data_from_log)),
    )
    .stored(),
    Opt::new(
        "propagation-error-behavior",
        "ignore",
        Kind::Choice(choice!(propagation_error_behavior: PropagationError)),
    )
    .stored(),
];
