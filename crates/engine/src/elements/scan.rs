//! Scans of collections (HSCAN), and what they share with SCAN: cursors and options.

use super::Collection;
use crate::Cx;
use crate::fail::{Done, Fail, NOT_INTEGER, SYNTAX};
use base::{glob, num};

/// The options of SCAN and of scans of collections.
pub(crate) struct ScanOptions<'a> {
    /// About how many elements to return.
    pub(crate) count: usize,
    /// MATCH, unless it matches everything.
    pub(crate) pattern: Option<&'a [u8]>,
    /// TYPE.
    pub(crate) kind: Option<&'a [u8]>,
}

/// Reads the options from argument `index` on.
///
/// # Errors
/// A syntax error, or a COUNT that is no positive integer.
pub(crate) fn parse_options<'a>(
    cx: &Cx<'a>,
    mut index: usize,
    types: bool,
) -> Result<ScanOptions<'a>, Fail> {
    let mut options = ScanOptions {
        count: 10,
        pattern: None,
        kind: None,
    };
    while index < cx.args.len() {
        if index + 1 >= cx.args.len() {
            return Err(SYNTAX.into());
        }
        let (option, value) = (cx.args.get(index), cx.args.get(index + 1));
        match option.to_ascii_uppercase().as_slice() {
            b"COUNT" => {
                let count = num::parse_i64(value).ok_or(NOT_INTEGER)?;
                if count < 1 {
                    return Err(SYNTAX.into());
                }
                options.count = count as usize;
            }
            b"MATCH" => options.pattern = (value != b"*").then_some(value),
            b"TYPE" if types => options.kind = Some(value),
            _ => return Err(SYNTAX.into()),
        }
        index += 2;
    }
    Ok(options)
}

/// Reads a cursor.
///
/// # Errors
/// `ERR invalid cursor`.
pub(crate) fn parse_cursor(text: &[u8]) -> Result<u64, Fail> {
    let number = match num::parse_i64(text) {
        Some(number) => u64::try_from(number).ok(),
        None => unsigned_as_in_c(text),
    };
    number.ok_or_else(|| "ERR invalid cursor".into())
}

/// Reads a number as `strtoull` does: blanks and a sign may stand before the digits, a minus takes
/// the number from 2^64, and a NUL ends the text.
fn unsigned_as_in_c(text: &[u8]) -> Option<u64> {
    let text = text.split(|&byte| byte == 0).next()?;
    let text = text.trim_ascii_start();
    let (digits, negative) = match text {
        [b'-', digits @ ..] => (digits, true),
        [b'+', digits @ ..] | digits => (digits, false),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(if negative {
        number.wrapping_neg()
    } else {
        number
    })
}

/// How many steps a scan makes at most for each element that it was asked for.
const STEPS_PER_ELEMENT: usize = 10;

/// A scan of a collection: key cursor [MATCH pattern] [COUNT count]
pub(crate) fn scan<C: Collection>(cx: &mut Cx<'_>) -> Done {
    let cursor = parse_cursor(cx.args.get(2))?;
    let key = cx.key(0)?;
    if cx.keys.read_kind(key, C::KIND)?.is_none() {
        cx.reply.array(2);
        cx.reply.bulk("0");
        cx.reply.array(0);
        return Ok(());
    }
    // Options of what is not there are not looked at.
    let options = parse_options(cx, 3, false)?;
    let Some(collection) = cx.keys.peek(key).map(C::of) else {
        return Ok(());
    };
    let mut found: Vec<Vec<u8>> = Vec::new();
    let (mut next, mut seen) = (cursor, 0);
    let mut steps = options.count.saturating_mul(STEPS_PER_ELEMENT);
    loop {
        next = collection.scan(next, &mut |(item, second)| {
            seen += 1;
            let item = item.to_vec();
            if options
                .pattern
                .is_none_or(|pattern| glob::matches(pattern, &item, false))
            {
                found.push(item);
                found.extend(second.map(|second| second.to_vec()));
            }
        });
        steps -= 1;
        if next == 0 || seen >= options.count || steps == 0 {
            break;
        }
    }
    cx.reply.array(2);
    cx.reply.bulk(next.to_string());
    cx.reply.array(found.len());
    for item in &found {
        cx.reply.bulk(item);
    }
    Ok(())
}
