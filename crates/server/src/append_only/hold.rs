//! Who holds the lock of the append-only files: this server, for as long as it uses them.

use super::say;
use crate::boot::as_path;
use crate::node::Node;
use config::Config;
use parking_lot::Mutex;
use persist::aof::{Files, LockError, LogLock};
use std::path::PathBuf;
use std::sync::{Arc, Weak};

/// The lock, if this server has it.
#[derive(Default)]
pub(crate) struct Hold(Mutex<Locks>);

#[derive(Default)]
struct Locks {
    /// Kept while the file is on.
    kept: Option<Arc<LogLock>>,
    /// Had last by somebody who uses the files for a while: a rewrite while the file is off.
    lent: Weak<LogLock>,
}

impl Hold {
    /// The lock of the files that the configuration names: the one that this server has already, or
    /// a new one.
    ///
    /// # Errors
    /// When another server has it, or the system refuses.
    pub(crate) fn lock(&self, config: &Config) -> Result<Arc<LogLock>, LockError> {
        let (folder, name) = place(config);
        let path = LogLock::path_of(&folder, &name);
        let mut locks = self.0.lock();
        let known = locks.kept.iter().cloned().chain(locks.lent.upgrade());
        if let Some(lock) = known.into_iter().find(|lock| lock.path() == path) {
            lock.keep()?;
            return Ok(lock);
        }
        let lock = Arc::new(LogLock::take(&folder, &name)?);
        locks.lent = Arc::downgrade(&lock);
        Ok(lock)
    }

    /// Keeps a lock until another one, or none, is kept.
    pub(crate) fn keep(&self, lock: Option<Arc<LogLock>>) {
        self.0.lock().kept = lock;
    }
}

fn place(config: &Config) -> (PathBuf, String) {
    let folder = as_path(&config.dir).join(as_path(&config.appenddirname));
    let name = String::from_utf8_lossy(&config.appendfilename).into_owned();
    (folder, name)
}

/// Before a server listens or touches anything: takes the lock of append-only files that are there.
/// Where there are none the folder is made later, once it is known that the ports are free.
///
/// # Errors
/// When another server has it, or the system refuses: the text for the log.
pub(crate) fn hold_at_start(hold: &Hold, config: &Config) -> Result<(), String> {
    if config.appendonly && place(config).0.exists() {
        let lock = hold.lock(config).map_err(|error| error.to_string())?;
        hold.keep(Some(lock));
    }
    Ok(())
}

/// Names the files of the log that no manifest lists. They stay as they are: a manifest that was
/// lost may make sense of them.
pub(super) fn tell_of_strays(node: &Node, files: &Files) {
    match files.strays() {
        Ok(strays) => strays.iter().for_each(|path| {
            let line = format!(
                "The append-only file {} is listed by no manifest: it is neither loaded nor \
                 written. Move it away if it is of no use.",
                path.display()
            );
            say(node, true, &line);
        }),
        Err(error) => say(node, true, &format!("Can't list the AOF files: {error}")),
    }
}
