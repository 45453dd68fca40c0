//! The keyed hash of every table: SipHash-1-3 under one seed for the process.
//!
//! A secret seed is what keeps a client from choosing keys that all fall into one bucket.

use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

static SEED: OnceLock<(u64, u64)> = OnceLock::new();

/// Sets the seed. To be called before the first key is hashed; returns false, and changes
/// nothing, when a seed is already in use.
pub fn seed(bytes: [u8; 16]) -> bool {
    SEED.set(split(bytes)).is_ok()
}

fn split(bytes: [u8; 16]) -> (u64, u64) {
    let n = u128::from_le_bytes(bytes);
    (n as u64, (n >> 64) as u64)
}

#[cold]
fn random() -> (u64, u64) {
    // RandomState takes its keys from the operating system's random source.
    let word = |n| {
        let mut h = std::collections::hash_map::RandomState::new().build_hasher();
        h.write_u64(n);
        h.finish()
    };
    (word(1), word(2))
}

/// The hash of `bytes` under the process's seed.
#[inline]
pub fn of(bytes: &[u8]) -> u64 {
    let &(k0, k1) = SEED.get_or_init(random);
    sip13(k0, k1, bytes)
}

struct Sip {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl Sip {
    #[inline(always)]
    fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v2 = self.v2.rotate_left(32);
    }

    #[inline(always)]
    fn word(&mut self, m: u64) {
        self.v3 ^= m;
        self.round();
        self.v0 ^= m;
    }
}

/// SipHash with one compression round and three finalization rounds.
#[inline]
pub fn sip13(k0: u64, k1: u64, bytes: &[u8]) -> u64 {
    let mut s = Sip {
        v0: k0 ^ 0x736f_6d65_7073_6575,
        v1: k1 ^ 0x646f_7261_6e64_6f6d,
        v2: k0 ^ 0x6c79_6765_6e65_7261,
        v3: k1 ^ 0x7465_6462_7974_6573,
    };
    let (words, rest) = bytes.as_chunks::<8>();
    for w in words {
        s.word(u64::from_le_bytes(*w));
    }
    s.word(tail(bytes, rest) | (bytes.len() as u64) << 56);
    s.v2 ^= 0xff;
    s.round();
    s.round();
    s.round();
    s.v0 ^ s.v1 ^ s.v2 ^ s.v3
}

/// The last bytes, fewer than eight, as a word.
#[inline(always)]
fn tail(bytes: &[u8], rest: &[u8]) -> u64 {
    if rest.is_empty() {
        return 0;
    }
    // Where there are eight bytes to read, the ones that are in a word already are shifted out.
    if let Some(last) = bytes.last_chunk::<8>() {
        return u64::from_le_bytes(*last) >> (64 - 8 * rest.len());
    }
    rest.iter()
        .rev()
        .fold(0, |word, &b| word << 8 | u64::from(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_another_siphash() {
        let data: Vec<u8> = (0..100u8).collect();
        for (k0, k1) in [(0, 0), (7, 9), (u64::MAX, 0x0123_4567_89ab_cdef)] {
            for n in 0..data.len() {
                let theirs = siphasher::sip::SipHasher13::new_with_keys(k0, k1).hash(&data[..n]);
                assert_eq!(sip13(k0, k1, &data[..n]), theirs, "{n} bytes");
            }
        }
    }

    #[test]
    fn the_seed_is_fixed_once_used() {
        let before = of(b"key");
        assert!(!seed([9; 16]));
        assert_eq!(of(b"key"), before);
    }
}
