//! Strings as rows of bits: SETBIT, BITCOUNT, BITPOS, BITOP; BITFIELD in its own file.

mod field;

use super::string::{string_bytes, write_range};
use crate::Cx;
use crate::event;
use crate::fail::{Done, Fail, SYNTAX};
use crate::handlers::Handler;
use base::num;
use commands::family::bitmap::Handlers;
use ds::{Kind, Object};

/// What runs the rows of this family.
pub(crate) const HANDLERS: Handlers<Handler> = Handlers {
    Bitcount: bitcount,
    Bitfield: bitfield,
    BitfieldRo: bitfield_ro,
    Bitop: bitop,
    Bitpos: bitpos,
    Getbit: getbit,
    Setbit: setbit,
};

pub(crate) use field::{bitfield, bitfield_ro};

const BAD_OFFSET: &str = "ERR bit offset is not an integer or out of range";
const BAD_BIT: &str = "ERR bit is not an integer or out of range";

/// The offset of a bit. With `width`, `#n` means the n-th field of so many bits.
fn bit_offset(cx: &Cx<'_>, text: &[u8], width: Option<u64>) -> Result<u64, Fail> {
    let (digits, factor) = match (text, width) {
        ([b'#', digits @ ..], Some(width)) => (digits, width),
        _ => (text, 1),
    };
    let offset = num::parse_i64(digits).and_then(|offset| u64::try_from(offset).ok());
    let offset = offset
        .and_then(|offset| offset.checked_mul(factor))
        .filter(|&offset| i64::try_from(offset).is_ok())
        .filter(|&offset| cx.caller.replays() || offset >> 3 < cx.settings.max_bulk as u64);
    offset.ok_or_else(|| BAD_OFFSET.into())
}

/// SETBIT key offset value
pub(crate) fn setbit(cx: &mut Cx<'_>) -> Done {
    let key = cx.key(0)?;
    let offset = bit_offset(cx, cx.args.get(2), None)?;
    let bit = match num::parse_i64(cx.args.get(3)) {
        Some(0) => 0u8,
        Some(1) => 1,
        _ => return Err(BAD_BIT.into()),
    };
    let (at, shift) = ((offset >> 3) as usize, 7 - (offset & 7));
    let mut scratch = Vec::new();
    let old = cx
        .keys
        .read_kind(key, Kind::Str)?
        .and_then(|object| string_bytes(object, &mut scratch).get(at).copied());
    let was = old.map_or(0, |byte| byte >> shift & 1);
    if old.is_none() || was != bit {
        let byte = old.unwrap_or(0) & !(1 << shift) | bit << shift;
        let (_, change) = write_range(cx, key, at, &[byte]);
        cx.end_as_sent(change, event::SETBIT, 1);
    }
    cx.reply.int(i64::from(was));
    Ok(())
}

/// GETBIT key offset
pub(crate) fn getbit(cx: &mut Cx<'_>) -> Done {
    let offset = bit_offset(cx, cx.args.get(2), None)?;
    let mut scratch = Vec::new();
    let found = cx.keys.read_kind(cx.key(0)?, Kind::Str)?;
    let bytes = found.map_or(&[][..], |object| string_bytes(object, &mut scratch));
    let byte = bytes.get((offset >> 3) as usize).copied().unwrap_or(0);
    cx.reply.int(i64::from(byte >> (7 - (offset & 7)) & 1));
    Ok(())
}

/// A range as the arguments give it.
struct Bounds {
    start: i64,
    end: Option<i64>,
    bits: bool,
}

impl Bounds {
    /// Whether a range is in bits.
    fn unit(cx: &Cx<'_>, index: usize) -> Result<bool, Fail> {
        match cx.args.opt(index).map(<[u8]>::to_ascii_uppercase) {
            None => Ok(false),
            Some(word) if word == b"BIT" => Ok(true),
            Some(word) if word == b"BYTE" => Ok(false),
            Some(_) => Err(SYNTAX.into()),
        }
    }

    /// The bits that are meant of a string of so many bytes: the first and the one behind the last.
    fn within(&self, bytes: usize) -> std::ops::Range<usize> {
        let unit = if self.bits { 1 } else { 8 };
        let total = (bytes * 8 / unit) as i64;
        let clamp = |index: i64| {
            if index < 0 {
                (index + total).max(0)
            } else {
                index
            }
        };
        let start = clamp(self.start);
        let end = self.end.map_or(total - 1, clamp).min(total - 1);
        if start > end {
            return 0..0;
        }
        start as usize * unit..(end as usize + 1) * unit
    }
}

/// BITCOUNT key [start end [BYTE | BIT]]
pub(crate) fn bitcount(cx: &mut Cx<'_>) -> Done {
    let bounds = match cx.args.len() {
        2 => Bounds {
            start: 0,
            end: None,
            bits: false,
        },
        4 | 5 => Bounds {
            start: cx.int(2)?,
            end: Some(cx.int(3)?),
            bits: Bounds::unit(cx, 4)?,
        },
        _ => return Err(SYNTAX.into()),
    };
    let mut scratch = Vec::new();
    let found = cx.keys.read_kind(cx.key(0)?, Kind::Str)?;
    let bytes = found.map_or(&[][..], |object| string_bytes(object, &mut scratch));
    let crossed = bounds.start < 0 && bounds.end.is_some_and(|end| end < 0 && bounds.start > end);
    let count = if crossed {
        0
    } else {
        ones(bytes, bounds.within(bytes.len()))
    };
    cx.reply.int(count as i64);
    Ok(())
}

/// The bits of `byte` that are in the range, when the byte is the one at index `at`.
fn masked(byte: u8, at: usize, range: &std::ops::Range<usize>) -> u8 {
    let mut mask = 0xffu8;
    if range.start > at * 8 {
        mask &= 0xff >> (range.start - at * 8);
    }
    if range.end < at * 8 + 8 {
        mask &= !(0xff >> (range.end - at * 8));
    }
    byte & mask
}

/// How many bits of the range are set.
fn ones(bytes: &[u8], range: std::ops::Range<usize>) -> u64 {
    if range.is_empty() {
        return 0;
    }
    let (first, last) = (range.start / 8, (range.end - 1) / 8);
    let edge = |at: usize| u64::from(masked(bytes[at], at, &range).count_ones());
    if first == last {
        return edge(first);
    }
    let (words, rest) = bytes[first + 1..last].as_chunks::<8>();
    let inner: u64 = words
        .iter()
        .map(|word| u64::from(u64::from_ne_bytes(*word).count_ones()))
        .sum();
    let rest: u64 = rest.iter().map(|byte| u64::from(byte.count_ones())).sum();
    edge(first) + inner + rest + edge(last)
}

/// BITPOS key bit [start [end [BYTE | BIT]]]
pub(crate) fn bitpos(cx: &mut Cx<'_>) -> Done {
    let bit = match cx.int(2)? {
        0 => false,
        1 => true,
        _ => return Err("ERR The bit argument must be 1 or 0.".into()),
    };
    if cx.args.len() > 6 {
        return Err(SYNTAX.into());
    }
    let start = if cx.args.len() > 3 { cx.int(3)? } else { 0 };
    let bits = Bounds::unit(cx, 5)?;
    let end = if cx.args.len() > 4 {
        Some(cx.int(4)?)
    } else {
        None
    };
    let bounds = Bounds { start, end, bits };
    let mut scratch = Vec::new();
    let Some(object) = cx.keys.read_kind(cx.key(0)?, Kind::Str)? else {
        cx.reply.int(if bit { -1 } else { 0 });
        return Ok(());
    };
    let bytes = string_bytes(object, &mut scratch);
    let range = bounds.within(bytes.len());
    let found = position(bytes, bit, &range).map_or(-1, |at| at as i64);
    // Behind a string without a given end there are zeros.
    let padded = found < 0 && !bit && end.is_none() && !range.is_empty();
    let found = if padded {
        bytes.len() as i64 * 8
    } else {
        found
    };
    cx.reply.int(found);
    Ok(())
}

/// The first bit of the range that is `bit`.
fn position(bytes: &[u8], bit: bool, range: &std::ops::Range<usize>) -> Option<usize> {
    if range.is_empty() {
        return None;
    }
    let (first, last) = (range.start / 8, (range.end - 1) / 8);
    let flip = if bit { 0 } else { 0xff };
    let look = |at: usize| {
        let byte = masked(bytes[at] ^ flip, at, range);
        (byte != 0).then(|| at * 8 + byte.leading_zeros() as usize)
    };
    let inner = || {
        let inner = bytes.get(first + 1..last)?;
        let at = inner.iter().position(|&byte| byte != flip)?;
        look(first + 1 + at)
    };
    look(first).or_else(inner).or_else(|| look(last))
}

/// BITOP AND | OR | XOR | NOT destination key [key ...]
pub(crate) fn bitop(cx: &mut Cx<'_>) -> Done {
    let operation: fn(u8, u8) -> u8 = match cx.args.get(1).to_ascii_uppercase().as_slice() {
        b"AND" => |one, other| one & other,
        b"OR" => |one, other| one | other,
        b"XOR" => |one, other| one ^ other,
        b"NOT" if cx.args.len() != 4 => {
            return Err("ERR BITOP NOT must be called with a single source key.".into());
        }
        b"NOT" => |one, _| !one,
        _ => return Err(SYNTAX.into()),
    };
    let (target, sources) = (cx.key(0)?, 1..cx.key_count());
    let mut longest = 0;
    for nth in sources.clone() {
        let length = cx
            .keys
            .read_kind(cx.key(nth)?, Kind::Str)?
            .map_or(0, Object::str_len);
        longest = longest.max(length);
    }
    if longest == 0 {
        cx.delete_as_effect(target);
        cx.reply.int(0);
        return Ok(());
    }
    let (mut result, mut scratch) = (vec![0u8; longest], Vec::new());
    for nth in sources.clone() {
        let found = cx.keys.peek(cx.key(nth)?);
        let bytes = found.map_or(&[][..], |object| string_bytes(object, &mut scratch));
        if nth == 1 {
            result[..bytes.len()].copy_from_slice(bytes);
            continue;
        }
        let (here, behind) = result.split_at_mut(bytes.len());
        let pairs = here.iter_mut().zip(bytes);
        pairs.for_each(|(one, &other)| *one = operation(*one, other));
        behind.iter_mut().for_each(|one| *one = operation(*one, 0));
    }
    if sources.len() == 1 {
        let alone = cx.args.get(1).eq_ignore_ascii_case(b"NOT");
        if alone {
            result.iter_mut().for_each(|byte| *byte = !*byte);
        }
    }
    let change = cx.keys.put(target, Object::new_str(&target, &result, None));
    cx.end_as_sent(change, event::SET, 1);
    cx.reply.int(longest as i64);
    Ok(())
}
