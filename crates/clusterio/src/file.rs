//! nodes.conf on disk: locked, and replaced as a whole.

use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why the file cannot be ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process uses it.
    #[error(
        "Sorry, the cluster configuration file {0} is already used by a different Redis Cluster \
         node. Please make sure that different nodes use different cluster configuration files: \
         give each node a directory of its own (option 'dir', or start it there), or a file of its \
         own (option 'cluster-config-file')."
    )]
    Taken(String),
    /// It cannot be opened or locked.
    #[error("Can't open {path} in order to acquire a lock: {source}")]
    Open {
        /// The file.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
}

/// The locked configuration file.
///
/// Replacing a file gives it a new inode, with which a lock on the old one is worth nothing. So the
/// lock that counts among ourselves is on a file beside it that is never replaced; nodes.conf is
/// locked as well, each new one before it takes its place, because a real Redis looks there.
#[derive(Debug)]
pub(crate) struct ConfFile {
    path: PathBuf,
    /// Held for its lock.
    _guard: File,
    /// The locked nodes.conf.
    _current: File,
}

/// nodes.conf, locked and read: what a node has before it touches anything else.
#[derive(Debug)]
pub struct ConfLock {
    pub(crate) file: ConfFile,
    pub(crate) text: Option<Vec<u8>>,
}

impl ConfLock {
    /// Locks the file at `path` and reads it.
    ///
    /// # Errors
    /// When another process has it, or the system refuses; nobody is waited for.
    pub fn take(path: &Path) -> Result<ConfLock, LockError> {
        let (file, text) = ConfFile::open(path)?;
        Ok(ConfLock { file, text })
    }

    /// How many lines the file has: one for each node that is known, and one more.
    pub fn lines(&self) -> usize {
        let text = self.text.as_deref().unwrap_or_default();
        text.iter().filter(|&&byte| byte == b'\n').count()
    }
}

impl ConfFile {
    /// Locks the file, which is made if it is not there, and reads it; `None` if it is empty.
    pub fn open(path: &Path) -> Result<(ConfFile, Option<Vec<u8>>), LockError> {
        let failed = |path: &Path| {
            let path = path.display().to_string();
            move |source| LockError::Open { path, source }
        };
        let beside = with_suffix(path, ".lock");
        let open = |p: &Path| {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(p)
        };
        let guard = open(&beside).map_err(failed(&beside))?;
        lock(&guard, path)?;
        // An empty one is made as well, as a real Redis does: the other then finds its lock.
        let current = open(path).map_err(failed(path))?;
        lock(&current, path)?;
        let text = std::fs::read(path).map_err(failed(path))?;
        let text = Some(text).filter(|text| !text.is_empty());
        Ok((
            ConfFile {
                path: path.to_owned(),
                _guard: guard,
                _current: current,
            },
            text,
        ))
    }

    /// Replaces the file: whatever happens, the old text or the new one is there, whole.
    pub fn save(&mut self, text: &str) -> io::Result<()> {
        let temporary = with_suffix(&self.path, &format!(".tmp-{}", std::process::id()));
        let result = self.write_and_rename(&temporary, text);
        if result.is_err() {
            _ = std::fs::remove_file(&temporary);
        }
        result
    }

    fn write_and_rename(&mut self, temporary: &Path, text: &str) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        std::fs::rename(temporary, &self.path)?;
        self._current = file;
        let directory = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        File::open(directory)?.sync_all()
    }
}

fn lock(file: &File, path: &Path) -> Result<(), LockError> {
    let shown = path.display().to_string();
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(LockError::Taken(shown)),
        Err(error) => Err(LockError::Open {
            path: shown,
            source: error.into(),
        }),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
