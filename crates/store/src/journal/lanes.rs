//! Where threads put their records, each in a lane of its own, until they are collected into the
//! log.
//!
//! Were the records written into the log at once, workers would take its lines from each other with
//! each command. As it is they share the journal's end only; whoever reads, collects.

use super::log::Inner;
use super::record::{HEADER, Records};
use super::{Audience, CHUNK, Journal, record};
use crate::order::{Short, brief};
use crate::sync::{Mutex, Ordering};

/// How many lanes there are; threads beyond that share them. A model checker has few, or a reader
/// that looks into all of them would take so many steps that it never found nothing.
const LANES: usize = if cfg!(feature = "model") { 3 } else { 16 };
/// When a lane holds so many full runs, its thread collects them at the end of its batch, if nobody
/// else is at it.
const MANY: usize = 2;
/// When a lane holds so many full runs, its thread collects them at once.
const TOO_MANY: usize = 4;

/// Records of one lane, in the order of their sequence numbers, which may leave some out.
#[derive(Default)]
pub(super) struct Run {
    bytes: Vec<u8>,
    /// Sequence number of its first record.
    first: u64,
    /// How many records it has.
    records: u64,
    /// The last one's sequence number.
    last: u64,
    /// How many bytes it adds to the replication stream.
    stream: u64,
    /// How many of its bytes are in the log.
    collected: usize,
}

impl Run {
    /// Sequence number of the first record that is not in the log.
    fn next(&self) -> u64 {
        if self.collected == 0 {
            return self.first;
        }
        let mut rest = Records::new(&self.bytes[self.collected..]);
        rest.next().map_or(self.last + 1, |record| record.sequence)
    }

    /// Whether it is worth a chunk of its own, and no record of another lane belongs between its
    /// own.
    fn may_be_a_chunk(&self) -> bool {
        let is_full = self.bytes.len() > self.bytes.capacity() / 4 * 3;
        is_full && self.collected == 0 && self.last - self.first + 1 == self.records
    }

    /// Writes a record.
    #[inline]
    pub(super) fn push(&mut self, sequence: u64, db: u16, audience: Audience, command: &[u8]) {
        if self.records == 0 {
            self.first = sequence;
        }
        self.last = sequence;
        self.records += 1;
        self.stream += if audience.replicas() {
            command.len() as u64
        } else {
            0
        };
        record::encode(&mut self.bytes, sequence, db, audience, command);
    }
}

/// A lane: the run that is written to, and full ones.
#[derive(Default)]
struct Lane {
    open: Run,
    full: Vec<Run>,
}

impl Lane {
    fn make_room(&mut self, bytes: usize) {
        if self.open.records > 0 {
            self.full.push(std::mem::take(&mut self.open));
        }
        self.open.bytes.reserve_exact(CHUNK.max(bytes));
    }
}

/// A lane, and nothing else near it.
#[derive(Default)]
#[repr(align(128))]
struct Apart(Mutex<Lane>);

/// All lanes.
#[derive(Default)]
pub(super) struct Lanes([Apart; LANES]);

impl Lanes {
    /// Takes a place at the end of the journal, in the calling thread's lane, and writes what
    /// belongs there. `place` answers how many bytes that are; it is called with the lane held, so
    /// whoever looks into all lanes after it has seen a sequence number finds that record there.
    /// Returns what `write` answered, and how many full runs the lane has then.
    #[inline]
    pub(super) fn write<P, E>(
        &self,
        place: impl FnOnce() -> (P, usize),
        write: impl FnOnce(P, &mut Run) -> E,
    ) -> (E, usize) {
        let _order = brief(Short::JournalLane);
        let mut lane = self.0[crate::sync::thread_number() % LANES].0.lock();
        let (place, bytes) = place();
        if bytes > lane.open.bytes.capacity() - lane.open.bytes.len() {
            lane.make_room(bytes);
        }
        let end = write(place, &mut lane.open);
        (end, lane.full.len())
    }

    /// Takes all runs out of the lanes.
    fn take(&self, runs: &mut Vec<Run>, spare: &mut Vec<Vec<u8>>) {
        let _order = brief(Short::JournalLane);
        for Apart(lane) in &self.0 {
            let mut lane = lane.lock();
            runs.append(&mut lane.full);
            if lane.open.records > 0 {
                let bytes = spare.pop().unwrap_or_default();
                let empty = Run {
                    bytes,
                    ..Run::default()
                };
                runs.push(std::mem::replace(&mut lane.open, empty));
            }
        }
    }
}

impl Journal {
    /// After an append to a lane that has so many full runs.
    #[cold]
    pub(super) fn crowd(&self, full: usize) {
        if full >= TOO_MANY {
            self.collect(&mut self.lock());
        } else if full >= MANY {
            self.crowded.store(true, Ordering::Relaxed);
        }
    }

    /// Collects at the end of a batch.
    #[cold]
    pub(super) fn relieve(&self) {
        if let Some(mut inner) = self.try_lock() {
            self.crowded.store(false, Ordering::Relaxed);
            self.collect(&mut inner);
        }
    }

    /// Moves what the lanes hold into the log: every record whose sequence number was taken before
    /// the call, and later ones as far as none is missing before them.
    pub(super) fn collect(&self, inner: &mut Inner) {
        let mut runs = std::mem::take(&mut inner.runs);
        self.lanes.take(&mut runs, &mut inner.spare);
        while let Some(index) = runs.iter().position(|run| run.next() == inner.sequence + 1) {
            let run = &mut runs[index];
            if run.may_be_a_chunk() {
                let run = runs.swap_remove(index);
                self.adopt(inner, run);
                continue;
            }
            self.copy(inner, run);
            if run.collected == run.bytes.len() {
                let mut bytes = runs.swap_remove(index).bytes;
                if bytes.capacity() <= CHUNK && inner.spare.len() < LANES {
                    bytes.clear();
                    inner.spare.push(bytes);
                }
            }
        }
        inner.runs = runs;
    }

    /// Makes a run a chunk of the log as it is.
    fn adopt(&self, inner: &mut Inner, run: Run) {
        if !inner.open.is_empty() {
            self.seal(inner);
        }
        inner.sequence = run.last;
        inner.offset += run.stream as i64;
        let open = std::mem::replace(&mut inner.open, run.bytes);
        self.seal(inner);
        inner.open = open;
    }

    /// Copies records of a run behind the log as long as they are next.
    fn copy(&self, inner: &mut Inner, run: &mut Run) {
        let mut rest = &run.bytes[run.collected..];
        for record in Records::new(rest) {
            if record.sequence != inner.sequence + 1 {
                break;
            }
            let length = HEADER + record.command.len();
            if length > inner.open.capacity() - inner.open.len() {
                self.make_room(inner, length);
            }
            let (bytes, behind) = rest.split_at(length);
            inner.open.extend_from_slice(bytes);
            rest = behind;
            inner.sequence = record.sequence;
            if record.audience.replicas() {
                inner.offset += record.command.len() as i64;
            }
        }
        run.collected = run.bytes.len() - rest.len();
    }
}
