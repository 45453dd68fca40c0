//! Starting up: configuration, data, workers; and waiting for the end.

use crate::front::Front;
use crate::node::Node;
use crate::{REDIS_VERSION, complain, periodic};
use config::{Config, Surroundings};
use engine::Engine;
use net::{Listen, Options, Server};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use store::Store;

/// The machine as the configuration sees it while it is read.
#[derive(Default)]
struct Machine {
    /// The names of commands, as rename-command leaves them.
    directory: commands::Directory,
}

impl Surroundings for Machine {
    fn read(&mut self, path: &[u8]) -> Result<Vec<u8>, String> {
        std::fs::read(as_path(path)).map_err(|error| reason(&error))
    }

    fn stdin(&mut self) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        let read = std::io::Read::read_to_end(&mut std::io::stdin(), &mut text);
        read.map(|_| text).map_err(|error| reason(&error))
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
pub(crate) fn run(args: &[Vec<u8>]) -> ExitCode {
    let line = config::command_line(args);
    let mut machine = Machine::default();
    let loaded = match config::load(&line, &mut machine) {
        Ok(loaded) => loaded,
        Err(error) => {
            complain(&error.report(REDIS_VERSION));
            return ExitCode::FAILURE;
        }
    };
    match serve(loaded.config, machine.directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            complain(format!("{text}\n").as_bytes());
            ExitCode::FAILURE
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

fn serve(config: Config, directory: commands::Directory) -> Result<(), String> {
    let store = Store::new(config.databases as u16);
    let node = Node::new(config.clone());
    let engine = Engine::new(
        store,
        crate::configure::settings(&config),
        directory,
        node.clone(),
    );
    node.set_engine(engine.clone());
    crate::persistence::load_at_start(&config, &engine)?;
    let options = Options {
        workers: workers(&config),
        listen: places(&config)?,
        backlog: config.tcp_backlog as i32,
        max_clients: config.maxclients as usize,
        keepalive: config.tcp_keepalive as u64,
        ..Options::default()
    };
    let detach = node.clone();
    let front = engine.clone();
    let server = Server::start(
        options,
        move |start: net::Start<crate::message::Message>| {
            let node = detach.clone();
            let detach = Arc::new(move |detached, session: &engine::Session| {
                node.adopt_replica(detached, session);
            });
            Front::new(&front, start.worker, start.workers, detach)
        },
    );
    let server = server.map_err(|error| error.to_string())?;
    node.set_workers(server.workers().clone());
    if config.cluster_enabled {
        node.set_bus(crate::clustering::start(&node, &engine, &config)?);
    } else if let Some(primary) = &config.replicaof {
        let host = String::from_utf8_lossy(&primary.host).into_owned();
        node.follow(host, primary.port as u16);
    }
    let periodic = periodic::start(&engine, &node);
    node.wait_for_end();
    drop(periodic);
    server
        .stop(Duration::from_secs(1))
        .map_err(|error| error.to_string())
}

/// Where to listen. An address that starts with `-` may be missing on this machine.
fn places(config: &Config) -> Result<Vec<Listen>, String> {
    let mut places = Vec::new();
    if config.port != 0 {
        for address in &config.bind {
            let text = String::from_utf8_lossy(address);
            let optional = text.starts_with('-');
            let name = text.trim_start_matches('-');
            match address_of(name, config.port as u16) {
                Some(address) if !optional || can_bind(address) => {
                    places.push(Listen::Tcp(address));
                }
                None if !optional => return Err(format!("cannot resolve the bind address {name}")),
                _ => {}
            }
        }
    }
    if !config.unixsocket.is_empty() {
        let mode = (config.unixsocketperm != 0).then_some(config.unixsocketperm as u32);
        places.push(Listen::Unix {
            path: as_path(&config.unixsocket),
            mode,
        });
    }
    Ok(places)
}

fn address_of(name: &str, port: u16) -> Option<SocketAddr> {
    let name = match name {
        "*" => "0.0.0.0",
        "::*" => "::",
        name => name,
    };
    match name.parse::<IpAddr>() {
        Ok(ip) => Some(SocketAddr::new(ip, port)),
        Err(_) => std::net::ToSocketAddrs::to_socket_addrs(&(name, port))
            .ok()?
            .next(),
    }
}

fn can_bind(address: SocketAddr) -> bool {
    std::net::TcpListener::bind(SocketAddr::new(address.ip(), 0)).is_ok()
}
