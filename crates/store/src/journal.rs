//! The journal: the ordered log of effects that replicas, the AOF and migrations read.
//!
//! A record gets its place while the slots that it changed are still locked, so the order of
//! records is the order of changes of every slot. Appending never waits; readers go at their own
//! pace and keep what they have not read alive. With no reader nothing is written at all.

use crate::order::{Short, brief};
use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;

mod bound;
mod log;
mod reader;
mod record;

use bound::Bound;
pub use bound::CutFlag;
use log::{Chunk, Inner, Locked, ReaderState, Tail};
pub use reader::{Batch, Gauge, Reader};
use record::HEADER;
pub use record::{Audience, Record, Records};

/// How many bytes a chunk of the log holds before it is sealed.
const CHUNK: usize = 64 * 1024;

/// The ordered log of effects.
///
/// What every command looks at and what every append writes lie in lines of their own: workers that
/// only read would otherwise miss their caches whenever another appends.
pub struct Journal {
    /// Who reads: a set of [`Audience`] bits. Zero: appends are skipped.
    active: AtomicUsize,
    /// Set by an append while a reader sleeps, cleared when readers were woken at the end of a
    /// batch.
    news: AtomicBool,
    /// Whether nothing may be seen from outside before it is synced.
    gated: AtomicBool,
    /// The sequence number of the last record that is synced.
    synced: AtomicU64,
    /// Whether writers must wait, because a disk does not keep up.
    full: AtomicBool,
    tail: Tail,
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

const SELECT_LIMIT: usize = 64;

impl Default for Journal {
    fn default() -> Journal {
        Journal {
            active: AtomicUsize::new(0),
            news: AtomicBool::new(false),
            gated: AtomicBool::new(false),
            synced: AtomicU64::new(0),
            full: AtomicBool::new(false),
            tail: Tail::default(),
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
        self.tail.sequence.load(Ordering::Acquire)
    }

    /// The replication offset: bytes of the replication stream so far.
    pub fn offset(&self) -> i64 {
        self.tail.offset.load(Ordering::Acquire)
    }

    /// Sets the replication offset, as after a full sync or a load. The backlog begins anew there.
    pub fn set_offset(&self, offset: i64) {
        let mut inner = self.lock();
        self.seal(&mut inner);
        inner.open_offset = offset;
        inner.backlog_start = offset;
        inner.stream_db = None;
        self.tail.offset.store(offset, Ordering::Release);
    }

    /// Bytes that the log keeps in memory.
    pub fn retained(&self) -> usize {
        let inner = self.lock();
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
        let mut inner = self.lock();
        let wrap = effects.len() > 1;
        // Whoever sees none of the unit sees no frame either.
        let everybody = effects.iter().map(|effect| effect.audience);
        let frame = everybody.reduce(Audience::or).map(|all| all.and(active));
        let frame = frame.filter(|all| wrap && all.bits() != 0);
        for (index, effect) in effects.iter().enumerate() {
            let audience = effect.audience.and(active);
            if audience.bits() == 0 {
                continue;
            }
            // The selection belongs to the unit, as in Redis: a unit begins with its MULTI.
            if let Some(frame) = frame.filter(|_| index == 0) {
                self.write(&mut inner, effect.db, frame, MULTI);
            }
            if audience.replicas() && inner.stream_db != Some(effect.db) {
                inner.stream_db = Some(effect.db);
                self.write(
                    &mut inner,
                    effect.db,
                    Audience::REPLICAS,
                    &select(effect.db),
                );
            }
            self.write(&mut inner, effect.db, audience, effect.command);
        }
        if let Some(frame) = frame {
            self.write(&mut inner, effects[0].db, frame, EXEC);
        }
        self.note_news(&inner);
        (
            self.tail.sequence.load(Ordering::Relaxed),
            self.tail.offset.load(Ordering::Relaxed),
        )
    }

    /// Appends records as they came from a primary: nothing is added, so that the offset stays the
    /// primary's. Records for replicas must together be the primary's bytes.
    pub fn append_verbatim(&self, records: &[Effect<'_>]) -> u64 {
        let active = self.active.load(Ordering::Relaxed);
        let mut inner = self.lock();
        for record in records {
            let audience = record.audience.and(active);
            if audience.bits() != 0 {
                self.write(&mut inner, record.db, audience, record.command);
            }
        }
        self.note_news(&inner);
        self.tail.sequence.load(Ordering::Relaxed)
    }

    /// Forgets which database the replication stream is in: at a cut, a load and a promotion.
    pub fn forget_stream_db(&self) {
        self.lock().stream_db = None;
    }

    /// Has sleeping readers woken at the end of the batch.
    #[inline]
    fn note_news(&self, inner: &Inner) {
        if inner.asleep {
            self.news.store(true, Ordering::Relaxed);
        }
    }

    #[inline]
    fn write(&self, inner: &mut Inner, db: u16, audience: Audience, command: &[u8]) {
        let sequence = self.tail.sequence.load(Ordering::Relaxed) + 1;
        let length = command.len() + HEADER;
        if length > inner.open.capacity() - inner.open.len() {
            self.make_room(inner, length);
        }
        record::encode(&mut inner.open, sequence, db, audience, command);
        // Whoever has the lock is the only writer.
        if audience.replicas() {
            let offset = self.tail.offset.load(Ordering::Relaxed) + command.len() as i64;
            self.tail.offset.store(offset, Ordering::Release);
        }
        self.tail.sequence.store(sequence, Ordering::Release);
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
        inner.open_offset = self.offset();
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
        let keep_from = self.offset() - inner.backlog_bytes as i64;
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
            inner: self.tail.inner.lock(),
            _order: order,
        }
    }

    /// The end of the log now. Exact only while nobody appends: under the world.
    pub fn cut(&self) -> Cut {
        let inner = self.lock();
        Cut {
            position: inner.end(),
            sequence: self.sequence(),
            offset: self.offset(),
        }
    }

    /// How many bytes of the replication stream are kept for partial resynchronisation; 0 turns the
    /// backlog off. It begins at the present offset when it was off.
    pub fn set_backlog(&self, bytes: usize) {
        let mut inner = self.lock();
        if inner.backlog_bytes == 0 && bytes > 0 {
            self.seal(&mut inner);
            inner.backlog_start = self.offset();
        }
        inner.backlog_bytes = bytes;
        self.trim(&mut inner);
    }

    /// The first and the next offset that the backlog holds, if there is one.
    pub fn backlog(&self) -> Option<(i64, i64)> {
        let inner = self.lock();
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
        let held = self.backlog_start(&inner)..=self.offset();
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
            wake: None,
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

    /// Whether nothing may be seen from outside before it is synced (`appendfsync always`).
    pub fn is_gated(&self) -> bool {
        self.gated.load(Ordering::Relaxed)
    }

    /// Sets whether nothing may be seen from outside before it is synced.
    pub fn set_gated(&self, on: bool) {
        self.gated.store(on, Ordering::SeqCst);
        self.tell();
    }

    /// The sequence number of the last record that is synced.
    #[inline]
    pub fn synced(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    /// Notes up to which sequence number records are synced.
    pub fn set_synced(&self, sequence: u64) {
        self.synced.store(sequence, Ordering::SeqCst);
        if self.is_gated() {
            self.tell();
        }
    }

    fn tell(&self) {
        self.news.store(true, Ordering::SeqCst);
        self.wake_readers();
    }

    /// Wakes readers that sleep, if anything was appended since the last call. Workers call it at
    /// the end of a batch, after their slots are unlocked.
    pub fn wake_readers(&self) {
        if !self.news.load(Ordering::Relaxed) || !self.news.swap(false, Ordering::SeqCst) {
            return;
        }
        let mut inner = self.lock();
        inner.asleep = false;
        for reader in &mut inner.readers {
            if let Some(thread) = reader.wake.take() {
                thread.unpark();
            }
        }
    }
}

const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

fn select(db: u16) -> Vec<u8> {
    let number = db.to_string();
    let mut command = Vec::with_capacity(SELECT_LIMIT);
    command.extend_from_slice(b"*2\r\n$6\r\nSELECT\r\n$");
    command.extend_from_slice(number.len().to_string().as_bytes());
    command.extend_from_slice(b"\r\n");
    command.extend_from_slice(number.as_bytes());
    command.extend_from_slice(b"\r\n");
    command
}

#[cfg(all(test, not(feature = "model")))]
mod tests;
