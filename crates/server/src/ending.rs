//! How the server ends: SHUTDOWN, SIGTERM, SIGINT.

use crate::node::Node;
use config::Config;
use engine::{Engine, Fail, Session, Taken, Ticket};
use resp::Args;
use std::sync::Arc;

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
    /// The connection that asked: it hears only when the server does not end.
    pub(crate) ticket: Option<Ticket>,
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
            ticket: None,
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
        ticket: None,
    };
    let mut abort = false;
    for word in args.from(1).iter() {
        match word.to_ascii_uppercase().as_slice() {
            b"NOSAVE" if ending.save != Save::Yes => ending.save = Save::No,
            b"SAVE" if ending.save != Save::No => ending.save = Save::Yes,
            b"NOW" => {}
            b"FORCE" => ending.force = true,
            b"ABORT" => abort = true,
            _ => return Err(engine::fail::SYNTAX.into()),
        }
    }
    if abort {
        // An end that was asked for is under way at once: there is none to call off.
        let alone = args.len() == 2;
        return Err(if alone {
            "ERR No shutdown in progress."
        } else {
            engine::fail::SYNTAX
        }
        .into());
    }
    ending.ticket = session.map(|session| node.ticket_for(session));
    node.end(ending);
    Ok(Taken::Later)
}

/// How long writes may be held while the append-only file is finished.
const LONGEST_FINISH: std::time::Duration = std::time::Duration::from_secs(600);

/// Does what must be done before the process ends.
///
/// # Errors
/// Why it must go on: the data set could not be saved.
pub(crate) fn prepare(node: &Arc<Node>, engine: &Engine, ending: &Ending) -> Result<(), String> {
    let config: Config = node.config.read().clone();
    node.log(config::LogLevel::Notice, "User requested shutdown...");
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
        node.pause_writes(std::time::Instant::now() + LONGEST_FINISH);
        if let Err(reason) = crate::append_only::finish(node) {
            let line = format!("Error trying to write the append-only file: {reason}");
            node.log(config::LogLevel::Warning, &line);
            if !ending.force {
                node.end_failover_pause();
                return Err(reason);
            }
        }
    }
    if let Some(bus) = node.bus() {
        bus.shutdown();
    }
    Ok(())
}
