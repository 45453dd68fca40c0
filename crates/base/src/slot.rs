//! The hash slot: the unit of locking, snapshotting, migration and statistics.

use crate::crc16;

/// One of the 16384 hash slots.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot(u16);

impl Slot {
    /// How many slots there are.
    pub const COUNT: usize = 16384;

    /// The slot with number `number`, if there is one.
    pub const fn new(number: u16) -> Option<Slot> {
        if (number as usize) < Slot::COUNT {
            Some(Slot(number))
        } else {
            None
        }
    }

    /// The slot of a key: CRC16 of the hash tag, if the key has one that is not empty, else of
    /// the whole key, modulo 16384 (Redis Cluster specification, "Hash tags").
    #[inline]
    pub fn of_key(key: &[u8]) -> Slot {
        Slot(crc16(hash_tag(key)) & (Slot::COUNT as u16 - 1))
    }

    /// The slot's number as an index.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The slot's number.
    #[inline]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// All slots in ascending order.
    pub fn all() -> impl Iterator<Item = Slot> + Clone {
        (0..Slot::COUNT as u16).map(Slot)
    }
}

impl std::fmt::Display for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The part of a key that is hashed: what stands between the first `{` and the first `}` after
/// it, when that is not empty; else the whole key.
#[inline]
fn hash_tag(key: &[u8]) -> &[u8] {
    if !may_hold_brace(key) {
        return key;
    }
    let Some(open) = key.iter().position(|&b| b == b'{') else {
        return key;
    };
    let rest = &key[open + 1..];
    match rest.iter().position(|&b| b == b'}') {
        None | Some(0) => key,
        Some(close) => &rest[..close],
    }
}

/// Whether there may be a `{` in the key: false only when there is none. Eight bytes are looked at
/// at once, since every command asks this of its keys and few have one.
#[inline]
fn may_hold_brace(key: &[u8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let zeros = |word: &[u8; 8]| {
        let word = u64::from_ne_bytes(*word) ^ (ONES * b'{' as u64);
        // The highest bit of a byte is set if the byte is zero (or, rarely, if one before it is).
        word.wrapping_sub(ONES) & !word & (ONES << 7)
    };
    let Some(last) = key.last_chunk::<8>() else {
        return key.contains(&b'{');
    };
    let (words, _) = key.as_chunks::<8>();
    words
        .iter()
        .fold(zeros(last), |found, word| found | zeros(word))
        != 0
}
