//! What all replication links of a server share: its history, and its replicas.

use crate::row::Row;
use crate::traffic::Traffic;
use base::{Offset, ReplId};
use parking_lot::Mutex;
use replproto::{History, Window};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use store::Store;
use store::journal::Audience;

/// One replica as others see it.
pub struct ReplicaLink {
    pub(crate) id: u64,
    /// One descriptor for all who use it.
    pub(crate) socket: Arc<TcpStream>,
    /// It is being ended, and does not count any more.
    pub(crate) closed: Arc<AtomicBool>,
    /// The address and port to show for it.
    pub(crate) ip: String,
    pub(crate) port: u16,
    pub(crate) state: Mutex<&'static str>,
    pub(crate) streaming: AtomicBool,
    pub(crate) acknowledged: AtomicI64,
    /// -1: it does not say.
    pub(crate) fsynced: AtomicI64,
    /// In ms of the steady clock.
    pub(crate) last_ack: AtomicU64,
}

/// What INFO and ROLE say of a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaInfo {
    /// Its address.
    pub ip: String,
    /// Its port.
    pub port: u16,
    /// `wait_bgsave`, `send_bulk` or `online`.
    pub state: &'static str,
    /// The offset it acknowledged.
    pub offset: i64,
    /// How far it is on its disk, if it says so.
    pub fsynced: Option<i64>,
    /// Seconds since it acknowledged.
    pub lag: u64,
}

/// History and replicas of one server.
pub struct Hub {
    store: Arc<Store>,
    history: Mutex<History>,
    replicas: Mutex<Vec<Arc<ReplicaLink>>>,
    last_id: AtomicU64,
    /// Who is told of acknowledgements.
    tell: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// Full syncs, partial ones, and partial ones that were refused.
    pub(crate) syncs: [AtomicU64; 3],
    traffic: Arc<Traffic>,
    /// How many replicas have a snapshot in a file of their own.
    files: Arc<AtomicUsize>,
    /// Replicas that want a place for such a file, and those that want a snapshot and have it.
    pub(crate) rows: [Row; 2],
}

/// Most snapshots in files of their own at a time: each takes a descriptor beside the replica's.
const MOST_FILES: usize = 16;

/// The place of one such file.
pub(crate) struct FileClaim(Arc<AtomicUsize>);

impl Drop for FileClaim {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Hub {
    /// A server with a history of its own that begins now.
    pub fn new(store: &Arc<Store>, id: ReplId) -> Arc<Hub> {
        Arc::new(Hub {
            store: store.clone(),
            history: Mutex::new(History::begin(id)),
            replicas: Mutex::default(),
            last_id: AtomicU64::new(0),
            tell: OnceLock::new(),
            syncs: Default::default(),
            traffic: Arc::default(),
            files: Arc::default(),
            rows: Default::default(),
        })
    }

    /// The store.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The bytes that replication links carry.
    pub fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    /// How many full syncs were served, partial ones, and requests for one that were refused.
    pub fn sync_counts(&self) -> (u64, u64, u64) {
        let count = |at: usize| self.syncs[at].load(Ordering::Relaxed);
        (count(0), count(1), count(2))
    }

    /// The history as it stands.
    pub fn history(&self) -> History {
        let mut history = *self.history.lock();
        history.offset = Offset(self.store.journal.offset());
        history
    }

    /// Changes the history.
    pub fn change_history(&self, change: impl FnOnce(&mut History)) {
        let mut history = self.history.lock();
        history.offset = Offset(self.store.journal.offset());
        change(&mut history);
    }

    /// CONFIG RESETSTAT: counts syncs from zero.
    pub fn reset_sync_counts(&self) {
        self.syncs
            .iter()
            .for_each(|count| count.store(0, Ordering::Relaxed));
    }

    /// What is kept of the stream, if anything is.
    pub fn window(&self) -> Option<Window> {
        let (first, next) = self.store.journal.backlog()?;
        Some(Window {
            first: Offset(first + 1),
            len: (next - first) as u64,
        })
    }

    /// Turns the backlog on: from now on the stream is written. Must be called under the world, or
    /// while this server applies somebody else's stream. Returns whether it was off.
    pub fn begin_backlog(&self, bytes: u64) -> bool {
        let journal = &self.store.journal;
        let off = journal.backlog().is_none();
        journal.set_backlog(bytes.max(1) as usize);
        journal.set_active(Audience::REPLICAS, true);
        off
    }

    /// The backlog, if there is one, is to have another size.
    pub fn resize_backlog(&self, bytes: u64) {
        let journal = &self.store.journal;
        if journal.backlog().is_some() {
            journal.set_backlog(bytes.max(1) as usize);
        }
    }

    /// Gives the backlog up, when nobody has needed it for long.
    pub fn end_backlog(&self) {
        let journal = &self.store.journal;
        journal.set_active(Audience::REPLICAS, false);
        journal.set_backlog(0);
    }

    /// The data set is gone: its history and its backlog end, and another history begins with
    /// nothing. Must be called under the world; afterwards the replicas are to be disconnected.
    pub fn end_history(&self, id: ReplId) {
        self.end_backlog();
        self.store.journal.set_offset(0);
        self.change_history(|history| history.restart(id, Offset(0)));
    }

    /// A place for a snapshot in a file of its own, while there is one.
    pub(crate) fn claim_file(&self) -> Option<FileClaim> {
        let more = |count| (count < MOST_FILES).then_some(count + 1);
        let claimed = self
            .files
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        claimed.ok().map(|_| FileClaim(self.files.clone()))
    }

    pub(crate) fn add(&self, link: Arc<ReplicaLink>) {
        self.replicas.lock().push(link);
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn remove(&self, id: u64) {
        self.replicas.lock().retain(|link| link.id != id);
        self.news();
    }

    /// Closes all replicas' connections: they will ask again and learn what changed.
    pub fn disconnect_replicas(&self) {
        for link in self.replicas.lock().iter() {
            link.closed.store(true, Ordering::Release);
            // A socket that is gone already is what is wanted.
            let _ = link.socket.shutdown(std::net::Shutdown::Both);
        }
    }

    /// Closes the connections of replicas that do not follow the stream yet: this server ends, and
    /// their snapshots stand in the way of its own.
    pub fn end_snapshots(&self) {
        for link in self.replicas.lock().iter() {
            if !link.streaming.load(Ordering::Acquire) {
                link.closed.store(true, Ordering::Release);
                // A socket that is gone already is what is wanted.
                let _ = link.socket.shutdown(std::net::Shutdown::Both);
            }
        }
    }

    /// The replicas that are connected, whatever their state.
    fn connected(&self) -> Vec<Arc<ReplicaLink>> {
        let replicas = self.replicas.lock();
        let open = replicas
            .iter()
            .filter(|link| !link.closed.load(Ordering::Acquire));
        open.cloned().collect()
    }

    /// How many replicas are connected, whatever their state.
    pub fn replica_count(&self) -> usize {
        self.connected().len()
    }

    /// How many replicas follow the stream and have acknowledged within `max_lag_seconds`.
    pub fn good_replicas(&self, max_lag_seconds: u64) -> usize {
        let now = crate::steady_ms();
        let good = |link: &&Arc<ReplicaLink>| {
            let silent = now.saturating_sub(link.last_ack.load(Ordering::Relaxed));
            link.streaming.load(Ordering::Relaxed) && silent <= max_lag_seconds * 1000
        };
        self.connected().iter().filter(good).count()
    }

    /// What INFO and ROLE say of the replicas.
    pub fn replicas(&self) -> Vec<ReplicaInfo> {
        let now = crate::steady_ms();
        let info = |link: &Arc<ReplicaLink>| {
            let fsynced = link.fsynced.load(Ordering::Relaxed);
            ReplicaInfo {
                ip: link.ip.clone(),
                port: link.port,
                state: *link.state.lock(),
                offset: link.acknowledged.load(Ordering::Relaxed),
                fsynced: (fsynced >= 0).then_some(fsynced),
                lag: now.saturating_sub(link.last_ack.load(Ordering::Relaxed)) / 1000,
            }
        };
        self.connected().iter().map(info).collect()
    }

    /// How many replicas have acknowledged `offset`.
    pub fn acknowledged(&self, offset: i64) -> usize {
        let replicas = self.connected();
        let has = |link: &&Arc<ReplicaLink>| {
            link.streaming.load(Ordering::Relaxed)
                && link.acknowledged.load(Ordering::Relaxed) >= offset
        };
        replicas.iter().filter(has).count()
    }

    /// Sets what is told when a replica has acknowledged something, or has gone.
    pub fn on_news(&self, tell: impl Fn() + Send + Sync + 'static) {
        let set = self.tell.set(Box::new(tell));
        debug_assert!(set.is_ok(), "one is told of news");
    }

    /// Tells of acknowledgements.
    pub(crate) fn news(&self) {
        if let Some(tell) = self.tell.get() {
            tell();
        }
    }
}
