//! Integer sets: a width, a count, then ascending little-endian numbers.
use super::{Flaw, fixed};

const HEADER: usize = 8;

/// Checks an integer set to its last byte; returns how many numbers it holds.
pub fn check(blob: &[u8]) -> Result<usize, Flaw> {
    let width = u32::from_le_bytes(fixed(blob, 0).ok_or(Flaw::TooShort)?) as usize;
    let count = u32::from_le_bytes(fixed(blob, 4).ok_or(Flaw::TooShort)?) as usize;
    if !matches!(width, 2 | 4 | 8) {
        return Err(Flaw::BadCode(0));
    }
    if count == 0 {
        return Err(Flaw::WrongCount);
    }
    if count.checked_mul(width).and_then(|n| n.checked_add(HEADER)) != Some(blob.len()) {
        return Err(Flaw::WrongSize);
    }
    let numbers = blob[HEADER..]
        .chunks_exact(width)
        .map(super::ziplist::signed);
    if !numbers.is_sorted_by(|a, b| a < b) {
        return Err(Flaw::Unsorted);
    }
    Ok(count)
}
