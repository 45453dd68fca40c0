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

/// What is pushed counts when it is pushed, not when the worker that has the connection gets to it.
#[test]
fn a_monitor_whose_worker_is_busy_is_cut_off_in_time() {
    let server = Server::of(Program::Shoal)
        .options("client-output-buffer-limit", &["normal 8mb 0 0"])
        .option("io-threads", "2")
        .start();
    let mut conns: Vec<_> = (0..6).map(|_| server.connect()).collect();
    let elements = vec!["x"; 10_000];
    let push = [&["RPUSH", "list"][..], &elements].concat();
    for _ in 0..100 {
        conns[0].call(&push);
    }
    // Some of these are on the busy worker, wherever that is.
    for monitor in &mut conns[3..] {
        monitor.line("MONITOR").expect_ok();
    }
    let busy = &mut conns[0];
    busy.line("MULTI").expect_ok();
    for _ in 0..4_000 {
        busy.line("LPOS list y").text();
    }
    busy.send(&["EXEC"]).expect("it is sent");
    // Of two connections one is on the other worker: it answers.
    let feeder = (1..3).find(|at| {
        let conn = &mut conns[*at];
        conn.set_patience(Duration::from_millis(200))
            .expect("a socket");
        conn.try_call(&["PING"]).is_ok()
    });
    let feeder = &mut conns[feeder.expect("one worker is free")];
    feeder.set_patience(LIMIT).expect("a socket");
    let large = "x".repeat(1_000_000);
    for _ in 0..40 {
        feeder.call(&["ECHO", &large]);
    }
    let field = "client_output_buffer_limit_disconnections";
    // Nobody reads: whoever is on the free worker is cut off too.
    eventually("all are cut off", LIMIT, || {
        feeder.info(field).expect("a reply").as_deref() == Some("3")
    });
    let busy = &mut conns[0];
    busy.set_patience(Duration::from_millis(1))
        .expect("a socket");
    busy.receive().expect_err("it is busy yet");
}
