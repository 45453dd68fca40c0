//! How the server ends: SHUTDOWN, SIGTERM, SIGINT.

use crate::node::Node;
use config::Config;
use engine::{Engine, Fail, Session, Taken, Ticket};
use parking_lot::Mutex;
use resp::Args;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Whether the data set is saved first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Save {
    /// If there are save points.
    IfConfigured,
    /// In any case.
    Yes,
    /// In no case.
    No,
}

/// A request to end.
pub(crate) struct Ending {
    pub(crate) save: Save,
    /// End even if saving fails.
    pub(crate) force: bool,
    /// Do not wait for replicas.
    pub(crate) now: bool,
    /// The connection that asked: it hears only when the server does not end.
    pub(crate) ticket: Option<Ticket>,
    /// Start anew after so long, in the same process.
    pub(crate) restart: Option<Duration>,
}

impl Ending {
    /// What a signal asks for, as `shutdown-on-sigterm` or `shutdown-on-sigint` say.
    pub(crate) fn by_signal(on: config::ShutdownOn) -> Ending {
        let save = match (on.save(), on.nosave()) {
            (true, _) => Save::Yes,
            (_, true) => Save::No,
            _ => Save::IfConfigured,
        };
        Ending {
            save,
            force: on.force(),
            now: on.now(),
            ticket: None,
            restart: None,
        }
    }

    /// What the client is told when the server cannot end.
    pub(crate) fn refusal(&self) -> &'static str {
        match self.restart {
            None => "ERR Errors trying to SHUTDOWN. Check logs.",
            Some(_) => "ERR failed to restart the server. Check server logs.",
        }
    }
}

/// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]
pub(crate) fn shutdown(
    node: &Arc<Node>,
    args: Args<'_>,
    session: Option<&mut Session>,
) -> Result<Taken, Fail> {
    let mut ending = Ending {
        save: Save::IfConfigured,
        force: false,
        now: false,
        ticket: None,
        restart: None,
    };
    let mut abort = false;
    for word in args.from(1).iter() {
        match word.to_ascii_uppercase().as_slice() {
            b"NOSAVE" if ending.save != Save::Yes => ending.save = Save::No,
            b"SAVE" if ending.save != Save::No => ending.save = Save::Yes,
            b"NOW" => ending.now = true,
            b"FORCE" => ending.force = true,
            b"ABORT" => abort = true,
            _ => return Err(engine::fail::SYNTAX.into()),
        }
    }
    if abort {
        if args.len() > 2 {
            return Err(engine::fail::SYNTAX.into());
        }
        return if node.departure.call_off() {
            Ok(crate::node::ok())
        } else {
            Err("ERR No shutdown in progress.".into())
        };
    }
    ending.ticket = session.map(|session| node.ticket_for(session));
    node.end(ending);
    Ok(Taken::Later)
}

/// How long writes may be held while the append-only file is finished.
const LONGEST_FINISH: Duration = Duration::from_secs(600);

/// The wait for replicas before the server ends, while it lasts.
#[derive(Default)]
pub(crate) struct Departure {
    waiting: AtomicBool,
    /// When the wait ends at the latest.
    until: Mutex<Option<Instant>>,
    called_off: AtomicBool,
}

impl Departure {
    /// How many milliseconds the wait may last yet, if the server waits.
    pub(crate) fn left(&self) -> Option<u128> {
        let until = self.until.lock();
        until.map(|until| until.saturating_duration_since(Instant::now()).as_millis())
    }

    /// SHUTDOWN ABORT; whether there was anything to call off.
    fn call_off(&self) -> bool {
        let waiting = self.waiting.load(Ordering::SeqCst);
        if waiting {
            self.called_off.store(true, Ordering::SeqCst);
            *self.until.lock() = None;
        }
        waiting
    }
}

/// How often it is looked whether replicas have caught up.
const LOOK: Duration = Duration::from_millis(20);

/// Holds writes and waits until replicas have all that was written (`shutdown-timeout`).
///
/// # Errors
/// When the end was called off meanwhile.
fn wait_for_replicas(node: &Node, engine: &Engine, config: &Config) -> Result<(), String> {
    let timeout = Duration::from_secs(config.shutdown_timeout.max(0) as u64);
    let hub = &node.replication().hub;
    let behind = |offset: i64| {
        let online = hub.replicas().into_iter().filter(|r| r.state == "online");
        online.filter(|replica| replica.offset < offset).count()
    };
    if timeout.is_zero() || engine.settings().replica || behind(engine.store.journal.offset()) == 0
    {
        return Ok(());
    }
    let until = Instant::now() + timeout;
    node.departure.called_off.store(false, Ordering::SeqCst);
    node.departure.waiting.store(true, Ordering::SeqCst);
    *node.departure.until.lock() = Some(until);
    node.pause_writes(until + LONGEST_FINISH);
    let line = format!(
        "{} of {} replicas are in sync when shutting down.",
        hub.replica_count() - behind(engine.store.journal.offset()).min(hub.replica_count()),
        hub.replica_count()
    );
    node.log(config::LogLevel::Notice, &line);
    let mut called_off = false;
    while Instant::now() < until && !called_off && behind(engine.store.journal.offset()) > 0 {
        std::thread::sleep(LOOK);
        called_off = node.departure.called_off.load(Ordering::SeqCst);
    }
    node.departure.waiting.store(false, Ordering::SeqCst);
    *node.departure.until.lock() = None;
    let late = behind(engine.store.journal.offset());
    if late > 0 && !called_off {
        let line = format!("{late} replicas lag behind and are not waited for any longer.");
        node.log(config::LogLevel::Notice, &line);
    }
    if called_off {
        node.end_failover_pause();
        node.log(config::LogLevel::Notice, "Shutdown manually aborted.");
        return Err("called off".into());
    }
    Ok(())
}

/// Does what must be done before the process ends.
///
/// # Errors
/// Why it must go on: the data set could not be saved.
pub(crate) fn prepare(node: &Arc<Node>, engine: &Engine, ending: &Ending) -> Result<(), String> {
    let config: Config = node.config.read().clone();
    node.log(config::LogLevel::Notice, "User requested shutdown...");
    if !ending.now {
        wait_for_replicas(node, engine, &config)?;
    }
    // Writes rest from here on, if they do, until the process has ended or must go on.
    finish(node, engine, ending, &config).inspect_err(|_| node.end_failover_pause())
}

fn finish(
    node: &Arc<Node>,
    engine: &Engine,
    ending: &Ending,
    config: &Config,
) -> Result<(), String> {
    if node.append_only.lacks_base() {
        let force = ending.force;
        let words = if force { "Exit anyway." } else { "can't exit" };
        let line = format!("Writing initial AOF, {words}");
        node.log(config::LogLevel::Warning, &line);
        if !force {
            return Err(line);
        }
    }
    let save = match ending.save {
        Save::Yes => true,
        Save::No => false,
        Save::IfConfigured => !config.save.is_empty(),
    };
    if save {
        node.log(
            config::LogLevel::Notice,
            "Saving the final RDB snapshot before exiting.",
        );
        node.persistence.stop_and_wait();
        let saved = crate::persistence::save_here(node, engine);
        if let Err(reason) = saved {
            let line = format!("Error trying to save the DB, can't exit: {reason}");
            node.log(config::LogLevel::Warning, &line);
            if !ending.force {
                return Err(reason);
            }
        }
    }
    if node.append_only.is_on() {
        // From here on nothing is acknowledged that the file does not hold.
        node.pause_writes(Instant::now() + LONGEST_FINISH);
        if let Err(reason) = crate::append_only::finish(node) {
            let line = format!("Error trying to write the append-only file: {reason}");
            node.log(config::LogLevel::Warning, &line);
            if !ending.force {
                return Err(reason);
            }
        }
    }
    if let Some(bus) = node.bus() {
        bus.shutdown();
    }
    Ok(())
}
