//! How the server ends: SHUTDOWN, SIGTERM, SIGINT.

use crate::node::Node;
use crate::persistence::Unsaved;
use config::Config;
use engine::{Engine, Fail, PauseBy, PauseKind, Session, Taken, Ticket};
use parking_lot::{Condvar, Mutex};
use resp::Args;
use std::collections::VecDeque;
use std::sync::Arc;
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

    /// Tells the client that the server does not end.
    fn refuse(self) {
        let text = match self.restart {
            None => "ERR Errors trying to SHUTDOWN. Check logs.",
            Some(_) => "ERR failed to restart the server. Check server logs.",
        };
        if let Some(ticket) = self.ticket {
            ticket.error(text);
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
        return if node.shutdown.call_off() {
            Ok(crate::node::ok())
        } else {
            Err("ERR No shutdown in progress.".into())
        };
    }
    ending.ticket = session.map(|session| node.ticket_for(session));
    node.end(ending);
    Ok(Taken::Later)
}

/// Requests to end, and how far the one that is under way has come.
#[derive(Default)]
pub(crate) struct Shutdown {
    state: Mutex<Requests>,
    /// There is a request.
    news: Condvar,
}

#[derive(Default)]
struct Requests {
    /// Those that came while another was under way share its fate, until it cannot be called off
    /// any more.
    queue: VecDeque<Ending>,
    stage: Stage,
}

#[derive(Default)]
enum Stage {
    /// Nothing is under way.
    #[default]
    None,
    /// The server may wait for replicas, at the latest until then, and the end be called off.
    Open(Option<Instant>),
    /// It was called off.
    CalledOff,
    /// The server ends, unless the data set cannot be saved: then these are told too.
    Decided(Vec<Ending>),
}

impl Shutdown {
    /// Asks the server to end.
    pub(crate) fn request(&self, ending: Ending) {
        self.state.lock().queue.push_back(ending);
        self.news.notify_all();
    }

    /// Waits until the server is asked to end: the request is under way from then on.
    fn next(&self) -> Ending {
        let mut state = self.state.lock();
        loop {
            if let Some(ending) = state.queue.pop_front() {
                state.stage = Stage::Open(None);
                return ending;
            }
            self.news.wait(&mut state);
        }
    }

    /// Notes until when the server waits for replicas.
    fn wait_until(&self, until: Instant) {
        if let Stage::Open(open) = &mut self.state.lock().stage {
            *open = Some(until);
        }
    }

    /// How many milliseconds the wait may last yet, if the server waits.
    pub(crate) fn left(&self) -> Option<u128> {
        match self.state.lock().stage {
            Stage::Open(Some(until)) => {
                Some(until.saturating_duration_since(Instant::now()).as_millis())
            }
            _ => None,
        }
    }

    fn is_called_off(&self) -> bool {
        matches!(self.state.lock().stage, Stage::CalledOff)
    }

    /// From here on the end cannot be called off.
    ///
    /// # Errors
    /// It was called off.
    fn decide(&self) -> Result<(), String> {
        let mut state = self.state.lock();
        if matches!(state.stage, Stage::CalledOff) {
            return Err("called off".into());
        }
        state.stage = Stage::Decided(state.queue.drain(..).collect());
        Ok(())
    }

    /// The server goes on; who asked as well and shares that fate.
    fn go_on(&self) -> Vec<Ending> {
        match std::mem::take(&mut self.state.lock().stage) {
            Stage::Decided(others) => others,
            _ => Vec::new(),
        }
    }

    /// SHUTDOWN ABORT: calls off all that was asked for; whether there was anything.
    fn call_off(&self) -> bool {
        let (open, queue) = {
            let mut state = self.state.lock();
            if matches!(state.stage, Stage::Decided(_)) {
                return false;
            }
            let open = matches!(state.stage, Stage::Open(_));
            if open {
                state.stage = Stage::CalledOff;
            }
            (open, std::mem::take(&mut state.queue))
        };
        let any = open || !queue.is_empty();
        queue.into_iter().for_each(Ending::refuse);
        any
    }
}

/// Waits until the server is asked to end, and can; after how long it is to start anew, if it is.
pub(crate) fn wait(node: &Arc<Node>, engine: &Engine) -> Option<Duration> {
    loop {
        let ending = node.shutdown.next();
        if prepare(node, engine, &ending).is_ok() {
            return ending.restart;
        }
        let others = node.shutdown.go_on();
        ending.refuse();
        others.into_iter().for_each(Ending::refuse);
    }
}

/// How often it is looked whether replicas have caught up.
const LOOK: Duration = Duration::from_millis(20);

/// Waits until replicas have all that was written, for `shutdown-timeout` at the longest. Writes
/// rest, so that the offset stands.
fn wait_for_replicas(node: &Node, engine: &Engine, config: &Config) {
    let timeout = Duration::from_secs(config.shutdown_timeout.max(0) as u64);
    if timeout.is_zero() || engine.settings().replica || lagging(node, engine).is_empty() {
        return;
    }
    let line = "Waiting for replicas before shutting down.";
    let until = Instant::now() + timeout;
    node.shutdown.wait_until(until);
    node.log(config::LogLevel::Notice, line);
    let called_off = || node.shutdown.is_called_off();
    while Instant::now() < until && !called_off() && !lagging(node, engine).is_empty() {
        std::thread::sleep(LOOK);
    }
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
/// Why it must go on: it was called off, or the data set could not be saved.
fn prepare(node: &Arc<Node>, engine: &Engine, ending: &Ending) -> Result<(), String> {
    let config = node.config.read();
    node.log(config::LogLevel::Notice, "User requested shutdown...");
    node.begin_pause(PauseBy::Ending, PauseKind::Writes, None);
    if !ending.now {
        wait_for_replicas(node, engine, &config);
    }
    let decided = node.shutdown.decide().inspect_err(|_| {
        node.log(config::LogLevel::Notice, "Shutdown manually aborted.");
    });
    let prepared = decided.and_then(|()| {
        tell_of_replicas(node, engine);
        finish(node, engine, ending, &config)
    });
    prepared.inspect_err(|_| node.end_pause(PauseBy::Ending))
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
        Save::IfConfigured => !config.save.is_empty(),
    };
    // Whether it is can change until the save itself asks.
    let not_whole = || {
        let line = "The data set is not whole: the files stay as they are.";
        node.log(config::LogLevel::Warning, line);
    };
    if !save && !node.replication().is_whole() {
        not_whole();
    }
    if save {
        node.log(
            config::LogLevel::Notice,
            "Saving the final RDB snapshot before exiting.",
        );
        match crate::persistence::save_last(node, engine) {
            Err(Unsaved::NotWhole) if ending.save == Save::IfConfigured => not_whole(),
            Err(reason) => {
                let line = format!("Error trying to save the DB, can't exit: {reason}");
                node.log(config::LogLevel::Warning, &line);
                if !ending.force {
                    return Err(reason.to_string());
                }
            }
            Ok(_) => {}
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
