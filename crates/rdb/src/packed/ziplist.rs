//! Ziplists, the packed form before listpacks: ten bytes of header (size, place of the last
//! element, count), elements that each begin with the length of the one before, an end marker.
use super::{Element, Flaw, check_pairs, fixed};

const HEADER: usize = 10;
const END: u8 = 0xff;
const WIDE: u8 = 0xfe;
const COUNT_UNKNOWN: u16 = u16::MAX;

/// Checks a ziplist to its last byte; returns how many elements it holds.
pub fn check(blob: &[u8]) -> Result<usize, Flaw> {
    let size = u32::from_le_bytes(fixed(blob, 0).ok_or(Flaw::TooShort)?);
    let tail = u32::from_le_bytes(fixed(blob, 4).ok_or(Flaw::TooShort)?) as usize;
    let count = u16::from_le_bytes(fixed(blob, 8).ok_or(Flaw::TooShort)?);
    if blob.len() <= HEADER {
        return Err(Flaw::TooShort);
    }
    if size as usize != blob.len() {
        return Err(Flaw::WrongSize);
    }
    let end = blob.len() - 1;
    if blob[end] != END {
        return Err(Flaw::NoEnd);
    }
    let (mut at, mut found, mut previous) = (HEADER, 0, 0);
    let mut last = None;
    while at < end {
        let entry = entry_at(&blob[..end], at)?;
        if entry.previous != previous {
            return Err(Flaw::BadBackReference(at));
        }
        last = Some(at);
        previous = entry.next - at;
        at = entry.next;
        found += 1;
    }
    if last.is_some_and(|last| last != tail) || tail > end {
        return Err(Flaw::BadTail);
    }
    if count != COUNT_UNKNOWN && usize::from(count) != found {
        return Err(Flaw::WrongCount);
    }
    Ok(found)
}

/// Checks a ziplist that holds a hash. Returns the number of pairs.
pub fn check_hash(blob: &[u8]) -> Result<usize, Flaw> {
    let count = check(blob)?;
    check_pairs(elements(blob), count)?;
    Ok(count / 2)
}

/// The elements of a checked ziplist. Of an unchecked one it yields what can be read and stops at
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
        let entry = entry_at(self.body, self.at).ok()?;
        self.at = entry.next;
        Some(entry.element)
    }
}

struct Entry<'a> {
    previous: usize,
    element: Element<'a>,
    next: usize,
}

fn entry_at(body: &[u8], at: usize) -> Result<Entry<'_>, Flaw> {
    let overrun = Flaw::Overrun(at);
    let (previous, head) = match body[at] {
        END => return Err(Flaw::NoEnd),
        WIDE => (
            u32::from_le_bytes(fixed(body, at + 1).ok_or(overrun)?) as usize,
            at + 5,
        ),
        short => (usize::from(short), at + 1),
    };
    let code = *body.get(head).ok_or(overrun)?;
    let data = head + 1;
    let (from, len) = match code >> 6 {
        0 => (data, usize::from(code & 0x3f)),
        1 => {
            let low = *body.get(data).ok_or(overrun)?;
            (data + 1, usize::from(code & 0x3f) << 8 | usize::from(low))
        }
        2 => {
            let len = u32::from_be_bytes(fixed(body, data).ok_or(overrun)?);
            (data + 4, len as usize)
        }
        _ => {
            let width = match code {
                0xfe => 1,
                0xc0 => 2,
                0xf0 => 3,
                0xd0 => 4,
                0xe0 => 8,
                0xf1..=0xfd => {
                    let element = Element::Integer(i64::from(code & 0x0f) - 1);
                    return Ok(Entry {
                        previous,
                        element,
                        next: data,
                    });
                }
                _ => return Err(Flaw::BadCode(head)),
            };
            let raw = body.get(data..data + width).ok_or(overrun)?;
            let element = Element::Integer(signed(raw));
            return Ok(Entry {
                previous,
                element,
                next: data + width,
            });
        }
    };
    let next = from.checked_add(len).ok_or(overrun)?;
    let bytes = body.get(from..next).ok_or(overrun)?;
    Ok(Entry {
        previous,
        element: Element::Bytes(bytes),
        next,
    })
}

/// A little-endian signed number of one to eight bytes.
pub(super) fn signed(raw: &[u8]) -> i64 {
    let mut wide = [0; 8];
    let free = 8 - raw.len();
    wide[free..].copy_from_slice(raw);
    i64::from_le_bytes(wide) >> (free * 8)
}
