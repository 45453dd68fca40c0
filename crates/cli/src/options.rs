//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

use client::Address;

/// Which protocol to ask the server for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Whatever the server speaks unasked.
    #[default]
    Unasked,
    /// RESP2, asked for by name (`-2`).
    Resp2,
    /// RESP3, and a refusal is an error (`-3`).
    Resp3,
    /// RESP3 if the server knows it (`--json`).
    Resp3IfKnown,
}

/// How replies are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people: types shown, strings quoted.
    Standard,
    /// For programs: bytes as they are.
    Raw,
    /// Comma-separated.
    Csv,
    /// JSON, strings as UTF-8.
    Json,
    /// JSON, strings escaped to ASCII first.
    QuotedJson,
}

impl Format {
    /// Whether this is one of the two JSON forms.
    pub fn is_json(self) -> bool {
        matches!(self, Format::Json | Format::QuotedJson)
    }
}

/// A special mode, which takes the place of commands. Where several are asked for, the one that
/// stands first here is run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// `--latency`.
    Latency,
    /// `--latency-history`.
    LatencyHistory,
    /// `--latency-dist`; `mono` for grey colours.
    LatencyDist {
        /// Grey instead of coloured.
        mono: bool,
    },
    /// `--replica`.
    Replica,
    /// `--rdb`.
    Rdb(PathBuf),
    /// `--functions-rdb`.
    FunctionsRdb(PathBuf),
    /// `--pipe`.
    Pipe,
    /// `--bigkeys`.
    BigKeys,
    /// `--memkeys`, with the number of elements to sample if given.
    MemKeys(Option<u64>),
    /// `--hotkeys`.
    HotKeys,
    /// `--stat`.
    Stat,
    /// `--scan`.
    Scan,
    /// `--lru-test`, with the number of keys.
    LruTest(u64),
    /// `--intrinsic-latency`, with the seconds.
    IntrinsicLatency(u64),
}

/// `--cluster COMMAND ARGS…` and the `--cluster-…` options, as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterRequest {
    /// `create`, `check`, ...
    pub command: String,
    /// The words after the command, up to the first that begins with a minus.
    pub args: Vec<String>,
}

/// One `--cluster-NAME` option with its values (none for a switch, several for `weight`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterFlag {
    /// The name without `--cluster-`.
    pub name: String,
    /// Its values.
    pub values: Vec<String>,
}

/// Everything the command line says.
#[derive(Clone, Debug)]
pub struct Options {
    /// `-h`.
    pub host: String,
    /// `-p`.
    pub port: u16,
    /// `-s`: wins over host and port.
    pub socket: Option<PathBuf>,
    /// `-t`: how long connecting may take.
    pub connect_timeout: Option<Duration>,
    /// `--user`.
    pub user: Option<Vec<u8>>,
    /// `-a`, `--pass`, `-u`, `--askpass` or the environment.
    pub password: Option<Vec<u8>>,
    /// `--askpass`.
    pub ask_password: bool,
    /// `--no-auth-warning`.
    pub no_auth_warning: bool,
    /// `-n`.
    pub database: i64,
    /// `-2`, `-3`.
    pub dialect: Dialect,
    /// `-r`; -1 for ever.
    pub repeat: i64,
    /// `-i`.
    pub interval: Duration,
    /// `-x`: the last argument comes from standard input.
    pub last_from_stdin: bool,
    /// `-X`: the argument that stands for standard input.
    pub stdin_tag: Option<Vec<u8>>,
    /// `-d`: what stands between the strings of a raw reply.
    pub bulk_delimiter: Vec<u8>,
    /// `-D`: what stands behind a raw reply.
    pub reply_delimiter: Vec<u8>,
    /// `-c`.
    pub follow_redirects: bool,
    /// `-e`.
    pub exit_on_error: bool,
    /// `--raw`, `--csv`, ...; standard on a terminal, else raw.
    pub format: Format,
    /// `--quoted-input`.
    pub quoted_input: bool,
    /// `--show-pushes`; on at first if standard output is a terminal.
    pub show_pushes: bool,
    /// `--verbose`.
    pub verbose: bool,
    /// The special mode.
    pub mode: Option<Mode>,
    /// `--pattern`, `--quoted-pattern`.
    pub pattern: Option<Vec<u8>>,
    /// `--count`.
    pub scan_count: u64,
    /// `--pipe-timeout`; none for ever.
    pub pipe_timeout: Option<Duration>,
    /// `--eval`.
    pub script: Option<PathBuf>,
    /// `--cluster`.
    pub cluster: Option<ClusterRequest>,
    /// `--cluster-…`, in their order.
    pub cluster_flags: Vec<ClusterFlag>,
}

impl Options {
    /// What holds when nothing is said. `terminal` tells whether standard output is one.
    pub fn new(terminal: bool) -> Self {
        Options {
            host: "127.0.0.1".to_owned(),
            port: 6379,
            socket: None,
            connect_timeout: None,
            user: None,
            password: None,
            ask_password: false,
            no_auth_warning: false,
            database: 0,
            dialect: Dialect::Unasked,
            repeat: 1,
            interval: Duration::ZERO,
            last_from_stdin: false,
            stdin_tag: None,
            bulk_delimiter: b"\n".to_vec(),
            reply_delimiter: b"\n".to_vec(),
            follow_redirects: false,
            exit_on_error: false,
            format: if terminal {
                Format::Standard
            } else {
                Format::Raw
            },
            quoted_input: false,
            show_pushes: terminal,
            verbose: false,
            mode: None,
            pattern: None,
            scan_count: 10,
            pipe_timeout: Some(Duration::from_secs(30)),
            script: None,
            cluster: None,
            cluster_flags: Vec::new(),
        }
    }

    /// The server that the options name.
    pub fn address(&self) -> Address {
        match &self.socket {
            Some(path) => Address::Unix(path.clone()),
            None => Address::tcp(self.host.clone(), self.port),
        }
    }

    /// The values of a `--cluster-NAME` option, if it was given.
    pub fn cluster_flag(&self, name: &str) -> Option<&[String]> {
        self.cluster_flags
            .iter()
            .rev()
            .find(|f| f.name == name)
            .map(|f| f.values.as_slice())
    }

    /// Asks for a special mode; the first in the order of [`Mode`] stays.
    pub(crate) fn ask_for(&mut self, mode: Mode) {
        if self.mode.as_ref().is_none_or(|current| mode < *current) {
            self.mode = Some(mode);
        }
    }
}
