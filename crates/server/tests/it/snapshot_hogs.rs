//! Replicas that ask for a snapshot and do not take it.

use std::time::{Duration, Instant};

use testkit::{Conn, Program, Server, eventually};

const LIMIT: Duration = Duration::from_secs(30);

/// As many as there are lanes for snapshots.
const HOGS: usize = 8;

/// A server with more data than sockets hold, and replicas that read nothing.
fn hogged(timeout: &str) -> (Server, Vec<Conn>) {
    let server = Server::of(Program::Shoal)
        .option("enable-debug-command", "yes")
        .option("rdbcompression", "no")
        .option("save", "3600 1000000")
        .option("shutdown-timeout", "0")
        .option("repl-diskless-sync-delay", "0")
        .option("repl-timeout", timeout)
        .start();
    server.line("DEBUG POPULATE 60 key 1000000").expect_ok();
    let hogs = (0..HOGS).map(|_| {
        let mut conn = server.connect();
        let introduction = ["REPLCONF", "capa", "eof", "capa", "psync2"];
        conn.call(&introduction).expect_ok();
        conn.send(&["PSYNC", "?", "-1"]).expect("it is sent");
        conn
    });
    let hogs = hogs.collect();
    let mut conn = server.connect();
    eventually("they are replicas", LIMIT, || {
        info(&mut conn, "connected_slaves") == HOGS.to_string()
            && info(&mut conn, "sync_full") == HOGS.to_string()
    });
    (server, hogs)
}

fn info(conn: &mut Conn, field: &str) -> String {
    conn.info(field).expect("a reply").unwrap_or_default()
}

#[test]
fn they_stop_no_save_and_no_end() {
    let (mut server, hogs) = hogged("60");
    let mut conn = server.connect();
    conn.line("BGSAVE");
    eventually("the save ends", LIMIT, || {
        info(&mut conn, "rdb_saves") == "1"
    });
    let began = Instant::now();
    assert!(server.stop().success());
    assert!(began.elapsed() < LIMIT, "it took {:?}", began.elapsed());
    drop(hogs);
}

#[test]
fn they_are_let_go_when_they_take_nothing_for_the_time_out() {
    let (server, hogs) = hogged("2");
    let mut conn = server.connect();
    eventually("they are let go", LIMIT, || {
        info(&mut conn, "connected_slaves") == "0"
    });
    assert!(
        server
            .log()
            .contains("Disconnecting timedout replica (full sync)")
    );
    drop(hogs);
}
