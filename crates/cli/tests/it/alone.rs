//! The command line alone: what this crate's tests run beside the real redis-cli.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main(std::env::args_os().skip(1).collect(), "redis-cli")
}
