//! Starting up: configuration, data, workers; and waiting for the end.

use crate::daemon::{self, Origin};
use crate::effects::{self, Stage};
use crate::ending::Ending;
use crate::front::Front;
use crate::log::{self, Log, Syslog, Target};
use crate::message::Message;
use crate::node::Node;
use crate::pidfile::{self, Pidfile};
use crate::signals::{Watch, Wish};
use crate::supervise::Supervisor;
use crate::{REDIS_VERSION, complain, periodic};
use config::{Config, Surroundings};
use engine::Engine;
use net::{Options, Server};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use store::Store;

/// The machine as the configuration sees it while it is read.
#[derive(Default)]
struct Machine {
    /// The names of commands, as rename-command leaves them.
    directory: commands::Directory,
    /// What was read from standard input, for the process in the background.
    stdin: Option<Vec<u8>>,
}

impl Surroundings for Machine {
    fn read(&mut self, path: &[u8]) -> Result<Vec<u8>, String> {
        std::fs::read(as_path(path)).map_err(|error| reason(&error))
    }

    fn stdin(&mut self) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        let read = std::io::Read::read_to_end(&mut std::io::stdin(), &mut text);
        read.map_err(|error| reason(&error))?;
        self.stdin = Some(text.clone());
        Ok(text)
    }

    fn glob(&mut self, pattern: &[u8]) -> Vec<Vec<u8>> {
        let pattern = String::from_utf8_lossy(pattern);
        let found = glob::glob(&pattern).into_iter().flatten().flatten();
        found
            .map(|path| path.into_os_string().into_encoded_bytes())
            .collect()
    }

    fn change_dir(&mut self, dir: &[u8]) -> Result<Vec<u8>, String> {
        let change = || {
            std::env::set_current_dir(as_path(dir))?;
            std::env::current_dir()
        };
        let dir = change().map_err(|error: std::io::Error| reason(&error))?;
        Ok(dir.into_os_string().into_encoded_bytes())
    }

    fn try_log(&mut self, path: &[u8]) -> Result<(), String> {
        let file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(as_path(path));
        file.map(drop).map_err(|error| reason(&error))
    }

    fn rename_command(&mut self, from: &[u8], to: &[u8]) -> Result<(), String> {
        self.directory
            .rename(from, to)
            .map_err(|error| error.to_string())
    }
}

/// What the system says, as C programs print it: without the number.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}

pub(crate) fn as_path(path: &[u8]) -> std::path::PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(path).into()
}

/// Runs a server with these arguments until it is told to stop.
pub(crate) fn run(args: &[Vec<u8>], name: &str) -> ExitCode {
    let origin = Origin::capture();
    let line = config::command_line(args);
    let mut machine = Machine::default();
    // Its name is meant from here; the file may say in which directory the server works.
    let file = line.file.as_deref().map(as_path);
    let file = file.and_then(|path| std::path::absolute(path).ok());
    let loaded = match config::load(&line, &mut machine) {
        Ok(loaded) => loaded,
        Err(error) => {
            complain(&error.report(REDIS_VERSION));
            return ExitCode::FAILURE;
        }
    };
    let config = loaded.config;
    if config.daemonize && !Origin::is_background() {
        let stdin = machine.stdin.as_deref();
        return match origin.and_then(|origin| origin.respawn(stdin)) {
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => {
                complain(format!("Cannot go to the background: {error}\n").as_bytes());
                ExitCode::FAILURE
            }
        };
    }
    if Origin::is_background()
        && let Err(error) = daemon::leave_terminal()
    {
        complain(format!("Cannot leave the terminal: {error}\n").as_bytes());
        return ExitCode::FAILURE;
    }
    let log = match start_log(&config) {
        Ok(log) => log,
        Err(error) => {
            complain(format!("Cannot start the log: {error}\n").as_bytes());
            return ExitCode::FAILURE;
        }
    };
    for warning in &loaded.warnings {
        log.warning(warning);
    }
    match serve(config, machine.directory, file, &log) {
        Err(text) => {
            log.warning(text);
            log.flush();
            ExitCode::FAILURE
        }
        Ok(None) => {
            let program = crate::program(name);
            log.warning(format!("{program} is now ready to exit, bye bye..."));
            log.flush();
            ExitCode::SUCCESS
        }
        Ok(Some(delay)) => {
            log.flush();
            std::thread::sleep(delay);
            let failed = match origin {
                Ok(origin) => origin.replace(),
                Err(error) => error,
            };
            log.warning(format!("Cannot start anew: {failed}"));
            log.flush();
            ExitCode::FAILURE
        }
    }
}

fn start_log(config: &Config) -> std::io::Result<Log> {
    let file = (!config.logfile.is_empty()).then(|| as_path(&config.logfile));
    let syslog = config
        .syslog_enabled
        .then(|| Syslog::new(&config.syslog_ident, config.syslog_facility));
    Log::start(Target { file, syslog }, config.loglevel)
}

/// Writes the process number where the configuration says, if it says so.
fn write_pid(config: &Config, log: &Log) -> Option<Pidfile> {
    let path = match config.pidfile.as_slice() {
        [] if config.daemonize => Path::new(pidfile::DEFAULT).to_owned(),
        [] => return None,
        path => as_path(path),
    };
    match Pidfile::write(&path) {
        Ok(pid) => Some(pid),
        Err(error) => {
            log.warning(format!("Failed to write PID file: {error}"));
            None
        }
    }
}

/// How many workers a configuration asks for.
pub(crate) fn workers(config: &Config) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    usize::try_from(config.io_threads)
        .ok()
        .filter(|&n| n > 0)
        .unwrap_or_else(cores)
}

/// Serves until the server is told to end; after how long it is to start anew, if it is.
fn serve(
    mut config: Config,
    directory: commands::Directory,
    file: Option<PathBuf>,
    log: &Log,
) -> Result<Option<Duration>, String> {
    log.notice("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo");
    introduce(&config, log);
    let supervisor = find_supervisor(&config, log);
    // A second process in this directory must find out before it touches anything.
    let conf = crate::clustering::lock_conf(&config)?;
    let nodes = conf.as_ref().map_or(0, clusterio::ConfLock::lines);
    let kept_from = crate::descriptors::at_start(&mut config, log, nodes)?;
    let store = new_store(&config)?;
    let node = Node::new(config.clone());
    node.set_log(log.clone());
    node.append_only.hold_at_start(&config)?;
    crate::crash::install(log, &node);
    node.set_config_file(file);
    let engine = Engine::new(store, engine::Settings::default(), directory, node.clone());
    node.set_engine(engine.clone());
    log.set_role(log::Role::Primary);
    effects::at_start(&node, &engine, Stage::Engine)?;
    crate::memory::note_startup();
    let server = start_workers(&config, &node, kept_from)?;
    node.set_workers(server.workers().clone());
    node.set_server(server);
    effects::at_start(&node, &engine, Stage::Network)?;
    // A port that is taken shows before anything is loaded.
    let doors = crate::clustering::doors(&config)?;
    let pid = write_pid(&config, log);
    log.notice("Server initialized");
    // From here on clients are answered: that the data set is being loaded.
    node.loading.begin(&engine);
    let loader = node.replication().try_loader()?;
    loader.set_whole(false);
    let primary = config.replicaof.as_ref().filter(|_| conf.is_none());
    let primary = primary.map(|p| (String::from_utf8_lossy(&p.host).into_owned(), p.port));
    if let Some((host, port)) = primary.clone() {
        node.begin_as_replica(host, port);
    }
    node.open()?;
    let _watch = watch_signals(&node);
    let found_data = load(&config, &node, &engine)?;
    loader.set_whole(true);
    drop(loader);
    if let (Some(doors), Some(conf)) = (doors, conf) {
        let bus = crate::clustering::start(&node, &engine, (doors, conf), !found_data)?;
        node.set_bus(bus);
        crate::clustering::tell_loaded(&node, &engine);
    } else if let Some((host, port)) = primary {
        // Without a link it serves as a replica that has none; the log says why.
        let _ = node.follow(None, host, port);
    }
    effects::at_start(&node, &engine, Stage::Data)?;
    node.loading.end(&engine);
    let periodic = periodic::start(&engine, &node);
    log.notice("Ready to accept connections tcp");
    // A supervisor that does not listen is no reason not to serve.
    let _ = supervisor.ready();
    let restart = crate::ending::wait(&node, &engine);
    let _ = supervisor.stopping();
    drop(periodic);
    if let Some(pid) = pid {
        log.notice("Removing the pid file.");
        // It may have been removed by somebody else, which is as good.
        let _ = pid.remove();
    }
    if let Some(server) = node.take_server() {
        let stopped = server.stop(Duration::from_secs(1));
        stopped.map_err(|error| error.to_string())?;
    }
    Ok(restart)
}

/// Loads the data set; whether there is one.
fn load(config: &Config, node: &Arc<Node>, engine: &Arc<Engine>) -> Result<bool, String> {
    if config.appendonly {
        crate::append_only::load_at_start(node, engine)
    } else {
        crate::persistence::load_dump(config, node, engine)
    }
}

/// Who is to be told how the server is. One that cannot be told is no reason not to serve: Redis
/// warns as well.
fn find_supervisor(config: &Config, log: &Log) -> Supervisor {
    Supervisor::find(config.supervised).unwrap_or_else(|error| {
        log.warning(format!("Nobody is told how the server is: {error}."));
        Supervisor::None
    })
}

/// Ends the server when a signal asks for it.
fn watch_signals(node: &Arc<Node>) -> std::io::Result<Watch> {
    let node = node.clone();
    Watch::start(move |wish| {
        let config = node.config.read();
        match wish {
            Wish::Terminate => node.end(Ending::by_signal(config.shutdown_on_sigterm)),
            Wish::Interrupt => node.end(Ending::by_signal(config.shutdown_on_sigint)),
            Wish::Insist => {
                crate::persistence::drop_unfinished(&config);
                std::process::exit(1);
            }
        }
    })
}

/// Set to have a rule of the store broken, in builds with debug assertions, so that the tests of
/// that rule can show that they notice.
const MUTANT: &str = "SHOAL_TEST_MUTANT";

/// Set, in such builds, to how many bytes of old values may wait for a snapshot.
const BOUND: &str = "SHOAL_TEST_BOUND";

/// # Errors
/// There are more databases than records of the journal can name, in 16 bits.
fn new_store(config: &Config) -> Result<Arc<Store>, String> {
    let wanted = config.databases;
    let databases = u16::try_from(wanted).map_err(|_| {
        format!(
            "The option databases is {wanted}: this server has {} at most.",
            u16::MAX
        )
    })?;
    let store = Store::new(databases);
    let name = std::env::var(MUTANT)
        .ok()
        .filter(|_| cfg!(debug_assertions));
    if let Some(mutant) = name.and_then(|name| store::Mutant::named(&name)) {
        store.break_rule(mutant);
    }
    let bound = std::env::var(BOUND).ok().filter(|_| cfg!(debug_assertions));
    if let Some(bytes) = bound.and_then(|bytes| bytes.parse().ok()) {
        store.bound_images(bytes);
    }
    Ok(store)
}

/// Says who starts: programs that run the server look for its number behind `PID:`.
fn introduce(config: &Config, log: &Log) {
    let mode = if config.cluster_enabled {
        "cluster"
    } else {
        "standalone"
    };
    let pid = std::process::id();
    log.notice(format!(
        "Shoal {}, as Redis {REDIS_VERSION} ({mode}), port: {}, PID: {pid}",
        env!("CARGO_PKG_VERSION"),
        config.port
    ));
}

/// Starts the workers. Where they listen, and for whom, is an effect of options.
fn start_workers(
    config: &Config,
    node: &Arc<Node>,
    kept_from: usize,
) -> Result<Server<Message>, String> {
    let for_notices = Arc::downgrade(node);
    let options = Options {
        workers: workers(config),
        backlog: config.tcp_backlog as i32,
        kept_from,
        // Nobody is answered before the node knows what it is.
        paused: true,
        notice: Box::new(move |notice| {
            if let Some(node) = for_notices.upgrade() {
                node.log(config::LogLevel::Warning, &in_words(&notice));
            }
        }),
        ..Options::default()
    };
    let node = node.clone();
    let server = Server::start(options, move |start: net::Start<Message>| {
        let adopter = node.clone();
        let detach = Arc::new(move |detached, session: &engine::Session| {
            adopter.adopt_replica(detached, session);
        });
        Front::new(node.clone(), start.worker, start.workers, detach)
    });
    server.map_err(|error| error.to_string())
}

/// What the network layer has to say, for the log.
fn in_words(notice: &net::Notice) -> String {
    match notice {
        net::Notice::AcceptFailed(error) => format!("Accepting client connection: {error}"),
        net::Notice::DescriptorsKept(from) => format!(
            "Clients are refused: {from} descriptors are in use, and the others are kept for files, \
             the bus and administration. Raise 'ulimit -n', or lower maxclients."
        ),
        net::Notice::PollerFailed(error) => format!("A thread of the server has ended: {error}"),
    }
}

/// The address that connections to other servers come from, if one is set.
pub(crate) fn source(config: &Config) -> Option<IpAddr> {
    let text = String::from_utf8_lossy(&config.bind_source_addr);
    text.parse().ok()
}
