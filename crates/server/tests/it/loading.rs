//! A server that loads its data set answers meanwhile.

use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{Conn, Program, Server, wait_for};

const LIMIT: Duration = Duration::from_secs(30);
const KEYS: u64 = 30;

/// A stopped server whose data takes three seconds to load.
fn slow_to_load(append_only: bool) -> Server {
    let word = if append_only { "yes" } else { "no" };
    let mut server = Server::of(Program::Shoal)
        .option("appendonly", word)
        .option("save", "3600 1")
        .start();
    let mut conn = server.connect();
    for key in 0..KEYS {
        conn.call(&["SET", &format!("key:{key}"), "value"])
            .expect_ok();
    }
    if append_only {
        // In the base, where the delay of keys acts.
        conn.call(&["BGREWRITEAOF"]);
        wait_for("the rewrite", LIMIT, || {
            let running = conn.info("aof_rewrite_in_progress").ok()??;
            (running == "0").then_some(())
        });
    }
    assert!(server.stop().success());
    server.replan(|plan| plan.option("key-load-delay", "100000"));
    server
}

/// A connection to a server that is loading.
fn while_loading(port: u16) -> Conn {
    let mut conn = wait_for("a connection", LIMIT, || Conn::open(port).ok());
    let reply = conn.call(&["PING"]);
    let loading = "LOADING Redis is loading the dataset in memory";
    assert_eq!(reply.error(), Some(loading), "{reply:?}");
    conn
}

#[test]
fn clients_are_told_how_far_it_is() {
    for append_only in [false, true] {
        let mut server = slow_to_load(append_only);
        let port = server.port();
        std::thread::scope(|scope| {
            let restarted = scope.spawn(|| server.restart());
            let mut conn = while_loading(port);
            let mut info = |field| conn.info(field).expect("a reply").expect(field);
            assert_eq!(info("loading"), "1");
            assert_ne!(info("loading_total_bytes"), "0");
            assert_ne!(info("loading_start_time"), "0");
            let used: u64 = info("loading_rdb_used_mem").parse().expect("a number");
            assert!(used > 100_000, "what the file says was used: {used}");
            let get = conn.call(&["GET", "key:0"]);
            assert!(
                get.error().is_some_and(|e| e.starts_with("LOADING")),
                "{get:?}"
            );
            restarted.join().expect("it comes up");
        });
        let mut conn = server.connect();
        assert_eq!(conn.line("DBSIZE").int(), KEYS as i64);
        let mut info = |field| conn.info(field).expect("a reply");
        assert_eq!(info("loading"), Some("0".into()));
        assert_eq!(info("loading_total_bytes"), None);
        assert_eq!(info("rdb_last_load_keys_loaded"), Some(KEYS.to_string()));
    }
}

/// A CONFIG SET meanwhile, of whatever option, does not begin the append-only file with the part that
/// is there.
#[test]
fn the_file_is_not_begun_with_a_part() {
    let mut server = slow_to_load(true);
    let port = server.port();
    std::thread::scope(|scope| {
        let restarted = scope.spawn(|| server.restart());
        let (mut asking, mut conn) = (while_loading(port), while_loading(port));
        // The reply comes when the load has let everybody pass.
        asking.send(&["CONFIG", "SET", "hz", "20"]).expect("sent");
        wait_for("it is set", LIMIT, || {
            (conn.line("CONFIG GET hz").texts()[1] == "20").then_some(())
        });
        let until = Instant::now() + Duration::from_millis(500);
        while Instant::now() < until {
            let mut info = |field| conn.info(field).expect("a reply").expect(field);
            let running = info("aof_rewrite_in_progress");
            assert_eq!((running.as_str(), info("loading").as_str()), ("0", "1"));
        }
        asking.receive().expect("a reply").expect_ok();
        restarted.join().expect("it comes up");
    });
    server.kill();
    server.replan(|plan| plan.option("key-load-delay", "0"));
    server.restart();
    assert_eq!(server.line("DBSIZE").int(), KEYS as i64);
}

/// There is nothing to save, and what is on disk stays.
#[test]
fn a_signal_ends_it_at_once() {
    let mut server = slow_to_load(false);
    let port = server.port();
    std::thread::scope(|scope| {
        let restarted = scope.spawn(|| server.try_restart());
        let id = while_loading(port).info("process_id");
        let id = id.expect("a reply").expect("a number");
        let sent = Command::new("kill").arg(&id).status().expect("kill runs");
        assert!(sent.success());
        let error = restarted.join().expect("no panic").expect_err("it ended");
        let text = error.to_string();
        assert!(
            text.contains("Received shutdown signal during loading, exiting now."),
            "{text}"
        );
    });
    server.replan(|plan| plan.option("key-load-delay", "0"));
    server.restart();
    assert_eq!(server.line("DBSIZE").int(), KEYS as i64);
}

/// As in Redis, what FLUSHALL deleted does not come back after a crash, and counts as saved.
#[test]
fn what_was_flushed_does_not_come_back() {
    let mut server = Server::of(Program::Shoal).option("save", "3600 1").start();
    let mut conn = server.connect();
    let bytes = "v".repeat(1000);
    for key in 0..1000 {
        conn.call(&["SET", &format!("key:{key}"), &bytes])
            .expect_ok();
    }
    conn.line("SAVE").expect_ok();
    let file = server.directory().join("dump.rdb");
    let length = || std::fs::metadata(&file).expect("a dump").len();
    let full = length();
    conn.call(&["SET", "more", "v"]).expect_ok();
    conn.line("FLUSHALL").expect_ok();
    let changes = conn.info("rdb_changes_since_last_save").unwrap();
    assert_eq!(changes.as_deref(), Some("0"));
    wait_for("an empty dump", LIMIT, || {
        (length() < full / 10).then_some(())
    });
    server.kill();
    server.restart();
    assert_eq!(server.line("DBSIZE").int(), 0);

    // Without save points the file is the operator's.
    let mut conn = server.connect();
    conn.line("SET key value").expect_ok();
    conn.line("SAVE").expect_ok();
    conn.call(&["CONFIG", "SET", "save", ""]).expect_ok();
    conn.line("FLUSHALL").expect_ok();
    conn.line("SET another value").expect_ok();
    let changes = conn.info("rdb_changes_since_last_save").unwrap();
    assert_eq!(changes.as_deref(), Some("2"));
    server.kill();
    server.restart();
    assert_eq!(server.line("GET key").text(), "value");
}
