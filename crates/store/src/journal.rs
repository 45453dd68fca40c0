//! The journal: the ordered log of effects that replicas, the AOF and migrations read.
//!
//! A record gets its place while the slots that it changed are still locked, so the order of
//! records is the order of changes of every slot. Threads write into lanes of their own, and
//! whoever reads collects from them. Appending never waits; readers go at their own pace and keep
//! what they have not read alive. With no reader nothing is written at all.

mod baton;
mod bound;
mod lanes;
mod log;
mod reader;
mod record;
mod sleepers;
mod tail;
mod unit;

use crate::order::{Short, brief};
use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Mutex, Ordering};
use std::sync::Arc;

pub use baton::Baton;
use bound::Bound;
pub use bound::ReaderLimit;
use lanes::Lanes;
use log::{Chunk, Inner, Locked, ReaderState};
pub use reader::{Batch, Bell, Gauge, Reader};
use record::HEADER;
pub use record::{Audience, Record, Records};
use sleepers::Sleepers;
use tail::{End, Selected, Tail};
use unit::Unit;

/// How many bytes a chunk of the log holds before it is sealed.
const CHUNK: usize = 64 * 1024;

/// The ordered log of effects.
///
/// What every command looks at and what every append writes lie in lines of their own: workers that
/// only read would otherwise miss their caches whenever another appends.
pub struct Journal {
    /// Who reads: a set of [`Audience`] bits. Zero: appends are skipped.
    active: AtomicUsize,
    /// Whether nothing may be seen from outside before the file has it.
    gated: AtomicBool,
    /// The sequence number of the last record that may be seen: the file has it.
    released: AtomicU64,
    /// The sequence number of the last record that changed what every slot shows.
    floor: AtomicU64,
    /// Whether writers must wait, because a disk does not keep up.
    full: AtomicBool,
    /// Who reads for the file. It is not told of each batch: workers write what they have appended.
    file: Sleepers,
    /// Who reads for peers.
    network: Sleepers,
    /// Whether a lane holds much.
    crowded: AtomicBool,
    tail: Tail,
    lanes: Lanes,
    inner: Mutex<Inner>,
}

/// An effect that is to be appended.
#[derive(Clone, Copy)]
pub struct Effect<'a> {
    /// The database that it happened in.
    pub db: u16,
    /// Who is to see it.
    pub audience: Audience,
    /// The command, as RESP.
    pub command: &'a [u8],
}

/// A place in the log together with what was true there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Position in the log.
    pub position: u64,
    /// Sequence number of the last record before it.
    pub sequence: u64,
    /// Replication offset.
    pub offset: i64,
}

impl Default for Journal {
    fn default() -> Journal {
        Journal {
            active: AtomicUsize::new(0),
            gated: AtomicBool::new(false),
            released: AtomicU64::new(0),
            floor: AtomicU64::new(0),
            full: AtomicBool::new(false),
            file: Sleepers::default(),
            network: Sleepers::default(),
            crowded: AtomicBool::new(false),
            tail: Tail::default(),
            lanes: Lanes::default(),
            inner: Mutex::default(),
        }
    }
}

impl Journal {
    /// Whether anybody reads, so that effects must be encoded.
    #[inline]
    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::Relaxed) != 0
    }

    /// Turns writing for an audience on or off. Turning on is only right when nothing that the
    /// audience must see can happen at the same time: under the world, or before any worker runs.
    pub fn set_active(&self, audience: Audience, on: bool) {
        let _inner = self.lock();
        if on {
            self.active.fetch_or(audience.bits(), Ordering::SeqCst);
        } else {
            self.active.fetch_and(!audience.bits(), Ordering::SeqCst);
        }
    }

    /// Whether effects are written for this audience.
    pub fn active_for(&self, audience: Audience) -> bool {
        self.active.load(Ordering::Relaxed) & audience.bits() != 0
    }

    /// The sequence number of the last record.
    pub fn sequence(&self) -> u64 {
        self.tail.sequence()
    }

    /// The replication offset: bytes of the replication stream so far.
    pub fn offset(&self) -> i64 {
        self.tail.offset()
    }

    /// Sets the replication offset, as after a full sync or a load. The backlog begins anew there.
    pub fn set_offset(&self, offset: i64) {
        let mut inner = self.lock();
        self.collect(&mut inner);
        self.seal(&mut inner);
        inner.offset = offset;
        inner.open_offset = offset;
        inner.backlog_start = offset;
        self.tail.advance(|end| {
            end.cut.offset = offset;
            end.selected = Selected::Nothing;
        });
    }

    /// Bytes that the log keeps in memory.
    pub fn retained(&self) -> usize {
        let mut inner = self.lock();
        self.collect(&mut inner);
        inner.sealed_bytes + inner.open.len()
    }

    /// Appends the effects of one command or transaction as one unit. With more than one effect the
    /// unit is wrapped in MULTI and EXEC. Returns the sequence number of its last record, or 0 when
    /// nobody reads.
    pub fn append(&self, effects: &[Effect<'_>]) -> u64 {
        self.append_at(effects).0
    }

    /// As [`Journal::append`]; returns the replication offset behind the unit too. Asking for it
    /// later would fetch the line that another worker is writing by then.
    pub fn append_at(&self, effects: &[Effect<'_>]) -> (u64, i64) {
        let active = self.active.load(Ordering::Relaxed);
        if active == 0 || effects.is_empty() {
            return (0, 0);
        }
        let end = self.write(&Unit::framed(effects, active));
        (end.sequence, end.offset)
    }

    /// Appends records as they came from a primary: nothing is added, so that the offset stays the
    /// primary's. Records for replicas must together be the primary's bytes; behind them its stream
    /// is in database `db`.
    pub fn append_verbatim(&self, records: &[Effect<'_>], db: u16) -> u64 {
        let active = self.active.load(Ordering::Relaxed);
        self.write(&Unit::verbatim(records, active, db)).sequence
    }

    /// Appends what only the link is about, as PING: it is in no database.
    pub fn append_talk(&self, record: Effect<'_>) -> u64 {
        let active = self.active.load(Ordering::Relaxed);
        self.write(&Unit::talk(&[record], active)).sequence
    }

    /// Forgets which database the replication stream is in, at a load and a promotion: a SELECT
    /// comes before the next command.
    pub fn forget_selected(&self) {
        self.tail.advance(|end| end.selected = Selected::Nothing);
    }

    /// At a cut: new readers do not know which database our own stream is in. Returns the one that
    /// the primary's stream is in, if it is that which we pass on: they have to be told.
    pub fn cut_selected(&self) -> Option<u16> {
        let cut = |end: &mut End| {
            if end.selected.own().is_some() {
                end.selected = Selected::Nothing;
            }
        };
        self.tail.advance(cut).1.selected.primarys()
    }

    /// The primary's stream, which is passed on from here, is in this database.
    pub fn pass_on(&self, db: u16) {
        self.tail
            .advance(|end| end.selected = Selected::Primarys(db));
    }

    /// The database that the primary's stream is in that was passed on last.
    pub fn primarys_db(&self) -> Option<u16> {
        self.tail.advance(|_| ()).0.selected.primarys()
    }

    /// Writes a unit; returns what is true behind it.
    #[inline]
    fn write(&self, unit: &Unit<'_>) -> Cut {
        let place = || {
            let (before, after) = self.tail.advance(|end| {
                let before = end.selected;
                end.selected = unit.walk(before, |_, who, command| end.pass(who, command.len()));
            });
            let bytes = after.cut.position - before.cut.position;
            ((before, after.cut), bytes as usize)
        };
        let (end, full) = self.lanes.write(place, |(before, end), run| {
            let mut sequence = before.cut.sequence;
            unit.walk(before.selected, |db, audience, command| {
                sequence += 1;
                run.push(sequence, db, audience, command);
            });
            end
        });
        self.file.note_news();
        self.network.note_news();
        if full > 0 {
            self.crowd(full);
        }
        end
    }

    /// Begins a chunk in which a record of `length` bytes has room.
    #[cold]
    fn make_room(&self, inner: &mut Inner, length: usize) {
        if !inner.open.is_empty() {
            self.seal(inner);
        }
        inner.open.reserve_exact(CHUNK.max(length));
    }

    fn seal(&self, inner: &mut Inner) {
        let full = Chunk {
            start: inner.open_start,
            offset: inner.open_offset,
            bytes: Arc::new(std::mem::take(&mut inner.open)),
        };
        inner.open_start += full.bytes.len() as u64;
        inner.open_offset = inner.offset;
        inner.sealed_bytes += full.bytes.len();
        if !full.bytes.is_empty() {
            inner.sealed.push_back(full);
        }
        self.hold_to_bounds(inner);
        self.trim(inner);
    }

    /// Frees sealed chunks that no reader and no backlog needs.
    fn trim(&self, inner: &mut Inner) {
        let slowest = inner.readers.iter().map(|reader| reader.position).min();
        let keep_from = inner.offset - inner.backlog_bytes as i64;
        while let Some(first) = inner.sealed.front() {
            let end = first.start + first.bytes.len() as u64;
            let next_offset = inner
                .sealed
                .get(1)
                .map_or(inner.open_offset, |next| next.offset);
            let read = slowest.is_none_or(|position| position >= end);
            if !read || (inner.backlog_bytes > 0 && next_offset > keep_from) {
                break;
            }
            inner.sealed_bytes -= first.bytes.len();
            inner.backlog_start = inner.backlog_start.max(next_offset);
            inner.sealed.pop_front();
        }
    }

    fn lock(&self) -> Locked<'_> {
        let order = brief(Short::Journal);
        Locked {
            inner: self.inner.lock(),
            _order: order,
        }
    }

    fn try_lock(&self) -> Option<Locked<'_>> {
        let order = brief(Short::Journal);
        let inner = self.inner.try_lock()?;
        Some(Locked {
            inner,
            _order: order,
        })
    }

    /// The end of the log now. Exact only while nobody appends: under the world.
    pub fn cut(&self) -> Cut {
        self.tail.now()
    }

    /// How many bytes of the replication stream are kept for partial resynchronisation; 0 turns the
    /// backlog off. It begins at the present offset when it was off.
    pub fn set_backlog(&self, bytes: usize) {
        let mut inner = self.lock();
        if inner.backlog_bytes == 0 && bytes > 0 {
            self.collect(&mut inner);
            self.seal(&mut inner);
            inner.backlog_start = inner.offset;
        }
        inner.backlog_bytes = bytes;
        self.trim(&mut inner);
    }

    /// The first and the next offset that the backlog holds, if there is one.
    pub fn backlog(&self) -> Option<(i64, i64)> {
        let mut inner = self.lock();
        self.collect(&mut inner);
        (inner.backlog_bytes > 0).then(|| (self.backlog_start(&inner), self.offset()))
    }

    /// The first offset that the backlog holds. What is there only because its chunk is not full
    /// yet, or because some other reader is slow, is not part of it.
    fn backlog_start(&self, inner: &Inner) -> i64 {
        let most = inner.backlog_bytes.saturating_add(CHUNK);
        let oldest = self
            .offset()
            .saturating_sub(i64::try_from(most).unwrap_or(i64::MAX));
        inner.backlog_start.max(oldest)
    }

    /// A reader that begins at the end of the log, or at `from` if that is still kept.
    pub fn reader(self: &Arc<Journal>, from: Option<Cut>) -> Option<Reader> {
        let mut inner = self.lock();
        self.collect(&mut inner);
        let end = inner.end();
        let first = inner
            .sealed
            .front()
            .map_or(inner.open_start, |chunk| chunk.start);
        let position = from.map_or(end, |cut| cut.position);
        if !(first..=end).contains(&position) {
            return None;
        }
        Some(self.register(&mut inner, position, 0))
    }

    /// A reader for the replication stream from `offset` on, if the backlog still has that byte.
    pub fn reader_from_offset(self: &Arc<Journal>, offset: i64) -> Option<Reader> {
        let mut inner = self.lock();
        self.collect(&mut inner);
        let held = self.backlog_start(&inner)..=inner.offset;
        if inner.backlog_bytes == 0 || !held.contains(&offset) {
            return None;
        }
        let (mut position, mut at, bytes) = inner.chunk(|_, begins| begins <= offset)?;
        let mut skip = 0;
        for record in Records::new(bytes) {
            let length = if record.audience.replicas() {
                record.command.len() as i64
            } else {
                0
            };
            if at + length > offset {
                skip = (offset - at) as usize;
                break;
            }
            at += length;
            position += (HEADER + record.command.len()) as u64;
        }
        Some(self.register(&mut inner, position, skip))
    }

    fn register(self: &Arc<Journal>, inner: &mut Inner, position: u64, skip: usize) -> Reader {
        inner.next_reader += 1;
        let id = inner.next_reader;
        let cut = Arc::new(AtomicBool::new(false));
        inner.readers.push(ReaderState {
            id,
            position,
            bound: Bound::None,
            cut: cut.clone(),
        });
        Reader {
            cut,
            journal: self.clone(),
            id,
            position,
            skip,
            everything: false,
        }
    }

    /// Whether nothing may be seen from outside before the file has it: written, or with
    /// `appendfsync always` synced.
    pub fn is_gated(&self) -> bool {
        self.gated.load(Ordering::Relaxed)
    }

    /// Sets whether nothing may be seen from outside before the file has it.
    pub fn set_gated(&self, on: bool) {
        self.gated.store(on, Ordering::SeqCst);
        self.network.tell();
        self.network.wake_all();
    }

    /// The sequence number of the last record that may be seen from outside while that is so.
    #[inline]
    pub fn released(&self) -> u64 {
        self.released.load(Ordering::Acquire)
    }

    /// Notes that the file has everything up to a sequence number.
    pub fn release(&self, sequence: u64) {
        let before = self.released.fetch_max(sequence, Ordering::SeqCst);
        if before < sequence && self.is_gated() {
            self.network.tell();
            self.network.wake_all();
        }
    }

    /// Waits until everything up to a sequence number may be seen, or `over` says that nobody waits
    /// any more. Not for workers.
    pub fn await_release(&self, sequence: u64, over: impl Fn() -> bool) {
        while self.is_gated() && self.released() < sequence && !over() {
            crate::sync::sleep(std::time::Duration::from_millis(1));
        }
    }

    /// The sequence number of the last record that changed what every slot shows (FLUSHALL,
    /// SWAPDB). Whoever sees any slot sees what it did.
    #[inline]
    pub fn floor(&self) -> u64 {
        self.floor.load(Ordering::Acquire)
    }

    /// Notes a record that changed what every slot shows. To be called under the world.
    pub fn raise_floor(&self, sequence: u64) {
        self.floor.fetch_max(sequence, Ordering::SeqCst);
    }

    /// Wakes readers that sleep, if anything was appended since the last call, and collects what
    /// has gathered where none reads. Called at the end of a batch, after its slots are unlocked.
    /// Peers that may not see it yet are woken when they may.
    pub fn wake_readers(&self) {
        self.relieve_if_crowded();
        self.file.wake_all();
        if !self.is_gated() {
            self.network.wake_all();
        }
    }

    /// The same for a thread that has the file written itself, right after this.
    pub fn wake_peers(&self) {
        self.relieve_if_crowded();
        if !self.is_gated() {
            self.network.wake_all();
        }
    }

    fn relieve_if_crowded(&self) {
        if self.crowded.load(Ordering::Relaxed) {
            self.relieve();
        }
    }
}

#[cfg(all(test, not(feature = "model")))]
mod tests;
