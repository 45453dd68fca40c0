//! What a server says of its role while the role changes.

use std::time::Duration;

use crate::config_file::Configured;
use testkit::{Conn, Program, Server, eventually, wait_for};

const LIMIT: Duration = Duration::from_secs(30);

fn role(conn: &mut Conn) -> (String, String) {
    let reply = conn.line("ROLE");
    let parts = reply.array();
    let whom = match parts[0].text().as_str() {
        "slave" => parts[2].int().to_string(),
        _ => String::new(),
    };
    (parts[0].text(), whom)
}

fn shown(conn: &mut Conn, field: &str) -> String {
    let text = conn.info(field).expect("a reply");
    text.unwrap_or_default()
}

/// A replica that loads a slow snapshot, while this change of role waits for the end of that.
fn changing(change: &str) -> (Server, Configured, Conn) {
    let mut primary = Server::of(Program::Shoal)
        .option("enable-debug-command", "yes")
        .option("repl-diskless-sync-delay", "0")
        .start();
    primary.line("DEBUG POPULATE 400").expect_ok();
    let replica = Configured::start();
    let (mut conn, mut asking) = (replica.connect(), replica.connect());
    conn.line("CONFIG SET key-load-delay 5000").expect_ok();
    // Until the change is in the queue, no snapshot comes.
    primary.pause();
    let follow = format!("REPLICAOF 127.0.0.1 {}", primary.port());
    conn.line(&follow).expect_ok();
    let rewrite = replica.stall_rewrite();
    let words: Vec<&str> = change.split(' ').collect();
    let id = asking.line("CLIENT ID").int().to_string();
    asking.send(&words).expect("a request");
    eventually("the change waits", LIMIT, || {
        let line = conn.call(&["CLIENT", "LIST", "ID", &id]).text();
        line.contains("cmd=replicaof")
    });
    primary.resume();
    eventually("it loads", LIMIT, || shown(&mut conn, "loading") == "1");
    rewrite.go_on("");
    (primary, replica, asking)
}

#[test]
fn a_promotion_is_shown_when_writes_are_taken() {
    let (_primary, replica, mut asking) = changing("REPLICAOF NO ONE");
    let mut conn = replica.connect();
    wait_for("the promotion", LIMIT, || {
        (role(&mut conn).0 == "master").then_some(())
    });
    conn.line("SET k v").expect_ok();
    assert_eq!(shown(&mut conn, "role"), "master");
    assert_eq!(conn.line("WAIT 0 0").int(), 0);
    asking.receive().expect("a reply").expect_ok();
}

#[test]
fn a_replica_that_gets_another_primary_is_none_in_between() {
    // Nobody listens at this port.
    let (primary, replica, mut asking) = changing("REPLICAOF 127.0.0.1 1");
    let mut conn = replica.connect();
    let first = ("slave".to_owned(), primary.port().to_string());
    let next = wait_for("another role", LIMIT, || {
        let now = role(&mut conn);
        (now != first).then_some(now)
    });
    assert_eq!(next, ("slave".to_owned(), "1".to_owned()));
    assert_eq!(shown(&mut conn, "loading"), "1", "the link was not in use");
    assert_eq!(shown(&mut conn, "role"), "slave");
    assert_eq!(shown(&mut conn, "master_link_status"), "down");
    asking.receive().expect("a reply").expect_ok();
    conn.line("SET k v").expect_error("READONLY ");
    assert_eq!(role(&mut conn), next);
}

/// As in Redis, it is a replica from its first moment on.
#[test]
fn a_configured_replica_is_one_while_it_loads() {
    let mut server = Server::of(Program::Shoal)
        .option("enable-debug-command", "yes")
        .start();
    server.line("DEBUG POPULATE 200").expect_ok();
    server.line("SAVE").expect_ok();
    assert!(server.stop().success());
    server.replan(|plan| {
        // Nobody listens at this port.
        plan.options("replicaof", &["127.0.0.1", "1"])
            .option("key-load-delay", "10000")
    });
    let port = server.port();
    std::thread::scope(|scope| {
        let restarted = scope.spawn(|| server.restart());
        let mut conn = wait_for("a connection", LIMIT, || Conn::open(port).ok());
        let replica = ("slave".to_owned(), "1".to_owned());
        let mut looked = 0;
        loop {
            let (role, shown_role) = (role(&mut conn), shown(&mut conn, "role"));
            let loading = shown(&mut conn, "loading");
            assert_eq!((role, shown_role.as_str()), (replica.clone(), "slave"));
            if loading == "0" {
                break;
            }
            looked += 1;
        }
        assert!(looked > 0, "it was seen loading");
        restarted.join().expect("it comes up");
    });
    let mut conn = server.connect();
    conn.line("SET k v").expect_error("READONLY ");
    assert_eq!(conn.line("DBSIZE").int(), 200);
}
