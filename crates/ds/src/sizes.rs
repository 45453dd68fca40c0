//! The allocator's size classes, so that a block's capacity is known without asking.
//!
//! jemalloc rounds a request up to its class: multiples of 16 up to 128, then four classes in
//! each doubling. Blocks are asked for in whole classes, which makes all of a block ours to use,
//! and a class fits in one byte where a capacity would take four.

use std::alloc::Layout;

/// The smallest class that holds `n` bytes.
#[inline]
pub const fn class_of(n: usize) -> u8 {
    if n <= 128 {
        return if n == 0 { 1 } else { n.div_ceil(16) as u8 };
    }
    // `n` lies in (2^k, 2^(k+1)].
    let k = (usize::BITS - 1 - (n - 1).leading_zeros()) as usize;
    let step = k - 2;
    (8 + (k - 7) * 4 + (n - (1 << k)).div_ceil(1 << step)) as u8
}

/// The bytes of a class.
#[inline]
pub const fn bytes(class: u8) -> usize {
    let c = class as usize;
    if c <= 8 {
        return c * 16;
    }
    let group = (c - 9) / 4;
    let within = (c - 9) % 4 + 1;
    (128 << group) + within * (32 << group)
}

/// What the allocator hands out for `n` bytes.
#[inline]
pub const fn usable(n: usize) -> usize {
    bytes(class_of(n))
}

/// The layout of a block of this class, for contents of eight-byte alignment.
#[inline]
pub(crate) fn layout(class: u8) -> Layout {
    Layout::from_size_align(bytes(class), 8).expect("a class below isize::MAX")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_the_allocators() {
        let known = [
            16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768,
            896, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 5120,
        ];
        for (i, &b) in known.iter().enumerate() {
            assert_eq!(bytes(i as u8 + 1), b);
        }
    }

    #[test]
    fn the_class_of_a_size_is_the_smallest_that_holds_it() {
        for n in (0..100_000).chain([1 << 20, (1 << 20) + 1, 1 << 29, (1 << 32) + 5]) {
            let c = class_of(n);
            assert!(bytes(c) >= n);
            assert!(c == 1 || bytes(c - 1) < n, "{n}");
        }
    }
}
