//! Keys of the base of an append-only file whose time has passed when it is loaded: what comes
//! behind the base may still need them.

use std::time::{Duration, Instant};

use testkit::{Conn, Program, Server, eventually};

const LIMIT: Duration = Duration::from_secs(30);
/// How long the keys of the base live.
const TIME: Duration = Duration::from_secs(3);

/// Commands on a key of the base, and what they leave: a command and its reply.
const LATER: &[(&[&str], &str, &str)] = &[
    (&["PERSIST a"], "GET a", "1"),
    (&["PEXPIRE b 1000000"], "GET b", "1"),
    (&["GETEX c PERSIST"], "GET c", "1"),
    (&["INCR d", "PERSIST d"], "GET d", "2"),
    (&["COPY e e2", "PERSIST e2"], "GET e2", "1"),
    (&["RENAME f f2", "PERSIST f2"], "GET f2", "1"),
    (&["RPUSH l 2", "PERSIST l"], "LLEN l", "2"),
    (&["LSET m 0 x", "PERSIST m"], "LINDEX m 0", "x"),
    (&["LMOVE n n2 LEFT LEFT"], "LINDEX n2 0", "1"),
    (&["HSET h g 2", "PERSIST h"], "HLEN h", "2"),
];

#[test]
fn what_was_done_with_them_in_time_stays() {
    let mut server = Server::of(Program::Shoal)
        .option("appendonly", "yes")
        .option("save", "")
        .start();
    let mut conn = server.connect();
    let began = Instant::now();
    for key in ["a", "b", "c", "d", "e", "f", "z"] {
        conn.line(&format!("SET {key} 1")).expect_ok();
    }
    for key in ["l", "m", "n"] {
        conn.line(&format!("RPUSH {key} 1"));
    }
    conn.line("HSET h f 1");
    for key in conn.line("KEYS *").texts() {
        let end = format!("PEXPIRE {key} {}", TIME.as_millis());
        assert_eq!(conn.line(&end).int(), 1);
    }
    conn.line("BGREWRITEAOF");
    eventually("it is rewritten", LIMIT, || {
        conn.info("aof_rewrites").expect("a reply").as_deref() == Some("2")
            || conn
                .info("aof_rewrite_in_progress")
                .expect("a reply")
                .as_deref()
                == Some("0")
    });
    for (commands, ..) in LATER {
        for command in *commands {
            let reply = conn.line(command);
            assert!(reply.error().is_none(), "{command}: {reply:?}");
        }
    }
    assert!(began.elapsed() < TIME, "too slow to show anything");
    server.kill();
    eventually("their time has passed", LIMIT, || began.elapsed() > TIME);
    server.restart();
    let mut conn = server.connect();
    for (_, look, expected) in LATER {
        let reply = conn.line(look);
        let found = match &reply {
            testkit::Reply::Int(number) => number.to_string(),
            other => other.text(),
        };
        assert_eq!(found, *expected, "{look}");
    }
    assert_eq!(conn.line("EXISTS z").int(), 0);
}

/// A command that fails on a replica fails in its file again: it does not get there. One that is
/// there all the same is passed over, as in Redis.
#[test]
fn what_failed_stops_no_start() {
    let primary = Server::of(Program::Shoal)
        .option("repl-diskless-sync-delay", "0")
        .start();
    let mut replica = Server::of(Program::Shoal)
        .option("appendonly", "yes")
        .option("appendfsync", "always")
        .option("save", "")
        .option("replica-read-only", "no")
        .start();
    let line = format!("REPLICAOF 127.0.0.1 {}", primary.port());
    replica.line(&line).expect_ok();
    let mut conn = replica.connect();
    let info = |conn: &mut Conn, field| conn.info(field).expect("a reply").unwrap_or_default();
    eventually("the link is up", LIMIT, || {
        info(&mut conn, "master_link_status") == "up"
            && info(&mut conn, "aof_rewrite_in_progress") == "0"
    });
    conn.line("SET k local").expect_ok();
    let mut writer = primary.connect();
    writer.line("LPUSH k a");
    writer.line("SET z 1").expect_ok();
    eventually("it goes on", LIMIT, || conn.line("EXISTS z").int() == 1);
    let log = || {
        let folder = replica.directory().join("appendonlydir");
        let files = std::fs::read_dir(folder).expect("a folder").flatten();
        let mut files: Vec<_> = files.map(|file| file.path()).collect();
        files.retain(|path| path.extension().is_some_and(|word| word == "aof"));
        files.sort();
        files.pop().expect("an increment")
    };
    let path = log();
    replica.kill();
    let bytes = std::fs::read(&path).expect("a file");
    assert!(!bytes.windows(5).any(|word| word == b"LPUSH"), "{path:?}");
    replica.restart();
    assert!(!replica.log().contains("passed over"));
    replica.kill();
    let mut bytes = std::fs::read(&path).expect("a file");
    bytes.extend_from_slice(b"*3\r\n$5\r\nLPUSH\r\n$1\r\nz\r\n$1\r\na\r\n");
    std::fs::write(&path, &bytes).expect("it is written");
    replica.restart();
    eventually("the log says so", LIMIT, || {
        let line = "1 commands of the append only file failed";
        replica.log().contains(line)
    });
    assert_eq!(replica.line("GET z").text(), "1");
    replica.kill();
    bytes.extend_from_slice(b"*1\r\n$5\r\nNEVER\r\n");
    std::fs::write(&path, &bytes).expect("it is written");
    assert!(replica.try_restart().is_err());
}
