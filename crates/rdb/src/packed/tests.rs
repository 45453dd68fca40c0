//! Packed blobs, sound and damaged.
use super::listpack::{self, Builder};
use super::{Element, Flaw, intset, ziplist, zipmap};
use crate::fuzz::Seeded;

/// A ziplist of strings and numbers, as the servers before 7.0 wrote it.
pub(crate) fn make_ziplist(elements: &[Element<'_>]) -> Vec<u8> {
    let mut out = vec![0; 10];
    let (mut previous, mut tail) = (0usize, 10);
    for element in elements {
        tail = out.len();
        if previous < 254 {
            out.push(previous as u8);
        } else {
            out.push(254);
            out.extend_from_slice(&(previous as u32).to_le_bytes());
        }
        match element {
            Element::Integer(n @ 0..=12) => out.push(0xf1 + *n as u8),
            Element::Integer(n) if i8::try_from(*n).is_ok() => out.extend([0xfe, *n as u8]),
            Element::Integer(n) => {
                let (code, width) = match n {
                    -0x8000..=0x7fff => (0xc0, 2),
                    -0x80_0000..=0x7f_ffff => (0xf0, 3),
                    -0x8000_0000..=0x7fff_ffff => (0xd0, 4),
                    _ => (0xe0, 8),
                };
                out.push(code);
                out.extend_from_slice(&n.to_le_bytes()[..width]);
            }
            Element::Bytes(b) => {
                match b.len() {
                    n @ 0..=63 => out.push(n as u8),
                    n @ 64..=16383 => out.extend([0x40 | (n >> 8) as u8, n as u8]),
                    n => {
                        out.push(0x80);
                        out.extend_from_slice(&(n as u32).to_be_bytes());
                    }
                }
                out.extend_from_slice(b);
            }
        }
        previous = out.len() - tail;
    }
    out.push(0xff);
    let size = out.len() as u32;
    out[..4].copy_from_slice(&size.to_le_bytes());
    out[4..8].copy_from_slice(&(tail as u32).to_le_bytes());
    out[8..10].copy_from_slice(&(elements.len().min(65535) as u16).to_le_bytes());
    out
}

fn make_listpack(elements: &[Element<'_>]) -> Vec<u8> {
    let mut builder = Builder::new();
    elements.iter().for_each(|e| builder.push(*e));
    builder.finish()
}

fn make_zipmap(pairs: &[(&[u8], &[u8], u8)]) -> Vec<u8> {
    let mut out = vec![pairs.len().min(254) as u8];
    let length = |out: &mut Vec<u8>, n: usize| {
        if n < 254 {
            out.push(n as u8);
        } else {
            out.push(254);
            out.extend_from_slice(&(n as u32).to_le_bytes());
        }
    };
    for (field, value, free) in pairs {
        length(&mut out, field.len());
        out.extend_from_slice(field);
        length(&mut out, value.len());
        out.push(*free);
        out.extend_from_slice(value);
        out.resize(out.len() + usize::from(*free), 0xff);
    }
    out.push(0xff);
    out
}

const NUMBERS: [i64; 26] = [
    0,
    1,
    12,
    13,
    127,
    128,
    -1,
    -128,
    -129,
    4095,
    4096,
    -4096,
    -4097,
    32767,
    32768,
    -32768,
    -32769,
    8_388_607,
    8_388_608,
    -8_388_608,
    2_147_483_647,
    2_147_483_648,
    -2_147_483_648,
    -2_147_483_649,
    i64::MAX,
    i64::MIN,
];

#[test]
fn every_number_and_length_comes_back() {
    let text: Vec<u8> = (0..70_000u32).map(|i| b'a' + (i % 26) as u8).collect();
    let lengths = [
        0, 1, 62, 63, 64, 121, 122, 125, 126, 127, 128, 250, 253, 254, 4094, 4095, 4096, 16378,
        16379, 16380, 16381, 16383, 16384, 65536,
    ];
    let elements: Vec<Element<'_>> = NUMBERS
        .iter()
        .map(|&n| Element::Integer(n))
        .chain(lengths.iter().map(|&n| Element::Bytes(&text[..n])))
        .collect();
    let listpack = make_listpack(&elements);
    assert_eq!(listpack::check(&listpack), Ok(elements.len()));
    assert_eq!(listpack::elements(&listpack).collect::<Vec<_>>(), elements);
    let ziplist = make_ziplist(&elements);
    assert_eq!(ziplist::check(&ziplist), Ok(elements.len()));
    assert_eq!(ziplist::elements(&ziplist).collect::<Vec<_>>(), elements);
}

#[test]
fn listpack_flaws_are_told_apart() {
    let good = make_listpack(&[Element::Bytes(b"field"), Element::Integer(1000)]);
    assert_eq!(
        good,
        b"\x12\0\0\0\x02\0\x85field\x06\xc3\xe8\x02\xff"
            .to_vec()
            .with_size()
    );
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        listpack::check(&bytes)
    };
    assert_eq!(damaged(&|b| b.truncate(6)), Err(Flaw::TooShort));
    assert_eq!(damaged(&|b| b.clear()), Err(Flaw::TooShort));
    assert_eq!(damaged(&|b| b[0] += 1), Err(Flaw::WrongSize));
    assert_eq!(damaged(&|b| b.push(0xff)), Err(Flaw::WrongSize));
    assert_eq!(damaged(&|b| b[3] = 0xff), Err(Flaw::WrongSize));
    assert_eq!(damaged(&|b| *b.last_mut().unwrap() = 0), Err(Flaw::NoEnd));
    assert_eq!(damaged(&|b| b[6] = 0xff), Err(Flaw::NoEnd));
    assert_eq!(damaged(&|b| b[4] = 3), Err(Flaw::WrongCount));
    assert_eq!(damaged(&|b| b[6] = 0x90), Err(Flaw::Overrun(6)));
    assert_eq!(damaged(&|b| b[6] = 0xf0), Err(Flaw::Overrun(6)));
    assert_eq!(damaged(&|b| b[6] = 0xf5), Err(Flaw::BadCode(6)));
    assert_eq!(damaged(&|b| b[12] = 5), Err(Flaw::BadBackReference(12)));
    assert_eq!(damaged(&|b| b[12] = 0x86), Err(Flaw::BadBackReference(12)));
    assert_eq!(
        damaged(&|b| b[4..6].fill(0xff)),
        Ok(2),
        "65535 means: count them"
    );
}

trait WithSize {
    fn with_size(self) -> Vec<u8>;
}

impl WithSize for Vec<u8> {
    fn with_size(mut self) -> Vec<u8> {
        let size = self.len() as u32;
        self[..4].copy_from_slice(&size.to_le_bytes());
        self
    }
}

#[test]
fn a_length_that_wraps_the_address_space_is_an_overrun() {
    let mut bytes = b"\0\0\0\0\x01\0\xf0\xff\xff\xff\xff\xff\x01\xff"
        .to_vec()
        .with_size();
    assert_eq!(listpack::check(&bytes), Err(Flaw::Overrun(6)));
    bytes[7..11].copy_from_slice(&[0xfa, 0xff, 0xff, 0x7f]);
    assert_eq!(listpack::check(&bytes), Err(Flaw::Overrun(6)));
    let mut bytes = b"\0\0\0\0\x0a\0\0\0\x01\0\0\x80\xff\xff\xff\xff\x01\xff"
        .to_vec()
        .with_size();
    assert_eq!(ziplist::check(&bytes), Err(Flaw::Overrun(10)));
    bytes[11] = 0x81;
    assert_eq!(ziplist::check(&bytes), Err(Flaw::Overrun(10)));
    assert_eq!(
        zipmap::check(b"\x01\xfe\xff\xff\xff\xffa\x01\0b\xff"),
        Err(Flaw::Overrun(1))
    );
}

#[test]
fn ziplist_flaws_are_told_apart() {
    let long = [b'x'; 260];
    let good = make_ziplist(&[
        Element::Bytes(&long),
        Element::Integer(7),
        Element::Bytes(b"z"),
    ]);
    assert_eq!(ziplist::check(&good), Ok(3));
    let second = 10 + 1 + 2 + 260;
    assert_eq!(good[second], 254, "a long element before takes five bytes");
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        ziplist::check(&bytes)
    };
    assert_eq!(damaged(&|b| b.truncate(10)), Err(Flaw::TooShort));
    assert_eq!(damaged(&|b| b[0] ^= 1), Err(Flaw::WrongSize));
    assert_eq!(damaged(&|b| b[4] ^= 1), Err(Flaw::BadTail));
    assert_eq!(damaged(&|b| b[8] = 4), Err(Flaw::WrongCount));
    assert_eq!(damaged(&|b| b[10] = 1), Err(Flaw::BadBackReference(10)));
    assert_eq!(
        damaged(&|b| b[second + 1] ^= 1),
        Err(Flaw::BadBackReference(second))
    );
    assert_eq!(damaged(&|b| b[11] = 0xc1), Err(Flaw::BadCode(11)));
    assert_eq!(damaged(&|b| b[11] = 0xff), Err(Flaw::BadCode(11)));
    assert_eq!(damaged(&|b| b[second] = 0xff), Err(Flaw::NoEnd));
    assert_eq!(damaged(&|b| *b.last_mut().unwrap() = 0), Err(Flaw::NoEnd));
    let empty = make_ziplist(&[]);
    assert_eq!(ziplist::check(&empty), Ok(0));
    let mut far = empty;
    far[4] = 200;
    assert_eq!(ziplist::check(&far), Err(Flaw::BadTail));
}

#[test]
fn hashes_want_whole_pairs_and_each_field_once() {
    let e = Element::Bytes;
    let pairs = |elements: &[Element<'_>]| {
        let as_listpack = listpack::check_hash(&make_listpack(elements));
        assert_eq!(as_listpack, ziplist::check_hash(&make_ziplist(elements)));
        as_listpack
    };
    assert_eq!(pairs(&[e(b"a"), e(b"1"), e(b"b"), e(b"1")]), Ok(2));
    assert_eq!(pairs(&[e(b"a"), e(b"1"), e(b"b")]), Err(Flaw::Odd));
    assert_eq!(
        pairs(&[e(b"a"), e(b"1"), e(b"a"), e(b"2")]),
        Err(Flaw::Duplicate)
    );
    assert_eq!(pairs(&[]), Ok(0));
    let names: Vec<String> = (0..100).map(|i| format!("name{}", i % 99)).collect();
    let mut many: Vec<Element<'_>> = names
        .iter()
        .flat_map(|n| [e(n.as_bytes()), Element::Integer(5)])
        .collect();
    assert_eq!(pairs(&many), Err(Flaw::Duplicate));
    many.truncate(198);
    assert_eq!(pairs(&many), Ok(99));
}

#[test]
fn a_number_stored_as_text_is_the_same_field() {
    // A ziplist keeps what it was given: the text "17" beside the number 17.
    let twice = [
        Element::Integer(17),
        Element::Bytes(b"a"),
        Element::Bytes(b"17"),
        Element::Bytes(b"b"),
    ];
    assert_eq!(
        ziplist::check_hash(&make_ziplist(&twice)),
        Err(Flaw::Duplicate)
    );
    let names: Vec<String> = (0..20).map(|i| format!("{i}")).collect();
    let mut many: Vec<Element<'_>> = names
        .iter()
        .flat_map(|n| [Element::Bytes(n.as_bytes()), Element::Integer(5)])
        .collect();
    assert_eq!(ziplist::check_hash(&make_ziplist(&many)), Ok(20));
    many.extend([Element::Integer(3), Element::Integer(3)]);
    assert_eq!(
        ziplist::check_hash(&make_ziplist(&many)),
        Err(Flaw::Duplicate)
    );
}

#[test]
fn zipmaps_with_unused_bytes_and_long_values() {
    let long = [b'v'; 300];
    let good = make_zipmap(&[(b"a", b"1", 0), (b"bb", b"22", 3), (b"c", &long, 1)]);
    assert_eq!(zipmap::check(&good), Ok(3));
    let texts: Vec<Vec<u8>> = zipmap::elements(&good).map(|e| e.to_vec()).collect();
    assert_eq!(texts, [&b"a"[..], b"1", b"bb", b"22", b"c", &long]);
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        zipmap::check(&bytes)
    };
    assert_eq!(damaged(&|b| b[0] = 2), Err(Flaw::WrongCount));
    assert_eq!(damaged(&|b| b[0] = 254), Ok(3));
    assert_eq!(
        damaged(&|b| b.truncate(b.len() - 1)),
        Err(Flaw::Overrun(16))
    );
    assert_eq!(damaged(&|b| b[1] = 0xff), Err(Flaw::NoEnd));
    assert_eq!(zipmap::check(b"\xff"), Err(Flaw::TooShort));
    assert_eq!(zipmap::check(b"\0\xff"), Ok(0));
    let twice = make_zipmap(&[(b"a", b"1", 0), (b"a", b"2", 0)]);
    assert_eq!(zipmap::check(&twice), Err(Flaw::Duplicate));
}

#[test]
fn integer_sets_ascend() {
    let make = |width: u32, numbers: &[i64]| {
        let mut out = width.to_le_bytes().to_vec();
        out.extend_from_slice(&(numbers.len() as u32).to_le_bytes());
        numbers
            .iter()
            .for_each(|n| out.extend_from_slice(&n.to_le_bytes()[..width as usize]));
        out
    };
    assert_eq!(intset::check(&make(2, &[-5, 0, 7])), Ok(3));
    assert_eq!(intset::check(&make(8, &[i64::MIN, i64::MAX])), Ok(2));
    assert_eq!(intset::check(&make(2, &[])), Err(Flaw::WrongCount));
    assert_eq!(intset::check(&make(2, &[0, 0])), Err(Flaw::Unsorted));
    assert_eq!(intset::check(&make(4, &[3, -1])), Err(Flaw::Unsorted));
    assert_eq!(intset::check(&make(3, &[1])), Err(Flaw::BadCode(0)));
    assert_eq!(intset::check(&make(2, &[1, 2])[..11]), Err(Flaw::WrongSize));
    assert_eq!(
        intset::check(b"\x08\0\0\0\xff\xff\xff\xff"),
        Err(Flaw::WrongSize)
    );
    assert_eq!(intset::check(b"\x02\0\0"), Err(Flaw::TooShort));
}

#[test]
fn repacking_keeps_order_and_pairs() {
    let names: Vec<String> = (0..3000).map(|i| format!("element number {i}")).collect();
    let elements: Vec<Element<'_>> = names.iter().map(|n| Element::Bytes(n.as_bytes())).collect();
    let blob = make_ziplist(&elements);
    let repacked = super::ziplist_to_listpacks(&blob, true).unwrap();
    assert!(repacked.listpacks.len() > 3);
    let mut back = Vec::new();
    for listpack in &repacked.listpacks {
        assert!(listpack.len() < 9000);
        assert_eq!(listpack::check(listpack).unwrap() % 2, 0);
        back.extend(listpack::elements(listpack).map(|e| e.to_vec()));
    }
    assert!(back.iter().eq(names.iter().map(String::as_bytes)));
}

#[test]
fn damaged_blobs_never_panic_and_checks_agree_with_walks() {
    let elements: Vec<Element<'_>> = NUMBERS
        .iter()
        .map(|&n| Element::Integer(n))
        .chain([Element::Bytes(b"alpha"), Element::Bytes(&[7; 300])])
        .collect();
    let blobs = [
        make_listpack(&elements),
        make_ziplist(&elements),
        make_zipmap(&[(b"a", b"1", 0), (b"bb", b"22", 3)]),
        b"\x02\0\0\0\x02\0\0\0\x01\0\x02\0".to_vec(),
    ];
    for seed in 0..20_000 {
        let mut rng = Seeded::new(seed);
        let mut blob = blobs[rng.below(4) as usize].clone();
        rng.mutate(&mut blob);
        let caught = std::panic::catch_unwind(|| crate::fuzz::packed(&blob));
        assert!(caught.is_ok(), "seed {seed}");
    }
}
