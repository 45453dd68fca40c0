//! `tap`: a baseline of a set of slots at one instant, and the effects after it.
//!
//! The cut happens under the world: every tapped slot gets the tap's lane in its set of unfinished
//! taps. From then on two parties deliver baselines. The tap's own walker goes through the slots in
//! order, and through each slot by position (the bit-reversed hash), a little at a time. A writer
//! that is about to change a key which the walker has not reached delivers the old value first and
//! marks the key. The walker skips marked keys and takes the mark off, so that after the walk no
//! mark of the lane is left. Each key is delivered exactly once.
//!
//! The effects after the cut are read from the journal, from the position that the cut noted.

mod room;
mod walk;

use crate::journal::Cut;
use crate::order::{Short, brief};
use crate::sync::{AtomicBool, AtomicUsize, Condvar, Instant, Mutex, Ordering};
use base::{Slot, SlotSet};
use ds::{Object, Pin};
use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) use room::Room;
pub use walk::Walker;
pub(crate) use walk::position;

/// How many taps can be open at once: each has a mark bit in every key.
pub const LANES: usize = 8;

/// A set of lanes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LaneSet(u8);

impl LaneSet {
    /// No lane.
    pub const EMPTY: LaneSet = LaneSet(0);

    /// Whether no lane is in the set.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn contains(self, lane: u8) -> bool {
        self.0 & (1 << lane) != 0
    }

    pub(crate) fn with(self, lane: u8) -> LaneSet {
        LaneSet(self.0 | 1 << lane)
    }

    pub(crate) fn without(self, lane: u8) -> LaneSet {
        LaneSet(self.0 & !(1 << lane))
    }

    pub(crate) fn without_all(self, others: LaneSet) -> LaneSet {
        LaneSet(self.0 & !others.0)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = u8> {
        (0..LANES as u8).filter(move |&lane| self.contains(lane))
    }

    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    pub(crate) fn from_bits(bits: u8) -> LaneSet {
        LaneSet(bits)
    }
}

/// One key of a baseline.
pub struct Image {
    /// The number that the key's database had at the cut.
    pub db: u16,
    /// The key and its value as they were at the cut.
    pub pin: Pin,
}

/// What a tap's writers and its walker share.
pub(crate) struct Shared {
    lane: u8,
    images: Mutex<Images>,
    arrived: Condvar,
    /// Bytes of the images and tables that wait, as they were when they came.
    bytes: AtomicUsize,
    /// What has been kept of old since then for each large value, until it is written out.
    meters: Mutex<Vec<ds::Meter>>,
    /// The sum of these when it was last looked at.
    grown: AtomicUsize,
    cancelled: AtomicBool,
    room: Arc<Room>,
    /// Whether the sink is a network peer, which is given up rather than waited for.
    network: AtomicBool,
    /// Since when more waits than there is room for.
    over: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Images {
    /// Images with the bytes that they were counted with.
    queue: VecDeque<(Image, usize)>,
    /// Tables that FLUSH detached, with the position up to which they were delivered.
    detached: Vec<Detached>,
}

/// A table that left its slot while the tap had not finished with it.
pub(crate) struct Detached {
    pub(crate) db: u16,
    pub(crate) table: Arc<ds::Table<Object>>,
    pub(crate) cursor: u64,
    /// Bytes that it was counted with.
    pub(crate) bytes: usize,
}

impl Detached {
    pub(crate) fn new(db: u16, table: Arc<ds::Table<Object>>, cursor: u64) -> Detached {
        let mut sample = (0, 0);
        for object in table.iter().take(SAMPLE) {
            sample = (sample.0 + object.memory(), sample.1 + 1);
        }
        let bytes = table.memory() + sample.0 / sample.1.max(1) * table.len();
        Detached {
            db,
            table,
            cursor,
            bytes,
        }
    }
}

/// How many keys of a table are looked at to know how large the others are.
const SAMPLE: usize = 16;

/// What a tap that was given up leaves: freeing it may take long.
pub struct Remains {
    #[expect(dead_code, reason = "it is only freed")]
    images: Images,
}

impl Images {
    fn bytes(&self) -> usize {
        let images = self.queue.iter().map(|(_, bytes)| bytes);
        let tables = self.detached.iter().map(|detached| &detached.bytes);
        images.chain(tables).sum()
    }
}

impl Shared {
    pub(crate) fn lane(&self) -> u8 {
        self.lane
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Takes a baseline from a writer. What comes back is to be freed without the slot's lock.
    #[must_use]
    pub(crate) fn deliver(&self, db: u16, object: &Object) -> Option<Remains> {
        if self.is_cancelled() {
            return None;
        }
        let pin = object.pin();
        self.watch(&pin);
        let bytes = pin.kept_bytes();
        let is_over = self.count(bytes);
        self.images
            .lock()
            .queue
            .push_back((Image { db, pin }, bytes));
        self.arrived.notify_one();
        is_over.then(|| self.overrun())?
    }

    /// Watches what is kept for a large value from now on.
    fn watch(&self, pin: &Pin) {
        if let Some(meter) = pin.meter() {
            self.meters.lock().push(meter);
        }
    }

    /// Counts what is about to come, before the walker can take it; whether that is too much.
    fn count(&self, bytes: usize) -> bool {
        let waiting = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        waiting + self.grown.load(Ordering::Relaxed) > self.room.bound()
    }

    /// Bytes of old values that wait for the walker, or are being written out.
    pub(super) fn kept(&self) -> usize {
        let mut meters = self.meters.lock();
        meters.retain(|meter| !meter.is_over());
        let grown = meters.iter().map(ds::Meter::bytes).sum();
        self.grown.store(grown, Ordering::Relaxed);
        self.bytes.load(Ordering::Relaxed) + grown
    }

    /// Takes a table that left its slot. What comes back is to be freed without the slot's lock.
    #[must_use]
    pub(crate) fn deliver_table(&self, detached: Detached) -> Option<Remains> {
        if self.is_cancelled() {
            return None;
        }
        let is_over = self.count(detached.bytes);
        self.images.lock().detached.push(detached);
        is_over.then(|| self.overrun())?
    }
}

/// The open taps of a store.
#[derive(Default)]
pub(crate) struct Taps {
    lanes: Mutex<[Option<Arc<Shared>>; LANES]>,
    open: AtomicUsize,
    room: Arc<Room>,
}

impl Taps {
    /// Whether any tap is open.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.open.load(Ordering::Relaxed) != 0
    }

    /// Takes a lane, if more than `spare` are free.
    pub(crate) fn claim(&self, spare: usize) -> Option<Arc<Shared>> {
        let _order = brief(Short::Registries);
        let mut lanes = self.lanes.lock();
        if lanes.iter().filter(|lane| lane.is_none()).count() <= spare {
            return None;
        }
        let lane = lanes.iter().position(Option::is_none)?;
        let shared = Arc::new(Shared {
            lane: lane as u8,
            images: Mutex::default(),
            arrived: Condvar::new(),
            bytes: AtomicUsize::new(0),
            meters: Mutex::default(),
            grown: AtomicUsize::new(0),
            cancelled: AtomicBool::new(false),
            room: self.room.clone(),
            network: AtomicBool::new(false),
            over: Mutex::new(None),
        });
        lanes[lane] = Some(shared.clone());
        self.open.fetch_add(1, Ordering::Relaxed);
        Some(shared)
    }

    /// How many lanes are free.
    pub(crate) fn free(&self) -> usize {
        let _order = brief(Short::Registries);
        self.lanes.lock().iter().filter(|l| l.is_none()).count()
    }

    pub(crate) fn release(&self, lane: u8) {
        let shared = {
            let _order = brief(Short::Registries);
            self.lanes.lock()[usize::from(lane)].take()
        };
        if let Some(shared) = shared {
            shared.relieve();
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn get(&self, lane: u8) -> Option<Arc<Shared>> {
        let _order = brief(Short::Registries);
        self.lanes.lock()[usize::from(lane)].clone()
    }

    /// Bytes of images that wait for their walkers.
    pub(crate) fn waiting_bytes(&self) -> usize {
        let _order = brief(Short::Registries);
        let lanes = self.lanes.lock();
        lanes.iter().flatten().map(|shared| shared.kept()).sum()
    }
}

/// An open tap: what the cut found, and the walker over its slots.
pub struct Tap {
    /// Where in the journal the cut was.
    pub cut: Cut,
    /// The database that the primary's stream is in at the cut, on a replica: a reader that goes on
    /// from there has to know.
    pub primarys_db: Option<u16>,
    /// How many keys each database had in the tapped slots at the cut: (database, keys, expires).
    pub sizes: Vec<(u16, u64, u64)>,
    /// The number of each physical database at the cut (see [`crate::Store::logical_db`]).
    pub(crate) numbers: Vec<u16>,
    pub(crate) slots: SlotSet,
    pub(crate) shared: Arc<Shared>,
}

impl Tap {
    /// The slots whose baseline this is.
    pub fn slots(&self) -> &SlotSet {
        &self.slots
    }

    /// Says that the sink is a network peer: when it is too slow it is given up, where writers wait
    /// for a disk.
    pub fn for_network(self) -> Tap {
        self.shared.network.store(true, Ordering::Relaxed);
        self
    }

    /// Bytes of old values that writers delivered and nobody took yet.
    pub fn waiting_bytes(&self) -> usize {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// The walker that delivers the baseline. Must be run to its end, also when the baseline is no
    /// longer wanted (see [`Walker::abandon`]): it takes the marks off.
    pub fn walker(self) -> Walker {
        Walker::new(self)
    }

    pub(crate) fn first_slot(&self) -> Option<Slot> {
        self.slots.iter().next()
    }
}
