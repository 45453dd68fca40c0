//! What a connection has still to send: replies, pushes, and marks that withhold some of it.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;

use resp::Reply;

use crate::stream::Stream;

/// Shared chunks below this size are copied: that is cheaper than a piece of their own.
const SHARE_MIN: usize = 1024;
/// Room for marks that a connection without any keeps: those of a pipeline.
const KEEP_MARKS: usize = 64;
/// Pieces in one system call.
const PIECES_MAX: usize = 64;

/// The output queue of one connection.
///
/// Bytes are appended to a vector; long chunks that many connections get are shared. A *mark*
/// withholds everything behind it until the worker is told that its sequence is released.
#[derive(Debug, Default)]
pub struct Output {
    /// What was appended last.
    tail: Vec<u8>,
    /// Bytes of the first piece that are sent already.
    sent: usize,
    /// Position of `tail`'s first byte in all that the connection ever sent.
    tail_at: u64,
    /// Position at which the current command's reply begins.
    reply_at: u64,
    resp3: bool,
    discard: bool,
    rare: Option<Box<Rare>>,
}

/// What most connections never need.
#[derive(Debug, Default)]
struct Rare {
    /// Pieces before `tail`.
    pieces: VecDeque<Piece>,
    /// Sum of their lengths.
    pieces_len: usize,
    marks: VecDeque<Mark>,
    scrap: Vec<u8>,
}

#[derive(Debug)]
enum Piece {
    Owned(Vec<u8>),
    Shared(Arc<[u8]>),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Piece::Owned(bytes) => bytes,
            Piece::Shared(bytes) => bytes,
        }
    }
}

/// Bytes at `at` and behind wait for `seq`. Both rise along the queue.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: u64,
    seq: u64,
}

impl Output {
    /// A writer for the reply of the current command, in the connection's protocol. While
    /// discarding, what it writes goes nowhere.
    #[inline]
    pub fn reply(&mut self) -> Reply<'_> {
        if self.discard {
            let scrap = &mut self.rare.get_or_insert_default().scrap;
            scrap.clear();
            return Reply::new(scrap, self.resp3);
        }
        Reply::new(&mut self.tail, self.resp3)
    }

    /// The buffer that replies are appended to. Whoever writes to it directly takes care of
    /// discarding, and never cuts off what was there before.
    #[inline]
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.tail
    }

    /// A writer for out-of-band messages, which discarding does not stop.
    #[inline]
    pub fn push(&mut self) -> Reply<'_> {
        Reply::new(&mut self.tail, self.resp3)
    }

    /// Appends bytes that are shared with other connections. Discarding does not stop them.
    pub fn push_shared(&mut self, bytes: &Arc<[u8]>) {
        if bytes.len() < SHARE_MIN {
            self.tail.extend_from_slice(bytes);
            return;
        }
        self.close_tail();
        let rare = self.rare.get_or_insert_default();
        rare.pieces.push_back(Piece::Shared(bytes.clone()));
        rare.pieces_len += bytes.len();
        self.tail_at += bytes.len() as u64;
    }

    /// Turns the tail into a piece.
    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            let tail = std::mem::take(&mut self.tail);
            let rare = self.rare.get_or_insert_default();
            rare.pieces_len += tail.len();
            self.tail_at += tail.len() as u64;
            rare.pieces.push_back(Piece::Owned(tail));
        }
    }

    /// Whether the connection speaks RESP3.
    #[inline]
    pub fn is_resp3(&self) -> bool {
        self.resp3
    }

    /// Sets the protocol of what is written from now on.
    pub fn set_resp3(&mut self, resp3: bool) {
        self.resp3 = resp3;
    }

    /// Whether replies are thrown away (CLIENT REPLY OFF and SKIP).
    #[inline]
    pub fn is_discarding(&self) -> bool {
        self.discard
    }

    /// Starts or ends throwing away replies. It is the handler that ends SKIP.
    pub fn set_discard(&mut self, discard: bool) {
        self.discard = discard;
    }

    /// How many bytes were ever appended: the position of the next one.
    #[inline]
    pub fn position(&self) -> u64 {
        self.tail_at + self.tail.len() as u64
    }

    /// Where the reply of the current command begins.
    #[inline]
    pub fn reply_position(&self) -> u64 {
        self.reply_at
    }

    /// Takes back what was written as the current command's reply. Shared chunks stay.
    pub fn rewind_reply(&mut self) {
        let keep = self.reply_at.saturating_sub(self.tail_at) as usize;
        self.tail.truncate(keep);
    }

    /// Withholds what is appended from now on until sequence `seq` is released.
    pub fn mark(&mut self, seq: u64) {
        self.mark_at(self.position(), seq);
    }

    /// Withholds the reply of the current command, and what follows it, until sequence `seq` is
    /// released. May come after the reply was written.
    pub fn mark_reply(&mut self, seq: u64) {
        self.mark_at(self.reply_at, seq);
    }

    fn mark_at(&mut self, at: u64, seq: u64) {
        // What is sent already cannot be withheld.
        let at = at.max(self.position() - self.len() as u64);
        let marks = &mut self.rare.get_or_insert_default().marks;
        // The common case: replies are marked in order, and what they wait for rises.
        match marks.back() {
            Some(last) if last.at <= at && last.seq >= seq => return,
            Some(last) if last.at >= at => {}
            _ => return marks.push_back(Mark { at, seq }),
        }
        let place = marks.partition_point(|mark| mark.at < at);
        if place > 0 && marks[place - 1].seq >= seq {
            return;
        }
        // Marks behind the new one that wait for no more than it does say nothing any more.
        let end = marks.partition_point(|mark| mark.seq <= seq);
        if end > place {
            marks[place] = Mark { at, seq };
            marks.drain(place + 1..end);
        } else {
            marks.insert(place, Mark { at, seq });
        }
    }

    /// The highest sequence that anything in the queue waits for.
    pub fn highest_mark(&self) -> Option<u64> {
        Some(self.rare.as_ref()?.marks.back()?.seq)
    }

    /// The sequence that the first withheld byte waits for.
    pub(crate) fn first_mark(&self) -> Option<u64> {
        Some(self.rare.as_ref()?.marks.front()?.seq)
    }

    /// Unsent bytes.
    #[inline]
    pub fn len(&self) -> usize {
        let pieces = self.rare.as_ref().map_or(0, |rare| rare.pieces_len);
        pieces + self.tail.len() - self.sent
    }

    /// Whether all is sent.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Unsent bytes that a mark withholds.
    pub fn withheld(&self) -> usize {
        match self.rare.as_ref().and_then(|rare| rare.marks.front()) {
            None => 0,
            Some(mark) => (self.position() - mark.at) as usize,
        }
    }

    /// Bytes of memory held.
    pub fn memory(&self) -> usize {
        let rare = self.rare.as_ref();
        self.tail.capacity() + rare.map_or(0, |rare| rare.pieces_len + size_of::<Rare>())
    }

    /// Bytes in the tail, and pieces before it.
    pub(crate) fn shape(&self) -> (usize, usize) {
        (
            self.tail.len(),
            self.rare.as_ref().map_or(0, |rare| rare.pieces.len()),
        )
    }

    /// A command begins.
    #[inline]
    pub(crate) fn begin(&mut self) {
        self.reply_at = self.position();
    }

    /// Gives the queue a vector to append to, if it has none.
    #[inline]
    pub(crate) fn lend(&mut self, pool: &mut BufferPool) {
        if self.tail.capacity() == 0 {
            self.tail = pool.take();
        }
    }

    /// Takes the vector back once all is sent.
    #[inline]
    pub(crate) fn reclaim(&mut self, pool: &mut BufferPool) {
        if self.tail.is_empty() {
            pool.give(std::mem::take(&mut self.tail));
        }
    }

    /// Lays aside what the current command wrote, so that something can go before it, or so that it
    /// is sent later.
    pub fn take_reply(&mut self) -> Vec<u8> {
        let keep = self.reply_at.saturating_sub(self.tail_at) as usize;
        self.tail.split_off(keep.min(self.tail.len()))
    }

    /// Appends what [`Output::take_reply`] laid aside.
    pub(crate) fn put_reply(&mut self, reply: &[u8]) {
        self.reply_at = self.position();
        self.tail.extend_from_slice(reply);
    }

    /// Forgets the marks up to `released`; whether bytes are withheld still.
    pub(crate) fn release(&mut self, released: u64) -> bool {
        let Some(rare) = &mut self.rare else {
            return false;
        };
        if rare.marks.back().is_some_and(|last| last.seq <= released) {
            rare.marks.clear();
            rare.marks.shrink_to(KEEP_MARKS);
            return false;
        }
        while rare.marks.front().is_some_and(|mark| mark.seq <= released) {
            rare.marks.pop_front();
        }
        !rare.marks.is_empty()
    }

    /// Bytes that may be sent now.
    fn sendable(&self) -> usize {
        let withheld = match &self.rare {
            None => 0,
            Some(rare) => rare
                .marks
                .front()
                .map_or(0, |mark| self.position() - mark.at),
        };
        self.len() - withheld as usize
    }

    /// Sends what may be sent: bytes sent, and whether the socket took all of it.
    pub(crate) fn flush(&mut self, stream: &Stream) -> io::Result<(usize, bool)> {
        let mut total = 0;
        loop {
            let want = self.sendable();
            if want == 0 {
                return Ok((total, true));
            }
            let (result, want) = if self.rare.as_ref().is_none_or(|rare| rare.pieces.is_empty()) {
                (stream.write(&self.tail[self.sent..self.sent + want]), want)
            } else {
                self.write_pieces(stream, want)
            };
            match result {
                Ok(written) => {
                    total += written;
                    self.advance(written);
                    if written < want {
                        return Ok((total, false));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok((total, false));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes up to `want` bytes from the first pieces; also how many it tried to.
    fn write_pieces(&self, stream: &Stream, want: usize) -> (io::Result<usize>, usize) {
        let pieces = self
            .rare
            .iter()
            .flat_map(|rare| rare.pieces.iter().map(Piece::bytes));
        let mut slices = [IoSlice::new(&[]); PIECES_MAX];
        let (mut count, mut left, mut skip) = (0, want, self.sent);
        for bytes in pieces.chain([&self.tail[..]]) {
            if count == PIECES_MAX || left == 0 {
                break;
            }
            let bytes = &bytes[skip..];
            skip = 0;
            let bytes = &bytes[..bytes.len().min(left)];
            slices[count] = IoSlice::new(bytes);
            left -= bytes.len();
            count += 1;
        }
        (stream.write_vectored(&slices[..count]), want - left)
    }

    /// Drops `written` bytes from the front.
    fn advance(&mut self, written: usize) {
        self.sent += written;
        if let Some(rare) = &mut self.rare {
            while let Some(len) = rare.pieces.front().map(|piece| piece.bytes().len()) {
                if self.sent < len {
                    return;
                }
                self.sent -= len;
                rare.pieces_len -= len;
                rare.pieces.pop_front();
            }
        }
        if self.sent == self.tail.len() {
            self.tail_at += self.tail.len() as u64;
            self.tail.clear();
            self.sent = 0;
        } else if self.sent >= 64 * 1024 && self.sent * 2 >= self.tail.len() {
            // What is left is the smaller half: moving it costs no more than sending did.
            self.tail.drain(..self.sent);
            self.tail_at += self.sent as u64;
            self.sent = 0;
        }
    }

    /// All unsent bytes.
    pub(crate) fn take_unsent(&mut self) -> Vec<u8> {
        let mut unsent = Vec::with_capacity(self.len());
        let pieces = self
            .rare
            .iter()
            .flat_map(|rare| rare.pieces.iter().map(Piece::bytes));
        for bytes in pieces.chain([&self.tail[..]]) {
            unsent.extend_from_slice(bytes);
        }
        unsent.drain(..self.sent);
        *self = Output {
            resp3: self.resp3,
            ..Output::default()
        };
        unsent
    }
}

/// Vectors that connections borrow while they have something to send, so that idle ones hold
/// none and busy ones use those that are in the processor's cache.
#[derive(Debug, Default)]
pub(crate) struct BufferPool {
    free: Vec<Vec<u8>>,
}

impl BufferPool {
    /// Most vectors kept.
    const KEEP: usize = 128;
    /// Largest vector kept, in bytes.
    const LARGEST: usize = 256 * 1024;
    /// Size of a new one, in bytes.
    const FIRST: usize = 4 * 1024;

    #[inline]
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.free
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(Self::FIRST))
    }

    #[inline]
    pub(crate) fn give(&mut self, mut buf: Vec<u8>) {
        let fits = (1..=Self::LARGEST).contains(&buf.capacity());
        if fits && self.free.len() < Self::KEEP {
            buf.clear();
            self.free.push(buf);
        }
    }

    /// Drops half of what is kept: called now and then, so that a peak does not stay.
    pub(crate) fn shrink(&mut self) {
        self.free.truncate(self.free.len() / 2);
    }
}

#[cfg(test)]
mod tests;
