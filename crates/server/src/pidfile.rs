//! The file that tells others the server's process number.

use std::io;
use std::path::{Path, PathBuf};

/// Where it is when the server goes to the background and names no other place.
pub const DEFAULT: &str = "/var/run/redis.pid";

/// A file that was written. It stays until it is removed: a server that dies leaves it behind,
/// as Redis does.
#[derive(Debug)]
pub struct Pidfile {
    path: PathBuf,
}

impl Pidfile {
    /// Writes this process's number. A relative path is fixed now, since the folder may change.
    pub fn write(path: &Path) -> io::Result<Pidfile> {
        let path = std::path::absolute(path)?;
        std::fs::write(&path, format!("{}\n", std::process::id()))?;
        Ok(Pidfile { path })
    }

    /// Removes it.
    pub fn remove(self) -> io::Result<()> {
        std::fs::remove_file(self.path)
    }
}

#[cfg(test)]
mod tests;
