//! Files written and read back, cut, damaged, and holding what is refused.
use super::*;
use crate::fuzz::Seeded;
use crate::packed::Element;
use crate::packed::listpack::Builder;
use crate::writer::{FileAux, ReplicationAux, Writer};
use crate::{Encoder, ValueType, dump};

fn listpack(texts: &[&[u8]]) -> Vec<u8> {
    let mut builder = Builder::new();
    texts.iter().for_each(|t| builder.push(Element::Bytes(t)));
    builder.finish()
}

fn meta(expire: i64) -> KeyMeta {
    KeyMeta {
        expire: Some(UnixMs(expire)),
        idle: Some(77),
        freq: None,
    }
}

fn sample(compress: bool, checksum: bool) -> Vec<u8> {
    let mut w = Writer::new(compress, checksum);
    let id = "0123456789012345678901234567890123456789";
    w.file_aux(&FileAux {
        redis_version: "7.2.4",
        created: 1_700_000_000,
        used_memory: 1 << 33,
        replication: Some(ReplicationAux {
            stream_db: 3,
            id,
            offset: 12345,
        }),
        aof_base: false,
    });
    w.select_db(0);
    w.resize_db(5, 1);
    w.string(b"plain", &KeyMeta::default(), b"value");
    w.string(b"number", &meta(1_800_000_000_123), b"-123456");
    w.string(b"long", &KeyMeta::default(), &b"abcabcabc".repeat(100));
    w.key(b"hash", &KeyMeta::default(), ValueType::HashListpack)
        .packed(&listpack(&[b"f1", b"v1", b"f2", b"2"]));
    let large = w.key(b"large hash", &KeyMeta::default(), ValueType::Hash);
    large.begin_hash(3);
    large.hash_pair(b"a", b"1");
    large.hash_pair(b"b", &[b'x'; 300]);
    large.hash_field(b"c");
    large.begin_string(6);
    large.string_chunk(b"pie");
    large.string_chunk(b"ces");
    w.select_db(9);
    let freq = KeyMeta {
        freq: Some(200),
        ..KeyMeta::default()
    };
    let list = w.key(b"list", &freq, ValueType::ListQuicklist2);
    list.begin_list(3);
    list.list_packed(&listpack(&[b"one", b"2"]));
    list.list_plain(&[b'y'; 9000]);
    list.begin_list_plain(4);
    list.string_chunk(b"last");
    w.finish()
}

fn read_all(bytes: &[u8]) -> Result<Vec<Event>, Error> {
    let mut reader = Reader::new(bytes, Foreign::Refuse);
    let mut events = Vec::new();
    while let Some(event) = reader.next_event()? {
        events.push(event);
    }
    Ok(events)
}

fn keys(events: Vec<Event>) -> Vec<(Key, Value, u64)> {
    let mut out: Vec<(Key, Value, u64)> = Vec::new();
    for event in events {
        match event {
            Event::Key(key) => {
                let empty = Value::empty(key.kind.unwrap());
                out.push((key, empty, 0));
            }
            Event::KeyEnd { elements } => out.last_mut().unwrap().2 = elements,
            Event::Piece(piece) => {
                assert!(out.last_mut().unwrap().1.add(piece));
            }
            _ => {}
        }
    }
    out
}

fn value(bytes: &[u8]) -> Vec<(Key, Value, u64)> {
    keys(read_all(bytes).unwrap())
}

#[test]
fn what_is_written_is_read() {
    for (compress, checksum) in [(false, true), (true, true), (true, false)] {
        let bytes = sample(compress, checksum);
        let events = read_all(&bytes).unwrap();
        let aux = |name: &str, value: &str| Event::Aux {
            name: name.into(),
            value: value.into(),
        };
        assert_eq!(events[0], aux("redis-ver", "7.2.4"));
        assert_eq!(events[3], aux("used-mem", "8589934592"));
        assert_eq!(events[6], aux("repl-offset", "12345"));
        assert_eq!(events[7], aux("aof-base", "0"));
        let end = if checksum {
            Checksum::Good
        } else {
            Checksum::Disabled
        };
        assert_eq!(events.last(), Some(&Event::End(end)));
        let found = keys(events);
        let names: Vec<&[u8]> = found.iter().map(|(k, ..)| k.key.as_slice()).collect();
        let all: [&[u8]; 6] = [
            b"plain",
            b"number",
            b"long",
            b"hash",
            b"large hash",
            b"list",
        ];
        assert_eq!(names, all);
        assert_eq!(found[1].0.meta, meta(1_800_000_000_123));
        assert_eq!(
            found[2].0.meta,
            KeyMeta::default(),
            "attributes belong to one key"
        );
        assert_eq!(found[1].1, Value::String(b"-123456".to_vec()));
        assert_eq!(found[2].1, Value::String(b"abcabcabc".repeat(100)));
        let pairs = |p: &[(&[u8], &[u8])]| {
            Value::Hash(p.iter().map(|(f, v)| (f.to_vec(), v.to_vec())).collect())
        };
        assert_eq!(found[3].1, pairs(&[(b"f1", b"v1"), (b"f2", b"2")]));
        assert_eq!(
            found[4].1,
            pairs(&[(b"a", b"1"), (b"b", &[b'x'; 300]), (b"c", b"pieces")])
        );
        assert_eq!((found[5].0.db, found[5].0.meta.freq), (9, Some(200)));
        let list = [
            b"one".to_vec(),
            b"2".to_vec(),
            vec![b'y'; 9000],
            b"last".to_vec(),
        ];
        assert_eq!(found[5].1, Value::List(list.to_vec()));
        assert_eq!(
            found.iter().map(|f| f.2).collect::<Vec<_>>(),
            [1, 1, 1, 2, 3, 4]
        );
    }
}

#[test]
fn taking_between_pieces_changes_nothing() {
    let whole = sample(true, true);
    let mut w = Writer::new(false, true);
    let mut file = w.take_vec();
    w.key(b"k", &KeyMeta::default(), ValueType::Hash)
        .begin_hash(1);
    file.extend(w.take_vec());
    w.value().hash_field(b"f");
    w.value().begin_string(2);
    w.take(|b| {
        file.extend_from_slice(b);
        Ok::<(), ()>(())
    })
    .unwrap();
    w.value().string_chunk(b"xy");
    assert_eq!(w.written(), file.len() as u64 + 2);
    file.extend(w.finish());
    assert_eq!(
        value(&file)[0].1,
        Value::Hash(vec![(b"f".to_vec(), b"xy".to_vec())])
    );
    assert!(read_all(&whole).is_ok());
}

#[test]
fn large_strings_arrive_in_pieces_whatever_the_reads() {
    struct Dribble<'a>(&'a [u8], Seeded);
    impl Read for Dribble<'_> {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            if self.1.below(9) == 0 {
                return Err(std::io::ErrorKind::Interrupted.into());
            }
            let n = (1 + self.1.below(5000) as usize)
                .min(self.0.len())
                .min(to.len());
            to[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }
    let mut w = Writer::new(false, true);
    let text: Vec<u8> = (0..700_000u32).map(|i| (i * 7 % 253) as u8).collect();
    w.string(b"big", &KeyMeta::default(), &text);
    let bytes = w.finish();
    let mut reader = Reader::new(Dribble(&bytes, Seeded::new(5)), Foreign::Refuse);
    let mut got = Vec::new();
    let mut pieces = 0;
    while let Some(event) = reader.next_event().unwrap() {
        if let Event::Piece(Piece::Text(piece)) = event {
            assert!(piece.len() <= 256 << 10);
            got.extend(piece);
            pieces += 1;
        }
    }
    assert_eq!((got == text, pieces), (true, 3));
    assert_eq!(reader.offset(), bytes.len() as u64);
}

#[test]
fn a_file_cut_anywhere_is_a_short_read() {
    let bytes = sample(true, true);
    for cut in 0..bytes.len() {
        let error = read_all(&bytes[..cut]).unwrap_err();
        assert!(
            matches!(error.kind, ErrorKind::ShortRead),
            "cut at {cut}: {error}"
        );
        assert!(error.offset <= cut as u64);
    }
}

#[test]
fn any_changed_bit_is_noticed() {
    let bytes = sample(false, true);
    for at in 9..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            assert!(read_all(&damaged).is_err(), "byte {at} bit {bit}");
        }
    }
}

fn file(body: &[u8]) -> Vec<u8> {
    let mut out = b"REDIS0010".to_vec();
    out.extend_from_slice(body);
    out.extend_from_slice(b"\xff\0\0\0\0\0\0\0\0");
    out
}

#[test]
fn errors_name_place_key_and_type() {
    let error = read_all(&file(b"\x10\x03key\x04abcd")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "at offset 19 (read-object-value), key 'key', type 16 (hash-listpack): \
         Hash listpack integrity check failed: too short for its header"
    );
    let error = read_all(b"REDIS9999").unwrap_err();
    assert_eq!(
        error.to_string(),
        "at offset 9 (start): Can't handle RDB format version 9999"
    );
    let error = read_all(b"REDIX0010").unwrap_err();
    assert_eq!(
        error.to_string(),
        "at offset 9 (start): Wrong signature trying to load DB from file"
    );
    let error = read_all(&file(b"\x1d")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "at offset 10 (read-type): Invalid object type: 29"
    );
}

#[test]
fn what_cannot_be_held_is_refused_by_name() {
    for (body, name) in [
        (
            &b"\x02\x03key\x01\x01a"[..],
            "key 'key', type 2 (set-hashtable): it holds a set",
        ),
        (
            b"\x0b\x03key\x0a\x02\0\0\0\x01\0\0\0\x07\0",
            "it holds a set (type 11, set-intset)",
        ),
        (
            b"\x05\x01z\x01\x01a\0\0\0\0\0\0\0\0",
            "it holds a sorted set",
        ),
        (b"\x15\x01s\0\0\0\0\0\0\0\0\0\0", "it holds a stream"),
        (
            b"\x18\x01h\0\0\0\0\0\0\0\0\0",
            "it holds a hash whose fields expire",
        ),
        (b"\xf5\x04code", "it holds a function library"),
        (b"\xf7\x00\x02\x02\x00", "it holds a module's data"),
        (b"\x07\x01m\x00\x00", "it holds a module value"),
    ] {
        let bytes = file(body);
        let error = read_all(&bytes).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(name), "{text}");
        assert!(text.contains("which this server cannot store"));
        let mut reader = Reader::new(&bytes[..], Foreign::Skip);
        let mut last = None;
        while let Some(event) = reader.next_event().unwrap() {
            last = Some(event);
        }
        assert_eq!(last, Some(Event::End(Checksum::Disabled)), "{text}");
    }
}

#[test]
fn older_versions_and_valkey_are_read() {
    for (head, end) in [
        (&b"REDIS0001"[..], Checksum::Absent),
        (b"REDIS0004", Checksum::Absent),
        (b"REDIS0006", Checksum::Disabled),
        (b"REDIS0012", Checksum::Disabled),
        (b"VALKEY080", Checksum::Disabled),
    ] {
        let mut bytes = head.to_vec();
        bytes.extend_from_slice(b"\xfe\x00\xfd\x10\x27\0\0\0\x01k\x01v\xff");
        if end != Checksum::Absent {
            bytes.extend_from_slice(&[0; 8]);
        }
        let events = read_all(&bytes).unwrap();
        assert_eq!(events.last(), Some(&Event::End(end)));
        assert_eq!(keys(events)[0].0.meta.expire, Some(UnixMs(10_000_000)));
    }
    assert!(read_all(b"VALKEY010").is_err());
}

/// Type 22 is a hash whose fields expire in both lines, in forms of which one is known.
#[test]
fn a_type_means_what_it_does_in_the_version_of_its_file() {
    let body = b"\x16\x01h\x01\x01f\x01v\0\0\0\0\0\0\0\0\xff\0\0\0\0\0\0\0\0";
    for (head, valkey) in [(&b"VALKEY080"[..], true), (b"REDIS0012", false)] {
        let bytes = [head, &body[..]].concat();
        let mut reader = Reader::new(&bytes[..], Foreign::Skip);
        let first = reader.next_event();
        assert_eq!(first.is_ok(), valkey, "{first:?}");
        assert_eq!(reader.version().valkey, valkey);
    }
    for (number, version, valkey) in [(10, 10, false), (80, 80, true), (0, 0, false)] {
        let mut payload = b"\x00\x01v".to_vec();
        payload.extend_from_slice(&[number, 0]);
        payload.extend_from_slice(&crate::crc64::crc64(&payload.clone()).to_le_bytes());
        let reader = dump::reader(dump::verify(&payload).unwrap());
        assert_eq!(reader.version().number, version);
        assert_eq!(reader.version().valkey, valkey);
    }
}

#[test]
fn hints_of_newer_versions_are_events() {
    let events = read_all(&file(b"\xf4\x40\x64\x05\x01")).unwrap();
    assert_eq!(
        events[0],
        Event::SlotInfo {
            slot: 100,
            keys: 5,
            expires: 1
        }
    );
}

#[test]
fn older_lists_and_hashes_become_listpacks() {
    use crate::packed::tests::make_ziplist;
    let ziplist = make_ziplist(&[Element::Integer(5), Element::Bytes(b"five")]);
    let mut e = Encoder::new(false);
    e.byte(10);
    e.string(b"l");
    e.string(&ziplist);
    e.byte(13);
    e.string(b"h");
    e.string(&ziplist);
    e.byte(14);
    e.string(b"q");
    e.length(2);
    e.string(&ziplist);
    e.string(&make_ziplist(&[]));
    e.byte(9);
    e.string(b"m");
    e.string(b"\x01\x01a\x01\x00b\xff");
    e.byte(1);
    e.string(b"old");
    e.length(2);
    e.string(b"x");
    e.string(b"17");
    let found = value(&file(e.bytes()));
    let list = Value::List(vec![b"5".to_vec(), b"five".to_vec()]);
    assert_eq!(found[0].1, list);
    assert_eq!(
        found[1].1,
        Value::Hash(vec![(b"5".to_vec(), b"five".to_vec())])
    );
    assert_eq!((&found[2].1, found[2].2), (&list, 2));
    assert_eq!(
        found[3].1,
        Value::Hash(vec![(b"a".to_vec(), b"b".to_vec())])
    );
    assert_eq!(found[4].1, Value::List(vec![b"x".to_vec(), b"17".to_vec()]));
}

#[test]
fn empty_keys_are_told() {
    for body in [
        &b"\x04\x01k\x00"[..],
        b"\x12\x01k\x00",
        b"\x01\x01k\x00",
        b"\x10\x01k\x07\x07\0\0\0\0\0\xff",
        b"\x12\x01k\x01\x02\x07\x07\0\0\0\0\0\xff",
    ] {
        assert_eq!(value(&file(body))[0].2, 0);
        let mut payload = body[..1].to_vec();
        payload.extend_from_slice(&body[3..]);
        let mut e = Encoder::new(false);
        e.bytes_mut().extend_from_slice(&payload);
        let error = dump::decode(&dump::seal(e)).unwrap_err();
        assert!(error.to_string().contains("empty"), "{error}");
    }
}

#[test]
fn broken_nodes_are_corrupt() {
    let corrupt = |body: &[u8]| {
        let error = read_all(&file(body)).unwrap_err();
        matches!(error.kind, ErrorKind::Corrupt(_) | ErrorKind::Packed { .. })
    };
    assert!(corrupt(b"\x12\x01k\x01\x03\x01a"), "unknown container");
    assert!(corrupt(b"\x12\x01k\x01\x01\x00"), "empty plain node");
    assert!(corrupt(b"\x12\x01k\x01\x02\x00"), "empty packed node");
    assert!(
        corrupt(b"\x00\x01k\xc3\x04\x06\x20\x05ab"),
        "copy before the beginning"
    );
    assert!(
        corrupt(b"\x00\x01k\xc3\x02\x81\xff\xff\xff\xff\xff\xff\xff\xff\x00a"),
        "huge"
    );
}

#[test]
fn payloads_are_sealed_verified_and_read() {
    let mut e = dump::begin(ValueType::String, false);
    e.string(b"10");
    let payload = dump::seal(e);
    assert_eq!(payload, b"\x00\xc0\n\n\x00n\x9fWE\x0e\xaec\xbb");
    assert_eq!(
        dump::decode(&payload).unwrap(),
        Value::String(b"10".to_vec())
    );
    let refused = |bytes: &[u8]| dump::verify(bytes).unwrap_err().to_string();
    let text = "DUMP payload version or checksum are wrong";
    for at in 0..payload.len() {
        let mut damaged = payload.clone();
        damaged[at] ^= 0x10;
        assert_eq!(refused(&damaged), text, "byte {at}");
        assert_eq!(refused(&payload[..at]), text);
    }
    let mut late = payload[..3].to_vec();
    late.extend_from_slice(&[15, 0]);
    late.extend_from_slice(&crate::crc64::crc64(&late.clone()).to_le_bytes());
    assert_eq!(refused(&late), text);
    let mut e = dump::begin(ValueType::Hash, false);
    e.begin_hash(2);
    e.hash_pair(b"a", b"1");
    e.hash_pair(b"a", b"2");
    let error = dump::decode(&dump::seal(e)).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("Duplicate hash fields detected")
    );
    let mut e = dump::begin(ValueType::String, false);
    e.string(b"a");
    e.byte(0);
    assert!(
        dump::decode(&dump::seal(e))
            .unwrap_err()
            .to_string()
            .contains("follow")
    );
}

#[test]
fn damaged_files_and_payloads_never_panic_nor_grow() {
    let files = [sample(false, false), sample(true, false)];
    for seed in 0..30_000 {
        let mut rng = Seeded::new(seed);
        let mut data = files[rng.below(2) as usize].clone();
        rng.mutate(&mut data);
        let body = data[data.len().min(9)..].to_vec();
        let caught = std::panic::catch_unwind(|| {
            crate::fuzz::rdb(&data);
            crate::fuzz::dump(&body);
            crate::fuzz::lzf(&body);
        });
        assert!(caught.is_ok(), "seed {seed}");
    }
}
