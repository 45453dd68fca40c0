//! The lock of a log: whoever reads, cuts or writes its files holds it.
//!
//! Two servers that share a directory and a name would cut each other's increments and replace each
//! other's manifests. The lock is the kernel's and ends with the process, so that nothing is left
//! over after a crash. It is on a file of its own in the log's folder: the manifest is replaced, and
//! a lock on what is replaced is worth nothing.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Why a log cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error(
        "The append-only files '{log}' in {} are in use by another server. Give each server a \
         directory of its own (option 'dir', or start it there), or files of another name \
         (options 'appenddirname' and 'appendfilename').",
        folder.display()
    )]
    Taken {
        /// Where the files are.
        folder: PathBuf,
        /// Their name.
        log: String,
    },
    /// The system's refusal.
    #[error("cannot lock the append-only files with {}: {source}", path.display())]
    Io {
        /// The file of the lock.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// The lock of one log, held until it is dropped.
#[derive(Debug)]
pub struct LogLock {
    path: PathBuf,
    /// Held for its lock.
    _file: File,
}

impl LogLock {
    /// Takes the lock of the log called `name` in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// [`LockError`]; nobody is waited for.
    pub fn take(folder: &Path, name: &str) -> Result<LogLock, LockError> {
        let path = LogLock::path_of(folder, name);
        let opened = std::fs::create_dir_all(folder).and_then(|()| {
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
        });
        let failed = |source| LockError::Io {
            path: path.clone(),
            source,
        };
        let file = opened.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(LogLock { path, _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Taken {
                folder: folder.to_owned(),
                log: name.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Where the lock of a log is.
    pub fn path_of(folder: &Path, name: &str) -> PathBuf {
        folder.join(format!("{name}.lock"))
    }

    /// Where this lock is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
