//! Rewriting the append-only file.

use super::switch::turn_on;
use super::{Phase, Rewriting, disk, files, say, set_gate};
use crate::node::Node;
use crate::persistence::NOT_WHOLE;
use engine::{Engine, Fail, Taken};
use persist::aof::{BaseFormat, NewBase, RewriteError, rewrite, rewrite_alone};
use persist::save::{Progress, SaveOptions, Saved};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use store::{Locker, Tap};

/// How long until a failed first rewrite is tried again.
pub(super) const RETRY_PERIOD: Duration = Duration::from_secs(1);
/// With this many increments since the last base, automatic rewrites are slowed down.
const TOO_MANY_INCREMENTS: u64 = 3;
/// The longest pause between automatic rewrites that fail, in minutes.
const LONGEST_BACK_OFF: u64 = 60;

pub(super) type Rotated = Receiver<Result<(), String>>;

/// Notes that a rewrite begins, and which turn it makes the first base for, if it does that.
pub(super) fn begin(node: &Node, first: Option<u64>) -> Result<Arc<Progress>, Fail> {
    let mut state = node.append_only.state.lock();
    if state.rewrite.is_some() {
        return Err("ERR Background append only file rewriting already in progress".into());
    }
    let progress = Arc::new(Progress::default());
    state.rewrite = Some(Rewriting {
        progress: progress.clone(),
        since: Instant::now(),
        first,
    });
    Ok(progress)
}

/// Notes how a rewrite ended.
pub(super) fn end(
    node: &Node,
    engine: &Engine,
    progress: &Progress,
    result: &Result<Saved, RewriteError>,
) {
    let stopped = progress.stop.load(Ordering::Relaxed);
    if result.is_ok() && !stopped {
        let mut state = node.append_only.state.lock();
        if state.makes_first_base() {
            state.phase = Phase::On;
        }
        drop(state);
        // Before anybody is told that the rewrite is done: from then on replies wait for the file.
        set_gate(node, engine);
    }
    {
        let mut state = node.append_only.state.lock();
        let is_first = state.makes_first_base();
        let since = state.rewrite.take().map(|rewrite| rewrite.since);
        state.last_took = since.map_or(0, |since| since.elapsed().as_secs() as i64);
        match result {
            Ok(_) => {
                (state.last_ok, state.failures) = (true, 0);
                state.rewrites += 1;
                state.back_off = (0, None);
            }
            Err(_) if stopped => {}
            Err(_) => {
                state.last_ok = false;
                state.failures += 1;
            }
        }
        if result.is_err() && is_first {
            state.retry_at = Some(Instant::now() + RETRY_PERIOD);
        }
    }
    match result {
        Ok(_) => {
            say(
                node,
                false,
                "Background AOF rewrite terminated with success",
            );
            say(node, false, "Background AOF rewrite finished successfully");
        }
        Err(_) if stopped => say(node, true, "Background AOF rewrite terminated by signal"),
        Err(error) => say(
            node,
            true,
            &format!("Background AOF rewrite terminated with error: {error}"),
        ),
    }
    set_gate(node, engine);
}

/// How the base is written, and the file that it is until it is whole: in the folder of the writer,
/// or else where the options say.
fn options(node: &Node, folder: Option<&Path>) -> (SaveOptions, PathBuf) {
    let config = node.config.read();
    let options = SaveOptions {
        aof_base: true,
        sync_steps: config.aof_rewrite_incremental_fsync,
        ..crate::persistence::options(&config)
    };
    let name = format!("temp-rewriteaof-bg-{}.aof", std::process::id());
    let wanted =
        crate::boot::as_path(&config.dir).join(crate::boot::as_path(&config.appenddirname));
    if let Some(folder) = folder
        && folder != wanted
    {
        let line = format!(
            "The append-only file stays in {}, whatever 'dir' says since, until it is turned off and \
             on.",
            folder.display()
        );
        say(node, true, &line);
    }
    (options, folder.unwrap_or(&wanted).join(name))
}

/// Cuts a tap over everything, and does `at_cut` while the world stands still.
pub(super) fn cut<T>(
    engine: &Engine,
    locker: &Locker,
    mut at_cut: impl FnMut(&Tap) -> T,
) -> (Tap, T) {
    loop {
        let world = locker.world();
        if let Some(tap) = engine.store.tap(&world, locker, base::SlotSet::full()) {
            let done = at_cut(&tap);
            return (tap, done);
        }
        drop(world);
        // All lanes are taken by other snapshots: one will end.
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Ends a tap of which nothing is wanted.
pub(super) fn give_up(tap: Tap, locker: &Locker) {
    let mut walker = tap.walker();
    walker.abandon();
    while walker.next(locker).is_some() {}
}

/// Writes the base from a tap and puts it in force.
pub(super) fn write_base(
    node: &Node,
    locker: &Locker,
    progress: &Progress,
    tap: Tap,
    rotated: Option<&Rotated>,
) -> Result<Saved, RewriteError> {
    let writer = node.append_only.writer_and_folder().zip(rotated);
    let folder = writer.as_ref().map(|((_, folder), _)| folder.as_path());
    let (options, temporary) = options(node, folder);
    let disk = disk(node);
    let format = {
        let config = node.config.read();
        match config.aof_use_rdb_preamble {
            true => BaseFormat::Rdb,
            false => BaseFormat::Commands {
                stamp: config.aof_timestamp_enabled,
            },
        }
    };
    let base = NewBase {
        options: &options,
        format,
        progress,
        disk: &*disk,
        temporary: &temporary,
        keep_history: node.config.read().aof_disable_auto_gc,
    };
    match &writer {
        Some(((orders, _), rotated)) => rewrite(tap, rotated, locker, &base, orders),
        None => {
            let config = node.config.read();
            let (files, _lock) = match files(node, &config) {
                Ok((files, lock)) => (Ok(files), Some(lock)),
                Err(error) => (Err(error), None),
            };
            rewrite_alone(tap, locker, &base, files)
        }
    }
}

/// The first base of a log that begins with the server.
///
/// # Errors
/// Why it cannot be written.
pub(super) fn first_base(node: &Arc<Node>, engine: &Arc<Engine>, turn: u64) -> Result<(), String> {
    let progress = begin(node, Some(turn)).map_err(|fail| format!("{fail:?}"))?;
    let locker = Locker::new(&engine.store);
    let (tap, ()) = cut(engine, &locker, |_| ());
    let (sender, rotated) = channel();
    // The increment is as new as the base: there is nothing to go over from.
    let _ = sender.send(Ok(()));
    let result = write_base(node, &locker, &progress, tap, Some(&rotated));
    end(node, engine, &progress, &result);
    result
        .map(drop)
        .map_err(|error| format!("Can't create the append-only file: {error}"))
}

/// Starts a rewrite in the background.
fn start(node: &Arc<Node>, engine: &Arc<Engine>) -> Result<(), Fail> {
    if !node.replication().is_whole() {
        return Err(format!("ERR {NOT_WHOLE}").into());
    }
    let progress = begin(node, None)?;
    let (for_thread, engine) = (node.clone(), engine.clone());
    let for_failure = (progress.clone(), engine.clone());
    let work = move || {
        let node = for_thread;
        let locker = Locker::new(&engine.store);
        let (tap, rotated) = cut(&engine, &locker, |tap| {
            // The data set may have gone since this was asked for.
            let whole = node.replication().is_whole();
            let writer = node.append_only.writer().filter(|_| whole);
            whole.then(|| writer.map(|(orders, _)| orders.rotate(tap.cut.sequence)))
        });
        let result = match rotated {
            Some(rotated) => write_base(&node, &locker, &progress, tap, rotated.as_ref()),
            None => {
                // It is no failure.
                progress.stop.store(true, Ordering::Relaxed);
                say(&node, true, &format!("Nothing is rewritten: {NOT_WHOLE}"));
                give_up(tap, &locker);
                Err(RewriteError::Writer(NOT_WHOLE.into()))
            }
        };
        end(&node, &engine, &progress, &result);
    };
    say(node, false, "Background append only file rewriting started");
    let spawned = std::thread::Builder::new()
        .name("aof-rewrite".into())
        .spawn(work);
    spawned.map(drop).map_err(|error| {
        let text = format!("ERR cannot start a thread to rewrite: {error}");
        let (progress, engine) = for_failure;
        end(
            node,
            &engine,
            &progress,
            &Err(RewriteError::Writer(text.clone())),
        );
        Fail::from(text)
    })
}

/// BGREWRITEAOF
pub(crate) fn bgrewriteaof(node: &Arc<Node>, engine: &Arc<Engine>) -> Result<Taken, Fail> {
    start(node, engine)?;
    Ok(Taken::Now(Box::new(|reply| {
        reply.status("Background append only file rewriting started")
    })))
}

/// What is looked at now and then: growth, and rewrites that failed.
pub(crate) fn tick(node: &Arc<Node>, engine: &Arc<Engine>) {
    if let Some((orders, _)) = node.append_only.writer() {
        let spared = node.config.read().no_appendfsync_on_rewrite;
        let busy =
            || node.append_only.state.lock().rewrite.is_some() || node.persistence.is_saving();
        orders.hold_syncs(spared && busy());
    }
    if node.append_only.ever_gated.load(Ordering::Relaxed) && !engine.store.journal.is_gated() {
        // Replies that began to wait before the gate was opened.
        node.release(engine.store.journal.sequence());
    }
    let may_begin = node.replication().is_whole() && node.config.read().appendonly;
    let (retry, size, base_size, increments) = {
        let mut state = node.append_only.state.lock();
        if state.rewrite.is_some() {
            return;
        }
        let retry = may_begin && state.retry_at.is_some_and(|at| at <= Instant::now());
        // A turn of its own: whoever turns the file off from now on ends it.
        let retry = retry.then(|| state.turn(Phase::Waiting));
        let status = state.writer.as_ref().map(|writer| writer.status.clone());
        let status = status.filter(|_| state.phase == Phase::On);
        let get = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        let sizes = status.map(|s| (get(&s.size), get(&s.base_size), get(&s.increments)));
        let (size, base_size, increments) = sizes.unwrap_or_default();
        (retry, size, base_size, increments)
    };
    if let Some(turn) = retry {
        // When no thread can be started it is tried again.
        let _ = turn_on(node, engine, (turn, true), |_| {});
        return;
    }
    let (percentage, least) = {
        let config = node.config.read();
        (
            config.auto_aof_rewrite_percentage as u64,
            config.auto_aof_rewrite_min_size,
        )
    };
    if percentage == 0 || size <= least {
        return;
    }
    let base = base_size.max(1);
    let growth = (u128::from(size) * 100 / u128::from(base)).saturating_sub(100) as u64;
    if growth >= percentage && !is_limited(node, increments) {
        say(
            node,
            false,
            &format!("Starting automatic rewriting of AOF on {growth}% growth"),
        );
        // A refusal means that another has just begun, which is as good.
        let _ = start(node, engine);
    }
}

/// Whether an automatic rewrite must wait because several before it failed, and left increments:
/// one minute first, then twice as long each time.
fn is_limited(node: &Node, increments: u64) -> bool {
    let mut state = node.append_only.state.lock();
    if increments < TOO_MANY_INCREMENTS {
        state.back_off = (0, None);
        return false;
    }
    match state.back_off {
        (_, Some(until)) if Instant::now() < until => true,
        (minutes, Some(_)) => {
            state.back_off = (minutes, None);
            false
        }
        (minutes, None) => {
            let minutes = (minutes * 2).clamp(1, LONGEST_BACK_OFF);
            state.back_off = (
                minutes,
                Some(Instant::now() + Duration::from_secs(minutes * 60)),
            );
            drop(state);
            let line = format!(
                "Background AOF rewrite has repeatedly failed and triggered the limit, will retry \
                 in {minutes} minutes"
            );
            say(node, true, &line);
            true
        }
    }
}
