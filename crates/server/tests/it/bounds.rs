//! What a server keeps in memory for others who are too slow, and what becomes of them.

use std::time::Duration;
use testkit::{Program, Server, eventually};

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn a_replica_that_is_too_slow_is_cut_off_and_comes_back() {
    let primary = Server::of(Program::Shoal)
        .options("client-output-buffer-limit", &["replica 2mb 0 0"])
        .option("repl-backlog-size", "1mb")
        .start();
    let mut replica = Server::of(Program::Shoal)
        .options("replicaof", &["127.0.0.1", &primary.port().to_string()])
        .start();
    let mut conn = primary.connect();
    let connected = |conn: &mut testkit::Conn, count: &str| {
        conn.info("connected_slaves").unwrap().as_deref() == Some(count)
    };
    eventually("the replica follows", LIMIT, || {
        conn.line("SET k v").expect_ok();
        conn.line("WAIT 1 100").int() == 1
    });
    replica.process().pause();
    // Sockets hold some megabytes; the journal no more than the limit.
    let value = "x".repeat(100_000);
    let mut most = 0;
    for n in 0..400 {
        conn.call(&["SET", &format!("key:{}", n % 20), &value])
            .expect_ok();
        let kept = conn.info("mem_replication_backlog").unwrap().unwrap();
        most = most.max(kept.parse::<u64>().unwrap());
    }
    eventually("it is cut off", LIMIT, || connected(&mut conn, "0"));
    assert!(most < 4_000_000, "{most} bytes were kept");
    eventually("the log says so", LIMIT, || {
        primary.log().contains("overcoming of output buffer limits")
    });
    replica.process().resume();
    eventually("it is back", LIMIT, || {
        conn.line("SET k v").expect_ok();
        conn.line("WAIT 1 100").int() == 1
    });
    assert_eq!(replica.call(&["STRLEN", "key:19"]).int(), 100_000);
}
