//! The append-only file of this server: on and off, loading, rewriting, and what its writer says.

mod hold;
mod released;
mod report;
mod rewriting;
mod switch;

use crate::boot::as_path;
use crate::node::Node;
use config::{Config, LogLevel};
use engine::{Caller, Engine, Foreign, PauseBy, PauseKind};
use parking_lot::{Condvar, Mutex};
use persist::aof::disk::{Disk, RealDisk};
use persist::aof::mirror::MirroredDisk;
use persist::aof::{
    AofLoadError, Apply, Desk, Files, FilesError, LoadOutcome, LogLock, Orders, Prepared, Setup,
    Started, Status,
};
use persist::{load::LoadOptions, save::Progress};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Instant;
use store::journal::{Audience, Gauge, Reader};
use store::{Garbage, Locker};

use released::{Ear, Waits};
pub(crate) use rewriting::{bgrewriteaof, tick};
pub(crate) use switch::{begin_anew, begin_later, disable, set_writer, switch};

/// Whether the file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// It is not.
    Off,
    /// It is, but no base for it is there yet.
    Waiting,
    /// It is.
    On,
}

/// How many bytes of the journal may wait for the file before writers wait for it.
const LONGEST_LAG: u64 = 256 * 1024 * 1024;

/// What is known of the append-only file.
pub(crate) struct AppendOnly {
    disk: OnceLock<Arc<dyn Disk>>,
    hold: hold::Hold,
    state: Mutex<State>,
    /// For who waits until no writer is being closed.
    closed: Condvar,
    /// Counts the changes of the writer, for those who keep its desk.
    changes: AtomicU64,
    /// By worker: whether it has replies that wait for the file.
    waits: Waits,
    /// Whether replies ever waited for the file, so that some may still.
    ever_gated: AtomicBool,
}

struct State {
    phase: Phase,
    /// How often the file was turned on or off: whoever does what takes its time goes on only while
    /// the turn is the one that it began with.
    turns: u64,
    /// The writer of this turn.
    writer: Option<Writing>,
    /// Writers of turns before that nobody closes yet.
    left: Vec<Writing>,
    /// How many writers of turns before have not ended.
    closing: usize,
    /// The rewrite that runs, if one does.
    rewrite: Option<Rewriting>,
    last_ok: bool,
    /// Seconds that the last rewrite took.
    last_took: i64,
    rewrites: u64,
    /// Failures since the last rewrite that went well.
    failures: u64,
    /// When a failed first rewrite is tried again.
    retry_at: Option<Instant>,
    /// Minutes until an automatic rewrite may be tried again, and when that is.
    back_off: (u64, Option<Instant>),
}

struct Writing {
    orders: Arc<Orders>,
    status: Arc<Status>,
    desk: Arc<Desk>,
    thread: JoinHandle<()>,
    /// What of the journal waits for it.
    waits: Gauge,
    /// Where its files are, whatever CONFIG SET has made of `dir` since.
    folder: PathBuf,
}

struct Rewriting {
    progress: Arc<Progress>,
    since: Instant,
    /// The turn that it makes the first base for, if it does that.
    first: Option<u64>,
}

impl Default for AppendOnly {
    fn default() -> AppendOnly {
        let state = State {
            phase: Phase::Off,
            turns: 0,
            writer: None,
            left: Vec::new(),
            closing: 0,
            rewrite: None,
            last_ok: true,
            last_took: -1,
            rewrites: 0,
            failures: 0,
            retry_at: None,
            back_off: (0, None),
        };
        AppendOnly {
            disk: OnceLock::new(),
            hold: hold::Hold::default(),
            state: Mutex::new(state),
            closed: Condvar::new(),
            changes: AtomicU64::new(0),
            waits: Waits::default(),
            ever_gated: AtomicBool::new(false),
        }
    }
}

impl AppendOnly {
    /// Takes the lock of files that are there, before anything is touched.
    ///
    /// # Errors
    /// When another server has it, or the system refuses: the text for the log.
    pub(crate) fn hold_at_start(&self, config: &Config) -> Result<(), String> {
        hold::hold_at_start(&self.hold, config)
    }

    /// Whether the file is on, or is being turned on.
    pub(crate) fn is_on(&self) -> bool {
        self.state.lock().phase != Phase::Off
    }

    /// Whether it was turned on and the rewrite that it begins with goes on.
    pub(crate) fn lacks_base(&self) -> bool {
        let state = self.state.lock();
        state.phase == Phase::Waiting && state.rewrite.is_some()
    }

    /// The writer, while there is one.
    pub(crate) fn writer(&self) -> Option<(Arc<Orders>, Arc<Status>)> {
        let state = self.state.lock();
        let writer = state.writer.as_ref()?;
        Some((writer.orders.clone(), writer.status.clone()))
    }

    /// The writer, while there is one, and the folder of its files.
    fn writer_and_folder(&self) -> Option<(Arc<Orders>, PathBuf)> {
        let state = self.state.lock();
        let writer = state.writer.as_ref()?;
        Some((writer.orders.clone(), writer.folder.clone()))
    }

    /// How often the writer changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Where workers write, while there is a writer.
    pub(crate) fn desk(&self) -> Option<Arc<Desk>> {
        let state = self.state.lock();
        Some(state.writer.as_ref()?.desk.clone())
    }
}

fn say(node: &Node, warning: bool, text: &str) {
    let level = if warning {
        LogLevel::Warning
    } else {
        LogLevel::Notice
    };
    text.lines()
        .filter(|line| !line.is_empty())
        .for_each(|line| node.log(level, line));
}

/// Where a test wants to find what a crash of the machine would leave of the files.
const MIRROR: &str = "SHOAL_TEST_AOF_MIRROR";
/// Set to have that mirror lose everything, as if nothing was ever synced.
const NO_SYNC: &str = "SHOAL_TEST_AOF_NO_SYNC";

/// The disk that the files are on. Builds with debug assertions can be told to mirror it.
fn disk(node: &Node) -> Arc<dyn Disk> {
    let disk = node.append_only.disk.get_or_init(|| {
        let mirror = std::env::var_os(MIRROR).filter(|_| cfg!(debug_assertions));
        let Some(mirror) = mirror else {
            return Arc::new(RealDisk);
        };
        let config = node.config.read();
        let files = as_path(&config.dir).join(as_path(&config.appenddirname));
        let syncs = std::env::var_os(NO_SYNC).is_none();
        let disk = MirroredDisk::new(&files, mirror.as_ref(), syncs);
        Arc::new(disk.expect("the test gives a directory that can be written"))
    });
    disk.clone()
}

/// The files that the configuration names. Whoever reads or changes them holds their lock.
fn files(node: &Node, config: &Config) -> Result<(Files, Arc<LogLock>), FilesError> {
    let lock = node.append_only.hold.lock(config)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let files = Files::read(
        disk(node),
        &as_path(&config.dir),
        &text(&config.appenddirname),
        &text(&config.appendfilename),
    )?;
    Ok((files.under(lock.clone()), lock))
}

/// Starts the writer of a turn at the place of `reader`. The lock is kept until the file is turned
/// off. Where it was turned off meanwhile nothing stays.
fn write_on(
    node: &Arc<Node>,
    engine: &Arc<Engine>,
    (files, lock): (Files, Arc<LogLock>),
    (reader, sequence): (Reader, u64),
    unlisted: bool,
    turn: u64,
) -> std::io::Result<()> {
    let (policy, timestamps) = {
        let config = node.config.read();
        (config.appendfsync, config.aof_timestamp_enabled)
    };
    let setup = Setup {
        files,
        reader,
        sequence,
        policy,
        timestamps,
        unlisted,
    };
    let folder = setup.files.path_of("").components().collect();
    setup.reader.park_writers_past(LONGEST_LAG);
    let waits = setup.reader.gauge();
    let ear = Ear::new(node, engine);
    let Started {
        orders,
        status,
        desk,
        thread,
    } = persist::aof::start(setup, Box::new(ear))?;
    let writing = Writing {
        orders,
        status,
        desk,
        thread,
        waits,
        folder,
    };
    node.append_only
        .take_writer(turn, writing, lock)
        .map_err(|writing| {
            writing.end();
            std::io::Error::other("it was turned off meanwhile")
        })?;
    // A CONFIG SET may have found no writer since the options were read.
    crate::configure::in_turn(node, |config| set_writer(node, &config.read()));
    Ok(())
}

/// Has replies wait for the file while there is one: until it is written, or synced, as the policy
/// says.
fn set_gate(node: &Node, engine: &Engine) {
    // Under the lock: who has seen another phase must not come later.
    let state = node.append_only.state.lock();
    let on = state.phase == Phase::On;
    // While a writer is being closed, what was promised with it is still waited for.
    if on == engine.store.journal.is_gated() || (!on && state.closing > 0) {
        return;
    }
    if on {
        node.append_only.ever_gated.store(true, Ordering::SeqCst);
    }
    engine.store.journal.set_gated(on);
    engine.change_settings(|settings| settings.commit_gate = on);
}

struct Applying(Foreign);

impl Apply for Applying {
    fn begin(&mut self) {
        self.0.set_db(0);
    }

    fn unit(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.0.unit(bytes).map(drop)
    }
}

/// Loads the log and begins to write on it. Where there is none yet, it begins with what the dump
/// holds: starting empty would have the next save overwrite that. Whether there was either.
///
/// # Errors
/// What is wrong with the files: the server must not go on.
pub(crate) fn load_at_start(node: &Arc<Node>, engine: &Arc<Engine>) -> Result<bool, String> {
    let config = node.config.read();
    let (mut files, lock) = files(node, &config).map_err(|error| match error {
        FilesError::Manifest(error) => error.log_lines().concat(),
        error => error.to_string(),
    })?;
    let prepared = files.prepare();
    let prepared = prepared.map_err(|error| format!("cannot prepare the AOF files: {error}"))?;
    if prepared == Prepared::Migrated {
        let (name, directory) = (files.name(), config.appenddirname.escape_ascii());
        let line = format!(
            "Successfully migrated an old-style AOF configuration ({name}) into the AOF directory \
             ({directory})."
        );
        say(node, false, &line);
    }
    hold::tell_of_strays(node, &files);
    let outcome = load(node, engine, &config, &files).map_err(|error| error.to_string())?;
    let empty = files.is_empty();
    let dump = empty && crate::persistence::load_dump(&config, node, engine)?;
    if dump {
        let line = "There is no append-only file yet: it begins with the data set of the dump.";
        say(node, true, line);
    }
    let journal = &engine.store.journal;
    journal.set_active(Audience::AOF, true);
    let place = journal
        .reader(None)
        .map(|reader| (reader, journal.sequence()));
    let place = place.ok_or("the journal has no end")?;
    let turn = node.append_only.state.lock().turns;
    write_on(node, engine, (files, lock), place, empty, turn)
        .map_err(|error| format!("Can't open the append-only file: {error}"))?;
    node.append_only.state.lock().phase = if empty { Phase::Waiting } else { Phase::On };
    if empty {
        rewriting::first_base(node, engine, turn)?;
    }
    set_gate(node, engine);
    Ok(dump || outcome != LoadOutcome::Empty)
}

fn load(
    node: &Arc<Node>,
    engine: &Arc<Engine>,
    config: &Config,
    files: &Files,
) -> Result<LoadOutcome, AofLoadError> {
    let began = Instant::now();
    let total = files.total_length().unwrap_or(0);
    node.loading.measure(total);
    let locker = Locker::new(&engine.store);
    let mut options = LoadOptions {
        now_ms: engine::wall_us() / 1000,
        // What comes behind the base says what becomes of them.
        keep_expired: true,
        limits: engine.settings().limits,
        wanted: &|_| true,
        progress: &mut |bytes| node.loading.advance(bytes),
        attribute: &mut |name, value| node.loading.attribute(name, value),
        key_delay: persist::save::Delay(config.key_load_delay),
    };
    let mut applying = Applying(Foreign::new(engine, Caller::Log));
    let loaded = persist::aof::load::load(
        files,
        &locker,
        &mut options,
        &mut applying,
        config.aof_load_truncated,
        &mut |warning, line| say(node, warning, line),
    )?;
    node.loading.held(loaded.keys, loaded.expired);
    if let (count, Some(first)) = applying.0.failures() {
        let line = format!(
            "{count} commands of the append only file failed and were passed over, as they must \
             have failed when they were written. The first: {first}"
        );
        say(node, true, &line);
    }
    if loaded.outcome != LoadOutcome::Empty {
        let seconds = began.elapsed().as_secs_f64();
        let line = format!("DB loaded from append only file: {seconds:.3} seconds");
        say(node, false, &line);
    }
    Ok(loaded.outcome)
}

/// Empties the data set and loads it from the log: DEBUG LOADAOF.
///
/// # Errors
/// What is wrong with the files, or with writing them.
pub(crate) fn load_again(node: &Arc<Node>, engine: &Arc<Engine>) -> Result<(), String> {
    let loader = node.replication().try_loader()?;
    let config = node.config.read();
    let locker = Locker::new(&engine.store);
    let _stream = node.replication().hold_stream();
    node.begin_pause(PauseBy::Reload, PauseKind::Writes, None);
    node.loading.begin(engine);
    node.append_only.wait_until_closed();
    let flushed = node
        .append_only
        .writer()
        .map_or(Ok(()), |(orders, _)| orders.flush());
    let loaded = flushed.and_then(|()| {
        let (files, _lock) = files(node, &config).map_err(|error| error.to_string())?;
        {
            let world = locker.world();
            // Until all of it is loaded no file is written from a part.
            loader.set_whole(false);
            locker.flush(&world, None, |keys| {
                engine.store.discard_later(Garbage::Keys(keys));
            });
        }
        load(node, engine, &config, &files).map_err(|error| error.to_string())
    });
    if loaded.is_ok() {
        node.replication().replaced(&loader);
        begin_later(node);
    }
    node.loading.end(engine);
    node.end_pause(PauseBy::Reload);
    loaded.map(drop)
}

/// Before the process ends: stops a rewrite, and makes everything in the journal last. Nothing may
/// be appended any more.
///
/// # Errors
/// What the disk says.
pub(crate) fn finish(node: &Node) -> Result<(), String> {
    node.append_only.wait_until_closed();
    let Some((orders, _)) = node.append_only.writer() else {
        return Ok(());
    };
    if let Some(rewrite) = &node.append_only.state.lock().rewrite {
        say(
            node,
            true,
            "There is a child rewriting the AOF. Killing it!",
        );
        rewrite.progress.stop.store(true, Ordering::Relaxed);
    }
    say(node, false, "Calling fsync() on the AOF file.");
    match orders.flush() {
        Err(_) if !node.append_only.is_on() => {
            // It was turned off meanwhile: then it is synced when it is closed.
            node.append_only.wait_until_closed();
            Ok(())
        }
        flushed => flushed,
    }
}
