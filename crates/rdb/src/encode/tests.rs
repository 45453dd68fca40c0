//! Lengths and strings as the format wants them.
use super::*;

fn string(text: &[u8]) -> Vec<u8> {
    let mut e = Encoder::new(false);
    e.string(text);
    e.into_bytes()
}

#[test]
fn lengths_take_the_least_room() {
    for (n, bytes) in [
        (0u64, vec![0]),
        (63, vec![63]),
        (64, vec![0x40, 64]),
        (16383, vec![0x7f, 0xff]),
        (16384, vec![0x80, 0, 0, 0x40, 0]),
        (u64::from(u32::MAX), vec![0x80, 255, 255, 255, 255]),
        (1 << 32, vec![0x81, 0, 0, 0, 1, 0, 0, 0, 0]),
    ] {
        let mut out = Vec::new();
        put_length(&mut out, n);
        assert_eq!(out, bytes, "{n}");
    }
}

#[test]
fn integers_in_strings_are_stored_as_integers_only_when_the_text_comes_back() {
    assert_eq!(string(b"-5"), [0xc0, 0xfb]);
    assert_eq!(string(b"1000"), [0xc1, 0xe8, 3]);
    assert_eq!(string(b"-2147483648"), [0xc2, 0, 0, 0, 0x80]);
    assert_eq!(string(b"2147483648"), b"\x0a2147483648");
    assert_eq!(string(b"007"), b"\x03007");
    assert_eq!(string(b"-0"), b"\x02-0");
    assert_eq!(string(b"+1"), b"\x02+1");
    assert_eq!(string(b""), b"\x00");
}

#[test]
fn long_strings_are_compressed_only_when_wanted_and_worth_it() {
    let text = b"abcabcabcabcabcabcabcabcabcabcabcabc";
    let mut e = Encoder::new(true);
    e.string(text);
    let bytes = e.into_bytes();
    assert_eq!(bytes[0], 0xc3);
    assert_eq!(usize::from(bytes[1]), bytes.len() - 3);
    assert_eq!(usize::from(bytes[2]), text.len());
    assert_eq!(
        crate::lzf::decompress(&bytes[3..], text.len()).unwrap(),
        text
    );
    let mut e = Encoder::new(true);
    e.string(b"abcdefghijklmnopqrstuvwxyz");
    assert_eq!(e.bytes(), b"\x1aabcdefghijklmnopqrstuvwxyz");
    e.string(b"aaaaaaaaaaaaaaaaaaaa");
    assert_eq!(&e.bytes()[27..], b"\x14aaaaaaaaaaaaaaaaaaaa");
}

#[test]
fn pieces_make_the_same_bytes_as_the_whole() {
    let mut pieces = Encoder::new(false);
    pieces.begin_string(26);
    assert!(!pieces.balanced());
    pieces.string_chunk(b"abcdefghijklm");
    pieces.string_chunk(b"nopqrstuvwxyz");
    assert!(pieces.balanced());
    assert_eq!(pieces.bytes(), string(b"abcdefghijklmnopqrstuvwxyz"));
}
