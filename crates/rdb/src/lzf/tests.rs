//! Round trips, limits and damaged input.
use super::*;
use crate::fuzz::Seeded;

fn round_trip(input: &[u8]) -> Option<usize> {
    let mut out = b"before".to_vec();
    let mut c = Compressor::new();
    if !c.compress(input, input.len(), &mut out) {
        assert_eq!(out, b"before");
        return None;
    }
    assert_eq!(decompress(&out[6..], input.len()).unwrap(), input);
    Some(out.len() - 6)
}

#[test]
fn compressible_text_shrinks_and_comes_back() {
    let text = b"the shoal moves as one and the shoal turns as one; ".repeat(40);
    assert!(round_trip(&text).unwrap() < text.len() / 8);
    let zeros = vec![0u8; 100_000];
    assert!(round_trip(&zeros).unwrap() < 1400);
}

#[test]
fn noise_is_left_alone() {
    let mut rng = Seeded::new(7);
    let noise: Vec<u8> = (0..4096).map(|_| rng.next() as u8).collect();
    assert_eq!(round_trip(&noise), None);
}

#[test]
fn the_table_does_not_leak_between_inputs() {
    let mut rng = Seeded::new(11);
    let mut c = Compressor::new();
    for round in 0..3000 {
        let len = rng.below(600) as usize;
        let alphabet = 1 + rng.below(8);
        let input: Vec<u8> = (0..len).map(|_| rng.below(alphabet) as u8).collect();
        let mut out = Vec::new();
        if c.compress(&input, input.len(), &mut out) {
            assert_eq!(
                decompress(&out, input.len()).unwrap(),
                input,
                "round {round}"
            );
        }
    }
}

#[test]
fn a_worn_out_table_starts_afresh() {
    let mut c = Compressor::new();
    c.base = u32::MAX - 10;
    let input = b"abcabcabcabcabcabcabcabc";
    let mut out = Vec::new();
    assert!(c.compress(input, 20, &mut out));
    assert_eq!(decompress(&out, input.len()).unwrap(), input);
}

#[test]
fn bad_input_is_an_error() {
    assert_eq!(decompress(&[0x1f, 1, 2], 32), Err(LzfError::Truncated));
    assert_eq!(decompress(&[0x20], 3), Err(LzfError::Truncated));
    assert_eq!(decompress(&[0xe0, 1], 3), Err(LzfError::Truncated));
    assert_eq!(decompress(&[0x20, 0], 3), Err(LzfError::BadDistance));
    assert_eq!(
        decompress(&[0, b'a', 0x20, 0], 3),
        Err(LzfError::WrongLength)
    );
    assert_eq!(decompress(&[0, b'a', 0x20, 0], 4).unwrap(), b"aaaa");
    assert_eq!(
        decompress(&[0, b'a', 0x20, 0], 5),
        Err(LzfError::WrongLength)
    );
    assert_eq!(
        decompress(&[0, b'a'], usize::MAX),
        Err(LzfError::WrongLength)
    );
    assert_eq!(decompress(&[], 0).unwrap(), b"");
}

#[test]
fn a_limit_is_kept() {
    let input = b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for limit in 0..12 {
        let mut out = Vec::new();
        if Compressor::new().compress(input, limit, &mut out) {
            assert!(out.len() <= limit);
        } else {
            assert!(out.is_empty());
        }
    }
}
