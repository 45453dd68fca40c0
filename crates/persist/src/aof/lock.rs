//! The lock of a log: whoever reads, cuts or writes its files holds it.
//!
//! Two servers that share a directory and a name would cut each other's increments and replace each
//! other's manifests. The lock is the kernel's and ends with the process, so that nothing is left
//! over after a crash. It is on a file of its own in the log's folder: the manifest is replaced,
//! and a lock on what is replaced is worth nothing.
//!
//! Others look for the lock under its name, so it is worth nothing either once that file is
//! removed, or the folder moved away. So the holder looks too, before it writes a file under a name
//! and now and then, and locks what has the name by then.

use parking_lot::Mutex;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
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

/// What a holder finds under the name of its lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// Its lock.
    Same,
    /// Nothing, or another file, which it has locked now.
    Anew,
    /// Not even the folder. It is not made: whoever has moved it may be about to put another there.
    NoFolder,
}

/// The lock of one log, held until it is dropped.
#[derive(Debug)]
pub struct LogLock {
    folder: PathBuf,
    name: String,
    path: PathBuf,
    /// Held while files are looked at: one who locks anew must not meet another who does so too.
    held: Mutex<Held>,
}

/// The files that are open for their locks.
#[derive(Debug)]
struct Held {
    file: File,
    /// Those of folders that were moved away, in which there may be an increment that is written.
    moved: Vec<File>,
}

/// How often a file is opened that has lost its name before it was locked.
const TRIES: usize = 16;

impl LogLock {
    /// Takes the lock of the log called `name` in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// [`LockError`]; nobody is waited for.
    pub fn take(folder: &Path, name: &str) -> Result<LogLock, LockError> {
        let path = LogLock::path_of(folder, name);
        let made = std::fs::create_dir_all(folder);
        made.map_err(|source| LockError::Io {
            path: path.clone(),
            source,
        })?;
        let held = Held {
            file: open_locked(folder, name, &path)?,
            moved: Vec::new(),
        };
        Ok(LogLock {
            folder: folder.to_owned(),
            name: name.to_owned(),
            path,
            held: Mutex::new(held),
        })
    }

    /// Sees to it that the lock is the one that others find: takes it anew where its file was
    /// removed or replaced. One that was moved away is held as well.
    ///
    /// # Errors
    /// [`LockError`]: another server has found the name free.
    pub fn keep(&self) -> Result<Kept, LockError> {
        let mut held = self.held.lock();
        let failed = |source| LockError::Io {
            path: self.path.clone(),
            source,
        };
        if has_name(&held.file, &self.path).map_err(failed)? {
            return Ok(Kept::Same);
        }
        if !self.folder.try_exists().map_err(failed)? {
            return Ok(Kept::NoFolder);
        }
        // What comes back from where it was moved to is ours already.
        let mut back = None;
        for (nth, file) in held.moved.iter().enumerate() {
            if has_name(file, &self.path).map_err(failed)? {
                back = Some(nth);
            }
        }
        let file = match back {
            Some(nth) => held.moved.swap_remove(nth),
            None => open_locked(&self.folder, &self.name, &self.path)?,
        };
        let before = std::mem::replace(&mut held.file, file);
        held.moved.push(before);
        // What has no name at all any more nobody finds.
        held.moved
            .retain(|file| file.metadata().is_ok_and(|data| data.nlink() > 0));
        Ok(Kept::Anew)
    }

    /// Lets go of the locks that were moved away: nothing is written there any more.
    pub fn leave_moved(&self) {
        self.held.lock().moved.clear();
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

/// Whether an open file is the one that has this name.
fn has_name(file: &File, path: &Path) -> io::Result<bool> {
    let named = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        named => named?,
    };
    let open = file.metadata()?;
    Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
}

/// Opens and locks the file, which has its name still when that is done.
fn open_locked(folder: &Path, name: &str, path: &Path) -> Result<File, LockError> {
    let failed = |source| LockError::Io {
        path: path.to_owned(),
        source,
    };
    for _ in 0..TRIES {
        let opened = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        let file = opened.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Taken {
                    folder: folder.to_owned(),
                    log: name.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        if has_name(&file, path).map_err(failed)? {
            return Ok(file);
        }
    }
    Err(failed(io::Error::other("it is removed again and again")))
}
