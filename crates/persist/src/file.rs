//! Files that are replaced whole: a reader sees the old one or the new one, also after a crash.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// A file that will take the place of another when it is complete.
pub struct Replacement {
    temporary: PathBuf,
    target: PathBuf,
    file: File,
    kept: bool,
}

impl Replacement {
    /// Begins a replacement of `target`, under a temporary name in the same directory.
    ///
    /// # Errors
    /// When the temporary file cannot be made.
    pub fn begin(target: &Path, temporary: &str) -> io::Result<Replacement> {
        let temporary = target.with_file_name(temporary);
        let file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .open(&temporary)?;
        Ok(Replacement {
            temporary,
            target: target.into(),
            file,
            kept: false,
        })
    }

    /// The file to write to.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Puts the file in place: its bytes, its name and the directory are on the disk when this
    /// returns.
    ///
    /// # Errors
    /// When anything of that fails; the target is then as it was.
    pub fn commit(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.temporary, &self.target)?;
        self.kept = true;
        sync_directory(&self.target)
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.kept {
            // It is of no use; when it cannot be removed, the next save overwrites it.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

/// Makes a rename or a creation in the directory of `path` last.
///
/// # Errors
/// When the directory cannot be opened or synced.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// Replaces a file whole by `bytes`.
///
/// # Errors
/// When writing, syncing or renaming fails; the file is then as it was.
pub fn replace_file(path: &Path, temporary: &str, bytes: &[u8]) -> io::Result<()> {
    let mut replacement = Replacement::begin(path, temporary)?;
    io::Write::write_all(replacement.file(), bytes)?;
    replacement.commit()
}
