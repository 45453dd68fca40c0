//! DEBUG RELOAD and DEBUG LOADAOF put another data set in the place of this one: what becomes of
//! the files where that fails.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use testkit::{Conn, Program, Server, ServerPlan, eventually};

const LIMIT: Duration = Duration::from_secs(30);
const KEYS: i64 = 200;

fn plan() -> ServerPlan {
    Server::of(Program::Shoal)
        .option("enable-debug-command", "yes")
        .option("save", "3600 1000000")
}

fn filled(plan: ServerPlan) -> Server {
    let server = plan.start();
    let mut conn = server.connect();
    for key in 0..KEYS {
        conn.line(&format!("SET key:{key} value")).expect_ok();
    }
    server
}

fn info(conn: &mut Conn, field: &str) -> String {
    conn.info(field).expect("a reply").unwrap_or_default()
}

/// A file of which only the first half is left, until it is mended.
struct Half(PathBuf, Vec<u8>);

impl Half {
    fn of(path: PathBuf) -> Half {
        let all = std::fs::read(&path).expect("a file");
        std::fs::write(&path, &all[..all.len() / 2]).expect("it is written");
        Half(path, all)
    }

    fn is_untouched(&self) -> bool {
        std::fs::read(&self.0).expect("a file") == self.1[..self.1.len() / 2]
    }

    fn mend(&self) {
        std::fs::write(&self.0, &self.1).expect("it is written");
    }
}

/// Nothing that would write a file from what is there does so.
fn assert_not_whole(conn: &mut Conn) {
    for command in ["SAVE", "BGSAVE", "BGREWRITEAOF"] {
        conn.line(command)
            .expect_error("ERR the data set is not whole");
    }
}

/// How often the files of the log were rewritten.
fn await_rewrites(conn: &mut Conn, count: &str) {
    eventually("it is rewritten", LIMIT, || {
        info(conn, "aof_rewrites") == count && info(conn, "aof_rewrite_in_progress") == "0"
    });
}

#[test]
fn a_failed_reload_replaces_no_file() {
    let mut server = filled(plan());
    let mut conn = server.connect();
    conn.line("SAVE").expect_ok();
    let dump = server.directory().join("dump.rdb");
    let half = Half::of(dump.clone());
    let failure = "ERR Error trying to load the RDB dump";
    conn.line("DEBUG RELOAD NOSAVE").expect_error(failure);
    assert_not_whole(&mut conn);
    // With the save before, it would be the part that is loaded.
    conn.line("DEBUG RELOAD").expect_error(failure);
    conn.line("CONFIG SET appendonly yes").expect_ok();
    assert_eq!(info(&mut conn, "aof_enabled"), "0");
    half.mend();
    conn.line("DEBUG RELOAD NOSAVE").expect_ok();
    assert_eq!(conn.line("DBSIZE").int(), KEYS);
    conn.line("SAVE").expect_ok();
    // The file waited for that.
    await_rewrites(&mut conn, "1");
    conn.line("CONFIG SET appendonly no").expect_ok();
    // An end in good order leaves the file too.
    let half = Half::of(dump);
    conn.line("DEBUG RELOAD NOSAVE").expect_error(failure);
    assert!(server.stop().success());
    assert!(half.is_untouched());
}

#[test]
fn an_empty_data_set_is_whole() {
    let server = filled(plan());
    let mut conn = server.connect();
    conn.line("SAVE").expect_ok();
    let _half = Half::of(server.directory().join("dump.rdb"));
    conn.line("DEBUG RELOAD NOSAVE")
        .expect_error("ERR Error trying to load the RDB dump");
    assert_not_whole(&mut conn);
    conn.line("CONFIG SET appendonly yes").expect_ok();
    conn.line("FLUSHALL").expect_ok();
    // There may be a save because of it.
    eventually("it is saved", LIMIT, || conn.line("SAVE").error().is_none());
    await_rewrites(&mut conn, "1");
    conn.line("SET key value").expect_ok();
}

#[test]
fn a_log_that_cannot_be_loaded_again_is_not_rewritten() {
    let server = filled(plan().option("appendonly", "yes"));
    let mut conn = server.connect();
    conn.line("BGREWRITEAOF");
    await_rewrites(&mut conn, "2");
    let folder = server.directory().join("appendonlydir");
    let base = folder.join("appendonly.aof.2.base.rdb");
    let half = Half::of(base);
    conn.line("DEBUG LOADAOF")
        .expect_error("ERR Error trying to load the AOF files");
    assert_not_whole(&mut conn);
    assert!(half.is_untouched());
    half.mend();
    conn.line("DEBUG LOADAOF").expect_ok();
    assert_eq!(conn.line("DBSIZE").int(), KEYS);
    conn.line("BGREWRITEAOF");
    await_rewrites(&mut conn, "3");
}

/// Both loaded into the same keys.
#[test]
fn nobody_reloads_while_a_synchronization_is_loaded() {
    let server = filled(plan());
    let mut conn = server.connect();
    conn.line("SAVE").expect_ok();
    conn.line("CONFIG SET key-load-delay 30000").expect_ok();
    let primary = Server::of(Program::Shoal)
        .option("repl-diskless-sync-delay", "0")
        .start();
    let mut there = primary.connect();
    for key in 0..KEYS {
        there.line(&format!("SET there:{key} value")).expect_ok();
    }
    let line = format!("REPLICAOF 127.0.0.1 {}", primary.port());
    conn.line(&line).expect_ok();
    eventually("it loads", LIMIT, || info(&mut conn, "loading") == "1");
    conn.line("DEBUG RELOAD NOSAVE")
        .expect_error("ERR Error trying to load the RDB dump");
    eventually("the link is up", LIMIT, || {
        info(&mut conn, "master_link_status") == "up"
    });
    assert_eq!(conn.line("DBSIZE").int(), KEYS);
    assert_eq!(conn.line("EXISTS key:0").int(), 0);
    conn.line("SAVE").expect_ok();
}

/// Starts DEBUG RELOAD, does `meanwhile` until it has ended, and returns how often.
fn while_reloading(server: &Server, mut meanwhile: impl FnMut(i64)) -> i64 {
    let mut conn = server.connect();
    let reload = std::thread::spawn(move || conn.line("DEBUG RELOAD").expect_ok());
    let mut count = 0;
    while !reload.is_finished() {
        meanwhile(count);
        count += 1;
    }
    reload.join().expect("it succeeds");
    count
}

#[test]
fn what_is_acknowledged_during_a_reload_stays() {
    let server = filled(plan().option("rdb-key-save-delay", "2000"));
    let mut writer = server.connect();
    let mut conn = server.connect();
    let count = while_reloading(&server, |_| {
        writer.line("INCR counter");
    });
    assert_eq!(conn.line("GET counter").text(), count.to_string());
}

#[test]
fn what_a_replica_gets_during_a_reload_comes_after_it() {
    let primary = filled(plan().option("repl-diskless-sync-delay", "0"));
    let replica = plan().start();
    let line = format!("REPLICAOF 127.0.0.1 {}", primary.port());
    replica.line(&line).expect_ok();
    let mut conn = replica.connect();
    eventually("the link is up", LIMIT, || {
        info(&mut conn, "master_link_status") == "up"
    });
    conn.line("CONFIG SET key-load-delay 5000").expect_ok();
    let mut writer = primary.connect();
    let mut written = 0;
    let began = Instant::now();
    while_reloading(&replica, |_| {
        // Loading takes a second: most keys come after they were written.
        if began.elapsed() < Duration::from_millis(300) {
            let key = written % KEYS;
            writer.line(&format!("SET key:{key} {written}")).expect_ok();
            written += 1;
        }
    });
    assert!(written > KEYS, "{written}");
    assert_eq!(writer.line("WAIT 1 20000").int(), 1);
    conn.line("READONLY");
    for key in 0..KEYS {
        let get = format!("GET key:{key}");
        assert_eq!(conn.line(&get).text(), writer.line(&get).text(), "{get}");
    }
}
