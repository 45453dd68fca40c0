//! The database that a primary's stream is in: a replica that goes on amid the stream, or begins
//! amid a replica's, finds no SELECT at its beginning.

use std::time::Duration;

use testkit::{Conn, Program, Server, eventually};

const LIMIT: Duration = Duration::from_secs(30);

fn start(program: Program) -> Server {
    Server::of(program)
        .option("repl-diskless-sync-delay", "0")
        .start()
}

fn replica_of(program: Program, primary: &Server) -> Server {
    let server = start(program);
    follow(&server, primary.port());
    server
}

fn follow(replica: &Server, port: u16) {
    let line = format!("REPLICAOF 127.0.0.1 {port}");
    replica.line(&line).expect_ok();
}

fn info(conn: &mut Conn, field: &str) -> String {
    conn.info(field).expect("a reply").unwrap_or_default()
}

fn await_link(replica: &Server) {
    let mut conn = replica.connect();
    eventually("the link is up", LIMIT, || {
        info(&mut conn, "master_link_status") == "up"
    });
}

/// Waits until the replica has all of the primary, and compares what is in their databases.
#[track_caller]
fn assert_equal(replica: &Server, primary: &Server) {
    let (mut here, mut there) = (replica.connect(), primary.connect());
    eventually("it has everything", LIMIT, || {
        info(&mut here, "slave_repl_offset") == info(&mut there, "master_repl_offset")
    });
    for db in ["0", "2"] {
        for conn in [&mut here, &mut there] {
            conn.call(&["SELECT", db]).expect_ok();
        }
        let values =
            |conn: &mut Conn| ["a", "b", "c"].map(|key| format!("{:?}", conn.call(&["GET", key])));
        assert_eq!(values(&mut here), values(&mut there), "database {db}");
    }
}

#[test]
fn a_replica_comes_back_amid_the_stream() {
    for program in [Program::Shoal, Program::Redis74] {
        let primary = start(program);
        let replica = replica_of(Program::Shoal, &primary);
        await_link(&replica);
        let mut writer = primary.connect();
        writer.line("SELECT 2").expect_ok();
        writer.line("INCR a");
        assert_equal(&replica, &primary);
        // Nobody is there.
        follow(&replica, 1);
        writer.line("INCR a");
        writer.line("INCR b");
        follow(&replica, primary.port());
        await_link(&replica);
        writer.line("INCR c");
        assert_equal(&replica, &primary);
        let mut conn = primary.connect();
        assert_eq!(info(&mut conn, "sync_partial_ok"), "1");
    }
}

#[test]
fn a_replica_goes_on_with_its_sibling() {
    let primary = start(Program::Shoal);
    let (left, right) = (
        replica_of(Program::Shoal, &primary),
        replica_of(Program::Shoal, &primary),
    );
    await_link(&left);
    await_link(&right);
    let mut writer = primary.connect();
    writer.line("SELECT 2").expect_ok();
    writer.line("INCR a");
    assert_equal(&left, &primary);
    assert_equal(&right, &primary);
    follow(&right, left.port());
    await_link(&right);
    writer.line("INCR a");
    writer.line("INCR c");
    assert_equal(&left, &primary);
    assert_equal(&right, &primary);
    let mut conn = left.connect();
    assert_eq!(info(&mut conn, "sync_partial_ok"), "1");
}

#[test]
fn a_replica_begins_amid_the_stream_of_another() {
    let chains = [
        (Program::Shoal, Program::Shoal),
        (Program::Shoal, Program::Redis74),
        (Program::Redis74, Program::Shoal),
    ];
    for (middle, last) in chains {
        let primary = start(Program::Shoal);
        let middle = replica_of(middle, &primary);
        await_link(&middle);
        let mut writer = primary.connect();
        writer.line("SELECT 2").expect_ok();
        writer.line("INCR a");
        assert_equal(&middle, &primary);
        let last = replica_of(last, &middle);
        await_link(&last);
        writer.line("INCR a");
        writer.line("INCR b");
        assert_equal(&last, &primary);
    }
}

/// A transaction of a real primary has its SELECT behind MULTI. The replica's file gets it right
/// too.
#[test]
fn a_transaction_selects_inside() {
    for program in [Program::Shoal, Program::Redis70] {
        let primary = start(program);
        let mut replica = Server::of(Program::Shoal)
            .option("appendonly", "yes")
            .option("save", "")
            .start();
        follow(&replica, primary.port());
        await_link(&replica);
        let mut writer = primary.connect();
        for line in [
            "SET a 0", "SELECT 2", "MULTI", "INCR a", "INCR b", "EXEC", "INCR c",
        ] {
            writer.line(line);
        }
        assert_equal(&replica, &primary);
        replica.line("REPLICAOF NO ONE").expect_ok();
        let mut conn = replica.connect();
        eventually("its file has a base", LIMIT, || {
            info(&mut conn, "aof_rewrite_in_progress") == "0"
        });
        assert!(replica.stop().success());
        replica.restart();
        let mut conn = replica.connect();
        assert_eq!(conn.line("DBSIZE").int(), 1, "what is in database 0");
        conn.line("SELECT 2").expect_ok();
        assert_eq!(conn.line("DBSIZE").int(), 3, "what is in database 2");
    }
}
