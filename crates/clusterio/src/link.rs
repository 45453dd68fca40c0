//! One connection of the bus.

use bus::{Frames, Packet};
use cluster::LinkId;
use mio::net::TcpStream;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::Arc;

/// Bytes read of one link before the others get their turn.
const READ_TURN: usize = 1 << 20;
/// Longest message of PUBLISH taken, with its channel: as long as a bulk string may be, twice.
const LONGEST: usize = 1 << 30;

/// Why reading ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReadEnd {
    /// Nothing more for now.
    Drained,
    /// There is more; read on when the others had their turn.
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
    frames: Frames,
    queue: VecDeque<Arc<[u8]>>,
    /// Bytes of the first of the queue that are written.
    written: usize,
    pub queued: usize,
}

impl Link {
    pub fn new(id: LinkId, stream: TcpStream, connected: bool) -> Link {
        let frames = Frames::new(LONGEST);
        Link {
            id,
            stream,
            connected,
            frames,
            queue: VecDeque::new(),
            written: 0,
            queued: 0,
        }
    }

    /// Reads what is there, giving whole packets to `take`.
    pub fn read(&mut self, mut take: impl FnMut(Packet)) -> ReadEnd {
        let mut buffer = [0; 16 << 10];
        let mut turn = 0;
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return ReadEnd::Closed,
                Ok(count) => {
                    self.frames.push(&buffer[..count]);
                    loop {
                        match self.frames.next_packet() {
                            Ok(Some(packet)) => take(packet),
                            Ok(None) => break,
                            Err(error) => return ReadEnd::Garbage(error.to_string()),
                        }
                    }
                    turn += count;
                    if turn >= READ_TURN {
                        return ReadEnd::More;
                    }
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
