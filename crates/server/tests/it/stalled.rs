//! Syncs of the append-only file that do not end.

use std::time::Duration;
use testkit::{Conn, Program, Server, TempDir, eventually};

const LIMIT: Duration = Duration::from_secs(30);

/// A file of this name in the mirror keeps syncs from ending.
const BUSY: &str = "busy";

fn start(directory: &TempDir, policy: &str, workers: &str) -> Server {
    let mirror = directory.path().join("m");
    Server::of(Program::Shoal)
        .directory(directory.path())
        .option("appendonly", "yes")
        .option("appendfsync", policy)
        .option("save", "")
        .option("io-threads", workers)
        .env("SHOAL_TEST_AOF_MIRROR", mirror.to_str().expect("a name"))
        .start()
}

fn is_syncing(admin: &mut Conn) -> bool {
    let field = admin.info("aof_pending_bio_fsync").expect("a reply");
    field.as_deref() == Some("1")
}

/// While a sync stalls, nothing waits for it but replies that it was promised to; and what was
/// acknowledged meanwhile is there when the process is killed.
#[test]
fn a_stalled_sync_delays_only_who_waits_for_it() {
    for policy in ["everysec", "always"] {
        let directory = TempDir::new(&format!("stalled-{policy}"));
        let busy = directory.path().join("m").join(BUSY);
        let mut server = start(&directory, policy, "2");
        let mut conns: Vec<Conn> = (0..8).map(|_| server.connect()).collect();
        let mut admin = server.connect();
        conns[0].line("SET other v").expect_ok();
        // What was written before is synced, so that nobody waits for it.
        eventually("the first write is synced", LIMIT, || {
            admin.call(&["WAITAOF", "1", "0", "1000"]).array()[0].int() == 1
        });
        std::fs::write(&busy, "").expect("it is written");
        let mut waiting = server.connect();
        waiting.send(&["SET", "stalled", "v"]).expect("it is sent");
        eventually("a sync stalls", LIMIT, || is_syncing(&mut admin));
        // Readers of other slots go on, and under everysec writers too.
        for round in 0..50 {
            for (nth, conn) in conns.iter_mut().enumerate() {
                assert_eq!(conn.line("GET other").text(), "v");
                if policy == "everysec" {
                    conn.line(&format!("SET key:{nth} {round}")).expect_ok();
                    assert_eq!(
                        conn.line(&format!("GET key:{nth}")).text(),
                        round.to_string()
                    );
                }
            }
        }
        if policy == "everysec" {
            waiting.receive().expect("an answer").expect_ok();
        }
        assert!(is_syncing(&mut admin), "it still stalls");
        server.process().kill();
        drop(server);
        if policy == "everysec" {
            // The process died, not the machine: the files are as the system has them.
            std::fs::remove_dir_all(directory.path().join("m")).expect("it was there");
            let server = start(&directory, policy, "2");
            let mut conn = server.connect();
            for nth in 0..8 {
                assert_eq!(conn.line(&format!("GET key:{nth}")).text(), "49");
            }
            assert_eq!(conn.line("GET stalled").text(), "v");
        } else {
            waiting.receive().expect_err("nothing was promised");
        }
    }
}

/// As in Redis a sync counts as delayed when more is written after two seconds of it.
#[test]
fn a_delayed_sync_is_counted() {
    let directory = TempDir::new("delayed");
    let server = start(&directory, "everysec", "2");
    let mut conn = server.connect();
    let busy = directory.path().join("m").join(BUSY);
    std::fs::write(&busy, "").expect("it is written");
    let mut written = 0;
    eventually("a delayed sync is counted", LIMIT, || {
        written += 1;
        conn.call(&["SET", "n", &written.to_string()]).expect_ok();
        let field = conn.info("aof_delayed_fsync").expect("a reply");
        field.as_deref() == Some("1")
    });
    std::fs::remove_file(&busy).expect("it was there");
    eventually("the sync ends", LIMIT, || !is_syncing(&mut conn));
}

/// The last sync of a file that is turned off may take long: only who turned it off waits for that.
#[test]
fn turning_the_file_off_delays_only_who_does_it() {
    let directory = TempDir::new("stalled-off");
    let busy = directory.path().join("m").join(BUSY);
    let server = start(&directory, "everysec", "1");
    let (mut conn, mut waits) = (server.connect(), server.connect());
    std::fs::write(&busy, "").expect("it is written");
    conn.line("SET k v").expect_ok();
    eventually("a sync stalls", LIMIT, || is_syncing(&mut conn));
    waits
        .send(&["CONFIG", "SET", "appendonly", "no"])
        .expect("it is sent");
    eventually("it is off", LIMIT, || {
        conn.info("aof_enabled").expect("a reply").as_deref() == Some("0")
    });
    // The same worker serves both.
    conn.line("SET k w").expect_ok();
    // Who turns it on again waits for its end.
    let mut again = server.connect();
    again
        .send(&["CONFIG", "SET", "appendonly", "yes"])
        .expect("it is sent");
    eventually("it is being turned on", LIMIT, || {
        conn.info("aof_enabled").expect("a reply").as_deref() == Some("1")
    });
    assert_eq!(conn.info("aof_current_size").expect("a reply"), None);
    std::fs::remove_file(&busy).expect("it is removed");
    waits.receive().expect("a reply").expect_ok();
    again.receive().expect("a reply").expect_ok();
}
