//! The bodies of values as RDB files and DUMP payloads hold them.
#[cfg(test)]
mod tests;

use crate::format::{NODE_PACKED, NODE_PLAIN};
use crate::lzf::Compressor;

/// Strings of more bytes than this are compressed if that is wanted.
const COMPRESS_ABOVE: usize = 20;
/// Strings of at most this many bytes may be the text of an integer that is stored as one.
const LONGEST_INTEGER: usize = 11;

/// Collects encoded bytes. Pieces of a value are appended in order; nothing here checks that their
/// number agrees with what was announced, [`Encoder::balanced`] tells.
#[derive(Debug)]
pub struct Encoder {
    out: Vec<u8>,
    compressor: Option<Compressor>,
    owed: u64,
    owed_bytes: u64,
}

impl Encoder {
    /// An empty encoder that compresses strings of more than 20 bytes if `compress` is set.
    pub fn new(compress: bool) -> Self {
        Encoder {
            out: Vec::new(),
            compressor: compress.then(Compressor::new),
            owed: 0,
            owed_bytes: 0,
        }
    }

    /// The bytes collected so far.
    pub fn bytes(&self) -> &[u8] {
        &self.out
    }

    /// The collected bytes, to be emptied or filled directly.
    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Gives the collected bytes away.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// True when every piece that was announced has been given.
    pub fn balanced(&self) -> bool {
        self.owed == 0 && self.owed_bytes == 0
    }

    /// One byte: a type or an opcode.
    pub fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    /// A length, in one to nine bytes.
    pub fn length(&mut self, n: u64) {
        put_length(&mut self.out, n);
    }

    /// A whole string: as an integer if it is the text of a 32-bit one, compressed if that is
    /// wanted and worth it.
    pub fn string(&mut self, bytes: &[u8]) {
        if bytes.len() <= LONGEST_INTEGER
            && let Some(number) = base::num::parse_i64(bytes)
            && put_integer(&mut self.out, number)
        {
            return;
        }
        if bytes.len() > COMPRESS_ABOVE && self.compressed(bytes) {
            return;
        }
        self.length(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    /// A string that is the decimal text of a number.
    pub fn integer(&mut self, number: i64) {
        if !put_integer(&mut self.out, number) {
            let mut text = Vec::with_capacity(20);
            base::num::write_i64(&mut text, number);
            self.length(text.len() as u64);
            self.out.extend_from_slice(&text);
        }
    }

    fn compressed(&mut self, bytes: &[u8]) -> bool {
        let Some(compressor) = &mut self.compressor else {
            return false;
        };
        // The two lengths stand before the data and the first is known last: compress behind the
        // widest heading, then close the gap.
        let start = self.out.len();
        let mut heading = Vec::with_capacity(20);
        self.out.resize(start + 20, 0);
        if !compressor.compress(bytes, bytes.len() - 4, &mut self.out) {
            self.out.truncate(start);
            return false;
        }
        heading.push(0xc3);
        put_length(&mut heading, (self.out.len() - start - 20) as u64);
        put_length(&mut heading, bytes.len() as u64);
        let gap = start + 20 - heading.len();
        self.out[gap..start + 20].copy_from_slice(&heading);
        self.out.drain(start..gap);
        true
    }

    /// Announces a string of `len` bytes that follows by [`Encoder::string_chunk`]; it is never
    /// compressed.
    pub fn begin_string(&mut self, len: u64) {
        self.length(len);
        self.owed_bytes = len;
    }

    /// The next bytes of a string begun in pieces.
    pub fn string_chunk(&mut self, bytes: &[u8]) {
        debug_assert!(
            self.owed_bytes >= bytes.len() as u64,
            "a string longer than announced"
        );
        self.owed_bytes -= bytes.len() as u64;
        self.out.extend_from_slice(bytes);
    }

    /// Announces a hash of `pairs` pairs.
    pub fn begin_hash(&mut self, pairs: u64) {
        self.length(pairs);
        self.owed = pairs;
    }

    /// One field and its value.
    pub fn hash_pair(&mut self, field: &[u8], value: &[u8]) {
        self.hash_field(field);
        self.string(value);
    }

    /// One field, whose value follows as a string, whole or in pieces.
    pub fn hash_field(&mut self, field: &[u8]) {
        debug_assert!(self.owed > 0, "more pairs than announced");
        self.owed -= 1;
        self.string(field);
    }

    /// A whole listpack: the body of a small hash.
    pub fn packed(&mut self, listpack: &[u8]) {
        self.string(listpack);
    }

    /// Announces a list of `nodes` nodes.
    pub fn begin_list(&mut self, nodes: u64) {
        self.length(nodes);
        self.owed = nodes;
    }

    /// A list node that is a listpack.
    pub fn list_packed(&mut self, listpack: &[u8]) {
        self.list_node(NODE_PACKED);
        self.string(listpack);
    }

    /// A list node that is one element.
    pub fn list_plain(&mut self, element: &[u8]) {
        self.list_node(NODE_PLAIN);
        self.string(element);
    }

    /// A list node that is one element of `len` bytes, which follow by [`Encoder::string_chunk`].
    pub fn begin_list_plain(&mut self, len: u64) {
        self.list_node(NODE_PLAIN);
        self.begin_string(len);
    }

    fn list_node(&mut self, container: u64) {
        debug_assert!(self.owed > 0, "more nodes than announced");
        self.owed -= 1;
        self.length(container);
    }
}

/// Appends a length: six bits, fourteen, thirty-two or sixty-four, big-endian behind a marker.
pub fn put_length(out: &mut Vec<u8>, n: u64) {
    if n < 1 << 6 {
        out.push(n as u8);
    } else if n < 1 << 14 {
        out.extend_from_slice(&(n as u16 | 0x4000).to_be_bytes());
    } else if let Ok(n) = u32::try_from(n) {
        out.push(0x80);
        out.extend_from_slice(&n.to_be_bytes());
    } else {
        out.push(0x81);
        out.extend_from_slice(&n.to_be_bytes());
    }
}

/// Appends a number of at most 32 bits in its short form; false if it has more.
fn put_integer(out: &mut Vec<u8>, number: i64) -> bool {
    if let Ok(n) = i8::try_from(number) {
        out.extend_from_slice(&[0xc0, n as u8]);
    } else if let Ok(n) = i16::try_from(number) {
        out.push(0xc1);
        out.extend_from_slice(&n.to_le_bytes());
    } else if let Ok(n) = i32::try_from(number) {
        out.push(0xc2);
        out.extend_from_slice(&n.to_le_bytes());
    } else {
        return false;
    }
    true
}
