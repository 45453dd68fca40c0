//! `maxmemory`: commands that may need memory are refused past it, with Redis's words.

use std::time::Duration;
use testkit::{Conn, Program, Reply, Server, eventually, wait_for};

const LIMIT: Duration = Duration::from_secs(30);
const OOM: &str = "OOM command not allowed when used memory > 'maxmemory'.";

/// The same lines to a server of each kind; `LOW` and `HIGH` set the limit from another connection.
fn replies(program: Program, lines: &[&str]) -> Vec<(String, Reply)> {
    let server = Server::of(program).start();
    let mut conn = server.connect();
    let mut said = Vec::new();
    for line in lines {
        match *line {
            "LOW" => server.line("CONFIG SET maxmemory 1").expect_ok(),
            "HIGH" => server.line("CONFIG SET maxmemory 0").expect_ok(),
            line => said.push((line.to_owned(), conn.line(line))),
        }
    }
    said
}

#[test]
fn past_the_limit_the_same_is_refused_as_by_redis() {
    let lines = [
        "CONFIG SET maxmemory -1",
        "CONFIG SET maxmemory 10%",
        "CONFIG SET maxmemory 100mb",
        "CONFIG GET maxmemory",
        "CONFIG SET maxmemory 18446744073709551615",
        "CONFIG GET maxmemory",
        "CONFIG SET maxmemory-policy bogus",
        "CONFIG SET maxmemory-policy allkeys-lru",
        "CONFIG GET maxmemory-policy",
        "CONFIG SET maxmemory-policy noeviction",
        "CONFIG SET maxmemory-samples 65",
        "SET key value",
        "LOW",
        // What may need memory, and what may not.
        "SET key value",
        "SET key",
        "SETBIT key 1 1",
        "APPEND key x",
        "RPUSH list x",
        "HSET hash f v",
        "INCR n",
        "GET key",
        "STRLEN key",
        "EXPIRE key 1000",
        "PERSIST key",
        "RENAME key key2",
        "RENAME key2 key",
        "COPY key key2",
        "RPOP list",
        "LMOVE list list2 LEFT LEFT",
        "SORT list STORE other",
        "RESTORE r 0 x",
        "DEL nothing",
        "PING",
        "WATCH key",
        "UNWATCH",
        // A transaction is refused while it is queued.
        "MULTI",
        "SET key other",
        "EXEC",
        "MULTI",
        "GET key",
        "EXEC",
        "MULTI",
        "PING",
        "DISCARD",
        "MULTI",
        "WATCH key",
        "MULTI",
        "NOTHING",
        "DISCARD",
        "MULTI",
        "EXEC",
        // And when it begins.
        "HIGH",
        "MULTI",
        "SET key other",
        "GET key",
        "LOW",
        "EXEC",
        "EXEC",
        "HIGH",
        "MULTI",
        "GET key",
        "DEL key",
        "LOW",
        "EXEC",
        "HIGH",
        "SET key value",
    ];
    let theirs = replies(Program::Redis74, &lines);
    let ours = replies(Program::Shoal, &lines);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
    let refused = theirs
        .iter()
        .filter(|(_, reply)| reply.error() == Some(OOM));
    assert!(refused.count() > 10, "the limit acts");
}

fn used(conn: &mut Conn) -> u64 {
    conn.info("used_memory").unwrap().unwrap().parse().unwrap()
}

/// Fills the server until it refuses, on several connections at once.
fn fill(server: &Server, writers: usize, value: usize) {
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let mut conn = server.connect();
            scope.spawn(move || {
                let value = "x".repeat(value);
                for nth in 0.. {
                    let reply = conn.call(&["SET", &format!("{writer}:{nth}"), &value]);
                    if let Some(error) = reply.error() {
                        assert_eq!(error, OOM);
                        return;
                    }
                    assert!(nth < 10_000_000, "no limit acts");
                }
            });
        }
    });
}

/// A file sets the limit; every thread's memory counts, and what is given back does too.
#[test]
fn memory_stays_near_the_limit_whoever_writes() {
    let server = Server::of(Program::Shoal)
        .option("io-threads", "2")
        .option("maxmemory", "32mb")
        .start();
    let mut conn = server.connect();
    const MB: u64 = 1 << 20;
    for value in [1_000, 200_000] {
        assert!(used(&mut conn) < 16 * MB);
        fill(&server, 4, value);
        let full = used(&mut conn);
        assert!(
            (30 * MB..35 * MB).contains(&full),
            "{full} with values of {value}"
        );
        assert_eq!(conn.line("SET more 1").error(), Some(OOM));
        assert_eq!(conn.line("GET more").error(), None);
        conn.line("FLUSHALL").expect_ok();
        eventually("there is room again", LIMIT, || {
            conn.line("SET more 1").error().is_none()
        });
        eventually("all of it is freed", LIMIT, || used(&mut conn) < 16 * MB);
    }
    // What one batch takes is known before it ends.
    let value = "x".repeat(MB as usize);
    let sets: Vec<Vec<&str>> = (0..60).map(|_| vec!["RPUSH", "long", &value]).collect();
    let replies = conn.pipeline(&sets).unwrap();
    let taken = replies.iter().filter(|reply| reply.error().is_none());
    assert!((10..32).contains(&taken.count()), "{}", used(&mut conn));
    assert_eq!(conn.info("maxmemory").unwrap().unwrap(), "33554432");
    assert_eq!(conn.info("maxmemory_human").unwrap().unwrap(), "32.00M");
    assert_eq!(
        conn.info("maxmemory_policy").unwrap().unwrap(),
        "noeviction"
    );
}

#[test]
fn an_eviction_policy_is_taken_and_said_not_to_act() {
    let server = Server::of(Program::Shoal)
        .option("maxmemory", "1")
        .option("maxmemory-policy", "allkeys-lru")
        .start();
    let line = "maxmemory-policy allkeys-lru does not act yet";
    eventually("the log says so", LIMIT, || server.log().contains(line));
    let mut conn = server.connect();
    assert_eq!(conn.line("SET key value").error(), Some(OOM));
    assert_eq!(
        conn.info("maxmemory_policy").unwrap().unwrap(),
        "allkeys-lru"
    );
    conn.line("CONFIG SET maxmemory-policy volatile-ttl")
        .expect_ok();
    let line = "maxmemory-policy volatile-ttl does not act yet";
    eventually("the log says so", LIMIT, || server.log().contains(line));
}

/// A replica has what its primary has, whatever its own limit.
#[test]
fn replicas_go_by_their_primary() {
    let primary = Server::of(Program::Shoal)
        .option("repl-diskless-sync-delay", "0")
        .start();
    let replica = Server::of(Program::Shoal)
        .option("maxmemory", "1")
        .option("replica-read-only", "no")
        .start();
    primary.call(&["SET", "key", "1"]).expect_ok();
    assert_eq!(replica.call(&["SET", "own", "1"]).error(), Some(OOM));
    replica
        .line(&format!("REPLICAOF 127.0.0.1 {}", primary.port()))
        .expect_ok();
    wait_for("the replica has it", LIMIT, || {
        let got = replica.call(&["GET", "key"]);
        (got.error().is_none() && got == Reply::Bulk(b"1".to_vec())).then_some(())
    });
    primary.call(&["SET", "key", "2"]).expect_ok();
    eventually("and what comes later", LIMIT, || {
        replica.call(&["GET", "key"]).text() == "2"
    });
    replica.call(&["SET", "own", "1"]).expect_ok();
    replica
        .line("CONFIG SET replica-ignore-maxmemory no")
        .expect_ok();
    assert_eq!(replica.call(&["SET", "own", "1"]).error(), Some(OOM));
    primary.call(&["SET", "key", "3"]).expect_ok();
    eventually("the stream is not refused", LIMIT, || {
        replica.call(&["GET", "key"]).text() == "3"
    });
}

/// In a cluster who asks the wrong node hears that first.
#[test]
fn a_redirection_goes_before_the_limit() {
    let said = |program: Program| {
        let server = Server::of(program).option("cluster-enabled", "yes").start();
        let mut conn = server.connect();
        conn.line("CLUSTER ADDSLOTSRANGE 0 16383").expect_ok();
        eventually("it serves", LIMIT, || {
            conn.line("SET {a}key v").error().is_none()
        });
        let lines = [
            "MULTI",
            "SET {a}key v",
            "LOW",
            "EXEC",
            "SET {a}key v",
            "MULTI",
            "GET {a}key",
            "EXEC",
            "DELSLOT",
            "SET {a}key v",
            "MULTI",
            "SET {a}key v",
            "EXEC",
        ];
        let mut said = Vec::new();
        for line in lines {
            match line {
                "LOW" => server.line("CONFIG SET maxmemory 1").expect_ok(),
                // CLUSTER KEYSLOT {a}: one slot that is then nobody's.
                "DELSLOT" => server.line("CLUSTER DELSLOTS 15495").expect_ok(),
                line => said.push((line, conn.line(line))),
            }
        }
        said
    };
    let theirs = said(Program::Redis74);
    assert_eq!(said(Program::Shoal), theirs);
    assert_eq!(
        theirs[2].1.error(),
        Some(&*format!(
            "EXECABORT Transaction discarded because of: {OOM}"
        ))
    );
}
