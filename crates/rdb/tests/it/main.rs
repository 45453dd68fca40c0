//! Files and payloads exchanged with real servers.
mod damaged;
mod files;
mod logs;
mod payloads;

use rdb::format::Kind;
use rdb::packed::Element;
use rdb::packed::listpack::Builder;
use rdb::reader::{Key, Value};
use rdb::{Event, Foreign, Reader};
use testkit::{Conn, Reply};

/// A list or hash as one listpack.
fn listpack(texts: &[Vec<u8>]) -> Vec<u8> {
    let mut builder = Builder::new();
    texts.iter().for_each(|t| builder.push(Element::Bytes(t)));
    builder.finish()
}

/// Keys and whole values of a file, empty ones left out.
fn load(bytes: &[u8]) -> Result<Vec<(Key, Value)>, rdb::Error> {
    let mut reader = Reader::new(bytes, Foreign::Refuse);
    let mut out: Vec<(Key, Value)> = Vec::new();
    while let Some(event) = reader.next_event()? {
        match event {
            Event::Key(key) => {
                let empty = Value::empty(key.kind.expect("foreign values are refused"));
                out.push((key, empty));
            }
            Event::KeyEnd { elements: 0 } => drop(out.pop()),
            Event::Piece(piece) => {
                let (_, value) = out.last_mut().expect("a key came before");
                assert!(value.add(piece), "a piece of another kind");
            }
            _ => {}
        }
    }
    Ok(out)
}

/// A value with the pairs of a hash in order, for comparing.
fn sorted(value: Value) -> Value {
    match value {
        Value::Hash(mut pairs) => {
            pairs.sort();
            Value::Hash(pairs)
        }
        other => other,
    }
}

/// What a real server holds under a key.
fn fetch(conn: &mut Conn, key: &[u8], kind: Kind) -> Value {
    let texts = |reply: Reply| -> Vec<Vec<u8>> {
        reply.array().iter().map(|r| r.bytes().to_vec()).collect()
    };
    match kind {
        Kind::String => Value::String(conn.call(&[b"GET", key]).bytes().to_vec()),
        Kind::List => Value::List(texts(conn.call(&[&b"LRANGE"[..], key, b"0", b"-1"]))),
        _ => {
            let flat = texts(conn.call(&[b"HGETALL", key]));
            let pairs = flat
                .chunks_exact(2)
                .map(|p| (p[0].clone(), p[1].clone()))
                .collect();
            sorted(Value::Hash(pairs))
        }
    }
}
