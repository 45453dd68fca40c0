//! What the command line asks for.

use std::path::PathBuf;

use client::Address;

/// Everything the command line says.
#[derive(Clone, Debug)]
pub struct Options {
    /// `-h`.
    pub host: String,
    /// `-p`.
    pub port: u16,
    /// `-s`: wins over host and port.
    pub socket: Option<PathBuf>,
    /// `-a`.
    pub password: Option<Vec<u8>>,
    /// `--user`.
    pub user: Option<Vec<u8>>,
    /// `-c`.
    pub clients: usize,
    /// `-n`.
    pub requests: u64,
    /// `-d`: bytes in a value.
    pub size: usize,
    /// `--dbnum`.
    pub database: u32,
    /// `-3`.
    pub resp3: bool,
    /// `--threads`; 0 where none are asked for.
    pub threads: usize,
    /// `--cluster`.
    pub cluster: bool,
    /// `--enable-tracking`.
    pub tracking: bool,
    /// `-k`: connections are kept.
    pub keep_alive: bool,
    /// `-r`: the number of different keys.
    pub keyspace: Option<u64>,
    /// `-P`: requests in one batch.
    pub pipeline: usize,
    /// `-q`.
    pub quiet: bool,
    /// `--precision`: significant digits of latencies.
    pub precision: u8,
    /// `--csv`.
    pub csv: bool,
    /// `-l`.
    pub forever: bool,
    /// `-t`, in small letters.
    pub tests: Option<Vec<String>>,
    /// `-I`.
    pub idle: bool,
    /// `-x`.
    pub last_from_stdin: bool,
    /// `--seed`.
    pub seed: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            host: "127.0.0.1".to_owned(),
            port: 6379,
            socket: None,
            password: None,
            user: None,
            clients: 50,
            requests: 100_000,
            size: 3,
            database: 0,
            resp3: false,
            threads: 0,
            cluster: false,
            tracking: false,
            keep_alive: true,
            keyspace: None,
            pipeline: 1,
            quiet: false,
            precision: 3,
            csv: false,
            forever: false,
            tests: None,
            idle: false,
            last_from_stdin: false,
            seed: None,
        }
    }
}

impl Options {
    /// The server that the options name.
    pub fn address(&self) -> Address {
        match &self.socket {
            Some(path) => Address::Unix(path.clone()),
            None => Address::tcp(self.host.clone(), self.port),
        }
    }

    /// Whether a test runs that goes by one of these names.
    pub fn selects(&self, names: &[&str]) -> bool {
        self.tests
            .as_ref()
            .is_none_or(|tests| tests.iter().any(|t| names.contains(&t.as_str())))
    }
}
