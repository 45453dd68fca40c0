//! The benchmark alone: what this crate's tests run beside the real redis-benchmark.

use std::process::ExitCode;

fn main() -> ExitCode {
    bench::main(std::env::args_os().skip(1).collect(), "redis-benchmark")
}
