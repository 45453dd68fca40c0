//! A directory that is removed with its owner, unless the test failed or `SHOAL_KEEP` is set.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A fresh directory below the system's temporary directory.
#[derive(Debug)]
pub struct TempDir {
    path: PathBuf,
}

impl TempDir {
    /// Makes the directory; `name` is for the human who looks for it after a failure.
    ///
    /// # Panics
    /// When the directory cannot be made.
    pub fn new(name: &str) -> TempDir {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let leaf = format!("testkit-{}-{number}-{name}", std::process::id());
        let path = std::env::temp_dir().join(leaf);
        // A process of the same id may have left one behind.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path)
            .unwrap_or_else(|error| panic!("cannot make {}: {error}", path.display()));
        TempDir { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        if std::thread::panicking() || std::env::var_os("SHOAL_KEEP").is_some() {
            eprintln!("kept {}", self.path.display());
            return;
        }
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
