//! A server that loads its data set answers meanwhile.

use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{Conn, Program, Server, eventually, wait_for};

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

/// A CONFIG SET meanwhile, of whatever option, does not begin the append-only file with the part
/// that is there.
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

/// Each had a thread of its own, and each of these stopped the save of another.
#[test]
fn many_flushes_have_one_thread_and_one_save_at_last() {
    let mut server = Server::of(Program::Shoal).option("save", "3600 1").start();
    let tasks = format!("/proc/{}/task", server.id());
    let threads = || std::fs::read_dir(&tasks).expect("its threads").count();
    let mut conn = server.connect();
    conn.line("SET key value").expect_ok();
    conn.line("SAVE").expect_ok();
    let before = threads();
    let mut most = 0;
    for _ in 0..40 {
        let replies = conn.pipeline(&vec![vec!["FLUSHALL"]; 50]).unwrap();
        assert!(replies.iter().all(|reply| reply.error().is_none()));
        most = most.max(threads());
    }
    assert!(most <= before + 2, "{before} threads, and {most}");
    let mut field = |name: &str| conn.info(name).unwrap().unwrap();
    assert_eq!(field("rdb_changes_since_last_save"), "0");
    wait_for("the last save", LIMIT, || {
        (field("rdb_bgsave_in_progress") == "0" && threads() <= before).then_some(())
    });
    assert_eq!(field("rdb_last_bgsave_status"), "ok");
    server.kill();
    server.restart();
    assert_eq!(server.line("DBSIZE").int(), 0);
}

/// A save that began before it would bring back what is gone; one that cannot be replaced counts.
#[test]
fn a_flush_ends_the_save_before_it_and_counts_when_its_own_fails() {
    let server = Server::of(Program::Shoal)
        .option("save", "3600 1")
        .option("stop-writes-on-bgsave-error", "no")
        .option("enable-protected-configs", "yes")
        .start();
    let mut conn = server.connect();
    let keys: Vec<_> = (0..1000)
        .map(|nth| vec!["SET".to_owned(), format!("key:{nth}"), "v".to_owned()])
        .collect();
    conn.pipeline(&keys).unwrap();
    conn.line("CONFIG SET rdb-key-save-delay 1000000")
        .expect_ok();
    conn.line("BGSAVE");
    conn.line("FLUSHALL").expect_ok();
    wait_for("its save", LIMIT, || {
        // One that had not looked at the keys yet may have gone through as well.
        let saves: u64 = conn.info("rdb_saves").unwrap()?.parse().ok()?;
        let idle = conn.info("rdb_bgsave_in_progress").unwrap()? == "0";
        (saves > 0 && idle).then_some(())
    });
    let changes = conn.info("rdb_changes_since_last_save").unwrap();
    assert_eq!(changes.as_deref(), Some("0"));
    // A directory has the name of the dump: nothing can take its place.
    conn.line("CONFIG SET rdb-key-save-delay 0").expect_ok();
    conn.line("SET key value").expect_ok();
    std::fs::create_dir_all(server.directory().join("other.rdb/full")).unwrap();
    let name = ["CONFIG", "SET", "dbfilename", "other.rdb"];
    conn.call(&name).expect_ok();
    for _ in 0..20 {
        conn.line("FLUSHALL").expect_ok();
    }
    wait_for("its save has failed", LIMIT, || {
        let idle = conn.info("rdb_bgsave_in_progress").unwrap()? == "0";
        let failed = conn.info("rdb_last_bgsave_status").unwrap()? == "err";
        let changes = conn.info("rdb_changes_since_last_save").unwrap()?;
        (idle && failed && changes != "0").then_some(())
    });
}

/// Without save points too, as in Redis: the file that it writes would bring back what is gone.
#[test]
fn a_flush_stops_the_save_that_is_under_way() {
    for program in [Program::Redis74, Program::Shoal] {
        let server = Server::of(program)
            .option("save", "")
            .option("rdb-key-save-delay", "60000000")
            .start();
        let mut conn = server.connect();
        conn.line("SET k v").expect_ok();
        assert!(conn.line("BGSAVE").error().is_none());
        let field = |conn: &mut Conn, name: &str| conn.info(name).expect("a reply");
        assert_eq!(
            field(&mut conn, "rdb_bgsave_in_progress").as_deref(),
            Some("1")
        );
        conn.line("FLUSHALL").expect_ok();
        eventually("the save ends", LIMIT, || {
            field(&mut conn, "rdb_bgsave_in_progress").as_deref() == Some("0")
        });
        assert_eq!(
            field(&mut conn, "rdb_last_bgsave_status").as_deref(),
            Some("ok")
        );
        assert!(!server.directory().join("dump.rdb").exists());
    }
}
