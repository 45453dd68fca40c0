//! Reads the words of the command line.
//!
//! The rules are redis-cli's: an option that wants a value and stands last has none and is
//! unknown, `-h` standing last asks for help, and the first word without a minus begins the
//! command.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::time::Duration;

use crate::number::{leading_float, leading_int};
use crate::options::{ClusterFlag, ClusterRequest, Dialect, Format, Mode, Options};
use crate::uri;
use crate::words;

/// What the words come to.
#[derive(Debug)]
pub enum Parsed {
    /// Options and the command that follows them.
    Run(Box<Options>, Vec<Vec<u8>>),
    /// The usage is asked for.
    Help,
    /// The usage is shown because something was wrong.
    Usage,
    /// The version is asked for.
    Version,
    /// A message for standard error; the exit code is 1.
    Refused(String),
}

/// Switches of the cluster manager, which take no value.
const CLUSTER_SWITCHES: [&str; 18] = [
    "copy",
    "fix-with-unreachable-masters",
    "fix-with-unreachable-primaries",
    "from-askpass",
    "only-masters",
    "only-primaries",
    "only-replicas",
    "replace",
    "replica",
    "search-multiple-owners",
    "simulate",
    "slave",
    "use-atomic-slot-migration",
    "use-empty-masters",
    "use-empty-primaries",
    "yes",
    "help",
    "verbose",
];

/// Options of the cluster manager with one value.
const CLUSTER_VALUES: [&str; 11] = [
    "from",
    "from-pass",
    "from-user",
    "master-id",
    "pipeline",
    "primary-id",
    "replicas",
    "slots",
    "threshold",
    "timeout",
    "to",
];

struct Parser {
    words: Vec<Vec<u8>>,
    at: usize,
    options: Options,
    latency: Latency,
    debugger: bool,
}

/// The latency modes may be asked for in several words.
#[derive(Default)]
struct Latency {
    plain: bool,
    history: bool,
    dist: bool,
    mono: bool,
}

/// Why reading stops.
enum Stop {
    Help,
    Usage,
    Version,
    Refused(String),
}

type Step<T> = Result<T, Stop>;

fn refused<T>(text: impl Into<String>) -> Step<T> {
    Err(Stop::Refused(text.into()))
}

/// Reads the words behind the program's name. `terminal` tells whether standard output is one.
pub fn parse(args: Vec<OsString>, terminal: bool) -> Parsed {
    let mut parser = Parser {
        words: args.into_iter().map(OsString::into_vec).collect(),
        at: 0,
        options: Options::new(terminal),
        latency: Latency::default(),
        debugger: false,
    };
    match parser.run() {
        Ok(()) => {
            let command = parser.words.split_off(parser.at);
            Parsed::Run(Box::new(parser.options), command)
        }
        Err(Stop::Help) => Parsed::Help,
        Err(Stop::Usage) => Parsed::Usage,
        Err(Stop::Version) => Parsed::Version,
        Err(Stop::Refused(text)) => Parsed::Refused(text),
    }
}

impl Parser {
    fn run(&mut self) -> Step<()> {
        while let Some(word) = self.words.get(self.at) {
            if word.first() != Some(&b'-') {
                break;
            }
            let name = String::from_utf8_lossy(word).into_owned();
            self.at += 1;
            self.option(&name)?;
        }
        let unmet_debugger = self.debugger && self.options.script.is_none();
        if unmet_debugger {
            return refused(
                "Options --ldb and --ldb-sync-mode require --eval.\n\
                 Try redis-cli --help for more information.",
            );
        }
        if self.debugger {
            return refused("The Lua debugger (--ldb, --ldb-sync-mode) is not supported.");
        }
        if self.options.last_from_stdin && self.options.stdin_tag.is_some() {
            return refused("Options -x and -X are mutually exclusive.");
        }
        let l = &self.latency;
        if l.dist {
            let mono = l.mono;
            self.options.ask_for(Mode::LatencyDist { mono });
        } else if l.history {
            self.options.ask_for(Mode::LatencyHistory);
        } else if l.plain {
            self.options.ask_for(Mode::Latency);
        }
        Ok(())
    }

    /// One option; values are taken from the words that follow.
    fn option(&mut self, name: &str) -> Step<()> {
        if self.switch(name)? || self.mode_switch(name) {
            return Ok(());
        }
        if let Some(rest) = name.strip_prefix("--cluster-") {
            return self.cluster_option(name, rest);
        }
        if self.at >= self.words.len() {
            return match name {
                "-h" => Err(Stop::Help),
                "--cluster" => Err(Stop::Usage),
                _ => unknown(name),
            };
        }
        if self.connection_value(name)? || self.command_value(name)? || self.mode_value(name)? {
            return Ok(());
        }
        unknown(name)
    }

    fn switch(&mut self, name: &str) -> Step<bool> {
        let o = &mut self.options;
        match name {
            "--help" => return Err(Stop::Help),
            "-v" | "--version" => return Err(Stop::Version),
            "-x" => o.last_from_stdin = true,
            "-c" => o.follow_redirects = true,
            "-e" => o.exit_on_error = true,
            "-2" => o.dialect = Dialect::Resp2,
            "-3" => o.dialect = Dialect::Resp3,
            // The name decides which family answers; both are always tried.
            "-4" | "-6" => {}
            "--askpass" => o.ask_password = true,
            "--no-auth-warning" => o.no_auth_warning = true,
            "--raw" => o.format = Format::Raw,
            "--no-raw" => o.format = Format::Standard,
            "--csv" => o.format = Format::Csv,
            "--json" | "--quoted-json" => {
                if o.dialect == Dialect::Unasked {
                    o.dialect = Dialect::Resp3IfKnown;
                }
                o.format = if name == "--json" {
                    Format::Json
                } else {
                    Format::QuotedJson
                };
            }
            "--quoted-input" => o.quoted_input = true,
            "--verbose" => o.verbose = true,
            "--ldb" | "--ldb-sync-mode" => self.debugger = true,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn mode_switch(&mut self, name: &str) -> bool {
        let o = &mut self.options;
        match name {
            "--latency" => self.latency.plain = true,
            "--latency-history" => self.latency.history = true,
            "--latency-dist" => self.latency.dist = true,
            "--mono" => self.latency.mono = true,
            "--slave" | "--replica" => o.ask_for(Mode::Replica),
            "--stat" => o.ask_for(Mode::Stat),
            "--scan" => o.ask_for(Mode::Scan),
            "--pipe" => o.ask_for(Mode::Pipe),
            "--bigkeys" => o.ask_for(Mode::BigKeys),
            "--memkeys" => o.ask_for(Mode::MemKeys(None)),
            "--hotkeys" => o.ask_for(Mode::HotKeys),
            _ => return false,
        }
        true
    }

    /// The next word, which is there.
    fn value(&mut self) -> Vec<u8> {
        let word = std::mem::take(&mut self.words[self.at]);
        self.at += 1;
        word
    }

    fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.value()).into_owned()
    }

    fn path(&mut self) -> PathBuf {
        OsString::from_vec(self.value()).into()
    }

    fn connection_value(&mut self, name: &str) -> Step<bool> {
        match name {
            "-h" => self.options.host = self.text(),
            "-p" => self.options.port = port(&self.text())?,
            "-s" => self.options.socket = Some(self.path()),
            "-t" => {
                let seconds = leading_float(&self.text());
                let limit = Duration::try_from_secs_f64(seconds)
                    .ok()
                    .filter(|t| !t.is_zero());
                if limit.is_none() && seconds != 0.0 {
                    return refused("Invalid connection timeout for -t.");
                }
                self.options.connect_timeout = limit;
            }
            "-a" | "--pass" => self.options.password = Some(self.value()),
            "--user" => self.options.user = Some(self.value()),
            "-n" => self.options.database = leading_int(&self.text()),
            "-u" => {
                let text = self.value();
                uri::apply(&text, &mut self.options).map_err(|e| Stop::Refused(e.to_string()))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn command_value(&mut self, name: &str) -> Step<bool> {
        match name {
            "-r" => self.options.repeat = leading_int(&self.text()),
            "-i" => self.options.interval = interval(&self.text()),
            "-X" => self.options.stdin_tag = Some(self.value()),
            "-d" => self.options.bulk_delimiter = self.value(),
            "-D" => self.options.reply_delimiter = self.value(),
            "--show-pushes" => {
                self.options.show_pushes = !matches!(self.value().first(), Some(b'n' | b'N'));
            }
            "--eval" => self.options.script = Some(self.path()),
            "--cluster" => self.cluster_command()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn mode_value(&mut self, name: &str) -> Step<bool> {
        match name {
            "--pattern" => self.options.pattern = Some(self.value()),
            "--quoted-pattern" => match words::unquote(&self.value()) {
                Some(pattern) => self.options.pattern = Some(pattern),
                None => return refused("Invalid quoted string specified for --quoted-pattern."),
            },
            "--count" => self.options.scan_count = non_negative(&self.text()),
            "--pipe-timeout" => {
                let seconds = non_negative(&self.text());
                self.options.pipe_timeout = (seconds > 0).then(|| Duration::from_secs(seconds));
            }
            "--memkeys-samples" => {
                let samples = non_negative(&self.text());
                self.options.ask_for(Mode::MemKeys(Some(samples)));
            }
            "--rdb" => {
                let path = self.path();
                self.options.ask_for(Mode::Rdb(path));
            }
            "--functions-rdb" => {
                let path = self.path();
                self.options.ask_for(Mode::FunctionsRdb(path));
            }
            "--lru-test" => {
                let keys = non_negative(&self.text());
                self.options.ask_for(Mode::LruTest(keys));
            }
            "--intrinsic-latency" => {
                let seconds = non_negative(&self.text());
                self.options.ask_for(Mode::IntrinsicLatency(seconds));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The words up to the next option.
    fn plain_words(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        while self
            .words
            .get(self.at)
            .is_some_and(|w| w.first() != Some(&b'-'))
        {
            found.push(self.text());
        }
        found
    }

    fn cluster_command(&mut self) -> Step<()> {
        if self.options.cluster.is_some() {
            return Err(Stop::Usage);
        }
        let command = self.text();
        let args = self.plain_words();
        self.options.cluster = Some(ClusterRequest { command, args });
        Ok(())
    }

    fn cluster_option(&mut self, whole: &str, name: &str) -> Step<()> {
        let values = if CLUSTER_SWITCHES.contains(&name) {
            Vec::new()
        } else if self.at >= self.words.len() {
            return unknown(whole);
        } else if CLUSTER_VALUES.contains(&name) {
            vec![self.text()]
        } else if name == "weight" {
            self.plain_words()
        } else {
            return unknown(whole);
        };
        self.options.cluster_flags.push(ClusterFlag {
            name: name.to_owned(),
            values,
        });
        Ok(())
    }
}

fn unknown<T>(name: &str) -> Step<T> {
    refused(format!(
        "Unrecognized option or bad number of args for: '{name}'"
    ))
}

fn port(text: &str) -> Step<u16> {
    match u16::try_from(leading_int(text)) {
        Ok(port) => Ok(port),
        Err(_) => refused("Invalid server port."),
    }
}

fn non_negative(text: &str) -> u64 {
    u64::try_from(leading_int(text)).unwrap_or(0)
}

fn interval(text: &str) -> Duration {
    Duration::try_from_secs_f64(leading_float(text)).unwrap_or(Duration::ZERO)
}

/// Takes what the environment adds: the password, unless the command line has one.
pub fn apply_environment(options: &mut Options) {
    if options.password.is_none()
        && let Some(password) = std::env::var_os("REDISCLI_AUTH")
    {
        options.password = Some(password.as_os_str().as_bytes().to_vec());
    }
}

#[cfg(test)]
mod tests;
