//! redis-check-rdb and redis-check-aof: is this file whole, and where does it end if not?
//!
//! Lines and exit codes are those of the real programs, which scripts read.
#![forbid(unsafe_code)]

mod aof_file;
mod aof_lines;
mod aof_set;
mod console;
mod rdb_file;
#[cfg(test)]
mod tests;

pub use aof_set::check_aof;
pub use console::Console;
pub use rdb_file::check_rdb;

use std::ffi::OsString;
use std::process::ExitCode;

/// The version that the programs name.
const REDIS_VERSION: &str = "7.2.4";

/// `redis-check-rdb`, with the name it was called by as first argument.
pub fn check_rdb_main(args: &[OsString]) -> ExitCode {
    Console::with_process(|console| check_rdb(args, console))
}

/// `redis-check-aof`, with the name it was called by as first argument.
pub fn check_aof_main(args: &[OsString]) -> ExitCode {
    Console::with_process(|console| check_aof(args, console))
}

/// What both programs print for `-v`.
fn version_line(program: &str) -> String {
    format!(
        "{program} v={REDIS_VERSION} sha=00000000:0 malloc=jemalloc bits=64 build=shoal-{}",
        env!("CARGO_PKG_VERSION")
    )
}
