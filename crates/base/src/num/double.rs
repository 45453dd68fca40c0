//! Doubles as text.

/// A text that C's `strtod` and `strtold` read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spelling<'a> {
    /// Whether it begins with a minus.
    pub negative: bool,
    /// What stands behind the sign.
    pub form: Form<'a>,
}

/// What a number is spelt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form<'a> {
    /// `inf` or `infinity`, in any case.
    Infinity,
    /// Digits, with a point and an exponent or without.
    Decimal(&'a str),
    /// Hexadecimal digits behind `0x`, with a point and a binary exponent or without.
    Hexadecimal(&'a str),
}

impl<'a> Spelling<'a> {
    /// Reads the form alone: no blanks, no `nan`, nothing left over. A sign or an `e` without
    /// digits is left over to C, so it is to us.
    pub fn of(text: &'a [u8]) -> Option<Spelling<'a>> {
        let text = std::str::from_utf8(text).ok()?;
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let negative = text.starts_with('-');
        let form = if unsigned.eq_ignore_ascii_case("inf")
            || unsigned.eq_ignore_ascii_case("infinity")
        {
            Form::Infinity
        } else if unsigned
            .get(..2)
            .is_some_and(|head| head.eq_ignore_ascii_case("0x"))
        {
            let digits = &unsigned[2..];
            is_number(digits, u8::is_ascii_hexdigit, b'p').then_some(Form::Hexadecimal(digits))?
        } else {
            is_number(unsigned, u8::is_ascii_digit, b'e').then_some(Form::Decimal(unsigned))?
        };
        Some(Spelling { negative, form })
    }

    /// Whether it spells zero, as opposed to something that is too small.
    pub fn is_zero(&self) -> bool {
        let (digits, marker) = match self.form {
            Form::Infinity => return false,
            Form::Decimal(digits) => (digits, b'e'),
            Form::Hexadecimal(digits) => (digits, b'p'),
        };
        digits
            .bytes()
            .take_while(|byte| byte.to_ascii_lowercase() != marker)
            .all(|byte| matches!(byte, b'0' | b'.'))
    }

    fn signed(&self, value: f64) -> f64 {
        if self.negative { -value } else { value }
    }
}

/// Digits with one point or none, then an exponent behind `marker` or nothing.
fn is_number(text: &str, is_digit: fn(&u8) -> bool, marker: u8) -> bool {
    let bytes = text.as_bytes();
    let end = bytes
        .iter()
        .position(|byte| byte.to_ascii_lowercase() == marker);
    let (mantissa, exponent) = match end {
        Some(end) => (&bytes[..end], Some(&bytes[end + 1..])),
        None => (bytes, None),
    };
    let points = mantissa.iter().filter(|byte| **byte == b'.').count();
    let digits = mantissa.iter().filter(|byte| is_digit(byte)).count();
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent
            .strip_prefix(b"-")
            .or_else(|| exponent.strip_prefix(b"+"))
            .unwrap_or(exponent);
        !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
    });
    points <= 1 && digits >= 1 && points + digits == mantissa.len() && exponent_fits
}

/// Reads a double as Redis does for increments and times: decimal or hexadecimal digits, `inf`,
/// `infinity` with a sign in any case; no spaces, no `nan`, nothing left over. What is too large
/// for a double or so small that it becomes zero is refused (`strtod` reports ERANGE); what is
/// merely less precise for being small is taken.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    read(text).map(|(value, _)| value)
}

/// As [`parse_f64`], but takes nothing that `strtod` reports ERANGE for, as SORT does: numbers too
/// that lose digits because they are below 2^-1022.
pub fn parse_f64_in_range(text: &[u8]) -> Option<f64> {
    read(text)
        .filter(|(_, whole)| *whole)
        .map(|(value, _)| value)
}

/// The value, and whether it kept all the digits that a double of its size can have.
fn read(text: &[u8]) -> Option<(f64, bool)> {
    let spelling = Spelling::of(text)?;
    let (value, exact) = match spelling.form {
        Form::Infinity => return Some((spelling.signed(f64::INFINITY), true)),
        // No decimal of sensible length is a number below 2^-1022 exactly.
        Form::Decimal(digits) => (digits.parse().ok()?, false),
        Form::Hexadecimal(digits) => hexadecimal(digits),
    };
    if value == 0.0 {
        return spelling.is_zero().then(|| (spelling.signed(value), true));
    }
    let whole = exact || value >= f64::MIN_POSITIVE;
    value.is_finite().then(|| (spelling.signed(value), whole))
}

/// The double nearest to a hexadecimal number, halves to the even one, and whether it is that
/// number.
fn hexadecimal(text: &str) -> (f64, bool) {
    let (digits, given) = text.split_once(['p', 'P']).unwrap_or((text, "0"));
    // What does not fit is too large or too small all the same.
    let limit = if given.starts_with('-') {
        -100_000
    } else {
        100_000
    };
    let given: i64 = given.parse().unwrap_or(limit);
    let mut exponent = given.clamp(-100_000, 100_000);
    let mut mantissa: u64 = 0;
    let mut seen_point = false;
    for byte in digits.bytes() {
        let Some(digit) = char::from(byte).to_digit(16) else {
            seen_point = true;
            continue;
        };
        if mantissa >> 59 == 0 {
            mantissa = mantissa << 4 | u64::from(digit);
            exponent -= if seen_point { 4 } else { 0 };
        } else {
            // The last bit stands for all that follow.
            mantissa |= u64::from(digit != 0);
            exponent += if seen_point { 0 } else { 4 };
        }
    }
    if mantissa == 0 {
        return (0.0, true);
    }
    let bits = 64 - i64::from(mantissa.leading_zeros());
    let top = exponent.saturating_add(bits - 1);
    if top > 1023 {
        return (f64::INFINITY, false);
    }
    let kept = 53.min(53 + 1022 + top);
    if kept < 0 {
        return (0.0, false);
    }
    let cut = (bits - kept).max(0);
    let (whole, rest) = if cut == 0 {
        (mantissa, 0)
    } else {
        (mantissa >> cut, mantissa & ((1 << cut) - 1))
    };
    let half = if cut == 0 { 0 } else { 1 << (cut - 1) };
    let up = rest > half || (rest == half && rest > 0 && whole & 1 == 1);
    let value = scaled((whole + u64::from(up)) as f64, exponent + cut);
    (value, rest == 0)
}

/// `value` × 2^`exponent`, in steps none of which leaves the range of doubles on the way.
fn scaled(mut value: f64, mut exponent: i64) -> f64 {
    while exponent != 0 {
        let step = exponent.clamp(-1000, 1000);
        value *= 2f64.powi(step as i32);
        exponent -= step;
    }
    value
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
