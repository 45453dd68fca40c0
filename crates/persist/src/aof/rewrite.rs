//! The rewrite: a new base from a tap, in the place of everything before its cut.

use super::disk::{Append, Disk, Sink};
use super::files::{Files, FilesError};
use super::orders::{Adopt, ENDED, Orders};
use super::plain_base;
use crate::save::{Progress, SaveError, SaveOptions, Saved, write};
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use store::{Locker, Tap};

/// Why a rewrite failed.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// The base could not be written.
    #[error("{0}")]
    Base(#[from] SaveError),
    /// The writer could not go over to a new increment, or not take the base over.
    #[error("{0}")]
    Writer(String),
}

impl From<io::Error> for RewriteError {
    fn from(error: io::Error) -> RewriteError {
        RewriteError::Base(SaveError::Io(error))
    }
}

/// What a base is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseFormat {
    /// An RDB file.
    Rdb,
    /// Commands (`aof-use-rdb-preamble no`), with the time before them if `stamp`
    /// (`aof-timestamp-enabled`).
    Commands {
        /// Whether the time is written.
        stamp: bool,
    },
}

impl NewBase<'_> {
    fn is_rdb(&self) -> bool {
        self.format == BaseFormat::Rdb
    }

    /// Writes the baseline, and makes it last.
    fn write(&self, tap: Tap, locker: &Locker, file: &mut dyn Append) -> Result<Saved, SaveError> {
        let mut sink = Sink::new(file, self.options.sync_steps);
        let saved = match self.format {
            BaseFormat::Rdb => write(tap, locker, self.options, self.progress, &mut sink),
            BaseFormat::Commands { stamp } => {
                plain_base::write(tap, locker, self.options, stamp, self.progress, &mut sink)
            }
        };
        let saved = saved?;
        file.sync()?;
        Ok(saved)
    }
}

/// How the base is written.
pub struct NewBase<'a> {
    /// What the base is to be like.
    pub options: &'a SaveOptions,
    /// How it is going.
    pub progress: &'a Progress,
    /// Where it is written.
    pub disk: &'a dyn Disk,
    /// Its name until it is complete, on the same file system as the log.
    pub temporary: &'a Path,
    /// What it is written as.
    pub format: BaseFormat,
    /// Whether superseded files stay, listed as history (`aof-disable-auto-gc`).
    pub keep_history: bool,
}

/// Writes the baseline of `tap` as a new base and has the writer put it
/// in force. `rotated` is the answer to the rotation that was ordered at the tap's cut. Commands go
/// on meanwhile. The tap is walked to its end in any case.
///
/// # Errors
/// What failed; the log is then as good as it was before.
pub fn rewrite(
    tap: Tap,
    rotated: &Receiver<Result<(), String>>,
    locker: &Locker,
    base: &NewBase<'_>,
    orders: &Orders,
) -> Result<Saved, RewriteError> {
    let (disk, temporary) = (base.disk, base.temporary);
    let begun = rotated
        .recv()
        .unwrap_or_else(|_| Err(ENDED.into()))
        .map_err(RewriteError::Writer);
    let begun = begun.and_then(|()| {
        disk.remove(temporary)?;
        Ok(disk.append(temporary)?)
    });
    let mut file = match begun {
        Ok(file) => file,
        Err(error) => {
            give_up(tap, locker);
            return Err(error);
        }
    };
    let result = base
        .write(tap, locker, &mut *file)
        .map_err(RewriteError::from)
        .and_then(|saved| {
            drop(file);
            let superseded = adopt(orders, temporary, base.is_rdb())?;
            if !base.keep_history {
                for path in superseded {
                    disk.remove(&path)?;
                }
                forget(orders)?;
            }
            Ok(saved)
        });
    if result.is_err() {
        // It is of no use; when it cannot be removed, the next rewrite overwrites it.
        let _ = disk.remove(temporary);
    }
    result
}

/// As [`rewrite`], while nothing is being written: the base takes the place of everything.
///
/// # Errors
/// What failed; the log is then as good as it was before.
pub fn rewrite_alone(
    tap: Tap,
    locker: &Locker,
    base: &NewBase<'_>,
    files: Result<Files, FilesError>,
) -> Result<Saved, RewriteError> {
    let begun = files
        .map_err(|error| RewriteError::Writer(error.to_string()))
        .and_then(|files| {
            files.make_directory()?;
            base.disk.remove(base.temporary)?;
            Ok((files, base.disk.append(base.temporary)?))
        });
    let (mut files, mut file) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            give_up(tap, locker);
            return Err(error);
        }
    };
    let saved = base.write(tap, locker, &mut *file)?;
    files.adopt_base(base.temporary, base.is_rdb(), false, 0)?;
    if !base.keep_history {
        for path in files.history() {
            base.disk.remove(&path)?;
        }
        files.forget_history()?;
    }
    Ok(saved)
}

/// Walks a tap to its end: its marks must come off all the same.
fn give_up(tap: Tap, locker: &Locker) {
    let mut walker = tap.walker();
    walker.abandon();
    while walker.next(locker).is_some() {}
}

fn adopt(orders: &Orders, base: &Path, rdb: bool) -> Result<Vec<std::path::PathBuf>, RewriteError> {
    let (reply, answer) = channel();
    let base = base.to_owned();
    orders.give(|waiting| waiting.adopt = Some(Adopt { base, rdb, reply }));
    let answer = answer.recv().unwrap_or_else(|_| Err(ENDED.into()));
    answer.map_err(RewriteError::Writer)
}

fn forget(orders: &Orders) -> Result<(), RewriteError> {
    let (reply, answer) = channel();
    orders.give(|waiting| waiting.forget_history = Some(reply));
    let answer = answer.recv().unwrap_or_else(|_| Err(ENDED.into()));
    answer.map_err(RewriteError::Writer)
}
