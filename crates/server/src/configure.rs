//! CONFIG GET and SET, and what a change of configuration means for the running server.

#[cfg(test)]
mod tests;

use crate::current::Current;
use crate::effects::{self, Obstacle, Scene};
use crate::node::{Node, ok};
use crate::places::Hosts;
use config::{Caller, Change, Config, Effect, LogLevel, SetError};
use engine::{Engine, Fail, Session, Taken, Ticket};
use parking_lot::{Mutex, MutexGuard};
use resp::Args;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// Changes of the configuration come one after another, and so do rewrites of its file. Both may
/// wait, for the acceptor and for the disk: whoever only looks at the configuration does not, and a
/// worker only tries.
#[derive(Default)]
pub(crate) struct Turns {
    changes: Mutex<()>,
    rewrites: Mutex<()>,
    refusals: Mutex<()>,
}

impl Turns {
    /// Waits for the turn of whoever changes the configuration.
    pub(crate) fn begin(&self) -> MutexGuard<'_, ()> {
        self.changes.lock()
    }
}

/// Corrects what the configuration says, without a client that wants it, while nobody else changes
/// it.
pub(crate) fn in_turn(node: &Node, correct: impl FnOnce(&Current<Config>)) {
    let _turn = node.config_turns.begin();
    correct(&node.config);
}

/// CONFIG GET pattern [pattern ...]
pub(crate) fn get(node: &Node, args: Args<'_>) -> Taken {
    let patterns: Vec<&[u8]> = args.from(2).iter().collect();
    let pairs = config::get_all(&node.config.read(), &patterns);
    Taken::Now(Box::new(move |reply| {
        reply.map(pairs.len());
        for (name, value) in pairs {
            reply.bulk(name);
            reply.bulk(value);
        }
    }))
}

/// CONFIG SET name value [name value ...]
pub(crate) fn set(
    node: &Arc<Node>,
    engine: &Arc<Engine>,
    args: Args<'_>,
    session: Option<&mut Session>,
) -> Result<Taken, Fail> {
    if !args.len().is_multiple_of(2) {
        return Err(Fail::from(
            "ERR wrong number of arguments for 'config|set' command",
        ));
    }
    let words: Vec<Vec<u8>> = args.from(2).iter().map(<[u8]>::to_vec).collect();
    let pairs = words
        .chunks(2)
        .map(|pair| (pair[0].clone(), pair[1].clone()));
    let caller = Caller {
        local: session
            .as_ref()
            .is_none_or(|session| session.card.is_local()),
        loading: engine.settings().loading,
    };
    let order = Order {
        pairs: pairs.collect(),
        caller,
    };
    let waits = order.of(node)?.listens();
    let ticket = session.as_ref().map(|session| node.ticket_for(session));
    if session.is_none() {
        return order.carry_out(node, engine, ticket);
    }
    if !waits && let Some(turn) = node.config_turns.changes.try_lock() {
        let planned = order.of(node)?;
        // Somebody may have changed since what it would change.
        if !planned.listens() {
            return planned.carry_out(node, engine, ticket, (turn, &Hosts::default()));
        }
    }
    // Names of hosts and the acceptor are waited for, or somebody who waits for them, which is
    // nothing for a worker.
    let engine = engine.clone();
    node.chore(session, move |node, own| {
        let error = match order.carry_out(node, &engine, ticket) {
            Ok(Taken::Later) => return,
            Ok(Taken::Now(answer)) => {
                // As where no chore is needed, the reply tells of what all workers go by.
                node.pass_gates(|| false);
                return own.answer(answer);
            }
            Err(Fail::Error(text)) => text.into_owned().into_bytes(),
            Err(Fail::Raw(text)) => text,
            Err(_) => b"ERR CONFIG SET failed".to_vec(),
        };
        own.error(error);
    })
}

/// What a client wants to set.
struct Order {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    caller: Caller,
}

impl Order {
    /// What it changes in the configuration as it is.
    fn of(&self, node: &Node) -> Result<Planned, Fail> {
        let change = config::set(&node.config.read(), &self.pairs, self.caller);
        let change = change.map_err(|error| Fail::from(error.to_string()))?;
        Ok(Planned(change))
    }

    /// Puts it in force; the ticket is that of a connection that can wait. Waits for its turn.
    fn carry_out(
        &self,
        node: &Arc<Node>,
        engine: &Arc<Engine>,
        ticket: Option<Ticket>,
    ) -> Result<Taken, Fail> {
        let mut hosts = Hosts::default();
        let (turn, planned) = loop {
            let turn = node.config_turns.begin();
            let planned = self.of(node)?;
            if !planned.listens() || hosts.know(&planned.0.config) {
                break (turn, planned);
            }
            // It is nobody else's turn to wait; they may change the names meanwhile.
            drop(turn);
            hosts.learn(&planned.0.config);
        };
        planned.carry_out(node, engine, ticket, (turn, &hosts))
    }
}

/// A change that is not in force yet.
struct Planned(Change);

impl Planned {
    /// Whether the server must listen somewhere else.
    fn listens(&self) -> bool {
        self.0.tells(Effect::Listening).is_some()
    }

    /// Puts it in force; it was planned in this turn.
    fn carry_out(
        self,
        node: &Arc<Node>,
        engine: &Arc<Engine>,
        ticket: Option<Ticket>,
        (turn, hosts): (MutexGuard<'_, ()>, &Hosts),
    ) -> Result<Taken, Fail> {
        let change = &self.0;
        let scene = Scene {
            node,
            engine,
            config: &change.config,
            hosts,
        };
        effects::prepare(&scene, change).map_err(|(name, obstacle)| {
            if let Obstacle::Listening(error) = &obstacle {
                node.log(LogLevel::Warning, &format!("Cannot listen: {error}"));
            }
            let error = SetError::failed(name, obstacle.answer(name));
            Fail::from(error.to_string())
        })?;
        node.config.replace(change.config.clone());
        effects::put(&scene, change);
        drop(turn);
        let taken = match change.tells(Effect::AppendOnlySwitch) {
            Some(_) => crate::append_only::switch(node, engine, ticket)?,
            None => None,
        };
        Ok(taken.unwrap_or_else(ok))
    }
}

/// Works out whether writes must be refused, because saving fails or replicas are missing.
pub(crate) fn refresh_refusal(node: &Node, engine: &Engine) {
    // Read under the lock: what an older configuration says must not come later.
    let _turn = node.config_turns.refusals.lock();
    let (config, settings) = (node.config.read(), engine.settings());
    let (wanted, lag) = (config.min_replicas_to_write, config.min_replicas_max_lag);
    let saves = config.stop_writes_on_bgsave_error && !config.save.is_empty();
    let save_failed = saves && !node.persistence.last_ok();
    let disk_failed = save_failed || settings.append_only_failure.is_some();
    if settings.disk_failed != disk_failed {
        engine.change_settings(|settings| settings.disk_failed = disk_failed);
    }
    let refusal = if settings.replica {
        None
    } else if save_failed {
        Some(engine::fail::MISCONF_SAVE)
    } else if wanted > 0
        && lag > 0
        && (node.replication().hub.good_replicas(lag as u64) as i64) < wanted
    {
        Some(engine::fail::NOREPLICAS)
    } else {
        None
    };
    if settings.refuse_writes != refusal {
        engine.change_settings(|settings| settings.refuse_writes = refusal);
    }
}

const NO_CONFIG_FILE: &str = "ERR The server is running without a config file";

/// Makes the new text of a configuration file out of the settings and the old text.
type Writer = fn(&Config, &[u8]) -> Vec<u8>;

/// CONFIG REWRITE: the new text replaces the file whole or not at all.
pub(crate) fn rewrite(
    node: &Node,
    writer: Writer,
    session: Option<&mut Session>,
) -> Result<Taken, Fail> {
    if node.config_file().is_none() {
        return Err(NO_CONFIG_FILE.into());
    }
    node.chore(session, move |node, ticket| {
        match rewrite_now(node, writer) {
            Ok(()) => ticket.ok(),
            Err(text) => ticket.error(text),
        }
    })
}

/// Rewrites the file on the calling thread.
///
/// # Errors
/// What the client is told.
pub(crate) fn rewrite_now(node: &Node, writer: Writer) -> Result<(), String> {
    let path = node.config_file().ok_or(NO_CONFIG_FILE)?;
    let level = LogLevel::Notice;
    match replace_file(node, path, writer) {
        Ok(()) => node.log(level, "CONFIG REWRITE executed with success."),
        Err(error) => {
            let line = format!("CONFIG REWRITE failed: {error}");
            node.log(LogLevel::Warning, &line);
            return Err(format!("ERR Rewriting config file: {error}"));
        }
    }
    Ok(())
}

fn replace_file(node: &Node, path: &Path, writer: Writer) -> std::io::Result<()> {
    // Two rewrites at once would write the same temporary file.
    let _turn = node.config_turns.rewrites.lock();
    let config = node.config.read();
    let old = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        read => read?,
    };
    let text = writer(&config, &old);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&name)?;
        file.write_all(&text)?;
        if let Ok(known) = std::fs::metadata(path) {
            file.set_permissions(known.permissions())?;
        }
        file.sync_all()?;
        std::fs::rename(&name, path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::File::open(folder)?.sync_all()
    };
    write().inspect_err(|_| {
        // What is left of it is of no use to anybody.
        let _ = std::fs::remove_file(&name);
    })
}
