//! The 80-bit floating point that INCRBYFLOAT and HINCRBYFLOAT add with, on every processor.

use base::num::{Form, Spelling};
use rustc_apfloat::ieee::X87DoubleExtended;
use rustc_apfloat::{Float, Round, Status};

/// A `long double` of x86: 64 bits of mantissa.
#[derive(Clone, Copy)]
pub(crate) struct LongDouble(X87DoubleExtended);

/// The longest text that is looked at; Redis reads into a buffer of this size.
const LONGEST: usize = 5 * 1024;

impl LongDouble {
    /// Reads a number as Redis does with `strtold`: no blanks, nothing left over, no NaN;
    /// infinities may be read. What is too large, or so small that it becomes zero, is refused.
    pub(crate) fn parse(text: &[u8]) -> Option<LongDouble> {
        let spelling = Spelling::of(text).filter(|_| text.len() < LONGEST)?;
        let spelt = match spelling.form {
            Form::Infinity => {
                let infinity = X87DoubleExtended::INFINITY;
                return Some(LongDouble(if spelling.negative {
                    -infinity
                } else {
                    infinity
                }));
            }
            Form::Decimal(digits) => digits.to_owned(),
            Form::Hexadecimal(digits) if digits.contains(['p', 'P']) => format!("0x{digits}"),
            Form::Hexadecimal(digits) => format!("0x{digits}p0"),
        };
        let read = X87DoubleExtended::from_str_r(&spelt, Round::NearestTiesToEven).ok()?;
        let unfit = read.status.intersects(Status::OVERFLOW)
            || (read.value.is_zero() && !spelling.is_zero());
        let value = if spelling.negative {
            -read.value
        } else {
            read.value
        };
        (!unfit && !value.is_nan()).then_some(LongDouble(value))
    }

    /// Whether it is an infinity.
    pub(crate) fn is_infinite(self) -> bool {
        self.0.is_infinite()
    }

    /// The sum; `None` when it is no finite number.
    pub(crate) fn add(self, other: LongDouble) -> Option<LongDouble> {
        let sum = (self.0 + other.0).value;
        sum.is_finite().then_some(LongDouble(sum))
    }

    /// As `%.17Lf` prints it, without zeros at the end of the fraction.
    pub(crate) fn text(self) -> String {
        let bits = self.0.to_bits();
        let mantissa = bits as u64;
        let exponent = ((bits >> 64) & 0x7fff) as i32;
        if mantissa == 0 {
            return "0".into();
        }
        // The value is mantissa × 2^power; in units of 10^-17 it is rounded to a whole number.
        let power = exponent.max(1) - 16383 - 63;
        let mut units = Big::from(mantissa);
        (0..17).for_each(|_| units.multiply(10));
        if power >= 0 {
            units.shift_left(power as u32);
        } else {
            units.shift_right_to_even(power.unsigned_abs());
        }
        let mut digits = units.decimal();
        if digits.len() < 18 {
            digits.insert_str(0, &"0".repeat(18 - digits.len()));
        }
        let point = digits.len() - 17;
        let fraction = digits[point..].trim_end_matches('0');
        let whole = &digits[..point];
        let text = if fraction.is_empty() {
            whole.into()
        } else {
            format!("{whole}.{fraction}")
        };
        let negative = bits >> 79 & 1 == 1 && text != "0";
        if negative { format!("-{text}") } else { text }
    }
}

/// A natural number of any size; its digits have 32 bits, the lowest first.
struct Big(Vec<u32>);

impl Big {
    fn from(value: u64) -> Big {
        Big(vec![value as u32, (value >> 32) as u32])
    }

    fn multiply(&mut self, by: u32) {
        let mut carry = 0u64;
        for digit in &mut self.0 {
            let product = u64::from(*digit) * u64::from(by) + carry;
            *digit = product as u32;
            carry = product >> 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    fn shift_left(&mut self, bits: u32) {
        for _ in 0..bits / 31 {
            self.multiply(1 << 31);
        }
        self.multiply(1 << (bits % 31));
    }

    /// Divides by 2^bits and rounds, halves to the even neighbour.
    fn shift_right_to_even(&mut self, bits: u32) {
        let bit = |big: &Big, at: u32| {
            let digit = big.0.get((at / 32) as usize).copied().unwrap_or(0);
            digit >> (at % 32) & 1 == 1
        };
        let half = bits > 0 && bit(self, bits - 1);
        let below = bits > 1 && (0..bits - 1).any(|at| bit(self, at));
        let up = half && (below || bit(self, bits));
        let (words, rest) = ((bits / 32) as usize, bits % 32);
        self.0.drain(..words.min(self.0.len()));
        if rest > 0 {
            for at in 0..self.0.len() {
                let high = self.0.get(at + 1).copied().unwrap_or(0);
                self.0[at] = self.0[at] >> rest | high << (32 - rest);
            }
        }
        if up {
            for digit in &mut self.0 {
                *digit = digit.wrapping_add(1);
                if *digit != 0 {
                    return;
                }
            }
            self.0.push(1);
        }
    }

    fn decimal(&self) -> String {
        let mut rest = self.0.clone();
        let mut groups = Vec::new();
        while rest.iter().any(|&digit| digit != 0) {
            let mut remainder = 0u64;
            for digit in rest.iter_mut().rev() {
                let value = remainder << 32 | u64::from(*digit);
                *digit = (value / 1_000_000_000) as u32;
                remainder = value % 1_000_000_000;
            }
            groups.push(remainder);
        }
        let mut text = String::new();
        for (index, group) in groups.iter().rev().enumerate() {
            text.push_str(&if index == 0 {
                group.to_string()
            } else {
                format!("{group:09}")
            });
        }
        text
    }
}

#[cfg(test)]
mod tests;
