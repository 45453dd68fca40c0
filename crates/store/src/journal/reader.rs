//! Readers of the log.

use super::record::HEADER;
use super::{Inner, Journal, Records, Sleepers};
use crate::sync::AtomicBool;
use std::sync::Arc;

/// One reader of the log. What it has not read is kept.
pub struct Reader {
    pub(super) cut: Arc<AtomicBool>,
    pub(super) journal: Arc<Journal>,
    pub(super) id: u64,
    pub(super) position: u64,
    /// Bytes of the first record that the reader already has.
    pub(super) skip: usize,
    /// Whether it reads for the file: records that nobody else may see yet, too.
    pub(super) everything: bool,
}

/// Whole records that were read at once.
pub struct Batch {
    bytes: Arc<Vec<u8>>,
    from: usize,
    to: usize,
    /// Whether the log ended with it when it was read.
    pub is_last: bool,
    /// Bytes to leave out of the first record's command: the reader has them already.
    pub skip: usize,
}

impl Batch {
    /// The records, in order.
    pub fn records(&self) -> Records<'_> {
        Records::new(&self.bytes[self.from..self.to])
    }

    /// Leaves out the records up to a sequence number.
    pub fn forget(&mut self, through: u64) {
        let gone = self.records();
        let gone = gone.take_while(|record| record.sequence <= through);
        self.from += gone
            .map(|record| HEADER + record.command.len())
            .sum::<usize>();
    }
}

impl Reader {
    /// The next records, or `None` at the end of the log.
    pub fn next_batch(&mut self) -> Option<Batch> {
        let mut inner = self.journal.lock();
        if self.is_cut_off() {
            return None;
        }
        if self.position >= inner.open_start {
            self.journal.collect(&mut inner);
        }
        let open_start = inner.open_start;
        let (bytes, from) = if self.position >= open_start {
            let from = (self.position - open_start) as usize;
            if from == inner.open.len() {
                return None;
            }
            // The open chunk still grows: copy what is new, it is little.
            (Arc::new(inner.open[from..].to_vec()), 0)
        } else {
            let index = inner
                .sealed
                .partition_point(|chunk| chunk.start <= self.position)
                - 1;
            let chunk = &inner.sealed[index];
            (chunk.bytes.clone(), (self.position - chunk.start) as usize)
        };
        let to = self.visible(&bytes, from);
        if to == from {
            return None;
        }
        self.position += (to - from) as u64;
        let (id, position) = (self.id, self.position);
        if let Some(state) = inner.readers.iter_mut().find(|reader| reader.id == id) {
            state.position = position;
        }
        self.journal.trim(&mut inner);
        self.journal.look_for_room(&inner);
        Some(Batch {
            bytes,
            from,
            to,
            is_last: position == inner.end() && inner.runs.is_empty(),
            skip: std::mem::take(&mut self.skip),
        })
    }

    /// Lets it read what nobody else may see yet: for the file itself.
    pub fn see_everything(&mut self) {
        self.everything = true;
    }

    fn sleepers(&self) -> &Sleepers {
        if self.everything {
            &self.journal.file
        } else {
            &self.journal.network
        }
    }

    /// The journal.
    pub fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// What lets a thread sleep until there is something for this reader, which others may read
    /// with meanwhile.
    pub fn bell(&self) -> Bell {
        Bell {
            journal: self.journal.clone(),
            id: self.id,
        }
    }

    /// Where in `bytes` ends what this reader may see.
    fn visible(&self, bytes: &[u8], from: usize) -> usize {
        if self.everything || !self.journal.is_gated() {
            return bytes.len();
        }
        let released = self.journal.released();
        let seen = Records::new(&bytes[from..]).take_while(|record| record.sequence <= released);
        from + seen
            .map(|record| HEADER + record.command.len())
            .sum::<usize>()
    }

    /// Whether the next record is there and may be seen.
    fn has_next(&self, inner: &Inner) -> bool {
        let end = inner.end();
        if end == self.position || self.is_cut_off() {
            return false;
        }
        if self.everything || !self.journal.is_gated() {
            return true;
        }
        let chunk = inner.chunk(|start, _| start <= self.position);
        let next = chunk.and_then(|(start, _, bytes)| {
            Records::new(&bytes[(self.position - start) as usize..]).next()
        });
        next.is_some_and(|record| record.sequence <= self.journal.released())
    }

    /// How many bytes of the log wait for this reader.
    pub fn lag(&self) -> u64 {
        self.journal.tail.now().position - self.position
    }

    /// Tells others how many bytes wait for this reader.
    pub fn gauge(&self) -> Gauge {
        Gauge {
            journal: self.journal.clone(),
            id: self.id,
        }
    }

    /// Sleeps until something was appended, `unpark` was called on this thread, or the time is up.
    pub fn wait(&self, at_most: std::time::Duration) {
        {
            let mut inner = self.journal.lock();
            // First it is told to appenders, then looked at what they have appended: whoever
            // appends to a lane after that look knows, as both had the lane.
            self.sleepers().add(self.id);
            self.journal.collect(&mut inner);
            if self.has_next(&inner) || !inner.runs.is_empty() {
                return;
            }
        }
        crate::sync::park_timeout(at_most);
    }
}

/// Lets a thread sleep for a reader of the file that is used elsewhere.
pub struct Bell {
    journal: Arc<Journal>,
    id: u64,
}

impl Bell {
    /// Has the calling thread woken at the end of the next batch that appends something and does
    /// not write it itself. Answers the sequence number that everything has which nobody is woken
    /// for.
    pub fn listen(&self) -> u64 {
        let mut inner = self.journal.lock();
        self.journal.file.add(self.id);
        // Whoever appends to a lane after this knows, as both had the lane.
        self.journal.collect(&mut inner);
        self.journal.sequence()
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.journal.file.remove(self.id);
    }
}

/// How many bytes of the log wait for a reader, for others to see.
pub struct Gauge {
    journal: Arc<Journal>,
    id: u64,
}

impl Gauge {
    /// The bytes; none when the reader is gone.
    pub fn bytes(&self) -> u64 {
        let inner = self.journal.lock();
        let end = self.journal.tail.now().position;
        let mut readers = inner.readers.iter();
        let reader = readers.find(|reader| reader.id == self.id);
        reader.map_or(0, |reader| end - reader.position)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut inner = self.journal.lock();
        inner.readers.retain(|reader| reader.id != self.id);
        self.sleepers().remove(self.id);
        self.journal.trim(&mut inner);
        self.journal.look_for_room(&inner);
    }
}
