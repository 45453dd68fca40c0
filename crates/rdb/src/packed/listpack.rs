//! Listpacks: six bytes of header (size, count), elements that each end in their own length, an end
//! marker.
use super::{Element, Flaw, check_pairs, fixed};

/// Bytes before the first element.
pub const HEADER: usize = 6;
const END: u8 = 0xff;
const COUNT_UNKNOWN: u16 = u16::MAX;

/// Checks a listpack to its last byte; returns how many elements it holds.
pub fn check(blob: &[u8]) -> Result<usize, Flaw> {
    let size = fixed::<4>(blob, 0).ok_or(Flaw::TooShort)?;
    let count = u16::from_le_bytes(fixed(blob, 4).ok_or(Flaw::TooShort)?);
    if blob.len() <= HEADER {
        return Err(Flaw::TooShort);
    }
    if u32::from_le_bytes(size) as usize != blob.len() {
        return Err(Flaw::WrongSize);
    }
    let end = blob.len() - 1;
    if blob[end] != END {
        return Err(Flaw::NoEnd);
    }
    let (mut at, mut found) = (HEADER, 0);
    while at < end {
        let (_, next) = element_at(&blob[..end], at)?;
        at = next;
        found += 1;
    }
    if count != COUNT_UNKNOWN && usize::from(count) != found {
        return Err(Flaw::WrongCount);
    }
    Ok(found)
}

/// Checks a listpack that holds a hash: as [`check`], and whole pairs without a doubled field.
/// Returns the number of pairs.
pub fn check_hash(blob: &[u8]) -> Result<usize, Flaw> {
    let count = check(blob)?;
    check_pairs(elements(blob), count)?;
    Ok(count / 2)
}

/// The elements of a checked listpack. Of an unchecked one it yields what can be read and stops at
/// the first flaw.
pub fn elements(blob: &[u8]) -> Elements<'_> {
    Elements {
        body: &blob[..blob.len().saturating_sub(1)],
        at: HEADER,
    }
}

/// See [`elements`].
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        if self.at >= self.body.len() {
            return None;
        }
        let (element, next) = element_at(self.body, self.at).ok()?;
        self.at = next;
        Some(element)
    }
}

/// The element at `at` and where the next begins.
fn element_at(body: &[u8], at: usize) -> Result<(Element<'_>, usize), Flaw> {
    let overrun = Flaw::Overrun(at);
    let code = body[at];
    let after = |n: usize| at + 1 + n;
    let (element, size) = match code {
        0..=0x7f => (Element::Integer(i64::from(code)), 1),
        0x80..=0xbf => string(body, after(0), usize::from(code & 0x3f), at)?,
        0xc0..=0xdf => {
            let low = *body.get(after(0)).ok_or(overrun)?;
            let raw = i64::from(code & 0x1f) << 8 | i64::from(low);
            (
                Element::Integer(if raw >= 1 << 12 { raw - (1 << 13) } else { raw }),
                2,
            )
        }
        0xe0..=0xef => {
            let low = *body.get(after(0)).ok_or(overrun)?;
            string(
                body,
                after(1),
                usize::from(code & 0x0f) << 8 | usize::from(low),
                at,
            )?
        }
        0xf0 => {
            let len = u32::from_le_bytes(fixed(body, after(0)).ok_or(overrun)?);
            string(body, after(4), len as usize, at)?
        }
        0xf1 => (integer::<2>(body, after(0), at)?, 3),
        0xf2 => (integer::<3>(body, after(0), at)?, 4),
        0xf3 => (integer::<4>(body, after(0), at)?, 5),
        0xf4 => (integer::<8>(body, after(0), at)?, 9),
        0xf5..=0xfe => return Err(Flaw::BadCode(at)),
        END => return Err(Flaw::NoEnd),
    };
    let back = back_length_size(size);
    let next = at + size + back;
    if next > body.len() {
        return Err(overrun);
    }
    if read_back_length(&body[at + size..next]) != Some(size) {
        return Err(Flaw::BadBackReference(next - 1));
    }
    Ok((element, next))
}

fn string(body: &[u8], from: usize, len: usize, at: usize) -> Result<(Element<'_>, usize), Flaw> {
    let end = from.checked_add(len).ok_or(Flaw::Overrun(at))?;
    let bytes = body.get(from..end).ok_or(Flaw::Overrun(at))?;
    Ok((Element::Bytes(bytes), end - at))
}

fn integer<const N: usize>(body: &[u8], from: usize, at: usize) -> Result<Element<'_>, Flaw> {
    let raw: [u8; N] = fixed(body, from).ok_or(Flaw::Overrun(at))?;
    Ok(Element::Integer(super::ziplist::signed(&raw)))
}

/// How many bytes the length behind an element of `size` bytes takes. The bounds are those of real
/// servers, one less than seven bits a byte would allow.
fn back_length_size(size: usize) -> usize {
    match size {
        0..=127 => 1,
        128..=16382 => 2,
        16383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => 5,
    }
}

/// Reads a length from its last byte backwards: seven bits a byte, all but the first of them
/// marked.
fn read_back_length(bytes: &[u8]) -> Option<usize> {
    let mut value = 0u64;
    let mut shift = 0;
    for (i, &byte) in bytes.iter().rev().enumerate() {
        value |= u64::from(byte & 127) << shift;
        shift += 7;
        if byte & 128 == 0 {
            return (i + 1 == bytes.len()).then_some(value as usize);
        }
    }
    None
}

/// Makes a listpack, element by element.
#[derive(Debug)]
pub struct Builder {
    bytes: Vec<u8>,
    count: usize,
}

impl Builder {
    /// An empty listpack.
    pub fn new() -> Self {
        Builder {
            bytes: vec![0; HEADER],
            count: 0,
        }
    }

    /// Bytes so far, without the end marker.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Elements so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Appends an element; the text of a number is stored as a number.
    pub fn push(&mut self, element: Element<'_>) {
        let start = self.bytes.len();
        match element {
            Element::Integer(number) => self.integer(number),
            Element::Bytes(bytes) => match base::num::parse_i64(bytes) {
                Some(number) => self.integer(number),
                None => self.string(bytes),
            },
        }
        let size = self.bytes.len() - start;
        let back = back_length_size(size);
        for i in (0..back).rev() {
            let mark = if i + 1 == back { 0 } else { 128 };
            self.bytes.push((size >> (7 * i)) as u8 & 127 | mark);
        }
        self.count += 1;
    }

    fn integer(&mut self, n: i64) {
        let out = &mut self.bytes;
        if (0..=127).contains(&n) {
            out.push(n as u8);
        } else if (-4096..=4095).contains(&n) {
            out.extend_from_slice(&[0xc0 | (n >> 8 & 0x1f) as u8, n as u8]);
        } else {
            let (code, width) = match n {
                -0x8000..=0x7fff => (0xf1, 2),
                -0x80_0000..=0x7f_ffff => (0xf2, 3),
                -0x8000_0000..=0x7fff_ffff => (0xf3, 4),
                _ => (0xf4, 8),
            };
            out.push(code);
            out.extend_from_slice(&n.to_le_bytes()[..width]);
        }
    }

    fn string(&mut self, bytes: &[u8]) {
        let out = &mut self.bytes;
        match bytes.len() {
            len @ 0..=63 => out.push(0x80 | len as u8),
            len @ 64..=4095 => out.extend_from_slice(&[0xe0 | (len >> 8) as u8, len as u8]),
            len => {
                out.push(0xf0);
                out.extend_from_slice(&(len as u32).to_le_bytes());
            }
        }
        out.extend_from_slice(bytes);
    }

    /// The listpack.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.push(END);
        let size = self.bytes.len() as u32;
        let count = self.count.min(usize::from(COUNT_UNKNOWN)) as u16;
        self.bytes[..4].copy_from_slice(&size.to_le_bytes());
        self.bytes[4..6].copy_from_slice(&count.to_le_bytes());
        self.bytes
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}
