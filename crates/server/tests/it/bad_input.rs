//! Bad input as a user meets it: clear words, the right exit code, never a panic, nothing lost.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;
use testkit::{Conn, Program, Reply, Server, ServerPlan, TempDir, eventually, seed};

const LIMIT: Duration = Duration::from_secs(30);

fn plan(directory: &TempDir) -> ServerPlan {
    Server::of(Program::Shoal)
        .directory(directory.path())
        .option("io-threads", "4")
}

/// Starts what must not start; what it said. It must have ended by itself with status 1.
#[track_caller]
fn refused(plan: ServerPlan) -> String {
    let error = plan.try_start().expect_err("it must not start");
    let code = error.status.and_then(|status| status.code());
    assert_eq!(code, Some(1), "{}", error.log);
    assert!(!error.log.contains("panicked"), "{}", error.log);
    error.log
}

/// What a server says to these bytes until it closes the connection or is silent.
fn answer(port: u16, bytes: &[u8]) -> (String, bool) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    // It may close before it has read everything; what it said counts.
    let _ = stream.write_all(bytes);
    let silence = Some(Duration::from_millis(500));
    stream.set_read_timeout(silence).unwrap();
    let mut said = Vec::new();
    let mut chunk = [0; 4096];
    let closed = loop {
        match stream.read(&mut chunk) {
            Ok(0) => break true,
            Ok(read) => said.extend_from_slice(&chunk[..read]),
            Err(error) => break error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    };
    (String::from_utf8_lossy(&said).into_owned(), closed)
}

#[test]
fn violations_of_the_protocol_are_answered_as_redis_does() {
    let (ours, theirs) = (
        Server::of(Program::Shoal).option("io-threads", "4").start(),
        Server::of(Program::Redis70).start(),
    );
    let cases: [&[u8]; 14] = [
        b"*1\r\nx\r\n",
        b"*x\r\n",
        b"*2147483648\r\n",
        b"*-10\r\nPING\r\n",
        b"*1\r\n$-1\r\n",
        b"*1\r\n$536870913\r\n",
        b"*1\r\n$9223372036854775808\r\n",
        b"*2\r\n$4\r\nPING\r\n:1\r\n",
        b"ECHO \"unbalanced\r\n",
        b"SET k 'a'b\r\n",
        b"*0\r\n\r\nPING\r\n",
        b"*1\r\n$4\r\nPINGxxPING\r\n",
        b"nosuchcommand with arguments\r\n",
        b"*3\r\n$3\r\nGET\r\n$1\r\na\r\n$1\r\nb\r\n",
    ];
    for case in cases {
        let (ours, theirs) = (answer(ours.port(), case), answer(theirs.port(), case));
        assert_eq!(ours, theirs, "{}", case.escape_ascii());
    }
    let long = vec![b'x'; 70_000];
    assert_eq!(answer(ours.port(), &long), answer(theirs.port(), &long));
    assert_eq!(ours.call(&["PING"]).text(), "PONG");
}

#[test]
fn random_bytes_harm_neither_the_port_nor_the_bus() {
    let mut dice = seed("random_bytes_harm_neither_the_port_nor_the_bus");
    let server = Server::of(Program::Shoal)
        .option("cluster-enabled", "yes")
        .option("io-threads", "4")
        .start();
    let before = server.call(&["CLUSTER", "NODES"]).text();
    for round in 0..60 {
        let mut bytes = dice.bytes(3000);
        let port = if round % 2 == 0 {
            server.port()
        } else {
            // The signature and version of the bus, so that more of it is looked at.
            if dice.chance(70) {
                bytes[..4].copy_from_slice(b"RCmb");
                let length = 256 + dice.below(3000) as u32;
                bytes[4..8].copy_from_slice(&length.to_be_bytes());
                bytes[8..10].copy_from_slice(&1u16.to_be_bytes());
            }
            server.port() + 10_000
        };
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let _ = stream.write_all(&bytes);
    }
    assert_eq!(server.call(&["PING"]).text(), "PONG");
    let nodes = server.call(&["CLUSTER", "NODES"]).text();
    assert_eq!(nodes.lines().count(), before.lines().count(), "{nodes}");
}

#[test]
fn a_full_table_of_clients_refuses_and_recovers() {
    let server = Server::of(Program::Shoal)
        .option("maxclients", "5")
        .option("io-threads", "4")
        .start();
    let mut inside: Vec<Conn> = Vec::new();
    eventually("five are in", LIMIT, || {
        let mut conn = Conn::open(server.port()).unwrap();
        if conn
            .try_call(&["PING"])
            .is_ok_and(|reply| reply.error().is_none())
        {
            inside.push(conn);
        }
        inside.len() == 5
    });
    let refused = Conn::open(server.port()).unwrap().receive().unwrap();
    assert_eq!(
        refused.error(),
        Some("ERR max number of clients reached"),
        "{refused:?}"
    );
    for conn in &mut inside {
        assert_eq!(conn.call(&["PING"]).text(), "PONG");
    }
    inside.pop();
    eventually("a place is free", LIMIT, || {
        Conn::open(server.port())
            .unwrap()
            .try_call(&["PING"])
            .is_ok_and(|reply| reply == Reply::Simple("PONG".into()))
    });
    let rejected = inside[0].info("rejected_connections").unwrap().unwrap();
    assert!(rejected.parse::<u64>().unwrap() >= 1);
}

#[test]
fn a_wrong_password_lets_nobody_in() {
    let server = Server::of(Program::Shoal).password("right").start();
    let mut conn = Conn::open(server.port()).unwrap();
    conn.line("GET k")
        .expect_error("NOAUTH Authentication required.");
    conn.line("AUTH wrong")
        .expect_error("WRONGPASS invalid username-password pair or user is disabled.");
    conn.line("AUTH nobody right").expect_error("WRONGPASS");
    conn.line("HELLO 3 AUTH default wrong")
        .expect_error("WRONGPASS");
    conn.line("GET k").expect_error("NOAUTH");
    conn.line("AUTH right").expect_ok();
    assert_eq!(conn.line("GET k"), Reply::Nil);
}

#[test]
fn files_that_cannot_be_used_are_named_and_left_alone() {
    let directory = TempDir::new("bad-files");
    let place = |name: &str| directory.path().join(name);
    let damaged = |name: &str, bytes: &[u8], options: &[(&str, &str)], words: &[&str]| {
        let path = place(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        let plan = options
            .iter()
            .fold(plan(&directory), |plan, (name, value)| {
                plan.option(name, value)
            });
        let log = refused(plan);
        for word in words {
            assert!(log.contains(word), "{word:?} is not in:\n{log}");
        }
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{name} was changed");
        std::fs::remove_file(path).unwrap();
    };
    let mut server = plan(&directory).start();
    server.call(&["SET", "k", &"v".repeat(100)]).expect_ok();
    server.call(&["SAVE"]).expect_ok();
    server.process().kill();
    drop(server);
    let good = std::fs::read(place("dump.rdb")).unwrap();
    damaged(
        "dump.rdb",
        &good[..good.len() / 2],
        &[],
        &["dump.rdb", "EOF"],
    );
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 0x55;
    damaged("dump.rdb", &flipped, &[], &["dump.rdb", "at offset"]);
    damaged("dump.rdb", b"nonsense", &[], &["dump.rdb"]);
    std::fs::create_dir(place("dump.rdb")).unwrap();
    assert!(refused(plan(&directory)).contains("Is a directory"));
    std::fs::remove_dir(place("dump.rdb")).unwrap();
    let aof = [("appendonly", "yes")];
    let manifest = "appendonlydir/appendonly.aof.manifest";
    damaged(manifest, b"nonsense\n", &aof, &["at line 1", "nonsense"]);
    damaged(
        manifest,
        b"file appendonly.aof.1.base.rdb seq 1 type b\n",
        &aof,
        &["appendonly.aof.1.base.rdb", "No such file or directory"],
    );
    let cluster = [("cluster-enabled", "yes")];
    damaged(
        "nodes.conf",
        b"junk line here\n",
        &cluster,
        &["nodes.conf", "line 1"],
    );
    assert!(
        names(directory.path())
            .iter()
            .all(|name| !name.starts_with("temp-")),
        "{:?}",
        names(directory.path())
    );
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn options_that_are_wrong_are_named_with_file_and_line() {
    let directory = TempDir::new("bad-options");
    let write = |text: &str| {
        let path = directory.path().join("wrong.conf");
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    };
    let cases = [
        ("maxmemory lots\n", 1, "argument must be a memory value"),
        (
            "# fine\n\nio-threads many\n",
            3,
            "argument couldn't be parsed into an integer",
        ),
        (
            "nosuchoption 1\n",
            1,
            "Bad directive or wrong number of arguments",
        ),
        ("save 1\n", 1, "Invalid save parameters"),
        ("dir /no/such/place\n", 1, "No such file or directory"),
    ];
    for (text, line, reason) in cases {
        let path = write(text);
        let log = refused(plan(&directory).options("include", &[&path]));
        let option = text.lines().last().unwrap();
        for word in [&format!("at line {line}"), option, reason, "wrong.conf"] {
            let quoted = log.replace('"', "");
            assert!(quoted.contains(word), "{word:?} is not in:\n{log}");
        }
    }
}

#[test]
fn a_port_in_use_is_named_before_anything_is_touched() {
    let first = Server::of(Program::Shoal).start();
    let port = first.port().to_string();
    let directory = TempDir::new("port-in-use");
    let log = refused(
        plan(&directory)
            .option("port", &port)
            .option("appendonly", "yes"),
    );
    assert!(
        log.contains(&port) && log.contains("Address already in use"),
        "{log}"
    );
    assert!(!directory.path().join("appendonlydir").exists());
}

/// A limit on the size of files stands in for a full disk: the system refuses in the same way.
const FULL: [&str; 4] = ["sh", "-c", "trap '' XFSZ; ulimit -f 64; exec \"$@\"", "sh"];

#[test]
fn a_save_that_fails_leaves_the_old_file_and_stops_writes() {
    let directory = TempDir::new("full-disk");
    let server = plan(&directory)
        .options("save", &["3600 1"])
        .option("rdbcompression", "no")
        .wrapped_in(&FULL)
        .start();
    let mut conn = server.connect();
    conn.call(&["SET", "small", "1"]).expect_ok();
    conn.call(&["SAVE"]).expect_ok();
    let file = directory.path().join("dump.rdb");
    let old = std::fs::read(&file).unwrap();
    let big = "x".repeat(200_000);
    conn.call(&["SET", "big", &big]).expect_ok();
    conn.call(&["SAVE"]).expect_error("ERR");
    conn.call(&["BGSAVE"]);
    eventually("the save fails", LIMIT, || {
        conn.info("rdb_last_bgsave_status").unwrap().as_deref() == Some("err")
    });
    eventually("writes are refused", LIMIT, || {
        let reply = conn.call(&["SET", "more", "1"]);
        reply
            .error()
            .is_some_and(|text| text.starts_with("MISCONF"))
    });
    assert_eq!(conn.call(&["GET", "big"]).text(), big);
    assert_eq!(std::fs::read(&file).unwrap(), old);
    assert_eq!(
        names(directory.path())
            .iter()
            .filter(|name| name.starts_with("temp-"))
            .count(),
        0
    );
    // Room again, here by needing less: writes go on after a save that went well.
    conn.call(&["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"])
        .expect_ok();
    eventually("the big value may go", LIMIT, || {
        conn.call(&["DEL", "big"]).error().is_none()
    });
    conn.call(&["SAVE"]).expect_ok();
    conn.call(&["CONFIG", "SET", "stop-writes-on-bgsave-error", "yes"])
        .expect_ok();
    eventually("writes go on", LIMIT, || {
        conn.call(&["SET", "more", "1"]).error().is_none()
    });
    drop((conn, server));
    let server = plan(&directory).start();
    assert_eq!(server.call(&["GET", "small"]).text(), "1");
}

#[test]
fn a_directory_that_cannot_be_written_loses_nothing() {
    let server = Server::of(Program::Shoal).option("dir", "/proc").start();
    let mut conn = server.connect();
    conn.call(&["SET", "k", "v"]).expect_ok();
    conn.call(&["SAVE"]).expect_error("ERR");
    conn.call(&["BGREWRITEAOF"]);
    conn.call(&["CONFIG", "SET", "appendonly", "yes"])
        .expect_error("ERR");
    assert_eq!(conn.call(&["GET", "k"]).text(), "v");
    conn.call(&["SET", "k", "w"]).expect_ok();
}

/// What cannot be allocated ended the server.
#[test]
fn a_value_of_debug_populate_is_no_longer_than_a_string_may_be() {
    let server = Server::of(Program::Shoal)
        .option("enable-debug-command", "yes")
        .option("save", "")
        .start();
    let mut conn = server.connect();
    for size in ["9223372036854775807", "536870913"] {
        let reply = conn.line(&format!("DEBUG POPULATE 1 k {size}"));
        let text = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
        assert_eq!(reply.error(), Some(text), "{size}");
    }
    conn.line("DEBUG POPULATE 2 k 100").expect_ok();
    assert_eq!(conn.line("DBSIZE"), Reply::Int(2));
    assert_eq!(conn.line("STRLEN k:0"), Reply::Int(100));
}
