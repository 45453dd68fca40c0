//! `shoal cluster`: a local cluster as a developer wants it, and the cluster manager.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs `shoal cluster` with these words.
pub fn main(args: Vec<OsString>) -> ExitCode {
    cli::cluster::main(args)
}
