//! The append-only file of a running server: crashes, rewrites, and exchange with Redis.

use std::collections::BTreeMap;
use std::time::Duration;
use testkit::{Conn, Program, Server, ServerPlan, TempDir, Tool, eventually};

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
    for n in 0..300 {
        let field = format!("field:{n}");
        conn.call(&["HSET", "wide", &field, &field.repeat(60)]);
    }
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

/// With a base that is an RDB file, and with one of commands.
#[test]
fn redis_and_this_server_load_each_others_files() {
    for preamble in ["yes", "no"] {
        take_turns(preamble);
    }
}

fn take_turns(preamble: &str) {
    let directory = TempDir::new("append-only");
    let programs = [
        Program::Redis70,
        Program::Shoal,
        Program::Redis70,
        Program::Shoal,
    ];
    let mut before = None;
    for (turn, program) in programs.into_iter().enumerate() {
        let plan = plan(&directory, program, "everysec");
        let mut server = plan.option("aof-use-rdb-preamble", preamble).start();
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
        check_files(&directory, preamble);
    }
}

/// The one base is of the form that was asked for, and both checkers are content with the files.
fn check_files(directory: &TempDir, preamble: &str) {
    let files = directory.path().join("appendonlydir");
    let bases: Vec<_> = std::fs::read_dir(&files)
        .expect("a directory")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.to_string_lossy().contains(".base."))
        .collect();
    let [base] = bases.as_slice() else {
        panic!("one base: {bases:?}")
    };
    let (ending, begin) = match preamble {
        "yes" => ("rdb", b"REDIS".as_slice()),
        _ => ("aof", b"*2\r\n$6\r\nSELECT\r\n".as_slice()),
    };
    assert_eq!(
        base.extension().and_then(|text| text.to_str()),
        Some(ending)
    );
    assert!(std::fs::read(base).expect("a file").starts_with(begin));
    for program in [Program::Redis70, Program::Shoal] {
        let mut check = program.command(Tool::CheckAof);
        let output = check.arg(files.join("appendonly.aof.manifest")).output();
        let output = output.expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{program:?}: {text}");
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
    eventually("the log says so", LIMIT, || {
        server
            .log()
            .contains("loaded anyway because aof-load-truncated is enabled")
    });
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
    let (mut conn, mut writer) = (server.connect(), server.connect());
    conn.call(&["SET", "first", "1"]).expect_ok();
    let status = |conn: &mut testkit::Conn| conn.info("aof_last_write_status").unwrap();
    eventually("a write fails", LIMIT, || {
        let request = ["RPUSH", "list", &"x".repeat(4000)];
        writer.send(&request).expect("it is sent");
        status(&mut conn).as_deref() == Some("err")
    });
    let refused = conn.call(&["SET", "filler", "x"]);
    assert_eq!(
        refused.error(),
        Some("MISCONF Errors writing to the AOF file: File too large")
    );
    assert_eq!(conn.call(&["GET", "first"]).text(), "1");
    assert_eq!(status(&mut conn).as_deref(), Some("err"));
    // A rewrite makes the file small again, but needs the file to be written: there is none.
    server.process().kill();
    // What the file does not have was not acknowledged, nor refused.
    let mut acknowledged = 0;
    while let Ok(reply) = writer.receive() {
        match reply.error() {
            None => acknowledged = reply.int(),
            Some(text) => assert!(text.starts_with("MISCONF"), "{text}"),
        }
    }
    drop((conn, writer, server));
    let server = plan(&directory, Program::Shoal, "everysec").start();
    assert_eq!(server.call(&["GET", "first"]).text(), "1");
    assert_eq!(server.call(&["LLEN", "list"]).int(), acknowledged);
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
    eventually("the log says so", LIMIT, || {
        server
            .log()
            .contains("Starting automatic rewriting of AOF on")
    });
}

/// Until there is a base, ending would lose what there is.
#[test]
fn a_server_whose_first_rewrite_goes_on_does_not_end() {
    let server = Server::of(Program::Shoal).option("save", "").start();
    let mut conn = server.connect();
    conn.line("MSET a 1 b 2").expect_ok();
    conn.line("CONFIG SET rdb-key-save-delay 30000000")
        .expect_ok();
    conn.line("CONFIG SET appendonly yes").expect_ok();
    eventually("the rewrite goes on", LIMIT, || {
        conn.info("aof_rewrite_in_progress").unwrap().as_deref() == Some("1")
    });
    let refused = conn.line("SHUTDOWN");
    let text = "ERR Errors trying to SHUTDOWN. Check logs.";
    assert_eq!(refused.error(), Some(text), "{refused:?}");
    // The log has a thread of its own.
    eventually("the log says why", LIMIT, || {
        server.log().contains("Writing initial AOF, can't exit")
    });
    // Turned off, the rewrite ends at once, whatever its rest after a key.
    conn.line("CONFIG SET appendonly no").expect_ok();
    await_rewrite(&server);
}

/// Who turns the file on may have to wait for a rewrite that goes on. Who turns it off meanwhile
/// has the last word.
#[test]
fn a_file_that_is_turned_off_before_it_is_on_stays_off() {
    let directory = TempDir::new("append-only");
    let plan = Server::of(Program::Shoal).directory(directory.path());
    let mut server = plan.option("save", "").start();
    let (mut conn, mut waits) = (server.connect(), server.connect());
    conn.line("MSET a 1 b 2").expect_ok();
    conn.line("CONFIG SET rdb-key-save-delay 30000000")
        .expect_ok();
    conn.line("BGREWRITEAOF");
    waits
        .send(&["CONFIG", "SET", "appendonly", "yes"])
        .expect("it is sent");
    let is_on = |conn: &mut Conn| conn.info("aof_enabled").unwrap().as_deref() == Some("1");
    eventually("it is being turned on", LIMIT, || is_on(&mut conn));
    conn.line("CONFIG SET appendonly no").expect_ok();
    let refused = waits.receive().expect("a reply");
    assert!(refused.error().is_some(), "{refused:?}");
    eventually("the rewrite ends", LIMIT, || {
        conn.info("aof_rewrite_in_progress").unwrap().as_deref() == Some("0")
    });
    assert!(!is_on(&mut conn));
    assert_eq!(conn.line("CONFIG GET appendonly").texts()[1], "no");
    let size = conn.info("aof_current_size").unwrap();
    assert_eq!(size, None, "nothing is written");
    // It can be turned on as before.
    conn.line("CONFIG SET rdb-key-save-delay 0").expect_ok();
    conn.line("CONFIG SET appendonly yes").expect_ok();
    await_rewrite(&server);
    assert!(is_on(&mut conn));
    conn.line("SET c 3").expect_ok();
    server.process().kill();
    server.replan(|plan| plan.option("appendonly", "yes"));
    server.restart();
    assert_eq!(
        server.call(&["MGET", "a", "b", "c"]).texts(),
        ["1", "2", "3"]
    );
}

/// The rewrite looked for the folder that `dir` named since, failed, and left an increment each
/// time.
#[test]
fn a_rewrite_stays_where_the_file_is_when_the_directory_is_changed() {
    let directory = TempDir::new("append-only");
    let plan = || plan(&directory, Program::Shoal, "always");
    let mut server = plan().option("enable-protected-configs", "yes").start();
    let mut conn = server.connect();
    conn.line("SET before 1").expect_ok();
    let other = TempDir::new("append-only");
    let dir = other.path().to_str().unwrap();
    conn.call(&["CONFIG", "SET", "dir", dir]).expect_ok();
    conn.line("SET after 1").expect_ok();
    let files = || std::fs::read_dir(directory.path().join("appendonlydir")).unwrap();
    let many = files().count();
    for _ in 0..2 {
        assert!(conn.line("BGREWRITEAOF").error().is_none());
        eventually("the rewrite", LIMIT, || {
            let running = server.connect().info("aof_rewrite_in_progress");
            running.unwrap().as_deref() == Some("0")
        });
        let status = conn.info("aof_last_bgrewrite_status").unwrap();
        assert_eq!(status.as_deref(), Some("ok"));
    }
    conn.line("SET late 1").expect_ok();
    eventually("old parts are gone", LIMIT, || files().count() == many);
    assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 0);
    server.kill();
    drop(server);
    let server = plan().start();
    assert_eq!(server.line("EXISTS before after late").int(), 3);
    drop(server);

    // Turned off and on it is where the options say.
    let server = plan().option("enable-protected-configs", "yes").start();
    let mut conn = server.connect();
    conn.call(&["CONFIG", "SET", "dir", dir]).expect_ok();
    conn.line("CONFIG SET appendonly no").expect_ok();
    conn.line("CONFIG SET appendonly yes").expect_ok();
    assert!(other.path().join("appendonlydir").exists());
}
