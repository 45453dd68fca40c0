//! Writing a snapshot: from a tap's baseline to the bytes of an RDB file.

use crate::file::Replacement;
use rdb::object::{KeyClock, write_pin};
use rdb::writer::{FileAux, ReplicationAux, Writer};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use store::{Image, Locker, Tap};

/// How many bytes are gathered before they are written.
pub(crate) const CHUNK: usize = 256 * 1024;

/// What a snapshot is to be like.
#[derive(Clone, Debug)]
pub struct SaveOptions {
    /// `rdbcompression`.
    pub compress: bool,
    /// `rdbchecksum`.
    pub checksum: bool,
    /// Whether use counters are LFU ones (`maxmemory-policy`); `None` leaves use out.
    pub lfu: Option<bool>,
    /// The version that other programs are to see.
    pub redis_version: &'static str,
    /// Milliseconds since 1970 at the cut.
    pub now_ms: i64,
    /// Bytes in use, for the file's `used-mem`.
    pub used_memory: u64,
    /// The replication id at the cut, if the file may be continued from by replicas.
    pub replication_id: Option<String>,
    /// Whether it is the base of an append-only file.
    pub aof_base: bool,
    /// Whether the file is synced each time that [`SYNC_STEP`] bytes were written, so that the sync
    /// at its end is short (`rdb-save-incremental-fsync`, `aof-rewrite-incremental-fsync`).
    pub sync_steps: bool,
    /// The rest after each key (`rdb-key-save-delay`).
    pub key_delay: Delay,
}

/// A rest after each key, for tests: microseconds, or if negative, one microsecond after about one
/// key in so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delay(pub i64);

/// How often a rest looks whether it is to end.
const LOOK: Duration = Duration::from_millis(1);

impl Delay {
    /// Rests, after the key of this number, unless it is to `stop`.
    pub fn rest(self, key: u64, stop: &dyn Fn() -> bool) {
        match self.0 {
            0 => {}
            few @ ..0 if !key.is_multiple_of(few.unsigned_abs()) => {}
            ..0 => std::thread::sleep(Duration::from_micros(1)),
            micros => {
                let mut left = Duration::from_micros(micros as u64);
                while !left.is_zero() && !stop() {
                    let nap = left.min(LOOK);
                    std::thread::sleep(nap);
                    left -= nap;
                }
            }
        }
    }
}

/// Bytes between syncs of a file that is synced in steps.
pub const SYNC_STEP: u64 = 4 << 20;

/// Writes to a file, and syncs it in steps if that is wanted.
struct Steps<'a> {
    file: &'a mut std::fs::File,
    wanted: bool,
    unsynced: u64,
}

impl Write for Steps<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.unsynced += written as u64;
        if self.wanted && self.unsynced >= SYNC_STEP {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// How a save is going; others may look, and stop it.
#[derive(Default, Debug)]
pub struct Progress {
    /// Set to stop the save.
    pub stop: AtomicBool,
    /// Keys written so far.
    pub keys: AtomicU64,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Keys.
    pub keys: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Why a save failed.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The file could not be made, written, synced or put in place.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// More was written meanwhile than could be kept for it.
    #[error("the disk is too slow for what is written meanwhile")]
    TooSlow,
    /// It was stopped.
    #[error("stopped")]
    Stopped,
}

/// Walks a tap to its end, in any case, and gives each key's image to `each` until that fails.
/// Returns how many there were.
///
/// # Errors
/// What `each` says, or that the walk was stopped or given up.
pub(crate) fn walk(
    tap: Tap,
    locker: &Locker,
    options: &SaveOptions,
    progress: &Progress,
    each: &mut dyn FnMut(Image) -> Result<(), SaveError>,
) -> Result<u64, SaveError> {
    let mut walker = tap.walker();
    let (mut keys, mut failed) = (0, None);
    let stopped = || progress.stop.load(Ordering::Relaxed);
    while let Some(image) = walker.next(locker) {
        if failed.is_some() {
            continue;
        }
        failed = each(image).err();
        keys += 1;
        options.key_delay.rest(keys, &stopped);
        progress.keys.store(keys, Ordering::Relaxed);
        if failed.is_none() && stopped() {
            failed = Some(SaveError::Stopped);
        }
        if failed.is_some() {
            walker.abandon();
        }
    }
    match failed {
        Some(error) => Err(error),
        None if walker.was_cut_off() => Err(SaveError::TooSlow),
        None => Ok(keys),
    }
}

/// Writes the baseline of `tap` to `sink` as an RDB file. The tap is walked to its end in any case.
///
/// # Errors
/// What the sink says, or [`SaveError::Stopped`].
pub fn write(
    tap: Tap,
    locker: &Locker,
    options: &SaveOptions,
    progress: &Progress,
    sink: &mut dyn Write,
) -> Result<Saved, SaveError> {
    let mut writer = begin(&tap, options);
    let clock = KeyClock {
        lfu: options.lfu,
        now_ms: options.now_ms,
    };
    let sizes = tap.sizes.clone();
    let mut db = None;
    let keys = walk(tap, locker, options, progress, &mut |image| {
        let Image { db: number, pin } = image;
        if db != Some(number) {
            db = Some(number);
            select(&mut writer, number, &sizes);
        }
        write_pin(&mut writer, pin, clock, &mut |writer| {
            if writer.buffered() < CHUNK {
                Ok(())
            } else {
                flush(writer, sink, progress)
            }
        })
    })?;
    let bytes = writer.written() - writer.buffered() as u64;
    let tail = writer.finish();
    sink.write_all(&tail)?;
    Ok(Saved {
        keys,
        bytes: bytes + tail.len() as u64,
    })
}

fn begin(tap: &Tap, options: &SaveOptions) -> Writer {
    let mut writer = Writer::new(options.compress, options.checksum);
    let replication = options.replication_id.as_deref().map(|id| ReplicationAux {
        stream_db: tap.primarys_db.map_or(-1, i64::from),
        id,
        offset: tap.cut.offset,
    });
    writer.file_aux(&FileAux {
        redis_version: options.redis_version,
        created: options.now_ms / 1000,
        used_memory: options.used_memory,
        replication,
        aof_base: options.aof_base,
    });
    writer
}

fn select(writer: &mut Writer, db: u16, sizes: &[(u16, u64, u64)]) {
    writer.select_db(u32::from(db));
    if let Some((_, keys, expires)) = sizes.iter().find(|(number, ..)| *number == db) {
        writer.resize_db(*keys, *expires);
    }
}

fn flush(writer: &mut Writer, sink: &mut dyn Write, progress: &Progress) -> Result<(), SaveError> {
    if progress.stop.load(Ordering::Relaxed) {
        return Err(SaveError::Stopped);
    }
    Ok(writer.take(|bytes| sink.write_all(bytes))?)
}

/// The name of the file that a save of this process writes, beside the one that it will replace.
/// One save goes on at a time.
pub fn temporary_name() -> String {
    format!("temp-{}.rdb", std::process::id())
}

/// Saves to a file: it is replaced whole, or left as it was.
///
/// # Errors
/// As [`write`], and when the file cannot be put in place.
pub fn save_file(
    tap: Tap,
    locker: &Locker,
    options: &SaveOptions,
    progress: &Progress,
    path: &Path,
) -> Result<Saved, SaveError> {
    let temporary = temporary_name();
    let begun = Replacement::begin(path, &temporary);
    let mut replacement = match begun {
        Ok(replacement) => replacement,
        Err(error) => {
            // The marks of the tap must come off all the same.
            let mut walker = tap.walker();
            walker.abandon();
            while walker.next(locker).is_some() {}
            return Err(error.into());
        }
    };
    let mut file = Steps {
        file: replacement.file(),
        wanted: options.sync_steps,
        unsynced: 0,
    };
    let saved = write(tap, locker, options, progress, &mut file)?;
    // It may have been stopped before there was a key to write.
    if progress.stop.load(Ordering::Relaxed) {
        return Err(SaveError::Stopped);
    }
    replacement.commit()?;
    Ok(saved)
}
