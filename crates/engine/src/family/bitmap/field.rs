//! BITFIELD: integers of any width at any bit of a string.

use super::bit_offset;
use crate::event;
use crate::fail::{Done, Fail, SYNTAX};
use crate::family::string::{string_bytes, write_range};
use crate::{Change, Cx, Key};
use base::num;
use ds::{Kind, Object};

const BAD_TYPE: &str = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not \
    supported but i64 is.";

/// What happens to a value that does not fit.
#[derive(Clone, Copy)]
enum Overflow {
    Wrap,
    Saturate,
    Fail,
}

#[derive(Clone, Copy)]
enum Verb {
    Get,
    Set(i64),
    Add(i64),
}

/// One operation.
#[derive(Clone, Copy)]
struct Operation {
    verb: Verb,
    offset: u64,
    signed: bool,
    width: u32,
    overflow: Overflow,
}

/// BITFIELD key [GET | SET | INCRBY | OVERFLOW ...]
pub(crate) fn bitfield(cx: &mut Cx<'_>) -> Done {
    let operations = parse(cx)?;
    run(cx, &operations)
}

/// BITFIELD_RO key [GET type offset ...]
pub(crate) fn bitfield_ro(cx: &mut Cx<'_>) -> Done {
    let operations = parse(cx)?;
    if !reads_only(&operations) {
        return Err("ERR BITFIELD_RO only supports the GET subcommand".into());
    }
    run(cx, &operations)
}

fn reads_only(operations: &[Operation]) -> bool {
    operations
        .iter()
        .all(|operation| matches!(operation.verb, Verb::Get))
}

fn parse(cx: &Cx<'_>) -> Result<Vec<Operation>, Fail> {
    let (mut operations, mut overflow) = (Vec::new(), Overflow::Wrap);
    let mut index = 2;
    while index < cx.args.len() {
        let more = cx.args.len() - index - 1;
        let word = cx.args.get(index).to_ascii_uppercase();
        match word.as_slice() {
            b"GET" if more >= 2 => {}
            b"SET" | b"INCRBY" if more >= 3 => {}
            b"OVERFLOW" if more >= 1 => {
                overflow = match cx.args.get(index + 1).to_ascii_uppercase().as_slice() {
                    b"WRAP" => Overflow::Wrap,
                    b"SAT" => Overflow::Saturate,
                    b"FAIL" => Overflow::Fail,
                    _ => return Err("ERR Invalid OVERFLOW type specified".into()),
                };
                index += 2;
                continue;
            }
            _ => return Err(SYNTAX.into()),
        }
        let (signed, width) = field_type(cx.args.get(index + 1)).ok_or(BAD_TYPE)?;
        let offset = bit_offset(cx, cx.args.get(index + 2), Some(u64::from(width)))?;
        let verb = match word.as_slice() {
            b"GET" => Verb::Get,
            b"SET" => Verb::Set(cx.int(index + 3)?),
            _ => Verb::Add(cx.int(index + 3)?),
        };
        index += if matches!(verb, Verb::Get) { 3 } else { 4 };
        operations.push(Operation {
            verb,
            offset,
            signed,
            width,
            overflow,
        });
    }
    Ok(operations)
}

/// Whether a type is signed, and its bits.
fn field_type(text: &[u8]) -> Option<(bool, u32)> {
    let (&sign, digits) = text.split_first()?;
    let width = num::parse_i64(digits)?;
    let signed = match sign {
        b'i' => true,
        b'u' => false,
        _ => return None,
    };
    let widest = if signed { 64 } else { 63 };
    (1..=widest)
        .contains(&width)
        .then_some((signed, width as u32))
}

fn run(cx: &mut Cx<'_>, operations: &[Operation]) -> Done {
    let key = cx.key(0)?;
    let length = cx
        .keys
        .read_kind(key, Kind::Str)?
        .map_or(0, Object::str_len);
    let mut change = None;
    if !reads_only(operations) {
        let writes = operations
            .iter()
            .filter(|operation| !matches!(operation.verb, Verb::Get));
        let last = writes.map(|operation| operation.offset + u64::from(operation.width) - 1);
        let last = (last.max().unwrap_or(0) >> 3) as usize;
        if last >= length {
            change = further(change, write_range(cx, key, last, &[0]).1);
        }
    }
    cx.reply.array(operations.len());
    for operation in operations {
        let (at, window) = window(cx, key, operation);
        let old = operation.read(&window);
        let new = match operation.verb {
            Verb::Get => {
                cx.reply.int(old as i64);
                continue;
            }
            Verb::Set(value) if operation.signed => i128::from(value),
            Verb::Set(value) => i128::from(value as u64),
            Verb::Add(by) => old + i128::from(by),
        };
        let Some(new) = operation.fit(new) else {
            cx.reply.null();
            continue;
        };
        let told = if matches!(operation.verb, Verb::Set(_)) {
            old
        } else {
            new
        };
        cx.reply.int(told as i64);
        if new != old {
            let bytes = operation.place(&window, new);
            let (_, now) = write_range(cx, key, at, &bytes[..operation.span()]);
            change = further(change, now);
        }
    }
    if let Some(change) = change {
        cx.end_as_sent(change, event::SETBIT, 1);
    }
    Ok(())
}

/// The changes of one command as one.
fn further<'k>(before: Option<Change<'k>>, now: Change<'k>) -> Option<Change<'k>> {
    Some(match before {
        Some(before) => before.and(now),
        None => now,
    })
}

/// The bytes that an operation touches, and where they begin; zeros behind the string's end.
fn window(cx: &mut Cx<'_>, key: Key<'_>, operation: &Operation) -> (usize, [u8; 16]) {
    let (at, mut window, mut scratch) = ((operation.offset >> 3) as usize, [0; 16], Vec::new());
    if let Some(object) = cx.keys.peek(key) {
        let bytes = string_bytes(object, &mut scratch);
        let rest = bytes.get(at..).unwrap_or_default();
        let length = rest.len().min(operation.span());
        window[..length].copy_from_slice(&rest[..length]);
    }
    (at, window)
}

impl Operation {
    /// How many bytes the field lies in.
    fn span(&self) -> usize {
        ((self.offset & 7) as u32 + self.width).div_ceil(8) as usize
    }

    /// How far the field is from the right end of 128 bits that begin with its first byte.
    fn shift(&self) -> u32 {
        128 - (self.offset & 7) as u32 - self.width
    }

    fn mask(&self) -> u128 {
        (1 << self.width) - 1
    }

    fn read(&self, window: &[u8; 16]) -> i128 {
        let raw = u128::from_be_bytes(*window) >> self.shift() & self.mask();
        self.signed_value(raw)
    }

    fn signed_value(&self, raw: u128) -> i128 {
        let negative = self.signed && raw >> (self.width - 1) & 1 == 1;
        raw as i128 - if negative { 1 << self.width } else { 0 }
    }

    fn place(&self, window: &[u8; 16], value: i128) -> [u8; 16] {
        let (shift, mask) = (self.shift(), self.mask());
        let rest = u128::from_be_bytes(*window) & !(mask << shift);
        (rest | (value as u128 & mask) << shift).to_be_bytes()
    }

    /// The value as the field can hold it; `None` when it cannot and must not be changed.
    fn fit(&self, value: i128) -> Option<i128> {
        let (least, most): (i128, i128) = if self.signed {
            (-(1 << (self.width - 1)), (1 << (self.width - 1)) - 1)
        } else {
            (0, (1 << self.width) - 1)
        };
        if (least..=most).contains(&value) {
            return Some(value);
        }
        match self.overflow {
            Overflow::Wrap => Some(self.signed_value(value as u128 & self.mask())),
            Overflow::Saturate => Some(value.clamp(least, most)),
            Overflow::Fail => None,
        }
    }
}
