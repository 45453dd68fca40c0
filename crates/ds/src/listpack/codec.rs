//! The encoding of one listpack entry, to the byte as Redis writes it.
//!
//! An entry is its encoding, its data and its own length, backwards, so that the pack can be read
//! from both ends. Text that is a number in its only decimal form is kept as that number.

use super::ListpackError;
use base::num;

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// An element that is kept as a number.
    Int(i64),
    /// An element that is kept as bytes.
    Str(&'a [u8]),
}

impl<'a> Item<'a> {
    /// How `bytes` is kept.
    #[inline]
    pub fn of(bytes: &'a [u8]) -> Item<'a> {
        match num::parse_i64(bytes) {
            Some(n) => Item::Int(n),
            None => Item::Str(bytes),
        }
    }

    /// Appends the element as text.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        match self {
            Item::Int(n) => out.extend_from_slice(itoa::Buffer::new().format(*n).as_bytes()),
            Item::Str(s) => out.extend_from_slice(s),
        }
    }

    /// The element as text.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.append_to(&mut out);
        out
    }

    /// The length of the text.
    pub fn text_len(&self) -> usize {
        match self {
            Item::Int(n) => itoa::Buffer::new().format(*n).len(),
            Item::Str(s) => s.len(),
        }
    }

    /// Whether this is the element that `wanted` is, however each is kept. Foreign packs may hold
    /// numbers as text.
    #[inline]
    pub fn is(&self, wanted: &Item<'_>) -> bool {
        match (self, wanted) {
            (Item::Str(a), Item::Str(b)) => a == b,
            (Item::Int(a), Item::Int(b)) => a == b,
            (Item::Str(a), Item::Int(b)) => num::parse_i64(a) == Some(*b),
            (Item::Int(_), Item::Str(_)) => false,
        }
    }

    /// Bytes that the entry takes in a pack.
    #[inline]
    pub fn entry_size(&self) -> usize {
        let n = match self {
            Item::Int(n) => int_size(*n),
            Item::Str(s) => str_head(s.len()) + s.len(),
        };
        n + back_size(n)
    }

    /// Writes the entry to a slice of exactly `entry_size` bytes.
    pub(crate) fn write(&self, out: &mut [u8]) {
        let n = match self {
            Item::Int(n) => write_int(*n, out),
            Item::Str(s) => {
                let head = write_head(s.len(), out);
                out[head..head + s.len()].copy_from_slice(s);
                head + s.len()
            }
        };
        write_back(n, &mut out[n..]);
    }
}

fn int_size(n: i64) -> usize {
    match n {
        0..=127 => 1,
        -4096..=4095 => 2,
        -0x8000..=0x7fff => 3,
        -0x80_0000..=0x7f_ffff => 4,
        -0x8000_0000..=0x7fff_ffff => 5,
        _ => 9,
    }
}

fn write_int(n: i64, out: &mut [u8]) -> usize {
    let size = int_size(n);
    let le = n.to_le_bytes();
    match size {
        1 => out[0] = n as u8,
        2 => {
            out[0] = 0xc0 | (n >> 8) as u8 & 0x1f;
            out[1] = n as u8;
        }
        _ => {
            out[0] = match size {
                3 => 0xf1,
                4 => 0xf2,
                5 => 0xf3,
                _ => 0xf4,
            };
            out[1..size].copy_from_slice(&le[..size - 1]);
        }
    }
    size
}

fn str_head(len: usize) -> usize {
    match len {
        0..64 => 1,
        64..4096 => 2,
        _ => 5,
    }
}

fn write_head(len: usize, out: &mut [u8]) -> usize {
    let head = str_head(len);
    match head {
        1 => out[0] = 0x80 | len as u8,
        2 => {
            out[0] = 0xe0 | (len >> 8) as u8;
            out[1] = len as u8;
        }
        _ => {
            out[0] = 0xf0;
            out[1..5].copy_from_slice(&(len as u32).to_le_bytes());
        }
    }
    head
}

/// Bytes of the length that ends an entry. The limits are the format's own, one below what seven
/// bits a byte could hold.
#[inline]
pub(crate) fn back_size(n: usize) -> usize {
    match n {
        0..=127 => 1,
        128..16383 => 2,
        16383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

fn write_back(n: usize, out: &mut [u8]) {
    let size = back_size(n);
    for (i, byte) in out[..size].iter_mut().enumerate() {
        let shift = 7 * (size - 1 - i);
        *byte = (n >> shift) as u8 & 127 | if i == 0 { 0 } else { 128 };
    }
}

/// The length that ends just before `end`; nothing if it is longer than five bytes or than what
/// is there.
fn read_back(bytes: &[u8], end: usize) -> Option<usize> {
    let mut n = 0;
    for i in 0..5 {
        let byte = *bytes.get(end.checked_sub(i + 1)?)?;
        n |= (byte as usize & 127) << (7 * i);
        if byte & 128 == 0 {
            return Some(n);
        }
    }
    None
}

fn signed(bytes: &[u8]) -> i64 {
    let mut le = if bytes[bytes.len() - 1] & 0x80 != 0 {
        [0xff; 8]
    } else {
        [0; 8]
    };
    le[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(le)
}

/// The element at `at` of a valid pack, and where the next entry begins.
// Inlined so that the element stays in registers: passed through memory, its halves are written
// and read in different widths, which stalls for longer than all the rest takes.
#[inline(always)]
pub(crate) fn decode(b: &[u8], at: usize) -> (Item<'_>, usize) {
    let e = &b[at..];
    let first = e[0];
    let string = |head: usize, len: usize| {
        let n = head + len;
        (Item::Str(&e[head..n]), at + n + back_size(n))
    };
    let int = |n: usize| (Item::Int(signed(&e[1..n])), at + n + 1);
    match first {
        0..=0x7f => (Item::Int(i64::from(first)), at + 2),
        0x80..=0xbf => string(1, first as usize & 0x3f),
        0xc0..=0xdf => {
            let n = i64::from(first & 0x1f) << 8 | i64::from(e[1]);
            (Item::Int(n << 51 >> 51), at + 3)
        }
        0xe0..=0xef => string(2, (first as usize & 15) << 8 | e[1] as usize),
        0xf0 => string(5, u32::from_le_bytes([e[1], e[2], e[3], e[4]]) as usize),
        0xf1 => int(3),
        0xf2 => int(4),
        0xf3 => int(5),
        _ => int(9),
    }
}

/// Where the entry after the one at `at` begins.
#[inline]
pub(crate) fn skip(b: &[u8], at: usize) -> usize {
    let first = b[at];
    let n = match first {
        0..=0x7f => 1,
        0x80..=0xbf => return at + 2 + (first as usize & 0x3f),
        0xc0..=0xdf => 2,
        0xe0..=0xef => 2 + ((first as usize & 15) << 8 | b[at + 1] as usize),
        0xf0 => 5 + u32::from_le_bytes([b[at + 1], b[at + 2], b[at + 3], b[at + 4]]) as usize,
        0xf1 => 3,
        0xf2 => 4,
        0xf3 => 5,
        _ => 9,
    };
    at + n + back_size(n)
}

/// Where the entry that ends at `end` of a valid pack begins.
#[inline]
pub(crate) fn skip_back(b: &[u8], end: usize) -> usize {
    let n = read_back(b, end).expect("a valid pack");
    end - n - back_size(n)
}

/// Checks every byte of a foreign pack; returns its number of elements.
pub(crate) fn check(b: &[u8]) -> Result<usize, ListpackError> {
    use ListpackError as E;
    if b.len() < super::EMPTY {
        return Err(E::Short);
    }
    let end = b.len() - 1;
    if super::total(b) != b.len() || b[end] != super::END {
        return Err(E::Length);
    }
    let (mut at, mut count) = (super::HEAD, 0);
    while at < end {
        let left = end - at;
        let first = b[at];
        let head = match first {
            0..=0x7f => 1,
            0x80..=0xbf => 1,
            0xc0..=0xef => 2,
            0xf0 => 5,
            0xf1 => 3,
            0xf2 => 4,
            0xf3 => 5,
            0xf4 => 9,
            0xf5..=0xff => return Err(E::Encoding),
        };
        if head > left {
            return Err(E::Entry);
        }
        let next = skip(b, at);
        if next > end {
            return Err(E::Entry);
        }
        let n = read_back(b, next).ok_or(E::Entry)?;
        if next - at != n + back_size(n) {
            return Err(E::Entry);
        }
        at = next;
        count += 1;
    }
    let claimed = super::claimed(b);
    if claimed != super::UNKNOWN && claimed != count {
        return Err(E::Count);
    }
    Ok(count)
}
