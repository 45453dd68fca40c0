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

/// Waits until the server is asked to end, and can; after how long it is to start anew, if it is.
pub(crate) fn wait(node: &Arc<Node>, engine: &Engine) -> Option<Duration> {
    loop {
        let ending = node.wait_for_end();
        let refusal = ending.refusal();
        match prepare(node, engine, &ending) {
            Ok(()) => return ending.restart,
            Err(_) => {
                if let Some(ticket) = ending.ticket {
                    ticket.error(refusal);
                }
            }
        }
    }
}

/// How often it is looked whether replicas have caught up.
const LOOK: Duration = Duration::from_millis(20);

/// Waits until replicas have all that was written, for `shutdown-timeout` at the longest. Writes
/// rest, so that the offset stands.
///
/// # Errors
/// When the end was called off meanwhile.
fn wait_for_replicas(node: &Node, engine: &Engine, config: &Config) -> Result<(), String> {
    let timeout = Duration::from_secs(config.shutdown_timeout.max(0) as u64);
    let say = |line: String| node.log(config::LogLevel::Notice, &line);
    if timeout.is_zero() || engine.settings().replica || lagging(node, engine).is_empty() {
        return Ok(());
    }
    say("Waiting for replicas before shutting down.".into());
    let until = Instant::now() + timeout;
    node.departure.called_off.store(false, Ordering::SeqCst);
    *node.departure.until.lock() = Some(until);
    node.departure.waiting.store(true, Ordering::SeqCst);
    let called_off = || node.departure.called_off.load(Ordering::SeqCst);
    while Instant::now() < until && !called_off() && !lagging(node, engine).is_empty() {
        std::thread::sleep(LOOK);
    }
    node.departure.waiting.store(false, Ordering::SeqCst);
    *node.departure.until.lock() = None;
    if called_off() {
        say("Shutdown manually aborted.".into());
        return Err("called off".into());
    }
    Ok(())
}

/// Says which replicas have everything.
fn tell_of_replicas(node: &Node, engine: &Engine) {
    let all = node.replication().hub.replica_count();
    if all == 0 {
        return;
    }
    let say = |line: String| node.log(config::LogLevel::Notice, &line);
    let late = lagging(node, engine);
    for replica in &late {
        say(format!(
            "Lagging replica {}:{} reported offset {} of {}, lag={}, state={}.",
            replica.ip,
            replica.port,
            replica.offset,
            engine.store.journal.offset(),
            replica.lag,
            replica.state
        ));
    }
    let good = all.saturating_sub(late.len());
    say(format!(
        "{good} of {all} replicas are in sync when shutting down."
    ));
}

/// The replicas that have not acknowledged everything, those that are still synchronizing too.
fn lagging(node: &Node, engine: &Engine) -> Vec<replicate::ReplicaInfo> {
    let offset = engine.store.journal.offset();
    let mut replicas = node.replication().hub.replicas();
    replicas.retain(|replica| replica.offset < offset);
    replicas
}

/// Does what must be done before the process ends. Writes rest from here on, until the process has
/// ended or must go on: no write is acknowledged that the last save, the append-only file or a
/// replica that is waited for does not get.
///
/// # Errors
/// Why it must go on: the data set could not be saved.
fn prepare(node: &Arc<Node>, engine: &Engine, ending: &Ending) -> Result<(), String> {
    let config: Config = node.config.read().clone();
    node.log(config::LogLevel::Notice, "User requested shutdown...");
    node.begin_last_pause();
    let replicas = match ending.now {
        true => Ok(()),
        false => wait_for_replicas(node, engine, &config),
    };
    let prepared = replicas.and_then(|()| {
        tell_of_replicas(node, engine);
        finish(node, engine, ending, &config)
    });
    prepared.inspect_err(|_| node.end_last_pause())
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
    // Who has not got all of a snapshot by now does not get it.
    node.replication().hub.end_snapshots();
    let save = match ending.save {
        Save::Yes => true,
        Save::No => false,
        Save::IfConfigured => !config.save.is_empty() && node.replication().is_whole(),
    };
    if !node.replication().is_whole() {
        let line = "The data set is not whole: the files stay as they are.";
        node.log(config::LogLevel::Warning, line);
    }
    if save {
        node.log(
            config::LogLevel::Notice,
            "Saving the final RDB snapshot before exiting.",
        );
        let saved = crate::persistence::save_last(node, engine);
        if let Err(reason) = saved {
            let line = format!("Error trying to save the DB, can't exit: {reason}");
            node.log(config::LogLevel::Warning, &line);
            if !ending.force {
                return Err(reason);
            }
        }
    }
    if let Err(reason) = crate::append_only::finish(node) {
        let line = format!("Error trying to write the append-only file: {reason}");
        node.log(config::LogLevel::Warning, &line);
        if !ending.force {
            return Err(reason);
        }
    }
    if let Some(bus) = node.bus() {
        bus.shutdown();
    }
    Ok(())
}
