//! The DEBUG subcommands that need more than the key space: the files, the log, replication, the
//! cluster bus.

use crate::ending::{Ending, Save};
use crate::node::{Node, ok};
use crate::replication::Loader;
use base::{Offset, num};
use cluster::{Fault, PacketFilter, Request};
use config::LogLevel;
use engine::{Engine, Fail, PauseBy, PauseKind, Session, Taken};
use persist::load::LoadOptions;
use resp::Args;
use std::io::BufReader;
use std::sync::Arc;
use std::time::Duration;
use store::{Garbage, Locker};

/// DEBUG CHANGE-REPL-ID, LOG, RELOAD, LOADAOF, RESTART, CONFIG-REWRITE-FORCE-ALL and the faults of
/// the cluster bus
pub(crate) fn run(
    node: &Arc<Node>,
    engine: &Arc<Engine>,
    args: Args<'_>,
    session: Option<&mut Session>,
) -> Result<Taken, Fail> {
    match (args.get(1).to_ascii_lowercase().as_slice(), args.len()) {
        (b"change-repl-id", 2) => {
            let offset = engine.store.journal.offset();
            let id = crate::replication::random_id();
            let hub = &node.replication().hub;
            hub.change_history(|history| history.restart(id, Offset(offset)));
            Ok(ok())
        }
        (b"log", 3) => {
            let text = String::from_utf8_lossy(args.get(2)).into_owned();
            node.log(LogLevel::Warning, &format!("DEBUG LOG: {text}"));
            Ok(ok())
        }
        (b"clusterlink", 5) if args.get(2).eq_ignore_ascii_case(b"kill") => {
            let (direction, id) = (args.get(3).to_vec(), args.get(4).to_vec());
            let kill = Fault::KillLinks {
                node: id,
                direction,
            };
            make_fault(node, engine, kill, session)
        }
        (b"drop-cluster-packet-filter", 3) => {
            let number = num::parse_i64(args.get(2)).ok_or(engine::fail::NOT_INTEGER)?;
            make_fault(node, engine, Fault::Drop(packet_filter(number)), session)
        }
        (b"close-cluster-link-on-packet-drop", 3) => {
            make_fault(node, engine, Fault::CloseOnDrop(is_on(args)), session)
        }
        (b"disable-cluster-random-ping", 3) => {
            make_fault(node, engine, Fault::NoRandomPing(is_on(args)), session)
        }
        (b"config-rewrite-force-all", 2) => {
            crate::configure::rewrite(node, config::rewrite_all, session)
        }
        (b"restart", 2 | 3) => restart(node, args, session),
        (b"loadaof", 2) => load_aof(node, engine, session),
        (b"reload", _) => reload(node, engine, args, session),
        _ => {
            let name = String::from_utf8_lossy(args.get(1));
            Err(format!(
                "ERR unknown subcommand or wrong number of arguments for '{name}'. Try DEBUG HELP."
            )
            .into())
        }
    }
}

/// The switch of a subcommand. What is no number is off.
fn is_on(args: Args<'_>) -> bool {
    num::parse_i64(args.get(2)).is_some_and(|number| number != 0)
}

fn packet_filter(number: i64) -> PacketFilter {
    match u16::try_from(number) {
        Ok(number) => PacketFilter::Type(number),
        Err(_) if number == -2 => PacketFilter::Everything,
        Err(_) => PacketFilter::Nothing,
    }
}

/// Has the bus make a fault.
fn make_fault(
    node: &Node,
    engine: &Engine,
    fault: Fault,
    session: Option<&mut Session>,
) -> Result<Taken, Fail> {
    let Some(bus) = node.bus() else {
        return Err("ERR Debug option only available for cluster mode enabled setup!".into());
    };
    crate::cluster_command::ask(bus, engine, Request::Fault(fault), session)
}

/// DEBUG RESTART [milliseconds]
fn restart(node: &Arc<Node>, args: Args<'_>, session: Option<&mut Session>) -> Result<Taken, Fail> {
    let delay = match args.opt(2) {
        Some(text) => num::parse_i64(text).ok_or(engine::fail::NOT_INTEGER)?,
        None => 0,
    };
    if std::env::args_os().any(|word| word == "-") {
        return Err("ERR a configuration from standard input cannot be read again".into());
    }
    node.chore(session, move |node, ticket| {
        if node.config_file().is_some()
            && let Err(text) = crate::configure::rewrite_now(node, config::rewrite)
        {
            return ticket.error(text);
        }
        node.end(Ending {
            save: Save::IfConfigured,
            force: false,
            now: true,
            ticket: Some(ticket),
            restart: Some(Duration::from_millis(delay.max(0) as u64)),
        });
    })
}

/// DEBUG LOADAOF
fn load_aof(
    node: &Arc<Node>,
    engine: &Arc<Engine>,
    session: Option<&mut Session>,
) -> Result<Taken, Fail> {
    let Some(session) = session else {
        return Err("ERR DEBUG LOADAOF is not possible inside a transaction".into());
    };
    let ticket = node.ticket_for(session);
    let (node, engine) = (node.clone(), engine.clone());
    let work = move || match crate::append_only::load_again(&node, &engine) {
        Ok(()) => ticket.ok(),
        Err(text) => {
            say_failed(&node, &format!("DEBUG LOADAOF failed: {text}"));
            ticket.error("ERR Error trying to load the AOF files, check server logs.");
        }
    };
    let spawned = std::thread::Builder::new()
        .name("reload".into())
        .spawn(work);
    spawned.map_err(|error| Fail::from(format!("ERR cannot start a thread: {error}")))?;
    Ok(Taken::Later)
}

/// Says that the data set could not be loaded again, and what follows from that.
fn say_failed(node: &Node, line: &str) {
    node.log(LogLevel::Warning, line);
    if !node.replication().is_whole() {
        let line = "The data set is not whole: no file is written from it until DEBUG RELOAD NOSAVE, \
                    DEBUG LOADAOF or a synchronization succeeds, or FLUSHALL empties it.";
        node.log(LogLevel::Warning, line);
    }
}

/// Which steps DEBUG RELOAD takes.
#[derive(Clone, Copy)]
struct Steps {
    save: bool,
    flush: bool,
}

/// DEBUG RELOAD [MERGE] [NOFLUSH] [NOSAVE]
fn reload(
    node: &Arc<Node>,
    engine: &Arc<Engine>,
    args: Args<'_>,
    session: Option<&mut Session>,
) -> Result<Taken, Fail> {
    let mut steps = Steps {
        save: true,
        flush: true,
    };
    for option in args.from(2).iter() {
        match option.to_ascii_lowercase().as_slice() {
            b"merge" => {}
            b"noflush" => steps.flush = false,
            b"nosave" => steps.save = false,
            _ => {
                return Err(
                    "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.".into(),
                );
            }
        }
    }
    let Some(session) = session else {
        return Err("ERR DEBUG RELOAD is not possible inside a transaction".into());
    };
    let ticket = node.ticket_for(session);
    let (node, engine) = (node.clone(), engine.clone());
    // The caller has the world: the work begins when it has let go.
    let work = move || match save_and_load(&node, &engine, steps) {
        Ok(()) => ticket.ok(),
        Err(text) => {
            say_failed(&node, &format!("DEBUG RELOAD failed: {text}"));
            ticket.error("ERR Error trying to load the RDB dump, check server logs.");
        }
    };
    let spawned = std::thread::Builder::new()
        .name("reload".into())
        .spawn(work);
    spawned.map_err(|error| Fail::from(format!("ERR cannot start a thread: {error}")))?;
    Ok(Taken::Later)
}

fn save_and_load(node: &Node, engine: &Engine, steps: Steps) -> Result<(), String> {
    let loader = node.replication().try_loader()?;
    // What came between the save and the end of the load would be lost. Commands wait: they get
    // -LOADING only from a server that starts.
    let _stream = node.replication().hold_stream();
    node.begin_pause(PauseBy::Reload, PauseKind::All, None);
    let done = save_flush_load(node, engine, steps, &loader);
    if done.is_ok() && steps.flush {
        node.replication().replaced(&loader);
        crate::append_only::begin_later(node);
    }
    node.end_pause(PauseBy::Reload);
    done
}

fn save_flush_load(
    node: &Node,
    engine: &Engine,
    steps: Steps,
    loader: &Loader<'_>,
) -> Result<(), String> {
    if steps.save {
        let saved = crate::persistence::save_here(node, engine);
        saved.map_err(|reason| reason.to_string())?;
    }
    let locker = Locker::new(&engine.store);
    let config = node.config.read();
    let path = crate::persistence::rdb_path(&config);
    let file = std::fs::File::open(&path).map_err(|error| error.to_string())?;
    if steps.flush {
        let world = locker.world();
        // Until all of it is loaded no file is written from a part, and no replica gets it.
        loader.set_whole(false);
        locker.flush(&world, None, |keys| {
            engine.store.discard_later(Garbage::Keys(keys));
        });
    }
    let mut options = LoadOptions {
        now_ms: engine::wall_us() / 1000,
        // They end later, with a DEL that replicas and the append-only file get too.
        keep_expired: true,
        limits: engine.settings().limits,
        wanted: &|_| true,
        progress: &mut |_| {},
        attribute: &mut |_, _| {},
        key_delay: persist::save::Delay(config.key_load_delay),
    };
    let loaded = persist::load::load(&mut BufReader::new(file), &locker, &mut options);
    loaded.map(drop).map_err(|error| error.to_string())
}
