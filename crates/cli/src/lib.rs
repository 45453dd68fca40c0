//! The command line: redis-cli's options, and the cluster manager.
//!
//! [`main`] reads the words ([`arguments`]), and hands over to a special mode, to one command
//! given on the command line, or to a session that reads commands line by line.
#![forbid(unsafe_code)]

pub mod arguments;
pub mod cluster;
pub mod connect;
pub mod format;
mod help;
mod hint;
mod history;
mod latency;
mod line;
mod lru_test;
mod number;
mod oneshot;
pub mod options;
pub mod output;
mod pipe;
mod preferences;
mod repl;
mod replica;
mod report;
mod sample;
mod scan;
mod script;
mod session;
mod stat;
mod subscriptions;
mod syntax;
mod uri;
mod usage;
mod wait;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;

use arguments::Parsed;
use client::Connection;
use options::{ClusterFlag, Mode};
use output::Exit;
use sample::Measure;
use session::Session;

pub use options::Options;

/// Runs the command line. `args` are the words behind the program's name, `name` is what the
/// program calls itself in messages (`redis-cli`).
pub fn main(args: Vec<OsString>, name: &str) -> ExitCode {
    let (mut options, command) = match arguments::parse(args, output::is_terminal()) {
        Parsed::Run(options, command) => (*options, command),
        Parsed::Help => return exit(output::print(&usage::text(name))),
        Parsed::Usage => {
            output::complain(&usage::text(name));
            return ExitCode::FAILURE;
        }
        Parsed::Version => return exit(output::print(&format!("{}\n", usage::version(name)))),
        Parsed::Refused(text) => {
            output::complain(&text);
            return ExitCode::FAILURE;
        }
    };
    if options.password.is_some() && !options.no_auth_warning {
        output::complain(
            "Warning: Using a password with '-a' or '-u' option on the command line interface may \
             not be safe.",
        );
    }
    arguments::apply_environment(&mut options);
    if options.ask_password {
        match line::ask_password("Please input password: ") {
            Ok(password) => options.password = Some(password),
            Err(Exit(code)) => return ExitCode::from(code),
        }
    }
    if options.cluster.is_some() {
        if options.cluster_flag("from-askpass").is_some() {
            match line::ask_password("Please input import source node password: ") {
                Ok(password) => options.cluster_flags.push(ClusterFlag {
                    name: "from-pass".to_owned(),
                    values: vec![String::from_utf8_lossy(&password).into_owned()],
                }),
                Err(Exit(code)) => return ExitCode::from(code),
            }
        }
        return cluster::run_request(&options);
    }
    exit(run(options, command, name))
}

fn exit(result: Result<(), Exit>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Exit(code)) => ExitCode::from(code),
    }
}

fn run(options: Options, command: Vec<Vec<u8>>, name: &str) -> Result<(), Exit> {
    if let Some(mode) = options.mode.clone() {
        return special(&mode, &options);
    }
    let script = options.script.clone();
    let mut session = Session::new(options);
    if let Some(path) = script {
        return script::run(&mut session, &path, &command);
    }
    if command.is_empty() {
        return repl::run(&mut session, name);
    }
    oneshot::run(&mut session, command, name)
}

fn special(mode: &Mode, options: &Options) -> Result<(), Exit> {
    if let Mode::IntrinsicLatency(seconds) = mode {
        return latency::intrinsic(*seconds);
    }
    let mut connection = prepared(options)?;
    match mode {
        Mode::Latency => latency::run(&mut connection, options, false),
        Mode::LatencyHistory => latency::run(&mut connection, options, true),
        Mode::LatencyDist { mono } => latency::spectrum(&mut connection, options, *mono),
        Mode::Replica => replica::run(&mut connection, options),
        Mode::Rdb(path) => replica::fetch(&mut connection, path, false),
        Mode::FunctionsRdb(path) => replica::fetch(&mut connection, path, true),
        Mode::Pipe => pipe::run(connection, options),
        Mode::BigKeys => sample::biggest(&mut connection, options, Measure::Elements),
        Mode::MemKeys(samples) => {
            sample::biggest(&mut connection, options, Measure::Memory(*samples))
        }
        Mode::HotKeys => sample::hottest(&mut connection, options),
        Mode::Stat => stat::run(&mut connection, options),
        Mode::Scan => scan::run(&mut connection, options),
        Mode::LruTest(keys) => lru_test::run(&mut connection, *keys),
        Mode::IntrinsicLatency(_) => Ok(()),
    }
}

/// A connection for a mode, which cannot do without AUTH and SELECT.
fn prepared(options: &Options) -> Result<Connection, Exit> {
    match connect::open_for_commands(options, &options.address(), options.database) {
        Ok(prepared) if prepared.ready => Ok(prepared.connection),
        Ok(_) => Err(Exit(1)),
        Err(fault) => {
            output::complain(&fault.to_string());
            Err(Exit(1))
        }
    }
}
