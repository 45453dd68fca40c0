//! Transactions with commands that wait for something outside of the engine.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::{ClusterPlan, Conn, Program, Reply, Server, eventually};

const LIMIT: Duration = Duration::from_secs(20);

fn exec(conn: &mut Conn, lines: &[&str]) -> Reply {
    conn.line("MULTI").expect_ok();
    for line in lines {
        assert_eq!(conn.line(line), Reply::Simple("QUEUED".into()), "{line}");
    }
    conn.line("EXEC")
}

fn replica_of(primary: &Server) -> Server {
    let replica = Server::of(primary.program()).start();
    let line = format!("REPLICAOF 127.0.0.1 {}", primary.port());
    replica.line(&line).expect_ok();
    eventually("the link is up", LIMIT, || {
        let status = replica.connect().info("master_link_status");
        status.unwrap().as_deref() == Some("up")
    });
    replica
}

/// A change of role joined the thread of the link with the slot locked that this thread waited for.
#[test]
fn a_change_of_role_in_a_transaction_does_not_freeze_the_server() {
    let primary = Server::of(Program::Shoal).start();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (mut conn, done) = (primary.connect(), &done);
            scope.spawn(move || {
                let batch = vec![vec!["INCR", "hot"]; 50];
                while !done.load(Ordering::Relaxed) {
                    conn.pipeline(&batch).unwrap();
                }
            });
        }
        for _ in 0..5 {
            let replica = replica_of(&primary);
            let mut conn = replica.connect();
            let begun = Instant::now();
            let reply = exec(
                &mut conn,
                &["GET hot", "REPLICAOF NO ONE", "PING", "GET hot"],
            );
            assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
            assert_eq!(reply.array()[1], Reply::Simple("OK".into()));
            assert_eq!(reply.array()[2], Reply::Simple("PONG".into()));
            assert_eq!(conn.line("ROLE").array()[0].text(), "master");
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// What Sentinel sends to a server whose role it changes.
#[test]
fn sentinels_transaction_is_answered() {
    for program in [Program::Redis74, Program::Shoal] {
        let primary = Server::of(program).start();
        let replica = replica_of(&primary);
        let (mut conn, mut other) = (replica.connect(), replica.connect());
        other.line("PING");
        let to = format!("REPLICAOF 127.0.0.1 {}", primary.port() + 1);
        let lines = [
            "REPLICAOF NO ONE",
            &to,
            "CONFIG REWRITE",
            "CLIENT KILL TYPE normal",
            "CLIENT KILL TYPE pubsub",
        ];
        let reply = exec(&mut conn, &lines);
        let reply = reply.array();
        assert_eq!(reply[0], Reply::Simple("OK".into()), "{program:?}");
        assert_eq!(reply[1], Reply::Simple("OK".into()), "{program:?}");
        // Whether there is a file to rewrite is not what this is about.
        assert!(matches!(&reply[2], Reply::Simple(_) | Reply::Error(_)));
        assert!(reply[3].int() >= 1, "{program:?} {reply:?}");
        assert_eq!(reply[4], Reply::Int(0), "{program:?}");
        assert!(
            other.try_call(&["PING"]).is_err(),
            "{program:?}: not killed"
        );
        assert_eq!(conn.line("ROLE").array()[0].text(), "slave", "{program:?}");
    }
}

#[test]
fn the_reply_has_the_places_of_the_queue() {
    let server = Server::of(Program::Shoal).start();
    let mut conn = server.connect();
    let lines = [
        "SET a 1",
        "CONFIG GET maxmemory-samples",
        "INCR a",
        "PING",
        "SELECT 1",
        "SET b 2",
        "ECHO x",
        "DBSIZE",
        "REPLCONF listening-port 1",
        "REPLCONF ACK 1",
        "CONFIG RESETSTAT",
        "WAIT 1 0",
        "ECHO y",
    ];
    let reply = exec(&mut conn, &lines);
    let shown: Vec<String> = reply.array().iter().map(|r| format!("{r:?}")).collect();
    let ok = "Simple(\"OK\")";
    assert_eq!(shown[0], ok);
    assert_eq!(reply.array()[1].texts()[0], "maxmemory-samples");
    assert_eq!(shown[2..4], ["Int(2)", "Simple(\"PONG\")"]);
    assert_eq!(shown[4..6], [ok, ok]);
    assert_eq!(reply.array()[6].text(), "x");
    assert_eq!(shown[7..12], ["Int(1)", ok, ok, ok, "Int(0)"]);
    assert_eq!(reply.array()[12].text(), "y");
    assert_eq!(conn.line("GET b").text(), "2");
}

/// The bus was waited for with the transaction's slots locked.
#[test]
fn cluster_commands_in_a_transaction_are_answered_by_the_bus() {
    let cluster = ClusterPlan::of(Program::Shoal, 1, 0).start();
    let mut conn = cluster.nodes[0].connect();
    let reply = exec(
        &mut conn,
        &["SET a 1", "CLUSTER MYID", "CLUSTER KEYSLOT a", "GET a"],
    );
    let reply = reply.array();
    assert_eq!(reply[1].text(), cluster.id(0));
    assert_eq!(reply[2], Reply::Int(15495));
    assert_eq!(reply[3].text(), "1");
}

/// SELECT runs with the commands on keys; a command of the host goes by the database that it would
/// have found in its place.
#[test]
fn what_runs_behind_finds_the_database_of_its_place() {
    let (server, target) = (Server::of(Program::Shoal), Server::of(Program::Shoal));
    let (server, target) = (server.start(), target.start());
    let mut conn = server.connect();
    conn.line("SET k zero").expect_ok();
    conn.line("SELECT 1").expect_ok();
    conn.line("SET k one").expect_ok();
    conn.line("SELECT 0").expect_ok();
    let migrate = format!("MIGRATE 127.0.0.1 {} k 0 5000", target.port());
    let reply = exec(&mut conn, &[&migrate, "SELECT 1", "GET k"]);
    assert_eq!(reply.array()[0], Reply::Simple("OK".into()));
    assert_eq!(reply.array()[2].text(), "one");
    assert_eq!(conn.line("GET k").text(), "one");
    assert_eq!(target.line("GET k").text(), "zero");
}

#[test]
fn a_late_reply_is_skipped_too() {
    let server = Server::of(Program::Shoal).start();
    let mut conn = server.connect();
    for late in ["REPLICAOF NO ONE", "WAIT 1 50"] {
        for line in ["CLIENT REPLY SKIP", late, "ECHO x"] {
            let words: Vec<&str> = line.split(' ').collect();
            conn.send(&words).expect("it is sent");
        }
        assert_eq!(conn.receive().expect("a reply").text(), "x", "{late}");
    }
}
