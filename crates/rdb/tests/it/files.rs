//! RDB files: theirs read by us, ours loaded by them.
use super::{fetch, listpack, load, sorted};
use base::UnixMs;
use rdb::reader::{Key, Value};
use rdb::writer::FileAux;
use rdb::{Event, Foreign, KeyMeta, Reader, ValueType, Writer};
use std::path::Path;
use testkit::{Conn, Program, Server, TempDir};

/// Strings, lists and hashes of every encoding, with attributes, in three databases.
fn fill(conn: &mut Conn) {
    let mut run = |words: &[&[u8]]| {
        let reply = conn.call(words);
        assert!(reply.error().is_none(), "{reply:?}");
    };
    for (i, number) in [0i64, 7, -1, 127, 128, -129, 40000, -70000, 1 << 40]
        .iter()
        .enumerate()
    {
        let text = number.to_string();
        run(&[b"SET", format!("number{i}").as_bytes(), text.as_bytes()]);
        run(&[b"RPUSH", b"numbers", text.as_bytes()]);
        run(&[
            b"HSET",
            b"small",
            format!("f{i}").as_bytes(),
            text.as_bytes(),
        ]);
    }
    run(&[b"SET", b"empty", b""]);
    run(&[b"SET", b"binary\0\xff key", b"\0\r\n\xff"]);
    run(&[b"SET", b"repeated", &b"shoal ".repeat(5000)]);
    let noise: Vec<u8> = (0..400_000u64)
        .map(|i| (i.wrapping_mul(i * 2_654_435_761) >> 13) as u8)
        .collect();
    run(&[b"SET", b"noise", &noise]);
    run(&[b"SET", b"expiring", b"v", b"PXAT", b"4000000000123"]);
    run(&[
        b"RPUSH",
        b"huge elements",
        &noise[..70_000],
        b"small",
        &noise[..100_000],
    ]);
    for i in 0..3000 {
        let text = format!("element number {i}");
        run(&[b"RPUSH", b"long list", text.as_bytes()]);
        run(&[b"HSET", b"large hash", text.as_bytes(), &noise[..i % 200]]);
    }
    run(&[b"SELECT", b"3"]);
    run(&[b"HSET", b"other", b"a", b"1"]);
    run(&[b"SELECT", b"15"]);
    run(&[b"RPUSH", b"last", b"x"]);
}

fn compare(conn: &mut Conn, found: Vec<(Key, Value)>) {
    let mut db = u64::MAX;
    for (key, value) in found {
        if key.db != db {
            db = key.db;
            conn.call(&["SELECT", &db.to_string()]).expect_ok();
        }
        let theirs = fetch(conn, &key.key, key.kind.expect("a kind that is held"));
        assert!(sorted(value) == theirs, "key {}", key.key.escape_ascii());
        let expire = conn.call(&[b"PEXPIRETIME", &key.key[..]]).int();
        assert_eq!(key.meta.expire.map_or(-1, |UnixMs(at)| at), expire);
    }
}

#[test]
fn files_of_real_servers_are_read_identically() {
    for program in [
        Program::Redis70,
        Program::Redis74,
        Program::Redis8,
        Program::Valkey,
    ] {
        for (compression, policy) in [("yes", "allkeys-lru"), ("no", "allkeys-lfu")] {
            let server = Server::of(program)
                .option("rdbcompression", compression)
                .option("maxmemory-policy", policy)
                .start();
            let mut conn = server.connect();
            fill(&mut conn);
            conn.line("SAVE").expect_ok();
            let bytes = std::fs::read(server.directory().join("dump.rdb")).unwrap();
            let found = load(&bytes).unwrap_or_else(|e| panic!("{program:?}: {e}"));
            assert_eq!(found.len(), 9 + 5 + 3 + 2 + 2, "{program:?}");
            let lfu = policy == "allkeys-lfu";
            assert!(found.iter().all(|(k, _)| k.meta.freq.is_some() == lfu));
            assert!(found.iter().all(|(k, _)| k.meta.idle.is_some() != lfu));
            compare(&mut conn, found);
        }
    }
}

/// Rewrites a file with our writer, in pieces where `pieces` is set.
fn rewrite(bytes: &[u8], compress: bool, pieces: bool) -> Vec<u8> {
    let mut w = Writer::new(compress, true);
    w.file_aux(&FileAux {
        redis_version: "7.2.4",
        created: 1_700_000_000,
        used_memory: 1,
        replication: None,
        aof_base: false,
    });
    let mut db = u64::MAX;
    for (key, value) in load(bytes).unwrap() {
        if key.db != db {
            db = key.db;
            w.select_db(db as u32);
        }
        match value {
            Value::String(text) if pieces => {
                let e = w.key(&key.key, &key.meta, ValueType::String);
                e.begin_string(text.len() as u64);
                text.chunks(1000).for_each(|chunk| e.string_chunk(chunk));
            }
            Value::String(text) => w.string(&key.key, &key.meta, &text),
            Value::Hash(pairs) if pairs.len() < 100 && !pieces => {
                let flat: Vec<Vec<u8>> = pairs.into_iter().flat_map(|(f, v)| [f, v]).collect();
                w.key(&key.key, &key.meta, ValueType::HashListpack)
                    .packed(&listpack(&flat));
            }
            Value::Hash(pairs) => {
                let e = w.key(&key.key, &key.meta, ValueType::Hash);
                e.begin_hash(pairs.len() as u64);
                pairs.iter().for_each(|(f, v)| e.hash_pair(f, v));
            }
            Value::List(list) if pieces => {
                let e = w.key(&key.key, &key.meta, ValueType::ListQuicklist2);
                e.begin_list(list.len() as u64);
                for element in &list {
                    e.begin_list_plain(element.len() as u64);
                    element.chunks(999).for_each(|chunk| e.string_chunk(chunk));
                }
            }
            Value::List(list) => {
                let e = w.key(&key.key, &key.meta, ValueType::ListQuicklist2);
                e.begin_list(list.chunks(100).len() as u64);
                list.chunks(100)
                    .for_each(|part| e.list_packed(&listpack(part)));
            }
        }
    }
    w.finish()
}

fn start_with(program: Program, directory: &Path, bytes: &[u8]) -> Server {
    std::fs::write(directory.join("dump.rdb"), bytes).unwrap();
    Server::of(program)
        .option("sanitize-dump-payload", "yes")
        .option("enable-debug-command", "yes")
        .option("maxmemory-policy", "allkeys-lru")
        .directory(directory)
        .start()
}

#[test]
fn our_files_are_loaded_by_real_servers() {
    let source = Server::of(Program::Redis70)
        .option("enable-debug-command", "yes")
        .start();
    let mut conn = source.connect();
    fill(&mut conn);
    conn.line("SAVE").expect_ok();
    let digest = conn.line("DEBUG DIGEST").text();
    let bytes = std::fs::read(source.directory().join("dump.rdb")).unwrap();
    for program in [
        Program::Redis70,
        Program::Redis74,
        Program::Redis8,
        Program::Valkey,
    ] {
        for (compress, pieces) in [(true, false), (false, true)] {
            let directory = TempDir::new("load");
            let ours = rewrite(&bytes, compress, pieces);
            let server = start_with(program, directory.path(), &ours);
            let mut conn = server.connect();
            assert_eq!(conn.line("DEBUG DIGEST").text(), digest, "{program:?}");
        }
    }
}

#[test]
fn the_usual_attributes_stand_where_real_servers_write_them() {
    let server = Server::of(Program::Redis70).start();
    server.line("SAVE").expect_ok();
    let theirs = std::fs::read(server.directory().join("dump.rdb")).unwrap();
    let names = |bytes: &[u8]| {
        let mut reader = Reader::new(bytes, Foreign::Refuse);
        let mut names = Vec::new();
        while let Some(event) = reader.next_event().unwrap() {
            if let Event::Aux { name, .. } = event {
                names.push(String::from_utf8(name).unwrap());
            }
        }
        (reader.version(), names)
    };
    let mut w = Writer::new(true, true);
    w.file_aux(&FileAux {
        redis_version: "7.2.4",
        created: 1,
        used_memory: 1,
        replication: None,
        aof_base: false,
    });
    assert_eq!(names(&w.finish()), names(&theirs));
}

#[test]
fn files_with_other_types_are_refused_or_walked_over() {
    for program in [
        Program::Redis70,
        Program::Redis74,
        Program::Redis8,
        Program::Valkey,
    ] {
        let server = Server::of(program).start();
        let mut conn = server.connect();
        for line in [
            "SET a 1",
            "SADD numbers 1 2 3",
            "SADD words one two",
            "ZADD ranks 1 one 2.5 two",
            "XADD log 1-1 f v",
            "XADD log 2-1 f v",
            "XGROUP CREATE log readers 0",
            "XREADGROUP GROUP readers me COUNT 1 STREAMS log >",
            "PFADD hll a b",
        ] {
            assert!(conn.line(line).error().is_none(), "{line}");
        }
        for i in 0..600 {
            conn.call(&["SADD", "many", &format!("member {i}")]);
            conn.call(&["ZADD", "many ranks", &i.to_string(), &format!("member {i}")]);
        }
        let library = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";
        assert!(conn.call(&["FUNCTION", "LOAD", library]).error().is_none());
        conn.line("SAVE").expect_ok();
        let bytes = std::fs::read(server.directory().join("dump.rdb")).unwrap();
        let error = load(&bytes).unwrap_err().to_string();
        assert!(error.contains("cannot store"), "{error}");
        let mut reader = Reader::new(&bytes[..], Foreign::Skip);
        let (mut keys, mut foreign) = (0, 0);
        while let Some(event) = reader
            .next_event()
            .unwrap_or_else(|e| panic!("{program:?}: {e}"))
        {
            if let Event::Key(key) = event {
                keys += 1;
                foreign += usize::from(key.kind.is_none());
            }
        }
        assert_eq!((keys, foreign), (8, 6), "{program:?}");
        assert_eq!(KeyMeta::default().expire, None);
    }
}
