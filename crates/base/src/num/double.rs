//! Doubles as text.

/// Reads a double as Redis does for scores and increments: decimal or hexadecimal digits, `inf`,
/// `infinity` with a sign in any case; no spaces, no `nan`, nothing left over. Values too large
/// for a double are refused (`strtod` reports ERANGE), values too small become what `strtod`
/// gives.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned.len() >= 2 && unsigned.as_bytes()[..2].eq_ignore_ascii_case(b"0x") {
        return parse_hex(&unsigned.as_bytes()[2..], text.starts_with('-'));
    }
    if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        return Some(if text.starts_with('-') {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        });
    }
    // Rust also takes "nan"; past this check only digits, dot and exponent remain.
    if !unsigned
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_digit() || b == b'.')
    {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(value)
}

/// Hexadecimal floating point as C has it: `0x1.8p3`. The prefix is already off.
fn parse_hex(text: &[u8], negative: bool) -> Option<f64> {
    let mut mantissa: u64 = 0;
    let mut exponent: i64 = 0;
    let (mut seen_digit, mut seen_dot) = (false, false);
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        match (byte as char).to_digit(16) {
            Some(digit) => {
                seen_digit = true;
                if mantissa >> 60 == 0 {
                    mantissa = mantissa << 4 | u64::from(digit);
                    exponent -= if seen_dot { 4 } else { 0 };
                } else {
                    exponent += if seen_dot { 0 } else { 4 };
                }
            }
            None if byte == b'.' && !seen_dot => seen_dot = true,
            None => break,
        }
        rest = tail;
    }
    if !seen_digit {
        return None;
    }
    if let [b'p' | b'P', digits @ ..] = rest {
        let digits = std::str::from_utf8(digits).ok()?;
        let given: i64 = digits.parse().ok()?;
        exponent = exponent.saturating_add(given.clamp(-100_000, 100_000));
    } else if !rest.is_empty() {
        return None;
    }
    let value = mantissa as f64 * 2f64.powi(exponent.clamp(-1200, 1100) as i32);
    value
        .is_finite()
        .then_some(if negative { -value } else { value })
}

/// Prints a double as Redis 7.2 replies it: integers without a fraction, else the shortest text
/// that reads back the same, in plain or scientific notation as `%.17g` would choose.
pub fn format_f64(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 {
            "inf".into()
        } else {
            "-inf".into()
        };
    }
    if value == 0.0 {
        return if value.is_sign_negative() {
            "-0".into()
        } else {
            "0".into()
        };
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let negative = digits.starts_with('-');
    let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
    let mut out = String::with_capacity(24);
    if negative {
        out.push('-');
    }
    place_digits(&mut out, &digits, exponent);
    out
}

/// Writes `d.ddd × 10^exponent` as Redis's printer lays it out.
fn place_digits(out: &mut String, digits: &str, exponent: i32) {
    let count = digits.len() as i32;
    if (0..17 + 4).contains(&exponent) && exponent >= count - 1 && exponent < 21 {
        out.push_str(digits);
        out.extend(std::iter::repeat_n('0', (exponent - count + 1) as usize));
    } else if exponent >= 0 && exponent < count - 1 {
        let point = (exponent + 1) as usize;
        out.push_str(&digits[..point]);
        out.push('.');
        out.push_str(&digits[point..]);
    } else if (-7..0).contains(&exponent) {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', (-exponent - 1) as usize));
        out.push_str(digits);
    } else {
        out.push_str(&digits[..1]);
        if digits.len() > 1 {
            out.push('.');
            out.push_str(&digits[1..]);
        }
        out.push('e');
        out.push(if exponent < 0 { '-' } else { '+' });
        out.push_str(&exponent.abs().to_string());
    }
}
