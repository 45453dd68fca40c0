//! The append-only file of a running server: crashes, rewrites, and exchange with Redis.

use std::collections::BTreeMap;
use std::time::Duration;
use testkit::{Program, Server, ServerPlan, TempDir, eventually};

const LIMIT: Duration = Duration::from_secs(30);

fn plan(directory: &TempDir, program: Program, fsync: &str) -> ServerPlan {
    let plan = Server::of(program)
        .directory(directory.path())
        .option("appendonly", "yes")
        .option("appendfsync", fsync)
        .option("save", "")
        .option("enable-debug-command", "yes");
    if program == Program::Shoal {
        plan.option("io-threads", "4")
    } else {
        plan
    }
}

/// Everything in the server, as text.
fn contents(server: &Server) -> BTreeMap<(String, String), String> {
    let mut conn = server.connect();
    let mut all = BTreeMap::new();
    for db in ["0", "3"] {
        conn.call(&["SELECT", db]).expect_ok();
        for key in conn.call(&["KEYS", "*"]).texts() {
            let value = match conn.call(&["TYPE", &key]).text().as_str() {
                "string" => conn.call(&["GET", &key]).text(),
                "list" => conn.call(&["LRANGE", &key, "0", "-1"]).texts().join(","),
                "hash" => {
                    let reply = conn.call(&["HGETALL", &key]).texts();
                    let mut pairs: Vec<String> =
                        reply.chunks(2).map(|pair| pair.join("=")).collect();
                    pairs.sort();
                    pairs.join(",")
                }
                other => panic!("nothing of type {other} was stored"),
            };
            let expires = conn.call(&["PEXPIRETIME", &key]).int();
            all.insert((db.to_owned(), key), format!("{value} until {expires}"));
        }
    }
    all
}

fn fill(server: &Server) {
    let mut conn = server.connect();
    for n in 0..200 {
        let n = n.to_string();
        conn.call(&["SET", &format!("string:{n}"), &n]);
        conn.call(&["RPUSH", &format!("list:{}", n.len()), &n]);
        conn.call(&["HSET", "hash", &n, &n]);
    }
    conn.call(&["SET", "with expiry", "v", "EX", "100000"])
        .expect_ok();
    conn.call(&["SELECT", "3"]).expect_ok();
    conn.call(&["MULTI"]).expect_ok();
    conn.call(&["INCR", "n"]);
    conn.call(&["APPEND", "long", &"x".repeat(70_000)]);
    conn.call(&["EXEC"]);
    conn.call(&["INCRBYFLOAT", "float", "0.5"]);
}

fn await_rewrite(server: &Server) {
    let mut conn = server.connect();
    eventually("the rewrite ends", LIMIT, || {
        conn.info("aof_rewrite_in_progress").unwrap().as_deref() == Some("0")
    });
    assert_eq!(
        conn.info("aof_last_bgrewrite_status").unwrap().as_deref(),
        Some("ok")
    );
}

#[test]
fn everything_is_there_after_kill_and_after_shutdown() {
    let directory = TempDir::new("append-only");
    for fsync in ["always", "everysec", "no"] {
        let mut server = plan(&directory, Program::Shoal, fsync).start();
        fill(&server);
        server.call(&["WAITAOF", "1", "0", "0"]);
        if fsync != "no" {
            server.call(&["BGREWRITEAOF"]);
            await_rewrite(&server);
        }
        server.call(&["SET", "last", fsync]).expect_ok();
        let before = contents(&server);
        assert!(before.len() > 200);
        if fsync == "always" {
            server.process().kill();
        } else {
            server.process().terminate(LIMIT);
        }
        drop(server);
        let server = plan(&directory, Program::Shoal, fsync).start();
        assert_eq!(contents(&server), before, "under {fsync}");
    }
}

#[test]
fn redis_and_this_server_load_each_others_files() {
    let directory = TempDir::new("append-only");
    let programs = [
        Program::Redis70,
        Program::Shoal,
        Program::Redis70,
        Program::Shoal,
    ];
    let mut before = None;
    for (turn, program) in programs.into_iter().enumerate() {
        let mut server = plan(&directory, program, "everysec").start();
        match &before {
            None => fill(&server),
            Some(before) => assert_eq!(&contents(&server), before, "turn {turn}"),
        }
        server.call(&["RPUSH", "turns", &turn.to_string()]);
        server.call(&["BGREWRITEAOF"]);
        await_rewrite(&server);
        server.call(&["RPUSH", "turns", "after the rewrite"]);
        before = Some(contents(&server));
        server.call(&["DEBUG", "LOADAOF"]).expect_ok();
        assert_eq!(
            Some(contents(&server)),
            before,
            "loaded again in turn {turn}"
        );
        server.process().terminate(LIMIT);
    }
}

#[test]
fn it_is_turned_on_and_off_while_the_server_runs() {
    let directory = TempDir::new("append-only");
    let start = |on: &str| {
        Server::of(Program::Shoal)
            .directory(directory.path())
            .option("appendonly", on)
            .option("save", "")
            .start()
    };
    let mut server = start("no");
    fill(&server);
    server
        .call(&["CONFIG", "SET", "appendonly", "yes"])
        .expect_ok();
    server.call(&["INCR", "after"]);
    await_rewrite(&server);
    server.call(&["INCR", "after"]);
    server
        .call(&["CONFIG", "SET", "appendonly", "no"])
        .expect_ok();
    let before = contents(&server);
    server.call(&["SET", "unseen", "by the file"]).expect_ok();
    assert_eq!(
        server.connect().info("aof_enabled").unwrap().as_deref(),
        Some("0")
    );
    server.process().kill();
    drop(server);
    let mut server = start("yes");
    assert_eq!(contents(&server), before);
    server
        .call(&["CONFIG", "SET", "appendonly", "no"])
        .expect_ok();
    server.call(&["SET", "rewritten", "while off"]).expect_ok();
    server.call(&["BGREWRITEAOF"]);
    await_rewrite(&server);
    let before = contents(&server);
    server.process().kill();
    drop(server);
    assert_eq!(contents(&start("yes")), before);
}

#[test]
fn a_torn_tail_is_cut_or_refused() {
    let directory = TempDir::new("append-only");
    let mut server = plan(&directory, Program::Shoal, "always").start();
    server.call(&["SET", "whole", "1"]).expect_ok();
    server.process().kill();
    drop(server);
    let path = directory
        .path()
        .join("appendonlydir/appendonly.aof.1.incr.aof");
    let whole = std::fs::read(&path).unwrap();
    let torn = [whole.as_slice(), b"*3\r\n$3\r\nSET\r\n$4\r\nto"].concat();
    std::fs::write(&path, &torn).unwrap();
    let refused = plan(&directory, Program::Shoal, "always")
        .option("aof-load-truncated", "no")
        .try_start()
        .unwrap_err();
    assert_eq!(refused.status.and_then(|status| status.code()), Some(1));
    assert!(
        refused
            .log
            .contains("Unexpected end of file reading the append only file")
    );
    let server = plan(&directory, Program::Shoal, "always").start();
    assert_eq!(server.call(&["GET", "whole"]).text(), "1");
    assert!(
        server
            .log()
            .contains("loaded anyway because aof-load-truncated is enabled")
    );
    drop(server);
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    std::fs::write(&path, [whole.as_slice(), b"no command\r\n"].concat()).unwrap();
    let refused = plan(&directory, Program::Shoal, "always")
        .try_start()
        .unwrap_err();
    assert_eq!(refused.status.and_then(|status| status.code()), Some(1));
    assert!(
        refused
            .log
            .contains("Bad file format reading the append only file")
    );
}

/// A limit on the size of files stands in for a full disk: the system refuses in the same way.
const FULL: [&str; 4] = ["sh", "-c", "trap '' XFSZ; ulimit -f 64; exec \"$@\"", "sh"];

#[test]
fn a_full_disk_refuses_writes_and_loses_nothing() {
    let directory = TempDir::new("append-only");
    let mut server = plan(&directory, Program::Shoal, "everysec")
        .wrapped_in(&FULL)
        .start();
    let mut conn = server.connect();
    conn.call(&["SET", "first", "1"]).expect_ok();
    let mut refused = String::new();
    eventually("writes are refused", LIMIT, || {
        let reply = conn.call(&["SET", "filler", &"x".repeat(4000)]);
        refused = reply.error().unwrap_or_default().to_owned();
        !refused.is_empty()
    });
    assert_eq!(
        refused,
        "MISCONF Errors writing to the AOF file: File too large"
    );
    assert_eq!(conn.call(&["GET", "first"]).text(), "1");
    assert_eq!(
        conn.info("aof_last_write_status").unwrap().as_deref(),
        Some("err")
    );
    // A rewrite makes the file small again, but needs the file to be written: there is none.
    server.process().kill();
    drop((conn, server));
    let server = plan(&directory, Program::Shoal, "everysec").start();
    assert_eq!(server.call(&["GET", "first"]).text(), "1");
}

#[test]
fn a_full_disk_ends_a_server_that_promises_every_write() {
    let directory = TempDir::new("append-only");
    let mut server = plan(&directory, Program::Shoal, "always")
        .wrapped_in(&FULL)
        .start();
    let mut conn = server.connect();
    let mut acknowledged = 0;
    while conn.try_call(&["RPUSH", "list", &"x".repeat(4000)]).is_ok() {
        acknowledged += 1;
    }
    let status = server.process().wait(LIMIT);
    assert_eq!(status.code(), Some(1), "{}", server.log());
    drop((conn, server));
    let server = plan(&directory, Program::Shoal, "always").start();
    assert_eq!(server.call(&["LLEN", "list"]).int(), acknowledged);
}

#[test]
fn growth_starts_a_rewrite() {
    let directory = TempDir::new("append-only");
    let server = plan(&directory, Program::Shoal, "no")
        .option("auto-aof-rewrite-min-size", "20kb")
        .option("auto-aof-rewrite-percentage", "100")
        .start();
    let mut conn = server.connect();
    eventually("a rewrite is done", LIMIT, || {
        conn.call(&["SET", "filler", &"x".repeat(4000)]).expect_ok();
        conn.info("aof_rewrites")
            .unwrap()
            .is_some_and(|n| n.parse::<u64>().unwrap() >= 2)
    });
    assert!(
        server
            .log()
            .contains("Starting automatic rewriting of AOF on")
    );
}
