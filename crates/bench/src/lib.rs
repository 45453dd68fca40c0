//! The benchmark: redis-benchmark's options.
//!
//! Each thread drives its share of the connections with one poller. A connection sends a batch
//! (the pipeline) in one write, counts the replies without keeping them, and sends the next. The
//! main thread shows how it goes and, at the end, the report.
#![forbid(unsafe_code)]

mod arguments;
mod generator;
mod options;
mod plan;
mod report;
mod run;
mod suite;
mod target;
mod template;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;

use arguments::Parsed;

pub use options::Options;

/// Why the benchmark cannot go on; the text is for standard error.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Failure(pub String);

/// Runs the benchmark. `args` are the words behind the program's name, `name` is what the program
/// calls itself in messages.
pub fn main(args: Vec<OsString>, name: &str) -> ExitCode {
    let (options, command) = match arguments::parse(args) {
        Parsed::Run(options, command) => (*options, command),
        Parsed::Help => {
            print!("{}", usage::text(name));
            return ExitCode::SUCCESS;
        }
        Parsed::Version => {
            println!("{}", usage::version(name));
            return ExitCode::SUCCESS;
        }
        Parsed::Invalid(word) => {
            println!("Invalid option \"{word}\" or option argument missing\n");
            print!("{}", usage::text(name));
            return ExitCode::FAILURE;
        }
        Parsed::Refused(text) => {
            eprintln!("{text}");
            return ExitCode::FAILURE;
        }
    };
    match run::run(&options, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(text)) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}
