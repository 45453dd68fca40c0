//! The registry of connections: what one connection may know of another.

use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use store::order::{Short, brief};

/// What the network layer knows of a connection, for CLIENT LIST; sizes in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// Since it was opened.
    pub age: Duration,
    /// Since it last sent anything.
    pub idle: Duration,
    /// Input that waits to become a command.
    pub query_len: usize,
    /// Memory of the input.
    pub query_memory: usize,
    /// Unsent output behind the last piece.
    pub output_tail: usize,
    /// Pieces of output before it.
    pub output_pieces: usize,
    /// All unsent output.
    pub output_len: usize,
    /// Memory of the output.
    pub output_memory: usize,
    /// All memory of the connection in the network layer.
    pub memory: usize,
}

/// Where a [`Reading`] comes from.
pub trait Meter: Send + Sync {
    /// The numbers as they stand.
    fn read(&self) -> Reading;
}

/// Ends a wait: with an error, or as if its time were up. Whether it was still waiting.
pub type Unblock = Box<dyn FnOnce(bool) -> bool + Send>;

/// What other connections see of a connection.
pub struct ClientCard {
    /// Its number; later connections have higher ones.
    pub id: u64,
    /// The other end, as CLIENT LIST prints it.
    pub peer: String,
    /// This end.
    pub local: String,
    /// File descriptor.
    pub fd: i32,
    /// When it came, in ms since 1970.
    pub created_ms: i64,
    /// The net layer's name for it, as (worker, the rest).
    pub place: (u16, u64),
    /// The network layer's numbers.
    pub meter: OnceLock<Box<dyn Meter>>,
    /// How CLIENT UNBLOCK ends the wait it is in, if it is in one.
    pub unblock: Mutex<Option<Unblock>>,
    /// How CLIENT KILL ends a connection that has left its worker.
    pub cut: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// Whether a key that it watches has changed.
    pub watch: Mutex<store::Watch>,
    /// Bytes out of turn that lie in its worker's inbox.
    pub pushed: AtomicUsize,
    /// Set by CLIENT KILL: it executes nothing more.
    pub killed: AtomicBool,
    /// The name, library and command that CLIENT LIST prints.
    pub label: Mutex<Label>,
    /// Numbers that CLIENT LIST prints; written by its worker.
    pub numbers: Numbers,
}

/// Words that CLIENT LIST prints of a connection.
#[derive(Clone, Debug, Default)]
pub struct Label {
    /// CLIENT SETNAME.
    pub name: Vec<u8>,
    /// CLIENT SETINFO LIB-NAME.
    pub lib_name: Vec<u8>,
    /// CLIENT SETINFO LIB-VER.
    pub lib_ver: Vec<u8>,
    /// The user it logged in as.
    pub user: Vec<u8>,
}

/// Numbers that CLIENT LIST prints of a connection.
#[derive(Default)]
pub struct Numbers {
    /// Number of its database.
    pub db: AtomicU64,
    /// Commands in its transaction; -1: none.
    pub multi: AtomicI64,
    /// Watched keys.
    pub watch: AtomicU64,
    /// Bytes of the commands in its transaction.
    pub multi_bytes: AtomicU64,
    /// Bytes of the arguments of its command that runs.
    pub argument_bytes: AtomicU64,
    /// Index of its last command plus one; 0: none.
    pub command: AtomicU64,
    /// 2 or 3.
    pub resp: AtomicU64,
    /// Flag letters, one bit each (see `flags`).
    pub flags: AtomicU64,
}

/// Bits of [`Numbers::flags`].
pub mod flags {
    /// `S`: a replica.
    pub const REPLICA: u64 = 1;
    /// `M`: a primary.
    pub const PRIMARY: u64 = 1 << 1;
    /// `O`: a monitor.
    pub const MONITOR: u64 = 1 << 2;
    /// `x`: in a transaction.
    pub const MULTI: u64 = 1 << 3;
    /// `b`: waiting.
    pub const BLOCKED: u64 = 1 << 4;
    /// `r`: in READONLY mode.
    pub const READONLY: u64 = 1 << 6;
    /// `U`: over a unix socket.
    pub const UNIX: u64 = 1 << 7;
    /// `e`: excluded from client eviction.
    pub const NO_EVICT: u64 = 1 << 8;
    /// `T`: reads leave no trace.
    pub const NO_TOUCH: u64 = 1 << 9;
    /// `c`: closing once its output is sent.
    pub const CLOSING: u64 = 1 << 10;
}

impl ClientCard {
    /// The card of a connection that came just now.
    pub fn new(id: u64, peer: String, local: String, fd: i32, place: (u16, u64)) -> ClientCard {
        let now = crate::clock::wall_us() / 1000;
        let numbers = Numbers {
            multi: AtomicI64::new(-1),
            ..Numbers::default()
        };
        numbers.resp.store(2, Ordering::Relaxed);
        ClientCard {
            id,
            peer,
            local,
            fd,
            created_ms: now,
            place,
            meter: OnceLock::new(),
            unblock: Mutex::new(None),
            watch: Mutex::default(),
            cut: OnceLock::new(),
            pushed: AtomicUsize::new(0),
            killed: AtomicBool::new(false),
            label: Mutex::new(Label {
                user: b"default".to_vec(),
                ..Label::default()
            }),
            numbers,
        }
    }

    /// Whether the other end is on this machine.
    pub fn is_local(&self) -> bool {
        let local = ["127.", "[::1]", "[::ffff:127."];
        self.has_flag(flags::UNIX) || local.iter().any(|start| self.peer.starts_with(start))
    }

    /// Whether CLIENT KILL has ended it.
    pub fn is_killed(&self) -> bool {
        self.killed.load(Ordering::SeqCst)
    }

    /// Sets or clears flag bits.
    pub fn set_flag(&self, bit: u64, on: bool) {
        if on {
            self.numbers.flags.fetch_or(bit, Ordering::Relaxed);
        } else {
            self.numbers.flags.fetch_and(!bit, Ordering::Relaxed);
        }
    }

    /// Whether a flag bit is set.
    pub fn has_flag(&self, bit: u64) -> bool {
        self.numbers.flags.load(Ordering::Relaxed) & bit != 0
    }
}

/// All connections, by number.
#[derive(Default)]
pub struct Clients {
    cards: RwLock<BTreeMap<u64, Arc<ClientCard>>>,
    last_id: AtomicU64,
    /// Connections that were accepted since the server started.
    pub accepted: AtomicU64,
    /// Connections that were refused because there were too many.
    pub rejected: AtomicU64,
}

impl Clients {
    /// The number of the next connection.
    pub fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Enters a connection.
    pub fn add(&self, card: Arc<ClientCard>) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        let _order = brief(Short::Registries);
        self.cards.write().insert(card.id, card);
    }

    /// Enters a connection again that has left its worker and lives on.
    pub fn keep(&self, card: Arc<ClientCard>) {
        let _order = brief(Short::Registries);
        self.cards.write().insert(card.id, card);
    }

    /// Strikes a connection out.
    pub fn remove(&self, id: u64) {
        let _order = brief(Short::Registries);
        self.cards.write().remove(&id);
    }

    /// A connection by its number.
    pub fn get(&self, id: u64) -> Option<Arc<ClientCard>> {
        let _order = brief(Short::Registries);
        self.cards.read().get(&id).cloned()
    }

    /// All connections, oldest first.
    pub fn all(&self) -> Vec<Arc<ClientCard>> {
        let _order = brief(Short::Registries);
        self.cards.read().values().cloned().collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        let _order = brief(Short::Registries);
        self.cards.read().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        let _order = brief(Short::Registries);
        self.cards.read().is_empty()
    }
}
