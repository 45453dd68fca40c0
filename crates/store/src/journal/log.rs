//! The log itself, and what its lock protects.

use super::bound::Bound;
use super::lanes::Run;
use crate::order::Brief;
use crate::sync::{AtomicBool, MutexGuard};
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// The log: what was collected from the lanes.
#[derive(Default)]
pub(super) struct Inner {
    /// The records of the open chunk.
    pub(super) open: Vec<u8>,
    /// Sequence number of the last record.
    pub(super) sequence: u64,
    /// Replication offset behind it.
    pub(super) offset: i64,
    /// What was taken out of the lanes and is not in the log yet.
    pub(super) runs: Vec<Run>,
    /// Empty buffers for lanes.
    pub(super) spare: Vec<Vec<u8>>,
    /// Position in the log of the open chunk's first byte.
    pub(super) open_start: u64,
    /// Replication offset before its first record.
    pub(super) open_offset: i64,
    pub(super) sealed: VecDeque<Chunk>,
    /// Bytes in them.
    pub(super) sealed_bytes: usize,
    pub(super) readers: Vec<ReaderState>,
    pub(super) next_reader: u64,
    pub(super) backlog_bytes: usize,
    pub(super) backlog_start: i64,
}

impl Inner {
    /// Position in the log of its end.
    pub(super) fn end(&self) -> u64 {
        self.open_start + self.open.len() as u64
    }

    /// The chunk that holds the record at a position or an offset, as `before` says which chunks
    /// begin no later: where it begins, its offset and its records.
    pub(super) fn chunk(&self, before: impl Fn(u64, i64) -> bool) -> Option<(u64, i64, &[u8])> {
        let sealed = self.sealed.iter();
        let sealed = sealed.map(|chunk| (chunk.start, chunk.offset, chunk.bytes.as_slice()));
        let open = (self.open_start, self.open_offset, self.open.as_slice());
        let mut chunks = sealed.chain(std::iter::once(open));
        chunks.rfind(|&(start, offset, _)| before(start, offset))
    }
}

/// A run of whole records that is complete.
pub(super) struct Chunk {
    /// Position in the log of its first byte.
    pub(super) start: u64,
    /// Replication offset before its first record.
    pub(super) offset: i64,
    pub(super) bytes: Arc<Vec<u8>>,
}

/// The right to the log; the order of locks knows of it.
pub(super) struct Locked<'a> {
    pub(super) inner: MutexGuard<'a, Inner>,
    pub(super) _order: Brief,
}

impl Deref for Locked<'_> {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Inner {
        &mut self.inner
    }
}

pub(super) struct ReaderState {
    pub(super) id: u64,
    pub(super) position: u64,
    pub(super) bound: Bound,
    /// Set when it was cut off.
    pub(super) cut: Arc<AtomicBool>,
}
