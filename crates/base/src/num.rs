//! Numbers as text: what Redis accepts as an integer, a double or an amount of memory, and how it
//! prints them.

mod double;

pub use double::{Form, Spelling, format_f64, parse_f64, parse_f64_in_range};

/// Reads an integer as Redis does everywhere: no sign but `-`, no leading zeros, no spaces, `-0`
/// refused. `None` also when it does not fit 64 bits.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (&first, mut digits) = text.split_first()?;
    if text.len() > 20 {
        return None;
    }
    let negative = first == b'-';
    let lead = if negative {
        let (&lead, rest) = digits.split_first()?;
        digits = rest;
        lead
    } else {
        first
    };
    if !(b'1'..=b'9').contains(&lead) {
        return (text == b"0").then_some(0);
    }
    let mut value = u64::from(lead - b'0');
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
    }
    if negative {
        0i64.checked_sub_unsigned(value)
    } else {
        i64::try_from(value).ok()
    }
}

/// Reads an unsigned integer by the same rules, without a sign.
#[inline]
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    parse_digits(text)
}

/// Digits without leading zeros; `0` alone is fine.
#[inline]
fn parse_digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 || (text[0] == b'0' && text.len() > 1) {
        return None;
    }
    let mut value: u64 = 0;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// Appends an integer in decimal.
#[inline]
pub fn write_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Reads an amount of memory as redis.conf does: `1k` is 1000 bytes, `1kb` is 1024, likewise `m`,
/// `mb`, `g`, `gb`; `b` or nothing is bytes; letters in either case. `None` when it is none or
/// does not fit.
pub fn parse_memory(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = match text[digits..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(unit)
}
