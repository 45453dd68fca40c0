//! Damaged payloads: what a real server with full sanitizing refuses, we refuse; what both accept
//! reads the same.
use super::{fetch, listpack, sorted};
use rdb::ErrorKind;
use rdb::crc64::crc64;
use rdb::dump::{self, DumpError};
use rdb::format::{Kind, ValueType};
use rdb::fuzz::Seeded;
use rdb::reader::Value;
use testkit::{Program, Server};

fn seal(mut body: Vec<u8>) -> Vec<u8> {
    body.extend_from_slice(&rdb::VERSION.to_le_bytes());
    let crc = crc64(&body);
    body.extend_from_slice(&crc.to_le_bytes());
    body
}

/// A ziplist of three strings and a number, and a hash of them.
const ZIPLIST: &[u8] =
    b"\x1c\0\0\0\x17\0\0\0\x04\0\0\x03one\x05\x03two\x05\xfe\x64\x03\x04tail\xff";

fn samples() -> Vec<Vec<u8>> {
    let texts: Vec<Vec<u8>> = [
        "a",
        "1",
        "bee",
        "70000",
        "c",
        "a text that is longer than the rest",
    ]
    .iter()
    .map(|t| t.as_bytes().to_vec())
    .collect();
    let body = |value_type: u8, fill: &dyn Fn(&mut rdb::Encoder)| {
        let mut e = rdb::Encoder::new(false);
        e.byte(value_type);
        fill(&mut e);
        e.into_bytes()
    };
    let packed = listpack(&texts);
    let mut ziplist = ZIPLIST.to_vec();
    ziplist[0] = ziplist.len() as u8;
    vec![
        body(0, &|e| e.string(b"a plain string")),
        body(0, &|e| e.string(b"-70000")),
        body(0, &|e| {
            let mut compressed = rdb::Encoder::new(true);
            compressed.string(&b"compressible ".repeat(9));
            e.bytes_mut().extend_from_slice(compressed.bytes());
        }),
        body(1, &|e| {
            e.begin_list(2);
            e.string(b"one");
            e.string(b"2");
        }),
        body(4, &|e| {
            e.begin_hash(2);
            e.hash_pair(b"f", b"v");
            e.hash_pair(b"g", b"5");
        }),
        body(9, &|e| e.packed(b"\x02\x01a\x01\0b\x02cc\x02\x01dd?\xff")),
        body(10, &|e| e.packed(&ziplist)),
        body(13, &|e| e.packed(&ziplist)),
        body(14, &|e| {
            e.begin_list(2);
            e.string(&ziplist);
            e.string(&ziplist);
        }),
        body(16, &|e| e.packed(&packed)),
        body(18, &|e| {
            e.begin_list(3);
            e.list_packed(&packed);
            e.list_plain(b"plain");
            e.list_packed(&packed);
        }),
    ]
}

fn kind_of(body: &[u8]) -> Option<Kind> {
    ValueType::from_byte(*body.first()?).map(ValueType::kind)
}

#[test]
fn a_real_server_and_we_agree_on_damaged_payloads() {
    let server = Server::of(Program::Redis70)
        .option("sanitize-dump-payload", "yes")
        .start();
    let mut conn = server.connect();
    let mut agreed = (0, 0);
    for sample in samples() {
        dump::decode(&seal(sample)).expect("the sample is sound");
    }
    for seed in 0..3000 {
        let mut rng = Seeded::new(seed);
        let samples = samples();
        let mut body = samples[rng.below(samples.len() as u64) as usize].clone();
        if seed >= 11 {
            rng.mutate(&mut body);
        } else {
            body = samples[seed as usize].clone();
        }
        let Some(kind) = kind_of(&body) else { continue };
        let payload = seal(body.clone());
        let ours = dump::decode(&payload);
        if body[0] == ValueType::Hash as u8 && body.get(1).is_some_and(|b| b >> 6 == 2) {
            // A hash that announces millions of pairs: a real server makes a table of gigabytes
            // first, and walks over it to throw it away.
            assert!(ours.is_err(), "seed {seed}");
            continue;
        }
        let reply = conn.call(&[&b"RESTORE"[..], b"k", b"0", &payload, b"REPLACE"]);
        let text = body.escape_ascii();
        match (ours, reply.error()) {
            (Ok(value), None) => {
                assert_eq!(
                    sorted(value),
                    fetch(&mut conn, b"k", kind),
                    "seed {seed}: {text}"
                );
                agreed.0 += 1;
            }
            (Err(_), Some(_)) => agreed.1 += 1,
            (Ok(value), Some(error)) => {
                panic!("seed {seed}: we read {value:?}, it says {error}: {text}")
            }
            (Err(error), None) if stricter(&error) => {}
            // Its decompressor answers 0 for "failed", which passes where 0 bytes were announced.
            (Err(_), None) if kind == Kind::String && body[1] == 0xc3 => {
                assert_eq!(
                    fetch(&mut conn, b"k", kind),
                    Value::String(Vec::new()),
                    "seed {seed}"
                );
            }
            (Err(error), None) => panic!("seed {seed}: only we refuse, {error}: {text}"),
        }
    }
    assert!(agreed.0 > 150 && agreed.1 > 300, "{agreed:?}");
}

/// Where we are stricter on purpose: a real server leaves bytes behind the value unread, and lets a
/// value that is cut run on into its footer; it also takes the code of a string form for a length.
fn stricter(error: &DumpError) -> bool {
    let DumpError::Value(error) = error else {
        return false;
    };
    matches!(
        error.kind,
        ErrorKind::Trailing | ErrorKind::ShortRead | ErrorKind::BadLength(_)
    )
}

/// The payloads of the upstream suite's test of corrupt dumps: every class of damage that was ever
/// found there.
fn upstream_payloads() -> Vec<Vec<u8>> {
    let path = testkit::suite_directory().join("valkey-8.1.1/tests/integration/corrupt-dump.tcl");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; run `cargo xtask suite`", path.display()));
    text.split('"')
        .filter(|part| part.starts_with("\\x"))
        .map(|part| {
            let mut out = Vec::new();
            let mut rest = part.as_bytes();
            while let Some((&first, after)) = rest.split_first() {
                rest = after;
                match (first, after) {
                    (b'\\', [b'x', high, low, after @ ..]) => {
                        let digits = String::from_utf8(vec![*high, *low]).unwrap();
                        out.push(u8::from_str_radix(&digits, 16).unwrap());
                        rest = after;
                    }
                    (plain, _) => out.push(plain),
                }
            }
            out
        })
        .collect()
}

#[test]
fn the_corrupt_payloads_of_the_upstream_suite_are_refused_where_a_real_server_refuses() {
    let server = Server::of(Program::Redis70)
        .option("sanitize-dump-payload", "yes")
        .start();
    let mut conn = server.connect();
    let payloads = upstream_payloads();
    let mut judged = 0;
    for payload in &payloads {
        // Many were found by a fuzzer with the checksum switched off.
        let body = &payload[..payload.len() - 10];
        let payload = seal(body.to_vec());
        let ours = dump::decode(&payload);
        if kind_of(body).is_none() {
            assert!(ours.is_err());
            continue;
        }
        judged += 1;
        let reply = conn.call(&[&b"RESTORE"[..], b"k", b"0", &payload, b"REPLACE"]);
        let text = body.escape_ascii();
        match ours {
            Ok(_) => assert!(reply.error().is_none(), "we read what it refuses: {text}"),
            Err(error) => {
                let refused = reply.error().is_some() || stricter(&error);
                assert!(refused, "only we refuse, {error}: {text}");
            }
        }
    }
    assert!(
        payloads.len() > 70 && judged > 25,
        "{} payloads, {judged} judged",
        payloads.len()
    );
}
