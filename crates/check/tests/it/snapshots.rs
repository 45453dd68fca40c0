//! `redis-check-rdb` on good, cut and damaged files.
use super::{ours, theirs};
use std::path::Path;
use testkit::{Program, Server, TempDir, Tool};

fn file(body: &[u8]) -> Vec<u8> {
    [&b"REDIS0010"[..], body, b"\xff\0\0\0\0\0\0\0\0"].concat()
}

fn same(directory: &Path, name: &str, bytes: &[u8]) {
    let path = directory.join(name);
    std::fs::write(&path, bytes).unwrap();
    let path = path.to_str().unwrap();
    for program in [Program::Redis70, Program::Redis74] {
        let real = theirs(program, Tool::CheckRdb, &[path], "");
        assert_eq!(
            ours(Tool::CheckRdb, &[path], ""),
            real,
            "{program:?} on {name}"
        );
    }
}

#[test]
fn lines_and_codes_are_those_of_the_real_program() {
    let directory = TempDir::new("check-rdb");
    let attributes =
        b"\xfa\x09redis-ver\x067.0.15\xfa\x01n\xc0\x05\xfe\x00\xfb\x02\x00\x00\x01a\x011";
    let good = file(attributes);
    let same = |name: &str, bytes: &[u8]| same(directory.path(), name, bytes);
    same("good.rdb", &good);
    for cut in 0..good.len() {
        same("cut.rdb", &good[..cut]);
    }
    same("signature.rdb", &[&b"XEDIS0010"[..], attributes].concat());
    same("version.rdb", b"REDIS0099\xff");
    same(
        "sum.rdb",
        &[&good[..good.len() - 8], &b"12345678"[..]].concat(),
    );
    same(
        "expired.rdb",
        &file(b"\xfc\x10\x27\0\0\0\0\0\0\x00\x01k\x01v"),
    );
    same(
        "expires.rdb",
        &file(b"\xfc\0\0\0\0\0\x10\0\0\x00\x01k\x01v\xf8\x05\xf9\x05\x00\x01l\x01v"),
    );
    for (name, body) in [
        ("type.rdb", &b"\x1e\x01a\x011"[..]),
        ("listpack.rdb", b"\x10\x01a\x08\x08\0\0\0\x02\0\x01\xff"),
        ("compressed.rdb", b"\x00\x01a\xc3\x04\x06\x20\x05ab"),
        ("container.rdb", b"\x12\x01k\x01\x03\x01a"),
        ("empty.rdb", b"\x04\x01k\x00"),
        ("length.rdb", b"\xfe\x82"),
        ("string.rdb", b"\x00\xc5a\x01v"),
        ("set.rdb", b"\x02\x01s\x02\x01a\x01b"),
        ("doubled.rdb", b"\x02\x01s\x02\x01a\x01a"),
        (
            "packed.rdb",
            b"\x10\x01h\x11\x11\0\0\0\x04\0\x81a\x02\x01\x01\x81a\x02\x01\x01\xff",
        ),
        ("ranks.rdb", b"\x03\x01s\x01\x01a\x015"),
        (
            "huge.rdb",
            b"\x00\x01h\x81\x0f\xff\xff\xff\xff\xff\xff\xffa",
        ),
        ("after.rdb", b"\x00\x01a\x01b\x00\x01b\xc5"),
        ("nul.rdb", b"\x00\x04a\0'b\x81\x0f"),
    ] {
        same(name, &file(body));
    }
    // A value of 65 bytes, so that the hash is a table there at once.
    let fields = [
        b"\x04\x01h\x02\x01a\x40\x41",
        &[b'v'; 65][..],
        b"\x01a\x01w",
    ]
    .concat();
    same("fields.rdb", &file(&fields));
}

#[test]
fn files_of_real_servers_are_sound_to_us() {
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
            "SET e 1 PX 100000",
            "RPUSH l 1 2 3",
            "HSET h f v",
            "SADD s a b",
            "SADD i 1 2",
            "ZADD z 1 a",
            "XADD x 1-1 f v",
            "XGROUP CREATE x g 0",
        ] {
            assert!(conn.line(line).error().is_none());
        }
        conn.line("SAVE").expect_ok();
        let path = server.directory().join("dump.rdb");
        let outcome = ours(Tool::CheckRdb, &[path.to_str().unwrap()], "");
        assert_eq!(outcome.code, Some(0), "{program:?}: {}", outcome.out);
        assert!(
            outcome
                .out
                .contains("[info] 8 keys read\n[info] 1 expires\n[info] 0 already")
        );
        if matches!(program, Program::Redis70 | Program::Redis74) {
            assert_eq!(
                theirs(program, Tool::CheckRdb, &[path.to_str().unwrap()], ""),
                outcome
            );
        }
    }
}

#[test]
fn our_files_are_sound_to_the_real_programs() {
    let directory = TempDir::new("check-ours");
    let path = directory.path().join("ours.rdb");
    let mut w = rdb::Writer::new(true, true);
    w.file_aux(&rdb::writer::FileAux {
        redis_version: "7.2.4",
        created: 1_700_000_000,
        used_memory: 4096,
        replication: None,
        aof_base: true,
    });
    w.select_db(0);
    w.resize_db(2, 0);
    w.string(b"text", &rdb::KeyMeta::default(), &b"again and ".repeat(50));
    let hash = w.key(b"hash", &rdb::KeyMeta::default(), rdb::ValueType::Hash);
    hash.begin_hash(600);
    for i in 0..600 {
        hash.hash_pair(format!("field {i}").as_bytes(), b"value");
    }
    std::fs::write(&path, w.finish()).unwrap();
    let path = path.to_str().unwrap();
    let our_outcome = ours(Tool::CheckRdb, &[path], "");
    assert!(
        our_outcome.out.contains("Checksum OK"),
        "{}",
        our_outcome.out
    );
    for program in [Program::Redis70, Program::Redis74] {
        assert_eq!(theirs(program, Tool::CheckRdb, &[path], ""), our_outcome);
    }
    for program in [Program::Redis8, Program::Valkey] {
        assert_eq!(theirs(program, Tool::CheckRdb, &[path], "").code, Some(0));
    }
}
