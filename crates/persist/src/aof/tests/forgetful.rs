//! A disk in memory that knows what a crash would leave: bytes that were synced, and names whose
//! directory was synced since; of the rest, any beginning.

use super::Dice;
use crate::aof::disk::{Append, Disk};
use base::SplitMix64;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a crash at one moment leaves, and what had been promised by then.
pub(super) struct Image {
    pub(super) disk: ForgetfulDisk,
    pub(super) acknowledged: u64,
}

type Promised = Box<dyn Fn() -> u64 + Send>;

#[derive(Default, Clone)]
struct Inode {
    bytes: Vec<u8>,
    /// How many bytes are on the platter.
    synced: usize,
}

#[derive(Clone)]
enum Change {
    Name(PathBuf, usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Change::Name(path, inode) => drop(names.insert(path.clone(), *inode)),
            Change::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
            Change::Remove(path) => drop(names.remove(path)),
        }
    }
}

#[derive(Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    pending: VecDeque<Change>,
    syncs: bool,
    /// Whether no sync comes to its end.
    stalled: bool,
    /// How many syncs stand still.
    standing: usize,
    /// How many syncs of files have gone well.
    synced: usize,
    /// Whether the first sync that stands still fails, once the others have gone well.
    betrays: bool,
    room: u64,
    operations: u64,
    due: Option<(u64, u64, Promised)>,
    image: Option<Image>,
}

impl State {
    /// Counts an operation; takes the picture when it is due.
    fn operate(&mut self) {
        self.operations += 1;
        if self
            .due
            .as_ref()
            .is_some_and(|(at, ..)| *at <= self.operations)
            && let Some((_, seed, promised)) = self.due.take()
        {
            self.take_picture(seed, promised());
        }
    }

    fn take_picture(&mut self, seed: u64, acknowledged: u64) {
        let mut dice = Dice(SplitMix64::new(seed));
        let mut names = self.durable.clone();
        let survive = dice.below(self.pending.len() as u64 + 1) as usize;
        self.pending
            .iter()
            .take(survive)
            .for_each(|change| change.apply(&mut names));
        let mut inodes = self.inodes.clone();
        for inode in &mut inodes {
            let loose = inode.bytes.len() - inode.synced;
            let kept = inode.synced + dice.below(loose as u64 + 1) as usize;
            inode.bytes.truncate(kept);
            inode.synced = kept;
        }
        let disk = ForgetfulDisk::new(true);
        {
            let mut state = disk.0.lock();
            state.inodes = inodes;
            state.durable = names.clone();
            state.names = names;
        }
        self.image = Some(Image { disk, acknowledged });
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.pending.push_back(change);
    }
}

/// The disk.
pub(super) struct ForgetfulDisk(Arc<Mutex<State>>);

impl ForgetfulDisk {
    /// With `syncs` off, a sync does nothing.
    pub(super) fn new(syncs: bool) -> ForgetfulDisk {
        ForgetfulDisk(Arc::new(Mutex::new(State {
            syncs,
            room: u64::MAX,
            ..State::default()
        })))
    }

    /// Takes a picture at the given operation; `promised` says what was acknowledged by then.
    pub(super) fn picture_at(
        &self,
        at: u64,
        seed: u64,
        promised: impl Fn() -> u64 + Send + 'static,
    ) {
        self.0.lock().due = Some((at, seed, Box::new(promised)));
    }

    /// The picture; taken now if it was not yet due.
    pub(super) fn picture(&self) -> Image {
        let mut state = self.0.lock();
        if let Some((_, seed, promised)) = state.due.take() {
            state.take_picture(seed, promised());
        }
        state.image.take().expect("a picture was ordered")
    }

    /// Has syncs of files not come to their end, or go on.
    pub(super) fn stall(&self, on: bool) {
        self.0.lock().stalled = on;
    }

    /// How many syncs of files have gone well.
    pub(super) fn synced(&self) -> usize {
        self.0.lock().synced
    }

    /// Has the first sync that stands still fail, after the others: the system tells one only.
    pub(super) fn betray(&self) {
        self.0.lock().betrays = true;
    }

    /// How many syncs stand still.
    pub(super) fn standing(&self) -> usize {
        self.0.lock().standing
    }

    /// How many more bytes fit.
    pub(super) fn set_room(&self, bytes: u64) {
        self.0.lock().room = bytes;
    }

    pub(super) fn names(&self) -> Vec<PathBuf> {
        self.0.lock().names.keys().cloned().collect()
    }

    pub(super) fn bytes(&self, path: &str) -> Vec<u8> {
        let state = self.0.lock();
        state.inodes[state.names[Path::new(path)]].bytes.clone()
    }
}

struct OpenFile {
    state: Arc<Mutex<State>>,
    inode: usize,
}

impl Append for OpenFile {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state.lock();
        state.operate();
        if state.room == 0 && !bytes.is_empty() {
            return Err(io::Error::from_raw_os_error(28));
        }
        let fits = bytes.len().min(state.room.min(1 << 30) as usize);
        state.room -= if state.room == u64::MAX {
            0
        } else {
            fits as u64
        };
        state.inodes[self.inode]
            .bytes
            .extend_from_slice(&bytes[..fits]);
        Ok(fits)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.stalled {
            let first = state.standing == 0;
            state.standing += 1;
            while state.stalled || (first && state.betrays && state.standing > 1) {
                drop(state);
                std::thread::yield_now();
                state = self.state.lock();
            }
            state.standing -= 1;
            if first && std::mem::take(&mut state.betrays) {
                return Err(io::Error::from_raw_os_error(5));
            }
        }
        state.operate();
        state.synced += 1;
        if state.syncs {
            let inode = &mut state.inodes[self.inode];
            inode.synced = inode.bytes.len();
        }
        Ok(())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate();
        let inode = &mut state.inodes[self.inode];
        inode.bytes.truncate(length as usize);
        inode.synced = inode.synced.min(length as usize);
        Ok(())
    }
}

impl Disk for ForgetfulDisk {
    fn append(&self, path: &Path) -> io::Result<Box<dyn Append>> {
        let mut state = self.0.lock();
        state.operate();
        let inode = match state.names.get(path) {
            Some(&inode) => inode,
            None => {
                state.inodes.push(Inode::default());
                let inode = state.inodes.len() - 1;
                state.change(Change::Name(path.into(), inode));
                inode
            }
        };
        Ok(Box::new(OpenFile {
            state: self.0.clone(),
            inode,
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Option<Box<dyn Read + Send>>> {
        let state = self.0.lock();
        let bytes = state
            .names
            .get(path)
            .map(|&inode| state.inodes[inode].bytes.clone());
        Ok(bytes.map(|bytes| Box::new(io::Cursor::new(bytes)) as Box<dyn Read + Send>))
    }

    fn length(&self, path: &Path) -> io::Result<Option<u64>> {
        let state = self.0.lock();
        let inode = state.names.get(path);
        Ok(inode.map(|&inode| state.inodes[inode].bytes.len() as u64))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate();
        if !state.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change(Change::Rename(from.into(), to.into()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate();
        if state.names.contains_key(path) {
            state.change(Change::Remove(path.into()));
        }
        Ok(())
    }

    fn make_directory(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate();
        if state.syncs {
            let (mine, others) =
                std::mem::take(&mut state.pending)
                    .into_iter()
                    .partition(|change| match change {
                        Change::Name(name, _) | Change::Rename(name, _) | Change::Remove(name) => {
                            name.parent() == Some(path)
                        }
                    });
            let mine: VecDeque<Change> = mine;
            mine.iter()
                .for_each(|change| change.apply(&mut state.durable));
            state.pending = others;
        }
        Ok(())
    }
}
