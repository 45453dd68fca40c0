//! The cluster bus and what it makes the server do.

use crate::boot::as_path;
use crate::node::Node;
use base::{Slot, SlotSet};
use bus::IpText;
use cluster::{EndpointType, Level, View};
use clusterio::{ConfLock, Doors, Handle, Hooks, Options, Primary};
use config::Config;
use engine::Engine;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use store::{Garbage, Locker};

/// What must be done for the bus that takes time: another thread does it, in order.
enum Chore {
    Replicate(Primary),
    BecomePrimary,
    DeleteSlots(SlotSet),
    EmptyData,
    EndPause,
}

/// The bus thread's way into the server. None of this waits.
struct BusHooks {
    node: Weak<Node>,
    engine: Arc<Engine>,
    chores: Sender<Chore>,
}

impl BusHooks {
    fn chore(&self, chore: Chore) {
        // The other end goes only when the process ends.
        let _ = self.chores.send(chore);
    }
}

impl Hooks for BusHooks {
    fn view(&mut self, view: Arc<View>) {
        self.engine.routing.publish(&self.engine.store, view);
        self.engine.change_settings(|_| {});
    }

    fn serve_until(&mut self, until: Instant) {
        self.engine.routing.serve_until(until);
    }

    fn replicate(&mut self, primary: Primary) {
        self.chore(Chore::Replicate(primary));
    }

    fn become_primary(&mut self) {
        self.chore(Chore::BecomePrimary);
    }

    fn slots_lost(&mut self, slots: SlotSet) {
        self.chore(Chore::DeleteSlots(slots));
    }

    fn empty_data(&mut self) {
        self.chore(Chore::EmptyData);
    }

    fn pause(&mut self, until: Instant) {
        if let Some(node) = self.node.upgrade() {
            node.pause_for_failover(until);
        }
    }

    fn unpause(&mut self) {
        self.chore(Chore::EndPause);
    }

    fn deliver(&mut self, _channel: Vec<u8>, _message: Vec<u8>, _sharded: bool) {
        // Nobody can have subscribed: this server has no channels.
    }

    fn log(&mut self, level: Level, text: String) {
        if let Some(node) = self.node.upgrade() {
            let level = match level {
                Level::Debug => config::LogLevel::Debug,
                Level::Verbose => config::LogLevel::Verbose,
                Level::Notice => config::LogLevel::Notice,
                Level::Warning => config::LogLevel::Warning,
            };
            node.log(level, &text);
        }
    }
}

fn conf_path(config: &Config) -> PathBuf {
    as_path(&config.dir).join(as_path(&config.cluster_config_file))
}

/// Locks and reads nodes.conf, in cluster mode.
///
/// # Errors
/// When it is another node's: the text for the log.
pub(crate) fn lock_conf(config: &Config) -> Result<Option<ConfLock>, String> {
    if !config.cluster_enabled {
        return Ok(None);
    }
    let conf = ConfLock::take(&conf_path(config));
    conf.map(Some).map_err(|error| error.to_string())
}

/// Begins to listen at the port of the bus, if there is to be one.
///
/// # Errors
/// Why it cannot: the text for the log.
pub(crate) fn doors(config: &Config) -> Result<Option<Doors>, String> {
    if !config.cluster_enabled {
        return Ok(None);
    }
    let doors = Doors::open(&addresses(config), settings(config).bus_port);
    doors.map(Some).map_err(|error| error.to_string())
}

/// Starts the bus.
///
/// # Errors
/// Why it cannot start: the text for the log.
pub(crate) fn start(
    node: &Arc<Node>,
    engine: &Arc<Engine>,
    (doors, conf): (Doors, ConfLock),
    data_lost: bool,
) -> Result<Handle, String> {
    let config = &node.config.read();
    let (chores, todo) = channel();
    let hooks = BusHooks {
        node: Arc::downgrade(node),
        engine: engine.clone(),
        chores,
    };
    let options = Options {
        settings: settings(config),
        bind: addresses(config),
        conf_path: conf_path(config),
        link_limit: config.cluster_link_sendbuf_limit as usize,
        source: crate::boot::source(config),
        kept_from: crate::descriptors::kept_from(),
        data_lost,
    };
    let (worker_node, worker_engine) = (Arc::downgrade(node), engine.clone());
    let work = move || do_chores(&todo, &worker_node, &worker_engine);
    std::thread::Builder::new()
        .name("cluster-chores".into())
        .spawn(work)
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    clusterio::start_at(doors, conf, options, Box::new(hooks)).map_err(|error| error.to_string())
}

/// Tells the bus in which slots there are keys after loading.
pub(crate) fn tell_loaded(node: &Node, engine: &Engine) {
    let mut slots = SlotSet::new();
    let mut from = 0;
    while let Some(slot) = engine.store.next_slot_with_keys(from) {
        slots.insert(slot);
        from = slot.index() + 1;
    }
    if let Some(bus) = node.bus() {
        bus.data_loaded(slots);
    }
}

/// What the cluster machine reads of a configuration.
pub(crate) fn settings(config: &Config) -> cluster::Settings {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let bus_port = match config.cluster_port {
        0 => config.port + 10_000,
        port => port,
    };
    cluster::Settings {
        node_timeout: config.cluster_node_timeout as u64,
        ping_interval: config.cluster_ping_interval as u64,
        require_full_coverage: config.cluster_require_full_coverage,
        allow_reads_when_down: config.cluster_allow_reads_when_down,
        allow_pubsubshard_when_down: config.cluster_allow_pubsubshard_when_down,
        replica_no_failover: config.cluster_replica_no_failover,
        replica_validity_factor: config.cluster_replica_validity_factor as u64,
        migration_barrier: config.cluster_migration_barrier as usize,
        allow_replica_migration: config.cluster_allow_replica_migration,
        repl_ping_period: config.repl_ping_replica_period as u64 * 1000,
        port: config.port as u16,
        bus_port: bus_port as u16,
        announce_ip: IpText::new(&text(&config.cluster_announce_ip)).unwrap_or(IpText::EMPTY),
        announce_port: config.cluster_announce_port as u16,
        announce_tls_port: config.cluster_announce_tls_port as u16,
        announce_bus_port: config.cluster_announce_bus_port as u16,
        announce_hostname: text(&config.cluster_announce_hostname),
        announce_human_name: text(&config.cluster_announce_human_nodename),
        endpoint_type: match config.cluster_preferred_endpoint_type.word() {
            "hostname" => EndpointType::Hostname,
            "unknown-endpoint" => EndpointType::Unknown,
            _ => EndpointType::Ip,
        },
        ..cluster::Settings::default()
    }
}

fn addresses(config: &Config) -> Vec<IpAddr> {
    let address = |word: &Vec<u8>| -> Option<IpAddr> {
        let text = String::from_utf8_lossy(word);
        match text.trim_start_matches('-') {
            "*" => "0.0.0.0".parse().ok(),
            "::*" => "::".parse().ok(),
            name => name.parse().ok(),
        }
    };
    let usable =
        |ip: &IpAddr| std::net::TcpListener::bind(std::net::SocketAddr::new(*ip, 0)).is_ok();
    config
        .bind
        .iter()
        .filter_map(address)
        .filter(usable)
        .collect()
}

fn do_chores(todo: &Receiver<Chore>, node: &Weak<Node>, engine: &Arc<Engine>) {
    let locker = Locker::new(&engine.store);
    // Slots whose keys are to be deleted, but which a pause holds. Its end is a chore too.
    let mut held = SlotSet::new();
    loop {
        let chore = if held.is_empty() {
            todo.recv().map_err(RecvTimeoutError::from)
        } else {
            todo.recv_timeout(HELD_AGAIN)
        };
        let Some(node) = node.upgrade() else { return };
        if let Ok(Chore::Replicate(_) | Chore::EmptyData) = chore {
            // The keys that are held go with the whole data set. What comes in its place stays.
            held = SlotSet::new();
        }
        if !held.is_empty() {
            held = delete_slots(&node, engine, &locker, &held);
        }
        let chore = match chore {
            Ok(chore) => chore,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        match chore {
            Chore::Replicate(primary) => {
                // Without a link it is a replica that has none; the log says why.
                let _ = node.follow(Some(primary.id), primary.ip, primary.port);
            }
            Chore::BecomePrimary => node.become_primary(),
            Chore::DeleteSlots(slots) => {
                let later = delete_slots(&node, engine, &locker, &slots);
                if !later.is_empty() {
                    let text = "Keys of slots that went to another node are deleted when the pause is over.";
                    node.log(config::LogLevel::Notice, text);
                }
                later.iter().for_each(|slot| {
                    held.insert(slot);
                });
            }
            Chore::EmptyData => empty_data(&node, engine, &locker),
            Chore::EndPause => node.end_pause(engine::PauseBy::Failover),
        }
    }
}

/// After how long slots that a pause holds are looked at again.
const HELD_AGAIN: Duration = Duration::from_millis(10);

/// Waits until no command goes by a route from before.
fn pass_boundaries(engine: &Engine) {
    let mark = engine.store.gates().mark();
    while !engine.store.gates().all_passed(&mark) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Deletes the keys of slots that went to another node, and tells replicas and the AOF so. Answers
/// the slots that a pause holds.
fn delete_slots(node: &Node, engine: &Engine, locker: &Locker, slots: &SlotSet) -> SlotSet {
    pass_boundaries(engine);
    let mut held = SlotSet::new();
    for slot in slots.iter() {
        match delete_slot(engine, locker, slot) {
            Deleted::Nothing => {}
            Deleted::Keys => {
                let text = format!("Deleting keys in dirty slot {slot}: it went to another node.");
                node.log(config::LogLevel::Notice, &text);
            }
            Deleted::Held => {
                held.insert(slot);
            }
        }
    }
    held
}

/// What became of the keys of a slot.
enum Deleted {
    /// There were none, or this node has them by right.
    Nothing,
    /// They are gone.
    Keys,
    /// They are there, since a pause holds the slot.
    Held,
}

/// Deletes the keys of a slot that is another node's, unless a pause holds it. A replica's keys are
/// its primary's, and only the stream deletes them.
fn delete_slot(engine: &Engine, locker: &Locker, slot: Slot) -> Deleted {
    let _open = locker.enter();
    let mut guard = locker.lock(slot);
    // Looked at under the lock: the slot may have come back, or the role have changed.
    let mine = || engine.routing.view().is_some_and(|view| view.is_mine(slot));
    if engine.settings().replica || mine() {
        return Deleted::Nothing;
    }
    if engine.store.is_held(slot) {
        return Deleted::Held;
    }
    let keys: Vec<Vec<u8>> = guard
        .keys(0)
        .map(|keys| {
            keys.table()
                .iter()
                .map(|object| object.key().to_vec())
                .collect()
        })
        .unwrap_or_default();
    if keys.is_empty() {
        return Deleted::Nothing;
    }
    let mut effects = engine::Effects::default();
    effects.begin(&engine.store);
    for key in &keys {
        effects.deleted(&engine.store, 0, key);
    }
    if let Some(gone) = guard.take_keys(0) {
        engine.store.discard_later(Garbage::Keys(gone));
    }
    guard.count_dirty(keys.len() as u64);
    effects.settle(&engine.store, &mut guard);
    Deleted::Keys
}

/// Deletes everything: a replica that was reset has another history before it.
fn empty_data(node: &Node, engine: &Engine, locker: &Locker) {
    let hub = &node.replication().hub;
    {
        let world = locker.world();
        locker.flush(&world, None, |keys| {
            engine.store.discard_later(Garbage::Keys(keys))
        });
        hub.end_history(crate::replication::random_id());
    }
    hub.disconnect_replicas();
}
