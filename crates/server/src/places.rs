//! Where the server listens: the options port, bind and unixsocket, with the addresses that names
//! of hosts stand for.

use crate::boot::as_path;
use config::Config;
use net::Listen;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// For tests, names are looked for in the file of this name instead of asking the system: lines of
/// an address and a name. It may be a pipe, which takes its time.
const HOSTS: &str = "SHOAL_TEST_HOSTS";

/// What names of hosts stand for. To find out may take long: nothing is locked meanwhile.
#[derive(Default)]
pub(crate) struct Hosts(HashMap<String, Option<SocketAddr>>);

impl Hosts {
    /// What the names of a configuration stand for. Waits for the system's answers.
    pub(crate) fn of(config: &Config) -> Hosts {
        let mut hosts = Hosts::default();
        if config.port != 0 {
            hosts.learn(config);
        }
        hosts
    }

    /// Whether all names of a configuration are known.
    pub(crate) fn know(&self, config: &Config) -> bool {
        config.port == 0 || names(config).all(|(name, _)| self.get(&name).is_some())
    }

    /// Asks the system for the names that are not known. Waits for its answers.
    pub(crate) fn learn(&mut self, config: &Config) {
        for (name, _) in names(config) {
            if self.get(&name).is_none() {
                let address = look_up(&name);
                self.0.insert(name, address);
            }
        }
    }

    /// The address of a name, if it is known whether there is one.
    fn get(&self, name: &str) -> Option<Option<SocketAddr>> {
        match name.parse::<IpAddr>() {
            Ok(ip) => Some(Some(SocketAddr::new(ip, 0))),
            Err(_) => self.0.get(name).copied(),
        }
    }
}

fn look_up(name: &str) -> Option<SocketAddr> {
    if let Some(file) = std::env::var_os(HOSTS) {
        let text = std::fs::read_to_string(file).ok()?;
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        let (ip, _) = lines.find(|(_, known)| *known == name)?;
        return Some(SocketAddr::new(ip.parse().ok()?, 0));
    }
    let mut found = std::net::ToSocketAddrs::to_socket_addrs(&(name, 0)).ok()?;
    found.next()
}

/// What is to be bound, and whether it may be missing on this machine: `-` says so.
fn names(config: &Config) -> impl Iterator<Item = (String, bool)> + '_ {
    config.bind.iter().map(|address| {
        let text = String::from_utf8_lossy(address);
        let name = match text.trim_start_matches('-') {
            "*" => "0.0.0.0",
            "::*" => "::",
            name => name,
        };
        (name.to_owned(), text.starts_with('-'))
    })
}

/// Where to listen.
///
/// # Errors
/// A name that stands for nothing.
pub(crate) fn places(config: &Config, hosts: &Hosts) -> Result<Vec<Listen>, String> {
    let mut places = Vec::new();
    let tcp = (config.port != 0).then(|| names(config));
    for (name, optional) in tcp.into_iter().flatten() {
        match hosts.get(&name).flatten() {
            Some(mut address) if !optional || can_bind(address) => {
                address.set_port(config.port as u16);
                places.push(Listen::Tcp(address));
            }
            None if !optional => return Err(format!("cannot resolve the bind address {name}")),
            _ => {}
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

fn can_bind(address: SocketAddr) -> bool {
    std::net::TcpListener::bind(SocketAddr::new(address.ip(), 0)).is_ok()
}
