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
         node. Please make sure that different nodes use different cluster configuration files."
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
    /// The locked nodes.conf, if there is one yet.
    current: Option<File>,
}

impl ConfFile {
    /// Locks the file and reads it; `None` if there is none or it is empty.
    pub fn open(path: &Path) -> Result<(ConfFile, Option<Vec<u8>>), LockError> {
        let failed = |path: &Path| {
            let path = path.display().to_string();
            move |source| LockError::Open { path, source }
        };
        let beside = with_suffix(path, ".lock");
        let open = |p: &Path, create| {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(create)
                .truncate(false)
                .open(p)
        };
        let guard = open(&beside, true).map_err(failed(&beside))?;
        lock(&guard, path)?;
        let current = match open(path, false) {
            Ok(file) => {
                lock(&file, path)?;
                Some(file)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(path)(error)),
        };
        let text = match &current {
            Some(_) => Some(std::fs::read(path).map_err(failed(path))?).filter(|t| !t.is_empty()),
            None => None,
        };
        Ok((
            ConfFile {
                path: path.to_owned(),
                _guard: guard,
                current,
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
        self.current = Some(file);
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
