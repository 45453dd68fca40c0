//! Saving and loading: SAVE, BGSAVE, LASTSAVE, save points, and the data set at start-up.

mod flushed;

pub(crate) use flushed::save_after_flush;

use crate::boot::as_path;
use crate::node::Node;
use config::Config;
use engine::{Engine, Fail, Taken, Ticket};
use flushed::Flushes;
use parking_lot::{Condvar, Mutex};
use persist::load::{LoadOptions, Loaded};
use persist::save::{Progress, SaveOptions, Saved, save_file};
use resp::Args;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use store::{Locker, Tap};

/// What is known of saves.
pub(crate) struct Persistence {
    state: Mutex<State>,
    /// A save has ended.
    ended: Condvar,
}

struct State {
    /// The save that runs, if one does.
    running: Option<Running>,
    /// Seconds since 1970 at the end of the last good save.
    last_save: i64,
    /// Whether the last save went well.
    last_ok: bool,
    /// When a save was last tried.
    last_try: Option<Instant>,
    /// The count of changes at the last good save.
    dirty_then: u64,
    /// Seconds that the last save took.
    last_took: i64,
    /// Good saves since the start.
    saves: u64,
    flushes: Flushes,
}

struct Running {
    progress: Arc<Progress>,
    since: Instant,
    /// How many FLUSHALL came before it.
    flushes: u64,
}

impl Running {
    fn is_stopped(&self) -> bool {
        self.progress.stop.load(Ordering::Relaxed)
    }
}

impl State {
    /// Notes that a save begins; nothing where there is one.
    fn begin(&mut self) -> Option<Arc<Progress>> {
        if self.running.is_some() {
            return None;
        }
        let progress = Arc::new(Progress::default());
        self.last_try = Some(Instant::now());
        self.running = Some(Running {
            progress: progress.clone(),
            since: Instant::now(),
            flushes: self.flushes.seen,
        });
        Some(progress)
    }
}

impl Default for Persistence {
    fn default() -> Persistence {
        let state = State {
            running: None,
            last_save: engine::wall_us() / 1_000_000,
            last_ok: true,
            last_try: None,
            dirty_then: 0,
            last_took: -1,
            saves: 0,
            flushes: Flushes::default(),
        };
        Persistence {
            state: Mutex::new(state),
            ended: Condvar::new(),
        }
    }
}

/// After a save failed, how long until save points may start another.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(5);

impl Persistence {
    /// LASTSAVE
    pub(crate) fn last_save(&self) -> i64 {
        self.state.lock().last_save
    }

    /// Whether the last save succeeded.
    pub(crate) fn last_ok(&self) -> bool {
        self.state.lock().last_ok
    }

    /// Whether a save runs.
    pub(crate) fn is_saving(&self) -> bool {
        self.state.lock().running.is_some()
    }

    /// Changes since the last good save.
    pub(crate) fn changes(&self, engine: &Engine) -> u64 {
        engine
            .store
            .totals()
            .dirty
            .saturating_sub(self.state.lock().dirty_then)
    }

    /// Whether a save point asks for a save now.
    pub(crate) fn is_due(&self, config: &Config, engine: &Engine) -> bool {
        let changes = self.changes(engine);
        let state = self.state.lock();
        let waited = engine::wall_us() / 1_000_000 - state.last_save;
        let may = state.last_ok || state.last_try.is_none_or(|at| at.elapsed() > RETRY_AFTER);
        let due = config
            .save
            .iter()
            .any(|point| changes >= point.changes as u64 && changes > 0 && waited > point.seconds);
        due && may && state.running.is_none()
    }

    fn begin(&self) -> Result<Arc<Progress>, Fail> {
        let progress = self.state.lock().begin();
        progress.ok_or_else(|| "ERR Background save already in progress".into())
    }

    fn end(&self, dirty: u64, result: &Result<Saved, Unsaved>) {
        let mut state = self.state.lock();
        let running = state.running.take();
        let took = running.as_ref().map(|running| running.since.elapsed());
        state.last_took = took.map_or(0, |took| took.as_secs() as i64);
        // One that was stopped has not failed, nor did the disk where there is nothing to save.
        let stopped = running.as_ref().is_some_and(Running::is_stopped);
        match result {
            Ok(_) => state.last_ok = true,
            Err(Unsaved::Failed(_)) if !stopped => state.last_ok = false,
            Err(_) => {}
        }
        if result.is_ok() {
            state.last_save = engine::wall_us() / 1_000_000;
            state.saves += 1;
            state.saved(dirty, running.map_or(0, |running| running.flushes));
        }
        drop(state);
        self.ended.notify_all();
    }

    /// Stops the save that runs, if one does, and waits for its end.
    pub(crate) fn stop_and_wait(&self) {
        loop {
            match &self.state.lock().running {
                Some(running) => {
                    running.progress.stop.store(true, Ordering::Relaxed);
                }
                None => return,
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

pub(crate) fn options(config: &Config) -> SaveOptions {
    SaveOptions {
        compress: config.rdbcompression,
        checksum: config.rdbchecksum,
        lfu: Some(config.maxmemory_policy.word().contains("lfu")),
        redis_version: crate::REDIS_VERSION,
        now_ms: engine::wall_us() / 1000,
        used_memory: crate::memory::used(),
        replication_id: None,
        aof_base: false,
        sync_steps: config.rdb_save_incremental_fsync,
        key_delay: persist::save::Delay(config.rdb_key_save_delay),
    }
}

pub(crate) fn rdb_path(config: &Config) -> PathBuf {
    as_path(&config.dir).join(as_path(&config.dbfilename))
}

/// Removes what a save has written so far: the process ends without finishing it.
pub(crate) fn drop_unfinished(config: &Config) {
    let name = persist::save::temporary_name();
    // Nothing is there if no save goes on.
    let _ = std::fs::remove_file(rdb_path(config).with_file_name(name));
}

/// Saves now, on the calling thread.
pub(crate) fn save_here(node: &Node, engine: &Engine) -> Result<Saved, Unsaved> {
    let progress = node.persistence.begin().map_err(|fail| {
        let text = fail.text().unwrap_or_default();
        Unsaved::Failed(String::from_utf8_lossy(text).into_owned())
    })?;
    run(node, engine, &progress)
}

/// Saves now, on the calling thread, in the place of whatever save goes on or begins.
pub(crate) fn save_last(node: &Node, engine: &Engine) -> Result<Saved, Unsaved> {
    loop {
        node.persistence.stop_and_wait();
        // A save point, or the save after FLUSHALL, may come between, or end this save for its own.
        let Ok(progress) = node.persistence.begin() else {
            continue;
        };
        let saved = run(node, engine, &progress);
        if saved.is_ok() || !progress.stop.load(Ordering::Relaxed) {
            return saved;
        }
    }
}

fn run(node: &Node, engine: &Engine, progress: &Progress) -> Result<Saved, Unsaved> {
    let config = node.config.read();
    let locker = Locker::new(&engine.store);
    let saved = cut(node, engine, &locker).and_then(|(tap, dirty)| {
        let (options, path) = (options(&config), rdb_path(&config));
        let saved = save_file(tap, &locker, &options, progress, &path);
        let saved = saved.map_err(|error| Unsaved::Failed(error.to_string()));
        saved.map(|saved| (saved, dirty))
    });
    let dirty = saved.as_ref().map_or(0, |(_, dirty)| *dirty);
    let saved = saved.map(|(saved, _)| saved);
    node.persistence.end(dirty, &saved);
    saved
}

/// Why nothing is saved for now: the file that is there is worth more.
pub(crate) const NOT_WHOLE: &str = "the data set is not whole: it is being loaded, or that failed";

/// Why there is no new file.
#[derive(Debug)]
pub(crate) enum Unsaved {
    /// There is nothing to save: [`NOT_WHOLE`].
    NotWhole,
    /// The save was stopped or went wrong, for this reason.
    Failed(String),
}

impl std::fmt::Display for Unsaved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Unsaved::NotWhole => NOT_WHOLE,
            Unsaved::Failed(why) => why,
        })
    }
}

fn cut(node: &Node, engine: &Engine, locker: &Locker) -> Result<(Tap, u64), Unsaved> {
    loop {
        let world = locker.world();
        if !node.replication().is_whole() {
            return Err(Unsaved::NotWhole);
        }
        if let Some(tap) = engine.store.tap(&world, locker, base::SlotSet::full()) {
            return Ok((tap, engine.store.totals().dirty));
        }
        drop(world);
        // All lanes are taken by other snapshots: one will end.
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// Starts a save in the background; `done` hears how it went.
fn start(
    node: &Arc<Node>,
    engine: &Arc<Engine>,
    done: impl FnOnce(Result<Saved, Unsaved>) + Send + 'static,
) -> Result<(), Fail> {
    if !node.replication().is_whole() {
        return Err(format!("ERR {NOT_WHOLE}").into());
    }
    let progress = node.persistence.begin()?;
    let (for_thread, engine) = (node.clone(), engine.clone());
    let work = move || done(run(&for_thread, &engine, &progress));
    in_background(work).map_err(|error| {
        let failed = Unsaved::Failed(error.to_string());
        node.persistence.end(0, &Err(failed));
        Fail::from(format!("ERR cannot start a thread to save: {error}"))
    })
}

fn in_background(work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name("bgsave".into());
    thread.spawn(work).map(drop)
}

/// SAVE
pub(crate) fn save(
    node: &Arc<Node>,
    engine: &Arc<Engine>,
    ticket: Option<Ticket>,
) -> Result<Taken, Fail> {
    let Some(ticket) = ticket else {
        return Err("ERR SAVE is not possible inside a transaction".into());
    };
    start(node, engine, move |result| match result {
        Ok(_) => ticket.ok(),
        Err(Unsaved::NotWhole) => ticket.error(format!("ERR {NOT_WHOLE}")),
        Err(Unsaved::Failed(_)) => ticket.error("ERR"),
    })?;
    Ok(Taken::Later)
}

/// BGSAVE [SCHEDULE]
pub(crate) fn bgsave(
    node: &Arc<Node>,
    engine: &Arc<Engine>,
    args: Args<'_>,
) -> Result<Taken, Fail> {
    match args.opt(1) {
        None => {}
        Some(word) if word.eq_ignore_ascii_case(b"SCHEDULE") && args.len() == 2 => {}
        Some(_) => return Err(engine::fail::SYNTAX.into()),
    }
    start(node, engine, drop)?;
    Ok(Taken::Now(Box::new(|reply| {
        reply.status("Background saving started")
    })))
}

/// Starts a save when a save point asks for one.
pub(crate) fn tick(node: &Arc<Node>, engine: &Arc<Engine>) {
    let config = node.config.read();
    if node.persistence.is_due(&config, engine) {
        // A refusal means that another save has just begun, which is as good.
        let _ = start(node, engine, drop);
    }
}

/// Loads the data set at start-up; `None` when there is no file.
///
/// # Errors
/// What is wrong with the file: the server must not go on as if it were empty.
fn load_at_start(config: &Config, node: &Node, engine: &Engine) -> Result<Option<Loaded>, String> {
    let path = rdb_path(config);
    let file = match std::fs::File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot open {}: {error}", path.display())),
    };
    node.loading.measure(crate::loading::size(&path));
    let locker = Locker::new(&engine.store);
    let mut options = LoadOptions {
        now_ms: engine::wall_us() / 1000,
        keep_expired: engine.settings().replica,
        limits: engine.settings().limits,
        wanted: &|_| true,
        progress: &mut |bytes| node.loading.advance(bytes),
        attribute: &mut |name, value| node.loading.attribute(name, value),
        key_delay: persist::save::Delay(config.key_load_delay),
    };
    let loaded = persist::load::load(&mut BufReader::new(file), &locker, &mut options);
    let loaded = loaded.map_err(|error| format!("cannot load {}: {error}", path.display()))?;
    node.loading.held(loaded.keys, loaded.expired);
    Ok(Some(loaded))
}

/// Loads the data set from the dump and says so; whether there is one.
///
/// # Errors
/// As [`load_at_start`].
pub(crate) fn load_dump(config: &Config, node: &Node, engine: &Engine) -> Result<bool, String> {
    let Some(loaded) = load_at_start(config, node, engine)? else {
        return Ok(false);
    };
    let (keys, seconds) = (loaded.keys, node.started.elapsed().as_secs_f64());
    let line = format!("DB loaded from disk: {seconds:.3} seconds, keys loaded: {keys}");
    node.log(config::LogLevel::Notice, &line);
    Ok(true)
}

/// The fields of INFO persistence.
pub(crate) fn info(node: &Node, engine: &Engine) -> String {
    use std::fmt::Write;
    let changes = node.persistence.changes(engine);
    let state = node.persistence.state.lock();
    let running = state.running.as_ref();
    let (loaded, expired) = node.loading.last();
    let fields: &[(&str, &dyn std::fmt::Display)] = &[
        ("loading", &u8::from(engine.settings().loading)),
        ("async_loading", &0),
        ("current_cow_peak", &0),
        ("current_cow_size", &0),
        ("current_cow_size_age", &0),
        ("current_fork_perc", &"0.00"),
        (
            "current_save_keys_processed",
            &running.map_or(0, |running| {
                running
                    .progress
                    .keys
                    .load(std::sync::atomic::Ordering::Relaxed)
            }),
        ),
        ("current_save_keys_total", &0),
        ("rdb_changes_since_last_save", &changes),
        ("rdb_bgsave_in_progress", &u8::from(running.is_some())),
        ("rdb_last_save_time", &state.last_save),
        (
            "rdb_last_bgsave_status",
            &if state.last_ok { "ok" } else { "err" },
        ),
        ("rdb_last_bgsave_time_sec", &state.last_took),
        (
            "rdb_current_bgsave_time_sec",
            &running.map_or(-1, |r| r.since.elapsed().as_secs() as i64),
        ),
        ("rdb_saves", &state.saves),
        ("rdb_last_cow_size", &0),
        ("rdb_last_load_keys_expired", &expired),
        ("rdb_last_load_keys_loaded", &loaded),
    ];
    let mut text = String::new();
    for (name, value) in fields {
        let _ = write!(text, "{name}:{value}\r\n");
    }
    let while_loading = if engine.settings().loading {
        node.loading.fields()
    } else {
        vec![]
    };
    for (name, value) in node.append_only.info().into_iter().chain(while_loading) {
        let _ = write!(text, "{name}:{value}\r\n");
    }
    text
}
