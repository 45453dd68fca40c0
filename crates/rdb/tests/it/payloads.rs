//! DUMP payloads: theirs read by us, ours restored by them, equal to the byte where nothing leaves
//! a choice.
use super::{fetch, listpack, sorted};
use rdb::dump;
use rdb::format::Kind;
use rdb::{Encoder, ValueType};
use testkit::{Conn, Program, Server};

fn payload(value_type: ValueType, body: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut encoder = dump::begin(value_type, false);
    body(&mut encoder);
    dump::seal(encoder)
}

fn words(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|t| t.as_bytes().to_vec()).collect()
}

#[test]
fn payloads_are_equal_to_those_of_a_server_of_the_same_version() {
    let server = Server::of(Program::Redis70)
        .option("rdbcompression", "no")
        .start();
    let mut conn = server.connect();
    let mut theirs = |setup: &[&str]| {
        conn.call(&["DEL", "k"]);
        assert!(conn.call(setup).error().is_none());
        conn.call(&["DUMP", "k"]).bytes().to_vec()
    };
    for text in [
        "",
        "5",
        "-129",
        "70000",
        "5000000000",
        "007",
        "hello",
        "1.5",
        "-0",
    ] {
        let ours = payload(ValueType::String, |e| e.string(text.as_bytes()));
        assert_eq!(ours, theirs(&["SET", "k", text]), "{text}");
    }
    let long = "abc".repeat(10_000);
    let ours = payload(ValueType::String, |e| e.string(long.as_bytes()));
    assert_eq!(ours, theirs(&["SET", "k", &long]));
    let list = ["a", "5", "-70000", "a longer element of this list"];
    let ours = payload(ValueType::ListQuicklist2, |e| {
        e.begin_list(1);
        e.list_packed(&listpack(&words(&list)));
    });
    assert_eq!(ours, theirs(&[&["RPUSH", "k"], &list[..]].concat()));
    let hash = [
        "field",
        "value",
        "2",
        "4096",
        "last",
        "-9223372036854775808",
    ];
    let ours = payload(ValueType::HashListpack, |e| {
        e.packed(&listpack(&words(&hash)))
    });
    assert_eq!(ours, theirs(&[&["HSET", "k"], &hash[..]].concat()));
    let ours = payload(ValueType::Hash, |e| {
        e.begin_hash(1);
        e.hash_pair(b"field", long.as_bytes());
    });
    assert_eq!(ours, theirs(&["HSET", "k", "field", &long]));
}

fn digest(conn: &mut Conn, key: &str) -> String {
    conn.call(&["DEBUG", "DIGEST-VALUE", key]).texts().remove(0)
}

#[test]
fn values_survive_the_way_there_and_back() {
    let server = Server::of(Program::Redis70)
        .option("enable-debug-command", "yes")
        .option("sanitize-dump-payload", "yes")
        .start();
    let mut conn = server.connect();
    let mut rng = testkit::seed("values_survive_the_way_there_and_back");
    for round in 0..150 {
        conn.line("FLUSHALL").expect_ok();
        let most = if rng.chance(20) { 700 } else { 20 };
        let count = 1 + rng.below(most) as usize;
        let mut texts: Vec<Vec<u8>> = Vec::new();
        for i in 0..count {
            texts.push(match rng.below(4) {
                0 => (rng.bits() as i64 >> rng.below(64))
                    .to_string()
                    .into_bytes(),
                1 => rng.bytes(i % 90),
                2 => vec![b'r'; (i * 13) % 400],
                _ => format!("text {i}").into_bytes(),
            });
        }
        let kind = *rng.pick(&[Kind::String, Kind::List, Kind::Hash]);
        let request = match kind {
            Kind::String => vec![b"SET".to_vec(), b"k".to_vec(), texts.concat()],
            Kind::List => [vec![b"RPUSH".to_vec(), b"k".to_vec()], texts].concat(),
            _ => {
                let mut request = vec![b"HSET".to_vec(), b"k".to_vec()];
                for (i, text) in texts.into_iter().enumerate() {
                    request.extend([format!("field{i}").into_bytes(), text]);
                }
                request
            }
        };
        assert!(conn.call(&request).error().is_none());
        let theirs = conn.call(&["DUMP", "k"]).bytes().to_vec();
        let value = dump::decode(&theirs).unwrap_or_else(|e| panic!("round {round}: {e}"));
        assert_eq!(
            sorted(value.clone()),
            fetch(&mut conn, b"k", kind),
            "round {round}"
        );
        let ours = again(value, rng.chance(50), rng.chance(50));
        conn.call(&[&b"RESTORE"[..], b"copy", b"0", &ours])
            .expect_ok();
        assert_eq!(
            digest(&mut conn, "copy"),
            digest(&mut conn, "k"),
            "round {round}"
        );
    }
}

/// A payload of the same value, in one of the forms it can have.
fn again(value: rdb::reader::Value, compress: bool, packed: bool) -> Vec<u8> {
    use rdb::reader::Value;
    let (value_type, encoder) = match (value, packed) {
        (Value::String(text), _) => {
            let mut e = dump::begin(ValueType::String, compress);
            e.string(&text);
            return dump::seal(e);
        }
        (Value::List(list), packed) => {
            let mut e = dump::begin(ValueType::ListQuicklist2, compress);
            if packed {
                e.begin_list(list.chunks(50).len() as u64);
                list.chunks(50)
                    .for_each(|part| e.list_packed(&listpack(part)));
            } else {
                e.begin_list(list.len() as u64);
                for element in &list {
                    // A plain node cannot be empty.
                    if element.is_empty() {
                        e.list_packed(&listpack(&[Vec::new()]));
                    } else {
                        e.list_plain(element);
                    }
                }
            }
            (ValueType::ListQuicklist2, e)
        }
        (Value::Hash(pairs), true) => {
            let flat: Vec<Vec<u8>> = pairs.into_iter().flat_map(|(f, v)| [f, v]).collect();
            let mut e = dump::begin(ValueType::HashListpack, compress);
            e.packed(&listpack(&flat));
            (ValueType::HashListpack, e)
        }
        (Value::Hash(pairs), false) => {
            let mut e = dump::begin(ValueType::Hash, compress);
            e.begin_hash(pairs.len() as u64);
            pairs.iter().for_each(|(f, v)| e.hash_pair(f, v));
            (ValueType::Hash, e)
        }
    };
    assert_eq!(encoder.bytes()[0], value_type as u8);
    dump::seal(encoder)
}
