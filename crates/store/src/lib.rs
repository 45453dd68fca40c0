//! Slots, slot guards, gates, the journal and tap.
//!
//! A [`Store`] holds the key space: 16384 slots, each with its tables behind a lock of its own.
//! A thread that wants to touch keys has a [`Locker`], opens its gate for a batch, and locks slots;
//! a [`SlotGuard`] is the only door to the keys of a slot. Nothing here knows of clients, replies
//! or files.
#![forbid(unsafe_code)]

mod count;
mod events;
mod expire;
mod expiries;
mod flush;
mod garbage;
pub mod gate;
mod guard;
mod guards;
mod held;
pub mod journal;
mod local;
mod locker;
pub mod memory;
#[cfg(all(test, feature = "model"))]
mod models;
mod mutant;
mod occupied;
pub mod order;
mod scan;
mod slot;
mod sync;
pub mod tap;
mod wait;
mod watch;

pub use count::Totals;
pub use events::{Class, Event, Events};
pub use expire::{ExpireCycle, ExpireProgress};
pub use expiries::{Deletion, Expiries};
pub use garbage::Garbage;
pub use guard::{Edit, Expiry, Flushed, SlotGuard, When};
pub use guards::Guards;
pub use locker::{Locker, Open};
pub use mutant::Mutant;
pub use scan::ScanCursor;
pub use slot::Keys;
pub use tap::{Image, Tap, Walker};
pub use wait::{Bell, Wake};
pub use watch::Watch;

use base::{Slot, SlotSet};
use count::AllCounts;
use ds::Object;
use ds::lock::TryLock;
use garbage::FreeCount;
use gate::{Gates, World};
use journal::Journal;
use occupied::Occupied;
use slot::SlotState;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak, mpsc};
use sync::{Mutex, RwLock};
use tap::Taps;
use wait::SlotWaits;

/// A slot. What every command looks at shares its first cache line: the lock, the route and the
/// head of database 0's table, with the count of keys that expire. What changes need besides
/// begins the second.
#[repr(C, align(64))]
struct Cell {
    /// Where the buckets of database 0 lay when the slot was unlocked last: what may be prefetched
    /// without the lock.
    hint: AtomicUsize,
    /// Who owns the slot and what is happening to it; the engine gives the word its meaning. One
    /// bit says whether keys of the slot are leaving.
    route: AtomicU64,
    state: TryLock<SlotState>,
}

// A model checker's atomics are larger.
#[cfg(not(feature = "model"))]
const _: () = {
    let state = std::mem::offset_of!(Cell, state) + TryLock::<SlotState>::VALUE_AT;
    assert!(state + std::mem::offset_of!(SlotState, first) + size_of::<Keys>() <= 64);
    assert!(size_of::<Cell>() <= 128);
};

/// The key space.
pub struct Store {
    cells: Box<[Cell]>,
    gates: Arc<Gates>,
    /// The ordered log of effects.
    pub journal: Arc<Journal>,
    pub(crate) taps: Taps,
    waits: SlotWaits,
    pub(crate) occupied: Occupied,
    counts: RwLock<AllCounts>,
    /// The physical database behind each database number: SWAPDB exchanges two entries.
    databases: Box<[AtomicU16]>,
    lazy_expire: AtomicBool,
    garbage: Mutex<mpsc::Sender<(Garbage, u64)>>,
    pub(crate) free_count: Arc<FreeCount>,
    listener: events::Listener,
    local: local::LocalExpiries,
    held: held::Held,
    /// The rule that a test has broken; 0: none.
    mutant: AtomicU8,
}

impl Store {
    /// An empty store with `databases` numbered databases. Starts the thread that frees what is
    /// large.
    pub fn new(databases: u16) -> Arc<Store> {
        let (garbage, bin) = mpsc::channel();
        let free_count = Arc::<FreeCount>::default();
        let freed = free_count.clone();
        let empty_bin = move |store: Weak<Store>| {
            for (item, objects) in bin {
                if let (Garbage::Watch(db, key, watch), Some(store)) = (&item, store.upgrade()) {
                    let locker = Locker::new(&store);
                    let _open = locker.enter();
                    locker.lock(Slot::of_key(key)).unwatch(*db, key, watch);
                }
                drop::<Garbage>(item);
                memory::tell();
                freed.end(objects);
            }
        };
        let cell = || Cell {
            hint: AtomicUsize::new(0),
            route: AtomicU64::new(0),
            state: TryLock::new(SlotState::new()),
        };
        let store = Arc::new(Store {
            cells: (0..Slot::COUNT).map(|_| cell()).collect(),
            gates: Arc::default(),
            journal: Arc::default(),
            taps: Taps::default(),
            waits: SlotWaits::new(),
            occupied: Occupied::new(databases),
            counts: RwLock::new(AllCounts::new(databases)),
            databases: (0..databases).map(AtomicU16::new).collect(),
            lazy_expire: AtomicBool::new(false),
            garbage: Mutex::new(garbage),
            free_count,
            listener: events::Listener::default(),
            local: local::LocalExpiries::default(),
            held: held::Held::default(),
            mutant: AtomicU8::new(0),
        });
        // Without the thread (no more can be started, or a model checker runs) the channel closes
        // and whoever discards frees it in place.
        if cfg!(not(feature = "model")) {
            let weak = Arc::downgrade(&store);
            let _ = std::thread::Builder::new()
                .name("lazyfree".into())
                .spawn(move || empty_bin(weak));
        }
        store
    }

    /// How many numbered databases there are.
    pub fn databases(&self) -> u16 {
        self.databases.len() as u16
    }

    /// The physical database behind a number. It changes only under the world.
    #[inline]
    pub fn physical_db(&self, number: u16) -> u16 {
        self.databases[usize::from(number)].load(Ordering::Relaxed)
    }

    /// The number of a physical database.
    pub fn logical_db(&self, physical: u16) -> u16 {
        let at = |db: &AtomicU16| db.load(Ordering::Relaxed) == physical;
        self.databases
            .iter()
            .position(at)
            .unwrap_or(usize::from(physical)) as u16
    }

    /// The gates of the threads that lock slots.
    pub fn gates(&self) -> &Arc<Gates> {
        &self.gates
    }

    /// Asks for the memory of a slot's head: its first cache line, and for a change all of it.
    #[inline]
    pub fn prefetch_slot(&self, slot: Slot, change: bool) {
        let cell = &self.cells[slot.index()];
        if change {
            ds::table::prefetch_value(cell);
        } else {
            ds::table::prefetch_value(&cell.hint);
        }
    }

    /// Asks for the bucket of a hash in database 0; to be called some time after
    /// [`Store::prefetch_slot`].
    #[inline]
    pub fn prefetch_bucket(&self, slot: Slot, hash: u64) {
        let hint = self.cells[slot.index()].hint.load(Ordering::Relaxed);
        ds::table::Hint::from_bits(hint).prefetch(hash);
    }

    /// Keys and keys with an expiry in a database, by its physical number.
    pub fn database_size(&self, db: u16) -> (u64, u64) {
        let (keys, expires) = self.counts.read().database(db);
        (keys.max(0) as u64, expires.max(0) as u64)
    }

    /// Counters over all threads.
    pub fn totals(&self) -> Totals {
        self.counts.read().totals()
    }

    /// CONFIG RESETSTAT: sets the counters of lookups and expiry to zero.
    pub fn reset_stats(&self) {
        self.counts.write().reset_stats();
    }

    /// Whether an expired key is journalled as UNLINK (`lazyfree-lazy-expire`) instead of DEL.
    pub fn set_lazy_expire(&self, on: bool) {
        self.lazy_expire.store(on, Ordering::Relaxed);
    }

    fn lazy_expire(&self) -> bool {
        self.lazy_expire.load(Ordering::Relaxed)
    }

    /// Frees a value: at once when that is quick, else in the background.
    pub fn discard(&self, object: Object) {
        if object.free_effort() > 64 {
            self.discard_later(Garbage::Object(object));
        }
    }

    /// Frees something in the background.
    pub fn discard_later(&self, garbage: Garbage) {
        let objects = self.free_count.begin(&garbage);
        if self.garbage.lock().send((garbage, objects)).is_err() {
            self.free_count.take_back(objects);
        }
    }

    /// Frees what waited for a tap that was given up.
    fn discard_remains(&self, remains: Option<tap::Remains>) {
        if let Some(remains) = remains {
            self.discard_later(Garbage::Images(remains));
        }
    }

    /// Ends a watch in the background: its slot is locked.
    pub fn unwatch_later(&self, db: u16, key: &[u8], watch: &Watch) {
        self.discard_later(Garbage::Watch(db, key.into(), watch.clone()));
    }

    /// Opens a tap over `slots`: the cut is now. `None` when all lanes are taken; try again when a
    /// walker has finished.
    pub fn tap(&self, world: &World<'_>, locker: &Locker, slots: SlotSet) -> Option<Tap> {
        self.tap_leaving(0, world, locker, slots)
    }

    /// How many taps could be opened now. Who is one of many asks this before it takes the world.
    pub fn free_taps(&self) -> usize {
        self.taps.free()
    }

    /// As [`Store::tap`], if so many lanes are left for others afterwards.
    pub fn tap_leaving(
        &self,
        spare: usize,
        world: &World<'_>,
        locker: &Locker,
        slots: SlotSet,
    ) -> Option<Tap> {
        let _ = world;
        let shared = self.taps.claim(spare)?;
        let mut sizes = std::collections::BTreeMap::<u16, (u64, u64)>::new();
        for slot in slots
            .iter()
            .filter(|&slot| self.occupied.any().contains(slot))
        {
            let mut guard = locker.lock(slot);
            guard.begin_walk(shared.lane());
            for (db, keys) in guard.state().databases() {
                let size = sizes.entry(self.logical_db(db)).or_default();
                size.0 += keys.len() as u64;
                size.1 += keys.expires() as u64;
            }
        }
        let primarys_db = self.journal.cut_selected();
        let numbers = (0..self.databases())
            .map(|physical| self.logical_db(physical))
            .collect();
        let sizes = sizes
            .into_iter()
            .map(|(db, (keys, expires))| (db, keys, expires))
            .collect();
        Some(Tap {
            cut: self.journal.cut(),
            primarys_db,
            sizes,
            numbers,
            slots,
            shared,
        })
    }

    /// Bytes of old values that wait for the walkers of taps.
    pub fn tap_bytes(&self) -> usize {
        self.taps.waiting_bytes()
    }

    /// Whether any tap is open.
    pub fn has_taps(&self) -> bool {
        self.taps.any()
    }
}

#[cfg(all(test, not(feature = "model")))]
mod tests;
