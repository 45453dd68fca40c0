//! The files of a log: the manifest and what it lists, in a directory of their own.

use super::disk::{Append, Disk};
use super::lock::{Kept, LockError, LogLock};
use rdb::aof::manifest::{FileInfo, Manifest};
use rdb::aof::{FileKind, ManifestError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The longest manifest that is read, in bytes; one line holds a file, and there are few.
const LONGEST_MANIFEST: u64 = 16 << 20;

/// What was found when a server started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prepared {
    /// Nothing: there was no log.
    Nothing,
    /// A manifest.
    Manifest,
    /// A single file of an older kind, which became the base.
    Migrated,
}

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The system's refusal, and of what.
    #[error("{0}: {1}")]
    Io(String, io::Error),
    /// The manifest is damaged.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// They are another server's, or cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
}

/// The files of one log.
pub struct Files {
    disk: Arc<dyn Disk>,
    parent: PathBuf,
    directory: PathBuf,
    name: String,
    manifest: Manifest,
    /// The lock under which they are written, where there can be other processes.
    lock: Option<Arc<LogLock>>,
}

impl Files {
    /// The log called `name` (`appendfilename`) in `directory` (`appenddirname`) below `parent`
    /// (`dir`), as its manifest says; empty when there is none.
    ///
    /// # Errors
    /// When the manifest cannot be read or is damaged.
    pub fn read(
        disk: Arc<dyn Disk>,
        parent: &Path,
        directory: &str,
        name: &str,
    ) -> Result<Files, FilesError> {
        let mut files = Files {
            disk,
            parent: parent.into(),
            directory: parent.join(directory),
            name: name.into(),
            manifest: Manifest::default(),
            lock: None,
        };
        let path = files.manifest_path();
        let failed = |error| FilesError::Io(format!("cannot read {}", path.display()), error);
        if let Some(input) = files.disk.open(&path).map_err(failed)? {
            let mut text = Vec::new();
            input
                .take(LONGEST_MANIFEST)
                .read_to_end(&mut text)
                .map_err(failed)?;
            files.manifest = Manifest::parse(&text)?;
        }
        Ok(files)
    }

    /// The same files, of which none is opened for writing or put in force any more unless `lock`
    /// is still the one that other processes find.
    #[must_use]
    pub fn under(mut self, lock: Arc<LogLock>) -> Files {
        self.lock = Some(lock);
        self
    }

    /// Looks whether other processes find our lock; takes it anew where they do not.
    ///
    /// # Errors
    /// Another process has taken it.
    pub fn keep_lock(&self) -> Result<Kept, LockError> {
        self.lock
            .as_ref()
            .map_or(Ok(Kept::Same), |lock| lock.keep())
    }

    fn still_ours(&self) -> io::Result<()> {
        // Without its folder whatever comes next fails by itself.
        self.keep_lock().map(drop).map_err(io::Error::other)
    }

    /// All that is written is where the configuration says: what was moved away is left alone.
    pub(super) fn leave_moved(&self) {
        if let Some(lock) = &self.lock {
            lock.leave_moved();
        }
    }

    /// What is there when the server starts; a single file of Redis before 7 becomes the base.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn prepare(&mut self) -> io::Result<Prepared> {
        let old = self.parent.join(&self.name);
        let listed = !self.is_empty();
        let old_is_base = self.manifest.incr.is_empty()
            && self.manifest.history.is_empty()
            && self
                .manifest
                .base
                .as_ref()
                .is_some_and(|base| base.name == self.name.as_bytes());
        if listed && !old_is_base {
            return Ok(Prepared::Manifest);
        }
        let there = self.disk.length(&old)?.is_some();
        if !there {
            return Ok(if listed {
                Prepared::Manifest
            } else {
                Prepared::Nothing
            });
        }
        let inside = self.directory.join(&self.name);
        if listed && self.disk.length(&inside)?.is_some() {
            return Ok(Prepared::Manifest);
        }
        let base = FileInfo {
            name: self.name.clone().into_bytes(),
            seq: 1,
            kind: FileKind::Base,
        };
        let manifest = Manifest {
            base: Some(base),
            ..Manifest::default()
        };
        self.save(manifest)?;
        self.disk.rename(&old, &inside)?;
        self.disk.sync_directory(&self.directory)?;
        self.disk.sync_directory(&self.parent)?;
        Ok(Prepared::Migrated)
    }

    /// Whether no file is listed.
    pub fn is_empty(&self) -> bool {
        self.manifest.base.is_none() && self.manifest.incr.is_empty()
    }

    /// The manifest as it is on the disk.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The disk they are on.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// The folder that they are in.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The log's name, `appendfilename`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where a file of the log is.
    pub fn path(&self, file: &FileInfo) -> PathBuf {
        self.directory.join(file_name(file))
    }

    /// Where a file with this name is, in the log's directory.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn manifest_path(&self) -> PathBuf {
        self.directory.join(Manifest::file_name(&self.name))
    }

    /// Makes the directory of the files, if it is not there, so that it lasts.
    ///
    /// # Errors
    /// What the system says.
    pub fn make_directory(&self) -> io::Result<()> {
        self.disk.make_directory(&self.directory)?;
        self.still_ours()?;
        self.disk.sync_directory(&self.parent)
    }

    /// Replaces the manifest. When this returns, the new one and every file that was made or
    /// renamed before are found after a crash.
    ///
    /// # Errors
    /// What the system says; the old manifest is then still in force, unless only the last sync of
    /// the directory failed.
    pub fn save(&mut self, manifest: Manifest) -> io::Result<()> {
        self.make_directory()?;
        let path = self.manifest_path();
        let temporary = self
            .directory
            .join(format!("temp_{}", Manifest::file_name(&self.name)));
        self.disk.remove(&temporary)?;
        let mut file = self.disk.append(&temporary)?;
        write_all(&mut *file, &manifest.encode())?;
        file.sync()?;
        self.disk.rename(&temporary, &path)?;
        self.disk.sync_directory(&self.directory)?;
        self.manifest = manifest;
        Ok(())
    }

    /// Opens the last increment for appending, or begins the first; with its length in bytes.
    ///
    /// # Errors
    /// What the system says.
    pub fn open_last(&mut self) -> io::Result<(Box<dyn Append>, u64)> {
        let Some(last) = self.manifest.incr.last() else {
            return Ok((self.begin_incr()?, 0));
        };
        self.still_ours()?;
        let path = self.path(last);
        let length = self.disk.length(&path)?.unwrap_or(0);
        Ok((self.disk.append(&path)?, length))
    }

    /// Begins the next increment and lists it.
    ///
    /// # Errors
    /// What the system says; the increment before is then still the last one.
    pub fn begin_incr(&mut self) -> io::Result<Box<dyn Append>> {
        self.make_directory()?;
        let mut manifest = self.manifest.clone();
        let seq = self.free_incr(&manifest)?;
        let path = self.path(manifest.begin_incr_at(&self.name, seq));
        let file = self.fresh(&path)?;
        self.save(manifest)?;
        Ok(file)
    }

    /// The next number of an increment under which there is no file with something in it: what no
    /// manifest lists may be all that is left of a data set, and is never overwritten.
    fn free_incr(&self, manifest: &Manifest) -> io::Result<i64> {
        let name = |seq| Manifest::incr_name(&self.name, seq);
        self.free_from(manifest.last_incr_seq() + 1, &name)
    }

    /// The same for a base.
    fn free_base(&self, manifest: &Manifest, rdb: bool) -> io::Result<i64> {
        let name = |seq| Manifest::base_name(&self.name, rdb, seq);
        self.free_from(manifest.last_base_seq() + 1, &name)
    }

    fn free_from(&self, first: i64, name: &dyn Fn(i64) -> String) -> io::Result<i64> {
        let mut seq = first;
        while self
            .disk
            .length(&self.path_of(&name(seq)))?
            .is_some_and(|n| n > 0)
        {
            seq += 1;
        }
        Ok(seq)
    }

    /// The bases and increments in the folder that have something in them and that the manifest
    /// does not list.
    ///
    /// # Errors
    /// What the system says when it lists the folder.
    pub fn strays(&self) -> io::Result<Vec<PathBuf>> {
        let listed = |name: &[u8]| {
            let manifest = &self.manifest;
            let mut files = manifest.base.iter().chain(&manifest.incr);
            files.any(|file| file.name == name) || manifest.history.iter().any(|f| f.name == name)
        };
        let mut strays = Vec::new();
        let entries = match std::fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(strays),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().into_encoded_bytes();
            if is_part(&name, self.name.as_bytes()) && !listed(&name) && entry.metadata()?.len() > 0
            {
                strays.push(entry.path());
            }
        }
        strays.sort();
        Ok(strays)
    }

    /// Begins an increment that is not listed until a base for it is there.
    ///
    /// # Errors
    /// What the system says.
    pub fn begin_unlisted(&self) -> io::Result<Box<dyn Append>> {
        self.make_directory()?;
        self.fresh(&self.unlisted_path())
    }

    fn unlisted_path(&self) -> PathBuf {
        self.directory.join(format!("temp-{}.incr", self.name))
    }

    /// An empty file with this name. What had the name before is of no use: it is empty, or an
    /// increment whose base was never finished.
    fn fresh(&self, path: &Path) -> io::Result<Box<dyn Append>> {
        self.disk.remove(path)?;
        let file = self.disk.append(path)?;
        file.sync()?;
        Ok(file)
    }

    /// Puts a rewritten base, which is synced, in the place of everything but the last `keep`
    /// increments; with `unlisted`, one that was not listed is so now. What is superseded stays
    /// listed as history.
    ///
    /// # Errors
    /// What the system says; then the manifest is as it was.
    pub fn adopt_base(
        &mut self,
        temporary: &Path,
        rdb: bool,
        unlisted: bool,
        keep: usize,
    ) -> io::Result<()> {
        self.still_ours()?;
        let mut manifest = self.manifest.clone();
        let seq = self.free_base(&manifest, rdb)?;
        let base = self.path(manifest.begin_base_at(&self.name, rdb, seq));
        self.disk.rename(temporary, &base)?;
        if unlisted {
            let seq = self.free_incr(&manifest)?;
            let incr = self.path(manifest.begin_incr_at(&self.name, seq));
            self.disk.rename(&self.unlisted_path(), &incr)?;
        }
        manifest.retire_incr(keep);
        self.save(manifest)
    }

    /// The files that are superseded.
    pub fn history(&self) -> Vec<PathBuf> {
        self.manifest
            .history
            .iter()
            .map(|file| self.path(file))
            .collect()
    }

    /// Lists superseded files no longer: they were removed.
    ///
    /// # Errors
    /// What the system says.
    pub fn forget_history(&mut self) -> io::Result<()> {
        let mut manifest = self.manifest.clone();
        manifest.history.clear();
        self.save(manifest)
    }

    /// The length in bytes of base and increments together.
    ///
    /// # Errors
    /// What the system says.
    pub fn total_length(&self) -> io::Result<u64> {
        let mut total = 0;
        for file in self.manifest.base.iter().chain(&self.manifest.incr) {
            total += self.disk.length(&self.path(file))?.unwrap_or(0);
        }
        Ok(total)
    }
}

/// Whether a file with this name is a base or an increment of the log: `LOG.NUMBER.base.rdb` and
/// its kin.
fn is_part(name: &[u8], log: &[u8]) -> bool {
    let rest = name
        .strip_prefix(log)
        .and_then(|rest| rest.strip_prefix(b"."));
    let Some(rest) = rest else { return false };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let kinds: [&[u8]; 3] = [b".base.rdb", b".base.aof", b".incr.aof"];
    digits > 0 && kinds.contains(&&rest[digits..])
}

/// The name of a file as the system takes it.
pub(super) fn file_name(file: &FileInfo) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(&file.name).into()
}

/// Appends all of `bytes`.
pub(super) fn write_all(file: &mut dyn Append, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
