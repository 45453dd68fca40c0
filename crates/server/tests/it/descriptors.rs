//! Descriptors: clients are served or told why, and never get those that saves need.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::Duration;
use testkit::{Conn, Program, Server, ServerPlan, eventually};

const LIMIT: Duration = Duration::from_secs(30);
const FULL: &str = "ERR max number of clients reached";

/// A server whose limits of open files are set so by a shell.
fn limited(limits: &str) -> ServerPlan {
    let script = format!("{limits}; exec \"$@\"");
    Server::of(Program::Shoal)
        .wrapped_in(&["sh", "-c", &script, "sh"])
        .option("io-threads", "2")
        .options("save", &["3600", "1"])
        .option("appendonly", "yes")
}

/// So many idle connections: those that are served, and how many were told that they are too many.
fn crowd(server: &Server, count: usize) -> (Vec<Conn>, usize) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    let (mut served, mut refused) = (Vec::new(), 0);
    for _ in 0..count {
        let mut conn = server.connect();
        conn.set_patience(LIMIT).unwrap();
        match conn.try_call(&["PING"]) {
            Ok(reply) if reply.error().is_none() => served.push(conn),
            Ok(reply) => {
                assert_eq!(reply.error(), Some(FULL));
                refused += 1;
            }
            // It may be closed before the PING is written: then the answer is there already.
            Err(_) => {
                assert_eq!(conn.receive().unwrap().error(), Some(FULL));
                refused += 1;
            }
        }
    }
    (served, refused)
}

/// What needs descriptors goes on: saves, rewrites, writes.
fn everything_goes_on(conn: &mut Conn) {
    let info = |conn: &mut Conn, field: &str| conn.info(field).unwrap().unwrap();
    conn.line("SET key value").expect_ok();
    let before = info(conn, "rdb_saves");
    assert_eq!(conn.line("BGSAVE").error(), None);
    eventually("the save ends", LIMIT, || info(conn, "rdb_saves") != before);
    assert_eq!(info(conn, "rdb_last_bgsave_status"), "ok");
    let before = info(conn, "aof_rewrites");
    assert_eq!(conn.line("BGREWRITEAOF").error(), None);
    eventually("the rewrite ends", LIMIT, || {
        info(conn, "aof_rewrites") != before
    });
    assert_eq!(info(conn, "aof_last_bgrewrite_status"), "ok");
    conn.line("SET key value").expect_ok();
}

#[test]
fn a_low_limit_lowers_maxclients_and_idle_clients_stop_nothing() {
    let server = limited("ulimit -n 120").start();
    let maxclients = server.line("CONFIG GET maxclients").texts();
    let most: usize = maxclients[1].parse().unwrap();
    assert!((20..88).contains(&most), "{most}");
    let (mut served, refused) = crowd(&server, 300);
    assert_eq!(served.len(), most);
    assert_eq!(refused, 300 - most);
    let conn = &mut served[0];
    everything_goes_on(conn);
    assert_eq!(
        conn.info("maxclients").unwrap().unwrap(),
        most.to_string(),
        "INFO says the same"
    );
    let set = |conn: &mut Conn, to: usize| conn.line(&format!("CONFIG SET maxclients {to}"));
    assert_eq!(
        set(conn, 500).error(),
        Some(
            format!(
                "ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating \
                 system is not able to handle the specified number of clients, try with {most}"
            )
            .as_str()
        )
    );
    let now = conn.line("CONFIG GET maxclients").texts();
    assert_eq!(now, maxclients, "what was refused is not in force");
    set(conn, most - 1).expect_ok();
    set(conn, most).expect_ok();
    let log = server.log();
    assert!(
        log.contains("You requested maxclients of 10000 requiring at least"),
        "{log}"
    );
    assert!(
        log.contains(&format!("maxclients has been reduced to {most}")),
        "{log}"
    );
}

#[test]
fn a_low_soft_limit_is_raised() {
    let server = limited("ulimit -Sn 120; ulimit -Hn 900")
        .option("maxclients", "250")
        .start();
    let (mut served, refused) = crowd(&server, 300);
    assert_eq!((served.len(), refused), (250, 50));
    everything_goes_on(&mut served[0]);
    assert!(
        server.log().contains("(it was originally set to 120)"),
        "{}",
        server.log()
    );
    // CONFIG SET raises it too, as far as it goes.
    served[0].line("CONFIG SET maxclients 400").expect_ok();
    let (more, refused) = crowd(&server, 200);
    assert_eq!((more.len(), refused), (150, 50));
    let reply = served[0].line("CONFIG SET maxclients 100000");
    assert!(
        reply
            .error()
            .is_some_and(|text| text.contains("try with 8")),
        "{reply:?}"
    );
}

#[test]
fn a_server_for_which_there_is_no_room_says_so() {
    let refused = limited("ulimit -n 40").try_start().unwrap_err();
    assert_eq!(refused.status.and_then(|status| status.code()), Some(1));
    let text = "Your current 'ulimit -n' of 40 is not enough for the server to start.";
    assert!(refused.log.contains(text), "{refused}");
}

/// Redis keeps 64 at most and closes those that nobody used for ten seconds.
#[test]
fn connections_that_migrate_keeps_stop_nothing_and_go_by_themselves() {
    let target = Server::of(Program::Shoal)
        .option("bind", "0.0.0.0")
        .option("protected-mode", "no")
        .option("save", "")
        .start();
    let server = limited("ulimit -n 200").start();
    let (mut clients, _) = crowd(&server, 60);
    assert_eq!(clients.len(), 60);
    let descriptors = || {
        let folder = format!("/proc/{}/fd", server.id());
        std::fs::read_dir(folder).unwrap().count()
    };
    let before = descriptors();
    let conn = &mut clients[0];
    conn.line("SET key value").expect_ok();
    let port = target.port().to_string();
    for last in 2..130 {
        let host = format!("127.0.0.{last}");
        let order = [
            "MIGRATE", &host, &port, "key", "0", "5000", "COPY", "REPLACE",
        ];
        conn.call(&order).expect_ok();
    }
    let kept = descriptors() - before;
    // Threads of MIGRATE have no descriptors.
    assert!((1..=64).contains(&kept), "{kept}");
    everything_goes_on(conn);
    // Nobody asks how many there are, which would close them.
    eventually("unused connections are closed", LIMIT, || {
        descriptors() <= before
    });
}

/// A replica costs what a client costs: each took four descriptors, and a file besides.
#[test]
fn replicas_that_read_nothing_stop_nothing() {
    let server = limited("ulimit -n 200").start();
    let mut admin = server.connect();
    let value = "v".repeat(100_000);
    for key in 0..100 {
        let key = format!("key:{key}");
        admin.call(&["SET", &key, &value]).expect_ok();
    }
    let most = admin.line("CONFIG GET maxclients").texts();
    let most: usize = most[1].parse().expect("a number");
    let (mut replicas, refused) = crowd(&server, most - 2);
    assert_eq!(refused, 0);
    for replica in &mut replicas {
        replica.send(&["PSYNC", "?", "-1"]).expect("it is sent");
    }
    eventually("they are served", LIMIT, || {
        let known = admin.info("connected_slaves").unwrap().unwrap();
        known.parse() == Ok(replicas.len())
    });
    for _ in 0..3 {
        everything_goes_on(&mut admin);
    }
}
