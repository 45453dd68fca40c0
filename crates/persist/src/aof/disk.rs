//! The file layer under the append-only file.
//!
//! Everything that must outlive a crash goes through [`Disk`], so that tests can put one in its
//! place that forgets what was not synced.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// The files of a directory.
pub trait Disk: Send + Sync {
    /// Opens a file for appending; makes it when it is not there.
    ///
    /// # Errors
    /// What the system says.
    fn append(&self, path: &Path) -> io::Result<Box<dyn Append>>;

    /// Opens a file for reading; `None` when it is not there.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, path: &Path) -> io::Result<Option<Box<dyn Read + Send>>>;

    /// The length of a file in bytes; `None` when it is not there.
    ///
    /// # Errors
    /// What the system says.
    fn length(&self, path: &Path) -> io::Result<Option<u64>>;

    /// Gives a file another name, in the place of what has that name already. It lasts once the
    /// directory is synced.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file; one that is not there is removed already.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes a directory, unless it is there.
    ///
    /// # Errors
    /// What the system says.
    fn make_directory(&self, path: &Path) -> io::Result<()>;

    /// Makes creations, renames and removals in a directory last.
    ///
    /// # Errors
    /// What the system says.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
}

/// A file that is appended to. It may be synced by one thread while another writes.
pub trait Append: Send + Sync {
    /// Appends some of `bytes`; how many.
    ///
    /// # Errors
    /// What the system says.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Makes what was written last.
    ///
    /// # Errors
    /// What the system says. What was written since the last sync may then be lost, whatever a
    /// later sync says.
    fn sync(&self) -> io::Result<()>;

    /// Cuts the file at a length.
    ///
    /// # Errors
    /// What the system says.
    fn truncate(&self, length: u64) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

struct RealFile(File);

impl Append for RealFile {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }
}

fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Disk for RealDisk {
    fn append(&self, path: &Path) -> io::Result<Box<dyn Append>> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Box::new(RealFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Option<Box<dyn Read + Send>>> {
        Ok(if_there(File::open(path))?.map(|file| Box::new(file) as Box<dyn Read + Send>))
    }

    fn length(&self, path: &Path) -> io::Result<Option<u64>> {
        Ok(if_there(std::fs::metadata(path))?.map(|data| data.len()))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if_there(std::fs::remove_file(path)).map(drop)
    }

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

/// A [`Write`] over a file that is appended to.
pub(super) struct Sink<'a> {
    pub file: &'a mut dyn Append,
    /// Whether the file is synced in steps.
    pub steps: bool,
    unsynced: u64,
}

impl<'a> Sink<'a> {
    pub fn new(file: &'a mut dyn Append, steps: bool) -> Sink<'a> {
        Sink {
            file,
            steps,
            unsynced: 0,
        }
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.unsynced += written as u64;
        if self.steps && self.unsynced >= crate::save::SYNC_STEP {
            self.file.sync()?;
            self.unsynced = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
