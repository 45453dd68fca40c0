//! One connection of the bus.

use bus::{Frames, Packet};
use cluster::LinkId;
use mio::net::TcpStream;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::Arc;
use std::time::Instant;

/// Bytes read of one link before the others get their turn.
const READ_TURN: usize = 1 << 20;
/// Longest message of PUBLISH taken, with its channel: as long as a bulk string may be, twice.
const LONGEST: usize = 1 << 30;
/// Longest packet taken, and most bytes queued, while nobody that is known has spoken on a link: a
/// MEET with news of ten thousand nodes fits.
pub(crate) const LONGEST_OF_STRANGERS: usize = 1 << 20;

/// Why reading ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReadEnd {
    /// Nothing more for now.
    Drained,
    /// There may be more; read on when the others had their turn.
    More,
    /// The peer closed the link, or it broke.
    Closed,
    /// What came is not the bus protocol.
    Garbage(String),
}

pub(crate) struct Link {
    pub id: LinkId,
    pub stream: TcpStream,
    /// Whether the connection is made.
    pub connected: bool,
    /// Whether a known node has spoken on it. Until then packets come one at a time.
    pub known: bool,
    /// When it was made.
    pub made: Instant,
    /// When it was made, or the last whole packet came.
    pub heard: Instant,
    frames: Frames,
    queue: VecDeque<Arc<[u8]>>,
    /// Bytes of the first of the queue that are written.
    written: usize,
    pub queued: usize,
}

impl Link {
    pub fn new(id: LinkId, stream: TcpStream, connected: bool) -> Link {
        let mut frames = Frames::new(LONGEST);
        frames.cap(LONGEST_OF_STRANGERS);
        let made = Instant::now();
        Link {
            id,
            stream,
            connected,
            known: false,
            made,
            heard: made,
            frames,
            queue: VecDeque::new(),
            written: 0,
            queued: 0,
        }
    }

    /// A known node has spoken on it: packets may be as long as those of any node.
    pub fn trust(&mut self) {
        self.known = true;
        self.frames.cap(usize::MAX);
    }

    /// Reads what is there, giving whole packets to `take`. While nobody is known on the link it
    /// gives one: what that one says may be why the next may be longer.
    pub fn read(&mut self, mut take: impl FnMut(Packet)) -> ReadEnd {
        let mut buffer = [0; 16 << 10];
        let mut turn = 0;
        loop {
            // What was left in the turn before comes first.
            loop {
                match self.frames.next_packet() {
                    Ok(Some(packet)) => {
                        self.heard = Instant::now();
                        take(packet);
                        if !self.known {
                            return ReadEnd::More;
                        }
                    }
                    Ok(None) => break,
                    Err(error) => return ReadEnd::Garbage(error.to_string()),
                }
            }
            if turn >= READ_TURN {
                return ReadEnd::More;
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return ReadEnd::Closed,
                Ok(count) => {
                    self.frames.push(&buffer[..count]);
                    turn += count;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return ReadEnd::Drained,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return ReadEnd::Closed,
            }
        }
    }

    /// Bytes of memory that it holds.
    pub fn memory(&self) -> usize {
        let queue = self.queue.capacity() * size_of::<Arc<[u8]>>();
        size_of::<Link>() + self.frames.allocated() + queue + self.written + self.queued
    }

    /// Queues a packet's bytes.
    pub fn push(&mut self, bytes: Arc<[u8]>) {
        self.queued += bytes.len();
        self.queue.push_back(bytes);
    }

    /// Writes as much as the socket takes.
    ///
    /// # Errors
    /// The link is broken.
    pub fn flush(&mut self) -> io::Result<()> {
        while self.connected && !self.queue.is_empty() {
            let mut parts = Vec::with_capacity(16);
            for (i, bytes) in self.queue.iter().take(16).enumerate() {
                parts.push(IoSlice::new(if i == 0 {
                    &bytes[self.written..]
                } else {
                    bytes
                }));
            }
            match self.stream.write_vectored(&parts) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.advance(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn advance(&mut self, count: usize) {
        self.queued -= count;
        self.written += count;
        while let Some(first) = self.queue.front() {
            if self.written < first.len() {
                break;
            }
            self.written -= first.len();
            self.queue.pop_front();
        }
    }
}
