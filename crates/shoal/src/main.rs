//! The one binary: server, command line, cluster manager, benchmark and checkers.
//!
//! What it is comes from the name it is called by (`redis-cli`, `valkey-server`, ...) or from its
//! first word (`shoal cli`).
#![forbid(unsafe_code)]

mod help;
mod links;
mod local;
mod programs;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

/// The data structures fit their blocks to this allocator's size classes, and INFO reports its
/// numbers.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let called = words.next().unwrap_or_default();
    let name = base_name(&called);
    let args: Vec<OsString> = words.collect();
    match programs::by_name(&name) {
        Some(program) => (program.run)(args, &name),
        None => by_word(args),
    }
}

/// The file name of the path that a program was called by.
fn base_name(called: &OsStr) -> String {
    let name = Path::new(called).file_name().unwrap_or(called);
    name.to_string_lossy().into_owned()
}

/// Runs what the first word says.
fn by_word(mut args: Vec<OsString>) -> ExitCode {
    if args.is_empty() {
        eprint!("{}", help::text());
        return ExitCode::FAILURE;
    }
    let word = args.remove(0).to_string_lossy().into_owned();
    match word.as_str() {
        "--help" | "-h" | "help" => {
            print!("{}", help::text());
            ExitCode::SUCCESS
        }
        "--version" | "-v" | "-V" | "version" => {
            println!("shoal {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        "links" => links::main(&args),
        "cluster" => local::main(args),
        other => match programs::by_word(other) {
            Some(program) => (program.run)(args, &format!("shoal {other}")),
            None => {
                eprintln!("shoal: there is no command '{other}'. See 'shoal --help'.");
                ExitCode::FAILURE
            }
        },
    }
}
