//! Replication as the server has it: whom it follows, who follows it, and the commands about it.

mod applying;
mod primary_client;
mod report;
mod role;
mod talk;

pub(crate) use report::info;
pub(crate) use talk::{ask_for_acknowledgements, tick};

use crate::hosted::Call;
use crate::node::Node;
use base::{NodeId, Offset, ReplId, num};
use config::LogLevel;
use engine::{Engine, Fail, PauseBy, PauseKind, Session, Taken};
use parking_lot::{Mutex, MutexGuard};
use persist::save::Progress;
use replicate::{Follower, Hub, LinkStatus, ServeLimits, ServeOptions, Terms, steady_ms};
use replproto::{Level, PrimarySession, Role};
use resp::Args;
use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;
use store::{Locker, Tap};

/// Whom this server follows, and its own replicas.
pub(crate) struct Replication {
    pub(crate) hub: Arc<Hub>,
    /// Whom this server follows: there is somebody as long as it is a replica, also while the link
    /// is exchanged. It changes together with the role that the engine goes by.
    following: Mutex<Option<Following>>,
    /// What connections that will become replicas have said so far, by their number.
    introductions: Mutex<HashMap<u64, Introduction>>,
    /// The data set is being loaded, or that failed: what is there is not whole.
    partial: AtomicBool,
    /// Had by whoever replaces the data set. Nobody waits for it.
    loader: Mutex<()>,
    /// Had while a unit of the primary's stream is applied, and by whoever keeps the stream away.
    applying: Mutex<()>,
    /// Whether replicas are to be asked for acknowledgements when a pause is over.
    asks_later: AtomicBool,
}

/// Bytes for a replica that wait in the kernel to be sent: enough for 10 Gbit/s while the sender
/// wakes, and few enough to see how fast the replica takes them.
const MOST_UNSENT: u32 = 256 << 10;

/// The machine of a connection that may become a replica, and its PSYNC once that has come.
type Introduction = (PrimarySession, Vec<Vec<u8>>);

/// The right to replace the data set.
pub(crate) struct Loader<'a> {
    partial: &'a AtomicBool,
    /// Whether the data set was whole when it was given.
    was_whole: bool,
    _turn: MutexGuard<'a, ()>,
}

impl Loader<'_> {
    /// What is there is being replaced, or is whole again.
    pub(crate) fn set_whole(&self, whole: bool) {
        self.partial.store(!whole, Ordering::Release);
    }
}

struct Following {
    /// Its id in the cluster.
    id: Option<NodeId>,
    host: String,
    port: u16,
    /// None while it is exchanged, and after it could not be started.
    link: Option<Follower>,
}

impl Following {
    fn status(&self) -> LinkStatus {
        self.link.as_ref().map(Follower::status).unwrap_or_default()
    }
}

/// A random name for a history.
pub(crate) fn random_id() -> ReplId {
    let mut random = [0; 20];
    // Without the system's randomness ids could collide: better not to run.
    getrandom::fill(&mut random).expect("the system gives random bytes");
    ReplId::from_random(random)
}

impl Replication {
    pub(crate) fn new(engine: &Engine) -> Replication {
        Replication {
            hub: Hub::new(&engine.store, random_id()),
            following: Mutex::new(None),
            introductions: Mutex::default(),
            partial: AtomicBool::new(false),
            loader: Mutex::new(()),
            applying: Mutex::new(()),
            asks_later: AtomicBool::new(false),
        }
    }

    /// Host, port and state of the link to the primary, if there is one.
    pub(crate) fn primary(&self) -> Option<(String, u16, LinkStatus)> {
        let following = self.following.lock();
        following
            .as_ref()
            .map(|f| (f.host.clone(), f.port, f.status()))
    }

    /// Whether this server is a replica: what it says of itself and what it appends go by this.
    pub(crate) fn is_replica(&self) -> bool {
        self.following.lock().is_some()
    }

    /// Whether the data set is whole. Where it must be at the instant of a cut, this is asked under
    /// the world.
    pub(crate) fn is_whole(&self) -> bool {
        !self.partial.load(Ordering::Acquire)
    }

    /// The right to replace the data set, and to say whether it is whole; nothing while somebody
    /// else has it, who would load into the same keys.
    pub(crate) fn loader(&self) -> Option<Loader<'_>> {
        let turn = self.loader.try_lock()?;
        Some(Loader {
            partial: &self.partial,
            was_whole: self.is_whole(),
            _turn: turn,
        })
    }

    /// As [`Replication::loader`].
    ///
    /// # Errors
    /// Why it is not to be had, for the log.
    pub(crate) fn try_loader(&self) -> Result<Loader<'_>, &'static str> {
        let busy = "the data set is being loaded already, by a synchronization or by DEBUG";
        self.loader().ok_or(busy)
    }

    /// Keeps the primary's stream from being applied while the guard lives. A pause alone does not:
    /// a unit that has begun may wait for a slot with its gate closed. The guard is taken before
    /// any slot and the world, since a unit locks slots under it.
    pub(crate) fn hold_stream(&self) -> MutexGuard<'_, ()> {
        self.applying.lock()
    }

    /// This server has put in the place of its data what it has itself, and all of that: it is
    /// whole. Only a replica whose synchronization failed waits for its primary's.
    pub(crate) fn replaced(&self, loader: &Loader<'_>) {
        let status = self.primary().map(|(.., status)| status);
        if loader.was_whole || status.is_none_or(|status| status.online) {
            loader.set_whole(true);
        }
    }

    /// Whether there is a link to this primary. In a cluster it may have got another id.
    fn is_linked_to(&self, id: Option<NodeId>, host: &str, port: u16) -> bool {
        let mut following = self.following.lock();
        let linked = following
            .as_mut()
            .filter(|f| f.link.is_some() && f.host == host && f.port == port);
        linked.map(|following| following.id = id).is_some()
    }

    fn role(&self) -> Role {
        match self.primary() {
            None => Role::Primary,
            Some((.., status)) => Role::Replica {
                link_up: status.online,
            },
        }
    }

    /// REPLCONF of a connection that is no replica yet.
    fn introduce(&self, id: u64, peer: &str, args: Args<'_>) -> Vec<u8> {
        let mut introductions = self.introductions.lock();
        let ip = peer.rsplit_once(':').map_or(peer, |(ip, _)| ip);
        let (session, _) = introductions
            .entry(id)
            .or_insert_with(|| (PrimarySession::new(ip), Vec::new()));
        let words: Vec<&[u8]> = args.from(1).iter().collect();
        session.replconf(steady_ms(), &words);
        let mut reply = Vec::new();
        while let Some(effect) = session.poll() {
            if let replproto::PrimaryEffect::Send(bytes) = effect {
                reply.extend_from_slice(&bytes);
            }
        }
        reply
    }

    /// Works out whether a replica without its primary serves what it has.
    pub(crate) fn set_stale(&self, config: &config::Config, engine: &Engine) {
        if let Some(following) = &*self.following.lock() {
            // The link says itself when it comes and goes; what it says meanwhile must not be lost.
            loop {
                let online = following.status().online;
                let stale = !online && !config.replica_serve_stale_data;
                if engine.settings().stale != stale {
                    engine.change_settings(|settings| settings.stale = stale);
                }
                if following.status().online == online {
                    break;
                }
            }
        }
    }

    /// A connection is gone: what it said goes too.
    pub(crate) fn forget(&self, id: u64) {
        self.introductions.lock().remove(&id);
    }

    /// The state that the cluster machine goes by.
    pub(crate) fn for_cluster(
        &self,
        engine: &Engine,
        clock: clusterio::Clock,
    ) -> cluster::Replication {
        let offset = Offset(engine.store.journal.offset());
        let whole = self.is_whole();
        let following = self.following.lock();
        match following.as_ref().map(|f| (f.id, f.status())) {
            None => cluster::Replication {
                offset,
                primary: None,
                synced: true,
                whole,
                connected: true,
                last_heard: None,
            },
            Some((primary, status)) => {
                let at = status.down_since.unwrap_or(status.last_input);
                let ago = steady_ms().saturating_sub(at);
                let heard = status.ever_up.then(|| clock.now().saturating_sub(ago));
                cluster::Replication {
                    offset,
                    primary,
                    synced: status.ever_up,
                    whole,
                    connected: status.online,
                    last_heard: heard,
                }
            }
        }
    }
}

/// ROLE
pub(crate) fn role(node: &Node) -> Taken {
    report::role(node)
}

/// REPLCONF option value ...
pub(crate) fn replconf(call: Call<'_>) -> Result<Taken, Fail> {
    let Some(session) = call.session else {
        return Ok(silent());
    };
    let (id, peer) = (session.card.id, session.card.peer.clone());
    let reply = call.node.replication().introduce(id, &peer, call.args);
    Ok(Taken::Now(Box::new(move |out| out.raw(&reply))))
}

/// PSYNC replicationid offset, SYNC: the connection becomes a replica's.
pub(crate) fn begin_stream(call: Call<'_>) -> Result<Taken, Fail> {
    let Some(session) = call.session else {
        return Err(engine::fail::SYNTAX.into());
    };
    let words: Vec<Vec<u8>> = call.args.iter().map(<[u8]>::to_vec).collect();
    let mut introductions = call.node.replication().introductions.lock();
    let peer = session.card.peer.clone();
    let ip = peer.rsplit_once(':').map_or(peer.as_str(), |(ip, _)| ip);
    let entry = introductions.entry(session.card.id);
    entry
        .or_insert_with(|| (PrimarySession::new(ip), Vec::new()))
        .1 = words;
    session.becomes_replica = true;
    Ok(silent())
}

fn silent() -> Taken {
    Taken::Now(Box::new(|_| {}))
}

/// REPLICAOF host port | NO ONE. A change of role waits for threads and passes gates: it is a
/// chore.
pub(crate) fn replicaof(call: Call<'_>) -> Result<Taken, Fail> {
    let Call {
        node,
        args,
        session,
        ..
    } = call;
    if node.bus().is_some() {
        return Err("ERR REPLICAOF not allowed in cluster mode.".into());
    }
    if args.get(1).eq_ignore_ascii_case(b"no") && args.get(2).eq_ignore_ascii_case(b"one") {
        return node.chore(session, |node, ticket| {
            node.become_primary();
            ticket.ok();
        });
    }
    let port = num::parse_i64(args.get(2)).and_then(|port| u16::try_from(port).ok());
    let port = port.ok_or("ERR Invalid master port")?;
    let host = String::from_utf8_lossy(args.get(1)).into_owned();
    node.chore(session, move |node, ticket| {
        if node.replication().is_linked_to(None, &host, port) {
            return ticket.answer(|reply| {
                reply.status("OK Already connected to specified master");
            });
        }
        match node.follow(None, host, port) {
            Ok(()) => ticket.ok(),
            Err(text) => ticket.error(format!("ERR {text}")),
        }
    })
}

impl Node {
    /// Takes over the socket of a connection that has sent PSYNC.
    pub(crate) fn adopt_replica(&self, detached: net::Detached, session: &Session) {
        let found = self
            .replication()
            .introductions
            .lock()
            .remove(&session.card.id);
        let card = session.card.clone();
        let Some((machine, request)) = found else {
            self.engine().clients.remove(card.id);
            return;
        };
        let (node, hub) = (self.shared(), self.replication().hub.clone());
        let closed = Arc::<AtomicBool>::default();
        let options = self.serve_options(closed.clone());
        card.set_flag(engine::clients::flags::REPLICA, true);
        let left = card.id;
        let work = move || {
            let net::Detached {
                stream,
                unread,
                unsent,
                ticket,
                ..
            } = detached;
            // A replica costs one descriptor, as any client: more are not set aside for it.
            let socket = Arc::new(std::net::TcpStream::from(stream.into_fd()));
            // A unix socket has no such option.
            let _ = net::limit_unsent(&socket, MOST_UNSENT);
            let other = socket.clone();
            let cut = move || {
                closed.store(true, Ordering::Release);
                drop(other.shutdown(std::net::Shutdown::Both));
            };
            let _ = card.cut.set(Box::new(cut));
            let mut first = &*socket;
            let sent = unsent.is_empty() || first.write_all(&unsent).is_ok();
            if sent {
                replicate::serve(&hub, socket, machine, request, unread, options);
            }
            drop(ticket);
            node.engine().clients.remove(card.id);
        };
        let spawned = std::thread::Builder::new()
            .name("replica".into())
            .spawn(work);
        if let Err(error) = spawned {
            self.engine().clients.remove(left);
            self.log(
                LogLevel::Warning,
                &format!("Cannot serve a replica: {error}"),
            );
        }
    }

    fn serve_limits(&self) -> ServeLimits {
        let config = self.config.read();
        ServeLimits {
            timeout_ms: config.repl_timeout as u64 * 1000,
            lag: config.client_output_buffer_limit.classes()[1].1.hard,
            backlog: config.repl_backlog_size,
        }
    }

    /// What serving a replica needs to know; `closed` is set when its connection is killed.
    fn serve_options(&self, closed: Arc<AtomicBool>) -> ServeOptions {
        let (config, node) = (self.config.read(), self.shared());
        let limits = self.serve_limits();
        let snapshot_node = Arc::downgrade(&node);
        let (role_node, log_node, ack_node, limits_node, whole_node) = (
            Arc::downgrade(&node),
            Arc::downgrade(&node),
            Arc::downgrade(&node),
            Arc::downgrade(&node),
            Arc::downgrade(&node),
        );
        ServeOptions {
            role: Box::new(move || {
                role_node
                    .upgrade()
                    .map_or(Role::Primary, |node| node.replication().role())
            }),
            limits: Box::new(move || {
                limits_node
                    .upgrade()
                    .map_or(limits, |node| node.serve_limits())
            }),
            diskless: config.repl_diskless_sync,
            nodelay: !config.repl_disable_tcp_nodelay,
            directory: crate::boot::as_path(&config.dir),
            snapshot: Arc::new(move |tap, locker, sink| {
                write_snapshot(&snapshot_node, tap, locker, sink)
            }),
            log: Arc::new(move |level, line| log(&log_node, level, line)),
            random_id,
            whole: Box::new(move || {
                let node = whole_node.upgrade();
                node.is_some_and(|node| node.replication().is_whole())
            }),
            closed,
            acknowledge_now: Box::new(move || {
                if let Some(node) = ack_node.upgrade()
                    && let Some(following) = &*node.replication().following.lock()
                    && let Some(link) = &following.link
                {
                    link.acknowledge_now();
                }
            }),
        }
    }

    /// Stops all writes until `until` for a manual failover, and tells the bus the offset.
    pub(crate) fn pause_for_failover(&self, until: Instant) {
        let node = self.shared();
        let work = move || {
            node.begin_pause(PauseBy::Failover, PauseKind::Writes, Some(until));
            if let Some(bus) = node.bus() {
                bus.paused(Offset(node.engine().store.journal.offset()));
            }
        };
        // Without the thread the failover times out, and nothing is lost.
        let _ = std::thread::Builder::new().name("pause".into()).spawn(work);
    }
}

/// How connections to primaries are made.
fn terms(config: &config::Config) -> Terms {
    let set = |bytes: &[u8]| {
        let text = || String::from_utf8_lossy(bytes).into_owned();
        (!bytes.is_empty()).then(text)
    };
    let auth = set(&config.masterauth).map(|password| (set(&config.masteruser), password));
    let announce_port = match config.replica_announce_port {
        0 => config.port,
        port => port,
    };
    Terms {
        auth,
        announce_port: announce_port as u16,
        announce_ip: set(&config.replica_announce_ip),
        source: crate::boot::source(config),
    }
}

fn log(node: &Weak<Node>, level: Level, line: &str) {
    if let Some(node) = node.upgrade() {
        let level = match level {
            Level::Notice => LogLevel::Notice,
            Level::Warning => LogLevel::Warning,
        };
        node.log(level, line);
    }
}

fn write_snapshot(
    node: &Weak<Node>,
    tap: Tap,
    locker: &Locker,
    sink: &mut dyn Write,
) -> Result<(), String> {
    let Some(node) = node.upgrade() else {
        let mut walker = tap.walker();
        walker.abandon();
        while walker.next(locker).is_some() {}
        return Err("the server ends".into());
    };
    let mut options = crate::persistence::options(&node.config.read());
    options.replication_id = Some(node.replication().hub.history().id.to_string());
    let written = persist::save::write(tap, locker, &options, &Progress::default(), sink);
    written.map(drop).map_err(|error| error.to_string())
}
