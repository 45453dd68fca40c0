//! Command handlers by family, and what surrounds them: dispatch, sessions, transactions.
//!
//! A [`Worker`] belongs to one thread and executes commands of its [`Session`]s against the shared
//! [`Engine`]. Handlers are thin: they read arguments, call the verbs of `ds` through the
//! [`Keyspace`], write a reply and note the effect. What a handler cannot do without waiting (a
//! save, a cluster change, another node) it asks of the [`Host`], the program around the engine.
#![forbid(unsafe_code)]

pub mod access;
mod ahead;
mod caller;
mod change;
pub mod clients;
mod clock;
mod cx;
mod dice;
mod effects;
mod elements;
mod event;
pub mod fail;
mod family;
mod foreign;
mod handlers;
mod host;
mod key;
mod keyspace;
pub mod latency;
mod leaving;
mod long_double;
mod outcome;
mod pause;
mod redact;
mod route;
mod session;
mod settings;
mod stats;
pub mod timeout;
mod times;
mod transaction;
pub mod witness;
mod worker;

pub use caller::Caller;
pub use change::{Change, Entry, WholeChange};
pub use clients::{ClientCard, Clients, Meter, Reading};
pub use clock::{Clock, wall_us};
pub use cx::Cx;
pub use dice::Dice;
pub use effects::Effects;
pub use fail::{Done, Fail};
pub use family::memory::MemoryReport;
pub use family::monitor::Monitors;
pub use family::slowlog::SlowLog;
pub use foreign::Foreign;
pub use host::{Alone, Answer, Host, Taken, Ticket};
pub use key::Key;
pub use keyspace::Keyspace;
pub use outcome::Outcome;
pub use pause::{Pause, PauseBy, PauseKind};
pub use route::Routing;
pub use session::{ReplyMode, Session};
pub use settings::Settings;
pub use stats::{CommandStats, Stats};
pub use times::Spread;
pub use worker::Worker;

use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::Store;

/// What all workers share.
pub struct Engine {
    /// The key space.
    pub store: Arc<Store>,
    /// All connections.
    pub clients: Clients,
    /// Counters of what was done.
    pub stats: Stats,
    /// What commands know of the cluster.
    pub routing: Routing,
    /// The commands that took long.
    pub slow_log: SlowLog,
    /// The connections that are shown every command.
    pub monitors: Monitors,
    /// What took long.
    pub latency: latency::LatencyMonitor,
    /// Pauses of clients.
    pub pause: Pause,
    /// Bytes that do not count against `maxmemory`: what waits for replicas, the append-only file
    /// and snapshots. The server says how many now and then.
    pub uncounted: AtomicU64,
    /// The names of commands, as rename-command leaves them.
    pub directory: commands::Directory,
    host: Arc<dyn Host>,
    settings: RwLock<Arc<Settings>>,
    generation: AtomicU64,
}

impl Engine {
    /// An engine over a store.
    pub fn new(
        store: Arc<Store>,
        settings: Settings,
        directory: commands::Directory,
        host: Arc<dyn Host>,
    ) -> Arc<Engine> {
        Arc::new(Engine {
            pause: Pause::new(store.clone()),
            store,
            clients: Clients::default(),
            stats: Stats::default(),
            routing: Routing::default(),
            slow_log: SlowLog::default(),
            monitors: Monitors::default(),
            latency: latency::LatencyMonitor::default(),
            uncounted: AtomicU64::new(0),
            directory,
            host,
            settings: RwLock::new(Arc::new(settings)),
            generation: AtomicU64::new(1),
        })
    }

    /// The program around the engine.
    pub fn host(&self) -> &dyn Host {
        &*self.host
    }

    /// Whether the process has more memory than `limit` bytes (`maxmemory`), what does not count
    /// left out.
    pub fn is_past(&self, limit: u64) -> bool {
        store::memory::tell();
        let total = store::memory::total();
        total > limit && total.saturating_sub(self.uncounted.load(Ordering::Relaxed)) > limit
    }

    /// The settings that handlers go by.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.read().clone()
    }

    /// Takes over what CONFIG SET or a change of state has changed; workers see it from their next
    /// batch on.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings.write();
        let mut new = (**settings).clone();
        change(&mut new);
        *settings = Arc::new(new);
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    fn generation(&self) -> u64 {
        // With the opening of a gate before it: whoever finds a gate closed after a change knows
        // that its owner will see the change.
        self.generation.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests;
