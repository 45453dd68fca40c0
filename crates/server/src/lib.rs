//! The server: joins engine, net, persistence, replication and cluster.
#![forbid(unsafe_code)]

mod append_only;
mod backlog;
mod boot;
mod chores;
mod cluster_command;
mod clustering;
mod configure;
mod crash;
mod current;
pub mod daemon;
mod debug;
mod descriptors;
mod effects;
mod ending;
mod everywhere;
mod front;
mod host;
mod hosted;
mod info;
mod intruders;
mod loading;
pub mod log;
mod memory;
mod message;
mod migrate;
mod node;
mod periodic;
mod persistence;
pub mod pidfile;
mod places;
mod rates;
mod replication;
pub mod signals;
pub mod supervise;
mod traffic;
mod waiting;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// The version of Redis whose behaviour this server has.
pub const REDIS_VERSION: &str = "7.2.4";

/// Runs the server: `args` are the arguments behind the program's name, `name` is the name it was
/// called by.
pub fn main(args: Vec<OsString>, name: &str) -> ExitCode {
    let args: Vec<Vec<u8>> = args
        .into_iter()
        .map(OsString::into_encoded_bytes_vec)
        .collect();
    let first = args.first().map(Vec::as_slice).unwrap_or_default();
    match first {
        b"-v" | b"--version" => {
            println!("{}", version(name));
            ExitCode::SUCCESS
        }
        b"-h" | b"--help" => {
            print!("{}", help(name));
            ExitCode::SUCCESS
        }
        _ => boot::run(&args, name),
    }
}

trait IntoBytes {
    fn into_encoded_bytes_vec(self) -> Vec<u8>;
}

impl IntoBytes for OsString {
    fn into_encoded_bytes_vec(self) -> Vec<u8> {
        self.into_encoded_bytes()
    }
}

/// Whom the server is taken for under this name.
pub(crate) fn program(name: &str) -> &'static str {
    if name.contains("valkey") {
        "Valkey"
    } else {
        "Redis"
    }
}

fn version(name: &str) -> String {
    let bits = usize::BITS;
    let version = env!("CARGO_PKG_VERSION");
    let program = program(name);
    format!(
        "{program} server v={REDIS_VERSION} sha=00000000:0 malloc=jemalloc-5.3.1 bits={bits} \
         build=shoal-{version}"
    )
}

fn help(name: &str) -> String {
    format!(
        "Usage: {name} [FILE] [--OPTION VALUE ...] [-]

Starts a server. FILE is a configuration file in the form of redis.conf; options on the command
line come after it and win. A lone - reads more of the configuration from standard input.

  {name}                                  the defaults, on port 6379
  {name} redis.conf --port 7000           a file, and one option over it
  {name} --port 7000 --replicaof 127.0.0.1 6379
  echo 'maxclients 100' | {name} -

  -v, --version    print the version and exit
  -h, --help       print this and exit
"
    )
}

/// Prints a line to standard error; there is nobody to tell when that fails.
pub(crate) fn complain(text: &[u8]) {
    let _ = std::io::stderr().write_all(text);
}
