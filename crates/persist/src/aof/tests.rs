//! Tests of the append-only file: what a crash leaves is loaded, and nothing acknowledged is
//! missing.

mod forgetful;
mod workers;

use self::forgetful::{ForgetfulDisk, Image};
use super::*;
use crate::load::LoadOptions;
use crate::save::{Progress, SaveOptions};
use base::{Slot, SlotSet, SplitMix64};
use config::AppendFsync;
use ds::{Object, ValueRef};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use store::journal::{Audience, Effect};
use store::{Locker, Store};

const NOW: i64 = 1_700_000_000_000;
const PARENT: &str = "/data";
const KEYS: u64 = 24;

/// A generator of numbers that a seed repeats.
pub(super) struct Dice(pub SplitMix64);

impl Dice {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0.bits() % bound
    }
}

/// What the writer said.
#[derive(Default)]
struct Said {
    released: AtomicU64,
    failures: Mutex<Vec<Option<String>>>,
    fatal: Mutex<Option<String>>,
}

impl Said {
    fn wait(&self, sequence: u64) {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while self.released.load(Ordering::SeqCst) < sequence {
            assert!(std::time::Instant::now() < deadline, "nothing is released");
            std::thread::yield_now();
        }
    }
}

struct Ear(Arc<Said>);

impl Notice for Ear {
    fn released(&self, sequence: u64) {
        self.0.released.fetch_max(sequence, Ordering::SeqCst);
    }

    fn log(&self, _warning: bool, _text: &str) {}

    fn failed(&self, why: Option<&str>) {
        self.0.failures.lock().push(why.map(str::to_owned));
    }

    fn fatal(&self, text: &str) {
        *self.0.fatal.lock() = Some(text.into());
    }
}

/// A data set of numbers under a few keys, journalled as SET.
struct World {
    store: Arc<Store>,
    locker: Locker,
}

impl World {
    fn new() -> World {
        let store = Store::new(4);
        let locker = Locker::new(&store);
        World { store, locker }
    }

    /// As a worker does it: the batch ends without waking the file's thread.
    fn set_in_batch(&self, key: u64, value: u64) -> u64 {
        self.locker.open();
        let sequence = self.put(0, key, value, true);
        self.locker.close_to_write();
        sequence
    }

    fn set(&self, db: u16, key: u64, value: u64, journalled: bool) -> u64 {
        let _open = self.locker.enter();
        self.put(db, key, value, journalled)
    }

    fn put(&self, db: u16, key: u64, value: u64, journalled: bool) -> u64 {
        let (key, value) = (format!("key:{key}"), value.to_string());
        let mut command = Vec::new();
        rdb::aof::put_command(&mut command, &[b"SET", key.as_bytes(), value.as_bytes()]);
        let object = Object::new_str(key.as_bytes(), value.as_bytes(), None);
        let mut guard = self.locker.lock(Slot::of_key(key.as_bytes()));
        guard.put(db, ds::siphash::of(key.as_bytes()), object);
        if !journalled {
            return 0;
        }
        let effect = Effect {
            db,
            audience: Audience::ALL,
            command: &command,
        };
        let sequence = self.store.journal.append(&[effect]);
        guard.set_last_effect(sequence);
        sequence
    }

    fn contents(&self) -> BTreeMap<(u16, String), u64> {
        let mut all = BTreeMap::new();
        for db in 0..4 {
            let _open = self.locker.enter();
            self.locker.for_each_key(db, |object| {
                let value = match object.value() {
                    ValueRef::Int(value) => value as u64,
                    ValueRef::Str(text) => String::from_utf8_lossy(text).parse().unwrap(),
                    _ => panic!("only numbers were stored"),
                };
                let key = String::from_utf8_lossy(object.key()).into_owned();
                all.insert((db, key), value);
            });
        }
        all
    }
}

/// Executes SELECT, SET, MULTI and EXEC.
struct Applying<'a> {
    world: &'a World,
    db: u16,
}

impl Apply for Applying<'_> {
    fn begin(&mut self) {
        self.db = 0;
    }

    fn unit(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut commands = rdb::aof::Commands::new(bytes, 0, Vec::new());
        while let Some(item) = commands.next_item().map_err(|error| error.to_string())? {
            let rdb::aof::Item::Command(words) = item else {
                continue;
            };
            let text = |at: usize| String::from_utf8_lossy(&words[at]).into_owned();
            match words[0].as_slice() {
                b"SELECT" => self.db = text(1).parse().unwrap(),
                b"SET" => {
                    let key = text(1).trim_start_matches("key:").parse().unwrap();
                    self.world
                        .set(self.db, key, text(2).parse().unwrap(), false);
                }
                b"MULTI" | b"EXEC" => {}
                other => return Err(format!("unknown command '{}'", other.escape_ascii())),
            }
        }
        Ok(())
    }
}

fn files(disk: &Arc<ForgetfulDisk>) -> Files {
    Files::read(
        disk.clone(),
        Path::new(PARENT),
        "appendonlydir",
        "appendonly.aof",
    )
    .unwrap()
}

fn load_from(
    disk: &Arc<ForgetfulDisk>,
    truncate: bool,
) -> Result<(World, AofLoaded), AofLoadError> {
    let world = World::new();
    let mut files = files(disk);
    files.prepare().unwrap();
    let mut options = LoadOptions {
        now_ms: NOW,
        keep_expired: false,
        limits: ds::Limits::default(),
        wanted: &|_| true,
        progress: &mut |_| {},
        attribute: &mut |_, _| {},
        key_delay: Default::default(),
    };
    let mut apply = Applying {
        world: &world,
        db: 0,
    };
    let loaded = load::load(
        &files,
        &world.locker,
        &mut options,
        &mut apply,
        truncate,
        &mut |_, _| {},
    )?;
    Ok((world, loaded))
}

/// A writer over a data set.
struct Rig {
    world: World,
    disk: Arc<ForgetfulDisk>,
    said: Arc<Said>,
    orders: Arc<Orders>,
    status: Arc<Status>,
    desk: Arc<Desk>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Rig {
    fn start(disk: Arc<ForgetfulDisk>, policy: AppendFsync) -> Rig {
        let world = World::new();
        world.store.journal.set_active(Audience::AOF, true);
        world.store.journal.set_gated(true);
        let said = Arc::new(Said::default());
        let setup = Setup {
            files: files(&disk),
            reader: world.store.journal.reader(None).unwrap(),
            sequence: 0,
            policy,
            timestamps: false,
            unlisted: false,
        };
        let started = start(setup, Box::new(Ear(said.clone()))).unwrap();
        Rig {
            world,
            disk,
            said,
            orders: started.orders,
            status: started.status,
            desk: started.desk,
            thread: Some(started.thread),
        }
    }

    fn rewrite(&self) -> Result<(), RewriteError> {
        let (tap, rotated) = {
            let world = self.world.locker.world();
            let tap = self
                .world
                .store
                .tap(&world, &self.world.locker, SlotSet::full())
                .unwrap();
            let rotated = self.orders.rotate(tap.cut.sequence);
            (tap, rotated)
        };
        let options = SaveOptions {
            compress: true,
            checksum: true,
            lfu: None,
            redis_version: "7.2.4",
            now_ms: NOW,
            used_memory: 0,
            replication_id: None,
            aof_base: true,
            sync_steps: true,
            key_delay: Default::default(),
        };
        let base = NewBase {
            options: &options,
            format: BaseFormat::Rdb,
            progress: &Progress::default(),
            disk: &*self.disk,
            temporary: &Path::new(PARENT).join("appendonlydir").join("temp-base"),
            keep_history: false,
        };
        rewrite(tap, &rotated, &self.world.locker, &base, &self.orders).map(drop)
    }

    fn wait_released(&self, sequence: u64) {
        self.said.wait(sequence);
    }

    fn stop(&mut self) {
        self.orders.stop();
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.orders.stop();
            let _ = thread.join();
        }
    }
}

/// Runs writers and two rewrites on a disk that takes a picture of what a crash would leave at a
/// random operation; then loads the picture. What is missing, if anything is.
fn crash_once(seed: u64, syncs: bool) -> Result<(), String> {
    let mut dice = Dice(SplitMix64::new(seed));
    let disk = Arc::new(ForgetfulDisk::new(syncs));
    let mut rig = Rig::start(disk.clone(), AppendFsync::Always);
    let said = rig.said.clone();
    let at = 1 + dice.below(1200);
    disk.picture_at(at, dice.below(u64::MAX), move || {
        said.released.load(Ordering::SeqCst)
    });
    let mut history = Vec::new();
    for value in 1..400u64 {
        let (db, key) = (dice.below(3) as u16, dice.below(KEYS));
        let sequence = rig.world.set(db, key, value, true);
        history.push((sequence, db, format!("key:{key}"), value));
        if dice.below(4) == 0 {
            rig.wait_released(sequence);
        }
        if dice.below(120) == 0 {
            rig.rewrite().map_err(|error| error.to_string())?;
        }
    }
    rig.stop();
    // A run that ended before the picture was due: the crash comes at its end.
    let Image { disk, acknowledged } = disk.picture();
    let (loaded, _) = load_from(&Arc::new(disk), true).map_err(|error| error.to_string())?;
    let contents = loaded.contents();
    let mut expected: BTreeMap<(u16, String), (u64, Vec<u64>)> = BTreeMap::new();
    for (sequence, db, key, value) in history {
        let entry = expected.entry((db, key)).or_default();
        if sequence <= acknowledged {
            *entry = (value, Vec::new());
        } else {
            entry.1.push(value);
        }
    }
    for ((db, key), (acknowledged, later)) in expected {
        let found = contents.get(&(db, key.clone())).copied().unwrap_or(0);
        if found != acknowledged && !later.contains(&found) {
            return Err(format!(
                "seed {seed}: {key} in database {db} is {found}, acknowledged was {acknowledged}"
            ));
        }
    }
    Ok(())
}

#[test]
fn nothing_acknowledged_is_missing_after_a_crash() {
    for seed in 0..60 {
        crash_once(seed, true).unwrap();
    }
}

#[test]
fn the_crash_test_finds_a_disk_that_does_not_sync() {
    assert!(
        (0..60).any(|seed| crash_once(seed, false).is_err()),
        "a disk that loses everything passes: the test is blind"
    );
}

#[test]
fn a_rewrite_leaves_one_base_and_one_increment() {
    let disk = Arc::new(ForgetfulDisk::new(true));
    let mut rig = Rig::start(disk.clone(), AppendFsync::No);
    for n in 0..100 {
        rig.world.set((n % 3) as u16, n % KEYS, n, true);
    }
    rig.rewrite().unwrap();
    for n in 0..50 {
        rig.world.set(0, n % KEYS, 1000 + n, true);
    }
    rig.rewrite().unwrap();
    rig.world.set(1, 1, 5555, true);
    rig.stop();
    let manifest = files(&disk).manifest().clone();
    assert_eq!(
        String::from_utf8(manifest.encode()).unwrap(),
        "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.3.incr.aof seq 3 type i\n"
    );
    let names: Vec<String> = disk
        .names()
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        names,
        [
            "appendonly.aof.2.base.rdb",
            "appendonly.aof.3.incr.aof",
            "appendonly.aof.manifest"
        ]
    );
    let (loaded, outcome) = load_from(&disk, false).unwrap();
    assert_eq!(outcome.outcome, LoadOutcome::Whole);
    assert_eq!(loaded.contents(), rig.world.contents());
}

#[test]
fn a_full_disk_stops_writes_until_there_is_room() {
    let disk = Arc::new(ForgetfulDisk::new(true));
    let mut rig = Rig::start(disk.clone(), AppendFsync::Everysec);
    let first = rig.world.set(0, 1, 1, true);
    rig.wait_released(first);
    disk.set_room(10);
    rig.world.set(0, 2, 2, true);
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while rig.status.failure().is_none() {
        assert!(std::time::Instant::now() < deadline);
        std::thread::yield_now();
    }
    assert_eq!(
        *rig.said.failures.lock(),
        [Some("No space left on device".into())]
    );
    assert!(rig.rewrite().is_err(), "a rewrite needs the writer");
    disk.set_room(u64::MAX);
    let last = rig.world.set(0, 3, 3, true);
    rig.wait_released(last);
    assert_eq!(rig.status.failure(), None);
    rig.stop();
    let (loaded, _) = load_from(&disk, false).unwrap();
    assert_eq!(loaded.contents(), rig.world.contents());
}

#[test]
fn a_full_disk_is_fatal_when_every_write_is_promised() {
    let disk = Arc::new(ForgetfulDisk::new(true));
    let rig = Rig::start(disk.clone(), AppendFsync::Always);
    disk.set_room(3);
    rig.world.set(0, 2, 2, true);
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while rig.said.fatal.lock().is_none() {
        assert!(std::time::Instant::now() < deadline);
        std::thread::yield_now();
    }
    assert_eq!(rig.said.released.load(Ordering::SeqCst), 0);
}

fn put_file(disk: &ForgetfulDisk, path: &str, bytes: &[u8]) {
    use super::disk::Disk;
    let mut file = disk.append(Path::new(path)).unwrap();
    files::write_all(&mut *file, bytes).unwrap();
}

const SET: &[u8] = b"*3\r\n$3\r\nSET\r\n$5\r\nkey:1\r\n$1\r\n7\r\n";

#[test]
fn a_single_old_file_becomes_the_base() {
    let disk = Arc::new(ForgetfulDisk::new(true));
    put_file(&disk, "/data/appendonly.aof", SET);
    let (loaded, _) = load_from(&disk, true).unwrap();
    assert_eq!(loaded.contents().len(), 1);
    let manifest = files(&disk).manifest().encode();
    assert_eq!(manifest, b"file appendonly.aof seq 1 type b\n");
    let names = disk.names();
    assert!(names.contains(&Path::new("/data/appendonlydir/appendonly.aof").into()));
    assert!(!names.contains(&Path::new("/data/appendonly.aof").into()));
}

#[test]
fn torn_tails_are_cut_only_in_the_last_file_and_only_if_allowed() {
    const ONE: &str = "/data/appendonlydir/appendonly.aof.1.incr.aof";
    const TWO: &str = "/data/appendonlydir/appendonly.aof.2.incr.aof";
    let list = b"file appendonly.aof.1.incr.aof seq 1 type i\nfile appendonly.aof.2.incr.aof seq 2 type i\n";
    let with = |one: &[u8], two: &[u8]| {
        let disk = Arc::new(ForgetfulDisk::new(true));
        put_file(&disk, "/data/appendonlydir/appendonly.aof.manifest", list);
        put_file(&disk, ONE, one);
        put_file(&disk, TWO, two);
        disk
    };
    let open = [SET, b"*1\r\n$5\r\nMULTI\r\n", SET].concat();
    for torn in [[SET, &SET[..9]].concat(), open] {
        let disk = with(SET, &torn);
        assert!(matches!(
            load_from(&disk, false),
            Err(AofLoadError::Short(_))
        ));
        let (_, loaded) = load_from(&disk, true).unwrap();
        assert_eq!(
            (loaded.outcome, loaded.commands >= 2),
            (LoadOutcome::Truncated, true)
        );
        assert_eq!(disk.bytes(TWO), SET);
        let disk = with(&torn, SET);
        assert!(matches!(
            load_from(&disk, true),
            Err(AofLoadError::ShortInside(_))
        ));
    }
    let disk = with(SET, &[SET, b"!!!\r\n"].concat());
    assert!(matches!(
        load_from(&disk, true),
        Err(AofLoadError::Format(..))
    ));
    let disk = with(SET, b"*1\r\n$4\r\nEVIL\r\n");
    assert!(matches!(
        load_from(&disk, true),
        Err(AofLoadError::Command(..))
    ));
}
