//! Zipmaps, the packed hashes of Redis before 2.6: a count, then fields and values with their
//! lengths, where a value may be followed by unused bytes, then an end marker.
use super::{Element, Flaw, check_pairs, fixed};

const END: u8 = 0xff;
const WIDE: u8 = 0xfe;

/// Checks a zipmap to its last byte; returns how many pairs it holds.
pub fn check(blob: &[u8]) -> Result<usize, Flaw> {
    if blob.len() < 2 {
        return Err(Flaw::TooShort);
    }
    let end = blob.len() - 1;
    if blob[end] != END {
        return Err(Flaw::NoEnd);
    }
    let body = &blob[..end];
    let (mut at, mut pairs) = (1, 0);
    while at < end {
        at = pair_at(body, at)?.next;
        pairs += 1;
    }
    if blob[0] < WIDE && usize::from(blob[0]) != pairs {
        return Err(Flaw::WrongCount);
    }
    check_pairs(elements(blob), pairs * 2)?;
    Ok(pairs)
}

/// Fields and values in turn, of a checked zipmap.
pub fn elements(blob: &[u8]) -> Elements<'_> {
    Elements {
        body: &blob[..blob.len().saturating_sub(1)],
        at: 1,
        value: None,
    }
}

/// See [`elements`].
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    body: &'a [u8],
    at: usize,
    value: Option<&'a [u8]>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        if let Some(value) = self.value.take() {
            return Some(Element::Bytes(value));
        }
        if self.at >= self.body.len() {
            return None;
        }
        let pair = pair_at(self.body, self.at).ok()?;
        self.at = pair.next;
        self.value = Some(pair.value);
        Some(Element::Bytes(pair.field))
    }
}

struct Pair<'a> {
    field: &'a [u8],
    value: &'a [u8],
    next: usize,
}

fn pair_at(body: &[u8], at: usize) -> Result<Pair<'_>, Flaw> {
    let overrun = Flaw::Overrun(at);
    let (len, from) = length_at(body, at)?;
    let value_at = from.checked_add(len).ok_or(overrun)?;
    let field = body.get(from..value_at).ok_or(overrun)?;
    let (len, free_at) = length_at(body, value_at)?;
    let free = usize::from(*body.get(free_at).ok_or(overrun)?);
    let from = free_at + 1;
    let end = from.checked_add(len).ok_or(overrun)?;
    let value = body.get(from..end).ok_or(overrun)?;
    let next = end + free;
    if next > body.len() {
        return Err(overrun);
    }
    Ok(Pair { field, value, next })
}

fn length_at(body: &[u8], at: usize) -> Result<(usize, usize), Flaw> {
    match body.get(at) {
        None => Err(Flaw::Overrun(at)),
        Some(&END) => Err(Flaw::NoEnd),
        Some(&WIDE) => {
            let wide = fixed(body, at + 1).ok_or(Flaw::Overrun(at))?;
            Ok((u32::from_le_bytes(wide) as usize, at + 5))
        }
        Some(&short) => Ok((usize::from(short), at + 1)),
    }
}
