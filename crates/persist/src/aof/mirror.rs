//! A file layer for tests on whole servers: beside the real files it keeps what a crash of the
//! machine would leave of them.
//!
//! Killing a process leaves the page cache, so a server that never syncs passes any test that only
//! kills it. Here every sync copies the bytes that it makes last into a mirror, and every sync of a
//! directory writes down the names that it makes last. After the kill the test puts the mirror in
//! the place of the files: what was not synced is gone.

use super::disk::{Append, Disk, RealDisk};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// While a file of this name lies in the mirror, no sync comes to its end.
pub const BUSY: &str = "busy";
/// How often a sync looks for that file.
const LOOK: Duration = Duration::from_millis(2);

/// The disk of this machine with a mirror.
pub struct MirroredDisk(Arc<Mutex<Mirror>>);

struct Mirror {
    directory: PathBuf,
    /// Whether a sync does anything: off, the layer loses what it was told to keep.
    syncs: bool,
    /// The contents behind each name, by number, as a running process sees it.
    names: BTreeMap<PathBuf, u64>,
    /// The same as the platter has it.
    durable: BTreeMap<PathBuf, u64>,
    pending: Vec<Change>,
    next: u64,
}

enum Change {
    Name(PathBuf, u64),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl Change {
    fn directory(&self) -> Option<&Path> {
        match self {
            Change::Name(path, _) | Change::Rename(path, _) | Change::Remove(path) => path.parent(),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Change::Name(path, contents) => drop(names.insert(path.clone(), *contents)),
            Change::Rename(from, to) => {
                if let Some(contents) = names.remove(from) {
                    names.insert(to.clone(), contents);
                }
            }
            Change::Remove(path) => drop(names.remove(path)),
        }
    }
}

impl Mirror {
    fn contents(&self, number: u64) -> PathBuf {
        self.directory.join(number.to_string())
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.pending.push(change);
    }

    fn new_contents(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Writes down the names that last: the number of the contents and the name, one a line.
    fn write_names(&self) -> io::Result<()> {
        let mut text = String::new();
        for (path, number) in &self.durable {
            text.push_str(&format!("{number} {}\n", path.display()));
        }
        let temporary = self.directory.join("names.new");
        std::fs::write(&temporary, text)?;
        std::fs::rename(temporary, self.directory.join("names"))
    }
}

impl MirroredDisk {
    /// Mirrors into the empty directory `mirror`; what is in `files` now is there to stay. With
    /// `syncs` off nothing that comes later is.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(files: &Path, mirror: &Path, syncs: bool) -> io::Result<MirroredDisk> {
        std::fs::create_dir_all(mirror)?;
        let mut state = Mirror {
            directory: mirror.into(),
            syncs,
            names: BTreeMap::new(),
            durable: BTreeMap::new(),
            pending: Vec::new(),
            next: 0,
        };
        if files.exists() {
            for entry in std::fs::read_dir(files)? {
                let path = entry?.path();
                let number = state.new_contents();
                std::fs::copy(&path, state.contents(number))?;
                state.durable.insert(path.clone(), number);
                state.names.insert(path, number);
            }
        }
        state.write_names()?;
        Ok(MirroredDisk(Arc::new(Mutex::new(state))))
    }

    /// Puts what a mirror holds in the place of the files of a directory: the crash.
    ///
    /// # Errors
    /// What the system says.
    pub fn crash(files: &Path, mirror: &Path) -> io::Result<()> {
        if files.exists() {
            std::fs::remove_dir_all(files)?;
        }
        std::fs::create_dir_all(files)?;
        for line in std::fs::read_to_string(mirror.join("names"))?.lines() {
            let (number, path) = line.split_once(' ').unwrap_or_default();
            let contents = mirror.join(number);
            if contents.exists() {
                std::fs::copy(contents, path)?;
            } else {
                File::create(path)?;
            }
        }
        std::fs::remove_dir_all(mirror)
    }
}

struct MirroredFile {
    real: Box<dyn Append>,
    path: PathBuf,
    mirror: Arc<Mutex<Mirror>>,
    contents: u64,
}

impl Append for MirroredFile {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.real.write(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        let mirror = self.mirror.lock();
        while mirror.directory.join(BUSY).exists() {
            std::thread::sleep(LOOK);
        }
        if !mirror.syncs {
            return Ok(());
        }
        // The file may have another name by now: find it by its contents.
        let name = mirror
            .names
            .iter()
            .find(|(_, number)| **number == self.contents);
        let path = name.map_or(&self.path, |(path, _)| path);
        let mut copy = OpenOptions::new()
            .create(true)
            .append(true)
            .open(mirror.contents(self.contents))?;
        let mut real = File::open(path)?;
        real.seek(SeekFrom::Start(copy.metadata()?.len()))?;
        let mut loose = Vec::new();
        real.read_to_end(&mut loose)?;
        copy.write_all(&loose)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let contents = self.mirror.lock().contents(self.contents);
        if contents.exists() {
            let copy = OpenOptions::new().write(true).open(contents)?;
            if copy.metadata()?.len() > length {
                copy.set_len(length)?;
            }
        }
        self.real.truncate(length)
    }
}

impl Disk for MirroredDisk {
    fn append(&self, path: &Path) -> io::Result<Box<dyn Append>> {
        let real = RealDisk.append(path)?;
        let mut mirror = self.0.lock();
        let contents = match mirror.names.get(path) {
            Some(&contents) => contents,
            None => {
                let contents = mirror.new_contents();
                mirror.change(Change::Name(path.into(), contents));
                contents
            }
        };
        Ok(Box::new(MirroredFile {
            real,
            path: path.into(),
            mirror: self.0.clone(),
            contents,
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Option<Box<dyn Read + Send>>> {
        RealDisk.open(path)
    }

    fn length(&self, path: &Path) -> io::Result<Option<u64>> {
        RealDisk.length(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut mirror = self.0.lock();
        RealDisk.rename(from, to)?;
        mirror.change(Change::Rename(from.into(), to.into()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut mirror = self.0.lock();
        RealDisk.remove(path)?;
        mirror.change(Change::Remove(path.into()));
        Ok(())
    }

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        RealDisk.make_directory(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut mirror = self.0.lock();
        if !mirror.syncs {
            return Ok(());
        }
        for change in std::mem::take(&mut mirror.pending) {
            if change.directory() == Some(path) {
                change.apply(&mut mirror.durable);
            } else {
                mirror.pending.push(change);
            }
        }
        mirror.write_names()
    }
}
