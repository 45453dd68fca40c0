//! Tests of slots, sets, names, glob and number text.

use crate::{NodeId, Slot, SlotSet, SplitMix64, crc16, glob, num, words};

#[test]
fn crc16_is_the_same_by_blocks_and_by_bits() {
    let by_bits = |bytes: &[u8]| {
        bytes.iter().fold(0u16, |crc, &byte| {
            (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
                (crc << 1) ^ if crc & 0x8000 != 0 { 0x1021 } else { 0 }
            })
        })
    };
    let bytes: Vec<u8> = (0..100u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    for start in 0..bytes.len() {
        for end in start..=bytes.len() {
            assert_eq!(
                crc16(&bytes[start..end]),
                by_bits(&bytes[start..end]),
                "{start}..{end}"
            );
        }
    }
}

#[test]
fn crc16_has_the_check_value_of_the_specification() {
    assert_eq!(crc16(b"123456789"), 0x31c3);
}

#[test]
fn slots_of_keys_and_tags() {
    assert_eq!(Slot::of_key(b"foo").number(), 12182);
    assert_eq!(Slot::of_key(b"{foo}bar"), Slot::of_key(b"foo"));
    assert_eq!(Slot::of_key(b"a{foo}b{bar}"), Slot::of_key(b"foo"));
    assert_ne!(Slot::of_key(b"{}foo"), Slot::of_key(b""));
    assert_eq!(Slot::of_key(b"foo{{bar}}zap"), Slot::of_key(b"{bar"));
    assert_eq!(Slot::of_key(b"").number(), 0);
    assert!(Slot::new(16384).is_none());
}

#[test]
fn slot_set_ranges_and_bitmap() {
    let set: SlotSet = [0, 1, 2, 7, 16383]
        .map(|n| Slot::new(n).unwrap())
        .into_iter()
        .collect();
    assert_eq!(set.ranges(), vec![0..=2, 7..=7, 16383..=16383]);
    assert_eq!(set.len(), 5);
    assert_eq!(set.as_bytes()[0], 0b1000_0111);
    assert_eq!(SlotSet::from_bytes(set.as_bytes()), set);
    assert_eq!(SlotSet::full().len(), Slot::COUNT);
    let mut set = set;
    assert!(set.remove(Slot::new(7).unwrap()) && !set.remove(Slot::new(7).unwrap()));
}

#[test]
fn node_ids_are_forty_lower_case_hex_digits() {
    let id = NodeId::from_random([0xab; 20]);
    assert_eq!(id.as_str(), "ab".repeat(20));
    assert_eq!(NodeId::parse(id.as_bytes()), Some(id));
    assert_eq!(NodeId::parse(&[b'A'; 40]), None);
    assert_eq!(NodeId::parse(&[b'a'; 39]), None);
}

#[test]
fn glob_rules() {
    let yes: &[(&str, &str)] = &[
        ("*", ""),
        ("h?llo", "hello"),
        ("h*llo", "heeello"),
        ("h[ae]llo", "hallo"),
        ("h[^e]llo", "hallo"),
        ("h[a-b]llo", "hbllo"),
        ("h[b-a]llo", "hallo"),
        ("\\*", "*"),
        ("a*b*c", "axxbyyc"),
        ("[\\]]", "]"),
        ("[a", "a"),
        ("**a", "ba"),
        ("a\\", "a\\"),
    ];
    let no: &[(&str, &str)] = &[
        ("h[^e]llo", "hello"),
        ("", "a"),
        ("a", ""),
        ("a*c", "ab"),
        ("?", ""),
        ("[a-c]", "d"),
    ];
    for (pattern, text) in yes {
        assert!(
            glob::matches(pattern.as_bytes(), text.as_bytes(), false),
            "{pattern} {text}"
        );
    }
    for (pattern, text) in no {
        assert!(
            !glob::matches(pattern.as_bytes(), text.as_bytes(), false),
            "{pattern} {text}"
        );
    }
    assert!(glob::matches(b"H[A-C]", b"hb", true));
    let (pattern, text) = ("a*".repeat(200) + "b", "a".repeat(20_000));
    assert!(!glob::matches(pattern.as_bytes(), text.as_bytes(), false));
}

#[test]
fn integers_are_strict() {
    for (text, value) in [("0", 0), ("-1", -1), ("9223372036854775807", i64::MAX)] {
        assert_eq!(num::parse_i64(text.as_bytes()), Some(value));
    }
    assert_eq!(num::parse_i64(b"-9223372036854775808"), Some(i64::MIN));
    for text in [
        "",
        "-",
        "+1",
        "01",
        "-0",
        " 1",
        "1 ",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "999999999999999999999",
        "1a",
        "00",
    ] {
        assert_eq!(num::parse_i64(text.as_bytes()), None, "{text}");
    }
    assert_eq!(num::parse_u64(b"18446744073709551615"), Some(u64::MAX));
    assert_eq!(num::parse_u64(b"18446744073709551616"), None);
}

#[test]
fn doubles_read_and_print() {
    for (text, value) in [
        ("1.5", 1.5),
        ("-0x1.8p1", -3.0),
        ("1e3", 1000.0),
        (".5", 0.5),
    ] {
        assert_eq!(num::parse_f64(text.as_bytes()), Some(value), "{text}");
    }
    assert_eq!(num::parse_f64(b"+inf"), Some(f64::INFINITY));
    for text in [
        "",
        "nan",
        " 1",
        "1 ",
        "1e400",
        "abc",
        "1x",
        "0x",
        "-",
        "+x\u{312}",
        "1e",
        "1e+",
        "1e-5000",
        "0x1p",
        "0x1p-1076",
        "0x1p1024",
        "1_0",
    ] {
        assert_eq!(num::parse_f64(text.as_bytes()), None, "{text}");
    }
    // Halves go to the even neighbour, below the smallest normal number too.
    for (text, value) in [
        ("0e-5000", 0.0),
        ("1e-310", 1e-310),
        ("0x1p-1074", f64::from_bits(1)),
        ("0x1.8p-1074", f64::from_bits(2)),
        ("0x1.0000000000001p-1075", f64::from_bits(1)),
        (
            "0xfffffffffffffffp-1080",
            1.152921504606847e18 * 2f64.powi(-540) * 2f64.powi(-540),
        ),
        ("0x1.00000000000008p0", 1.0),
        ("0x1.000000000000080001p0", 1.0 + f64::EPSILON),
    ] {
        assert_eq!(num::parse_f64(text.as_bytes()), Some(value), "{text}");
    }
    for text in ["1e-310", "0x1.8p-1074"] {
        assert_eq!(num::parse_f64_in_range(text.as_bytes()), None, "{text}");
    }
    for (text, value) in [("0x1p-1074", f64::from_bits(1)), ("-1.5", -1.5), ("0", 0.0)] {
        let read = num::parse_f64_in_range(text.as_bytes());
        assert_eq!(read, Some(value), "{text}");
    }
    for (value, text) in [
        (3.0, "3"),
        (0.1, "0.1"),
        (-1.5, "-1.5"),
        (1e21, "1e+21"),
        (1e-8, "1e-8"),
        (17179869184.0, "17179869184"),
        (f64::NEG_INFINITY, "-inf"),
        (0.0001, "0.0001"),
        (3.0e-5, "0.00003"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
    ] {
        assert_eq!(num::format_f64(value), text);
    }
}

#[test]
fn memory_amounts() {
    assert_eq!(num::parse_memory("1gb"), Some(1 << 30));
    assert_eq!(num::parse_memory("2K"), Some(2000));
    assert_eq!(num::parse_memory("10"), Some(10));
    assert_eq!(num::parse_memory("1x"), None);
    assert_eq!(num::parse_memory("gb"), None);
    assert_eq!(num::parse_memory("99999999999gb"), None);
}

#[test]
fn quoted_text_is_that_of_redis() {
    let mut out = b"x ".to_vec();
    crate::quote(&mut out, b"a \\ \" \n\r\t\x07\x08\x00\x7f\xff~");
    assert_eq!(out, br#"x "a \\ \" \n\r\t\a\b\x00\x7f\xff~""#);
}

/// The first numbers of its authors' program for the seed 0.
#[test]
fn split_mix_is_the_one_of_the_paper() {
    let mut numbers = SplitMix64::new(0);
    let first = [(); 3].map(|()| numbers.bits());
    assert_eq!(
        first,
        [
            0xe220_a839_7b1d_cdaf,
            0x6e78_9e6a_a1b9_65f4,
            0x06c4_5d18_8009_454f
        ]
    );
}

#[test]
fn commands_are_arrays_of_bulk_strings() {
    let wanted = b"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$12\r\nline\r\n\xffbytes\r\n";
    let mut out = Vec::new();
    let (empty, long): (&[u8], &[u8]) = (b"", b"line\r\n\xffbytes");
    words::put(&mut out, [b"SET".as_slice(), empty, long].iter());
    assert_eq!(out, wanted);
    // The same in pieces.
    let mut pieces = Vec::new();
    words::begin(&mut pieces, 3);
    words::put_word(&mut pieces, b"SET");
    words::put_word(&mut pieces, empty);
    words::begin_word(&mut pieces, long.len());
    long.iter().for_each(|&byte| pieces.push(byte));
    words::end_word(&mut pieces);
    assert_eq!(pieces, wanted);
}
