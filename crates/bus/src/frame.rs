//! Cutting a byte stream into packets.

use crate::decode::{DecodeError, decode};
use crate::packet::Packet;
use crate::{HEADER_LEN, SIGNATURE};

/// Longest packet taken of the types that carry gossip: enough for every node that 16384 slots can
/// have with generous extensions.
pub const MAX_GOSSIP_FRAME: usize = 16 << 20;

/// Bytes received on one link, not yet decoded.
///
/// Memory follows what was received, never what a length field claims.
#[derive(Debug)]
pub struct Frames {
    bytes: Vec<u8>,
    start: usize,
    limit: usize,
    /// Longest packet taken of any type.
    cap: usize,
}

impl Frames {
    /// `limit`: longest PUBLISH or MODULE packet taken, in bytes.
    pub fn new(limit: usize) -> Frames {
        Frames {
            bytes: Vec::new(),
            start: 0,
            limit,
            cap: usize::MAX,
        }
    }

    /// Whatever its type, no packet is longer from now on.
    pub fn cap(&mut self, most: usize) {
        self.cap = most;
    }

    /// Adds received bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 && self.start >= self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes of memory held.
    pub fn allocated(&self) -> usize {
        self.bytes.capacity()
    }

    /// The next whole packet; `None` until more bytes come.
    ///
    /// # Errors
    /// The stream is not of the bus; the link must be closed.
    pub fn next_packet(&mut self) -> Result<Option<Packet>, DecodeError> {
        let rest = &self.bytes[self.start..];
        let head = rest.len().min(4);
        if rest[..head] != SIGNATURE[..head] {
            return Err(DecodeError::Signature);
        }
        let Some(length) = rest.get(4..8) else {
            return Ok(None);
        };
        let mut field = [0; 4];
        field.copy_from_slice(length);
        let claimed = u32::from_be_bytes(field);
        let total = claimed as usize;
        let longest = match rest.get(12..14) {
            Some([0, 4 | 9 | 10]) => self.limit,
            Some(_) => MAX_GOSSIP_FRAME,
            None => self.limit.max(MAX_GOSSIP_FRAME),
        };
        let longest = longest.min(self.cap);
        if total < HEADER_LEN || total > longest {
            return Err(DecodeError::Length(u64::from(claimed)));
        }
        let Some(frame) = rest.get(..total) else {
            return Ok(None);
        };
        let packet = decode(frame)?;
        self.start += total;
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.bytes.shrink_to(64 << 10);
            self.start = 0;
        }
        Ok(Some(packet))
    }
}
