//! How many files and connections the system lets this process have open, and who gets them.
//!
//! A server that has used them all up cannot save, and one that cannot save refuses all writes:
//! idle clients alone must not bring that about. So the soft limit is raised to what `maxclients`
//! and the server itself need, or `maxclients` is lowered, and clients never get the last few.

use config::{Config, LogLevel};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::log::Log;
use crate::node::Node;

/// So many descriptors no client gets: for saves, the append-only file, nodes.conf, the bus,
/// replicas and administration.
const KEPT: u64 = 32;
/// What a server has open itself: standard streams, listeners, signals, files, threads.
const OWN: u64 = 24;
/// What a worker has open.
const PER_WORKER: u64 = 3;
/// Links to and from a node of the cluster, or a stranger on its bus.
const PER_NODE: u64 = 2;
/// Nodes of a cluster for which there is room in any case.
const NODES: u64 = 16;

/// What a server needs beside its clients, with so many nodes in its cluster.
fn beside_clients(config: &Config, nodes: usize) -> u64 {
    let links = match config.cluster_enabled {
        true => PER_NODE * (NODES.max(nodes as u64) + clusterio::STRANGERS as u64),
        false => 0,
    };
    KEPT + OWN + PER_WORKER * crate::boot::workers(config) as u64 + links
}

/// What came of a wish for descriptors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Room {
    /// The soft limit before.
    before: u64,
    /// The soft limit now.
    now: u64,
}

/// Raises the soft limit to `need`, or as near as the system lets it. It is never lowered.
fn make_room(need: u64) -> Room {
    let limit = getrlimit(Resource::Nofile);
    let before = limit.current.unwrap_or(u64::MAX);
    let (mut good, mut bad) = (before, need.saturating_add(1));
    let hard = limit.maximum.unwrap_or(u64::MAX);
    let mut wanted = need.min(hard);
    // Beside the hard limit the system has one for all processes, which is found by trying.
    while wanted > good && good + 1 < bad {
        let raised = Rlimit {
            current: Some(wanted),
            maximum: limit.maximum,
        };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => good = wanted,
            Err(_) => bad = wanted,
        }
        wanted = good + (bad.min(need.min(hard).saturating_add(1)) - good) / 2;
    }
    Room { before, now: good }
}

/// From which number on descriptors are kept.
pub(crate) fn kept_from() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit.saturating_sub(KEPT)).unwrap_or(usize::MAX)
}

/// At start: makes room for `maxclients`, or lowers it. Returns from which number on descriptors
/// are kept.
///
/// # Errors
/// When there is not even room for the server itself: the text for the log.
pub(crate) fn at_start(config: &mut Config, log: &Log, nodes: usize) -> Result<usize, String> {
    let wanted = config.maxclients as u64;
    let beside = beside_clients(config, nodes);
    let need = wanted.saturating_add(beside);
    let room = make_room(need);
    if room.now >= need {
        if room.now > room.before {
            log.notice(format!(
                "Increased maximum number of open files to {} (it was originally set to {}).",
                room.now, room.before
            ));
        }
        return Ok(kept_from());
    }
    if room.now <= beside {
        return Err(format!(
            "Your current 'ulimit -n' of {} is not enough for the server to start. Please increase \
             your open file limit to at least {need}. Exiting.",
            room.now
        ));
    }
    config.maxclients = (room.now - beside) as i64;
    log.warning(format!(
        "You requested maxclients of {wanted} requiring at least {need} max file descriptors."
    ));
    log.warning(format!(
        "Current maximum open files is {}. maxclients has been reduced to {} to compensate for low \
         ulimit. If you need higher maxclients increase 'ulimit -n'.",
        room.now, config.maxclients
    ));
    Ok(kept_from())
}

impl Node {
    /// The nodes of the cluster that this node knows.
    fn nodes(&self) -> usize {
        self.bus().map_or(0, |bus| bus.view().nodes().len())
    }

    /// Makes room for the clients of a new configuration.
    ///
    /// # Errors
    /// For how many there is room.
    pub(crate) fn make_room_for_clients(&self, config: &Config) -> Result<(), u64> {
        let wanted = config.maxclients as u64;
        let beside = beside_clients(config, self.nodes());
        let room = make_room(wanted.saturating_add(beside));
        self.with_server(|server| server.keep_descriptors_from(kept_from()));
        if let Some(bus) = self.bus() {
            bus.keep_descriptors_from(kept_from());
        }
        match room.now.saturating_sub(beside) {
            enough if enough >= wanted => {
                if room.now > room.before {
                    let line = format!(
                        "Increased maximum number of open files to {} (it was {}).",
                        room.now, room.before
                    );
                    self.log(LogLevel::Notice, &line);
                }
                Ok(())
            }
            less => Err(less),
        }
    }

    /// Links of the cluster count as clients, as in Redis; where it has grown there is to be room
    /// for both.
    pub(crate) fn count_links(&self, known: &mut usize) {
        let nodes = self.nodes();
        if nodes == *known {
            return;
        }
        *known = nodes;
        let links = nodes.saturating_sub(1) * PER_NODE as usize;
        self.with_server(|server| server.set_other_clients(links));
        let config = self.config.read();
        // Where there is no room, links come before clients.
        if let Err(room) = self.make_room_for_clients(&config) {
            let line = format!(
                "Beside the links of {nodes} nodes there are descriptors for {room} clients only, \
                 and maxclients is {}. Raise 'ulimit -n', or lower maxclients.",
                config.maxclients
            );
            self.log(LogLevel::Warning, &line);
        }
    }
}
