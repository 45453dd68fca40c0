//! A synchronization whose snapshot cannot be loaded to its end: what history, files and replicas
//! of the server say then.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use testkit::{Conn, Program, Server, ServerPlan, eventually};

const LIMIT: Duration = Duration::from_secs(30);
/// Keys of the server before it follows.
const BEFORE: i64 = 200;
/// Keys of the primary that it follows.
const THERE: i64 = 300;

/// A primary whose snapshot breaks off in the middle, until it is mended. It ends with the process.
struct BrokenPrimary {
    port: u16,
    mended: Arc<AtomicBool>,
}

impl BrokenPrimary {
    fn start() -> BrokenPrimary {
        let server = Server::of(Program::Shoal).start();
        let mut conn = server.connect();
        for key in 0..THERE {
            conn.line(&format!("SET there:{key} value")).expect_ok();
        }
        conn.line("SAVE").expect_ok();
        let dump = std::fs::read(server.directory().join("dump.rdb")).expect("a dump");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mended = Arc::new(AtomicBool::new(false));
        let primary = BrokenPrimary {
            port,
            mended: mended.clone(),
        };
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let whole = mended.load(Ordering::SeqCst);
                let length = if whole { dump.len() } else { dump.len() / 2 };
                let snapshot = dump[..length].to_vec();
                std::thread::spawn(move || serve(socket, &snapshot));
            }
        });
        primary
    }

    fn follow(&self, server: &Server) {
        let line = format!("REPLICAOF 127.0.0.1 {}", self.port);
        server.line(&line).expect_ok();
    }

    /// Has the server lose its data to a snapshot that breaks off; how many keys it has then.
    fn spoil(&self, server: &Server) -> i64 {
        let failure = "Failed trying to load the MASTER synchronization DB";
        // The log goes on over restarts.
        let failures = || server.log().matches(failure).count();
        let before = failures();
        self.follow(server);
        eventually("the load fails", LIMIT, || failures() > before);
        let mut conn = server.connect();
        eventually("it has ended", LIMIT, || info(&mut conn, "loading") == "0");
        let left = conn.line("DBSIZE").int();
        assert!((1..THERE).contains(&left), "some keys are there: {left}");
        left
    }
}

/// Speaks for a primary, as far as the snapshot. Requests come one at a time.
fn serve(mut socket: TcpStream, snapshot: &[u8]) {
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = socket.read(&mut chunk) {
        let request = String::from_utf8_lossy(&chunk[..length]).to_ascii_uppercase();
        let sent = if request.contains("\r\nPSYNC\r\n") {
            let head = format!(
                "+FULLRESYNC {} 1000\r\n${}\r\n",
                "a".repeat(40),
                snapshot.len()
            );
            socket.write_all(&[head.as_bytes(), snapshot].concat())
        } else if request.contains("PING") {
            socket.write_all(b"+PONG\r\n")
        } else if request.contains("\r\nACK\r\n") {
            Ok(())
        } else {
            let commands = request.matches("REPLCONF").count();
            socket.write_all("+OK\r\n".repeat(commands).as_bytes())
        };
        if sent.is_err() {
            return;
        }
    }
}

fn info(conn: &mut Conn, field: &str) -> String {
    conn.info(field).expect("a reply").unwrap_or_default()
}

fn filled(plan: ServerPlan) -> Server {
    let server = plan.start();
    let mut conn = server.connect();
    for key in 0..BEFORE {
        conn.line(&format!("SET here:{key} value")).expect_ok();
    }
    server
}

fn with_file() -> Server {
    filled(
        Server::of(Program::Shoal)
            .option("appendonly", "yes")
            .option("save", "3600 1000000"),
    )
}

fn await_file(server: &Server) {
    let mut conn = server.connect();
    // It is shown as on a moment before the rewrite is shown; the first was that of the start.
    eventually("the file begins", LIMIT, || {
        info(&mut conn, "aof_rewrites") == "2"
    });
}

fn keys_after_a_crash(server: &mut Server) -> i64 {
    server.kill();
    server.restart();
    server.line("DBSIZE").int()
}

#[test]
fn nobody_continues_from_data_that_went() {
    let server = filled(Server::of(Program::Shoal).option("repl-diskless-sync-delay", "0"));
    let replica = Server::of(Program::Shoal).start();
    let line = format!("REPLICAOF 127.0.0.1 {}", server.port());
    replica.line(&line).expect_ok();
    let mut conn = server.connect();
    eventually("the replica is there", LIMIT, || {
        conn.line("WAIT 1 100").int() == 1 && replica.line("DBSIZE").int() == BEFORE
    });
    let before = info(&mut conn, "master_replid");
    let left = BrokenPrimary::start().spoil(&server);
    assert_ne!(info(&mut conn, "master_replid"), before);
    assert_eq!(info(&mut conn, "repl_backlog_active"), "0");
    assert_eq!(info(&mut conn, "connected_slaves"), "0");
    conn.line("REPLICAOF NO ONE").expect_ok();
    conn.line("SET new value").expect_ok();
    eventually("the replica has the same", LIMIT, || {
        let mut conn = replica.connect();
        info(&mut conn, "master_link_status") == "up" && conn.line("DBSIZE").int() == left + 1
    });
    assert_eq!(replica.line("EXISTS here:0").int(), 0);
    assert_eq!(info(&mut conn, "sync_partial_ok"), "0");
}

#[test]
fn the_files_stay_as_they_were_after_a_failed_load() {
    let mut server = with_file();
    BrokenPrimary::start().spoil(&server);
    let mut conn = server.connect();
    assert_eq!(info(&mut conn, "aof_enabled"), "0");
    // None of these has it written with what is left.
    conn.line("CONFIG SET hz 20").expect_ok();
    conn.line("CONFIG SET appendonly no").expect_ok();
    conn.line("CONFIG SET appendonly yes").expect_ok();
    for command in ["BGREWRITEAOF", "BGSAVE", "SAVE"] {
        conn.line(command)
            .expect_error("ERR the data set is not whole");
    }
    assert_eq!(info(&mut conn, "aof_enabled"), "0");
    assert_eq!(keys_after_a_crash(&mut server), BEFORE);
    // The same with an end in good order, where save points would have it saved.
    BrokenPrimary::start().spoil(&server);
    assert!(server.stop().success());
    assert!(!server.directory().join("dump.rdb").exists());
    server.restart();
    assert_eq!(server.line("DBSIZE").int(), BEFORE);
}

#[test]
fn a_promotion_after_a_failed_load_begins_the_file_with_what_is_left() {
    let mut server = with_file();
    let left = BrokenPrimary::start().spoil(&server);
    server.line("REPLICAOF NO ONE").expect_ok();
    await_file(&server);
    server.line("SET new value").expect_ok();
    assert_eq!(keys_after_a_crash(&mut server), left + 1);
}

#[test]
fn a_synchronization_after_a_failed_one_begins_the_file_anew() {
    let mut server = with_file();
    let primary = BrokenPrimary::start();
    primary.spoil(&server);
    primary.mended.store(true, Ordering::SeqCst);
    let mut conn = server.connect();
    eventually("the link is up", LIMIT, || {
        info(&mut conn, "master_link_status") == "up"
    });
    await_file(&server);
    assert_eq!(info(&mut conn, "master_replid"), "a".repeat(40));
    assert_eq!(info(&mut conn, "repl_backlog_active"), "1");
    assert_eq!(keys_after_a_crash(&mut server), THERE);
}

#[test]
fn a_crash_while_it_loads_leaves_the_old_file() {
    let mut server = with_file();
    let mut conn = server.connect();
    conn.line("CONFIG SET key-load-delay 100000").expect_ok();
    BrokenPrimary::start().follow(&server);
    eventually("it loads", LIMIT, || info(&mut conn, "loading") == "1");
    conn.line("CONFIG SET hz 20").expect_ok();
    // Long enough for a base of what is there, were one begun.
    let until = std::time::Instant::now() + Duration::from_secs(1);
    eventually("some time passes", LIMIT, || {
        assert_eq!(info(&mut conn, "aof_rewrite_in_progress"), "0");
        assert_eq!(info(&mut conn, "loading"), "1");
        std::time::Instant::now() > until
    });
    assert_eq!(keys_after_a_crash(&mut server), BEFORE);
}

/// A save that was refused counted as a failure of the disk, and ended the replica with the first
/// write of its next primary.
#[test]
fn a_refused_save_is_no_failure_of_the_disk() {
    let server = filled(Server::of(Program::Shoal).option("save", "3600 1000000"));
    BrokenPrimary::start().spoil(&server);
    let mut conn = server.connect();
    conn.line("SHUTDOWN SAVE")
        .expect_error("ERR Errors trying to SHUTDOWN");
    let primary = Server::of(Program::Shoal)
        .option("repl-diskless-sync-delay", "0")
        .start();
    let line = format!("REPLICAOF 127.0.0.1 {}", primary.port());
    conn.line(&line).expect_ok();
    eventually("the link is up", LIMIT, || {
        info(&mut conn, "master_link_status") == "up"
    });
    // Long enough for whoever looks now and then whether saves fail.
    let until = std::time::Instant::now() + Duration::from_secs(1);
    eventually("writes have come for some time", LIMIT, || {
        primary.line("INCR writes");
        let seen = conn.try_call(&["GET", "writes"]);
        assert!(seen.is_ok(), "the replica ended: {seen:?}");
        std::time::Instant::now() > until
    });
    let last = primary.line("GET writes");
    eventually("all have come", LIMIT, || conn.line("GET writes") == last);
    assert_eq!(info(&mut conn, "rdb_last_bgsave_status"), "ok");
}

/// Its lock went with the data, so that another server could write what this one goes on with.
#[test]
fn a_replica_that_is_not_whole_keeps_the_lock_of_its_files() {
    let server = with_file();
    BrokenPrimary::start().spoil(&server);
    let directory = server.directory().to_str().expect("a name").to_owned();
    let second = || {
        let plan = Server::of(Program::Shoal).option("dir", &directory);
        plan.option("appendonly", "yes").try_start()
    };
    let refused = second().expect_err("it must not start");
    assert!(
        refused.log.contains("in use by another server"),
        "{refused}"
    );
    // Whoever turns the file off gives it up.
    let mut conn = server.connect();
    conn.line("CONFIG SET appendonly no").expect_ok();
    let mut second = second().expect("it starts");
    assert_eq!(second.line("DBSIZE").int(), BEFORE);
    second.stop();
}

/// One failure turned the file off for good, as if a client had been refused.
#[test]
fn a_file_that_cannot_begin_after_a_synchronization_begins_later() {
    let mut server = with_file();
    let primary = BrokenPrimary::start();
    primary.spoil(&server);
    let folder = server.directory().join("appendonlydir");
    let aside = server.directory().join("aside");
    std::fs::rename(&folder, &aside).expect("it is moved");
    std::fs::write(&folder, "a file").expect("it is written");
    primary.mended.store(true, Ordering::SeqCst);
    let mut conn = server.connect();
    eventually("it cannot begin", LIMIT, || {
        server.log().contains("Can't open the append-only file")
    });
    std::fs::remove_file(&folder).expect("it is removed");
    std::fs::rename(&aside, &folder).expect("it is moved");
    eventually("it begins", LIMIT, || {
        info(&mut conn, "aof_rewrites") == "2"
    });
    assert_eq!(conn.line("CONFIG GET appendonly").texts()[1], "yes");
    assert_eq!(keys_after_a_crash(&mut server), THERE);
}
