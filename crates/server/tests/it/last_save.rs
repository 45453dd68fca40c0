//! A server that ends in order loses nothing that it acknowledged, however it is told to.

use rustix::process::Signal;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use testkit::{Conn, Program, Server, ServerPlan, TempDir, eventually, wait_for};

const LIMIT: Duration = Duration::from_secs(60);
const WRITERS: usize = 4;
const FILL: usize = 5_000;

fn plan(directory: &TempDir) -> ServerPlan {
    Server::of(Program::Shoal)
        .directory(directory.path())
        .options("save", &["3600", "1"])
        .option("io-threads", "2")
}

/// Fills the server so that its save takes its time.
fn fill(server: &Server) {
    let mut conn = server.connect();
    let keys: Vec<Vec<String>> = (0..FILL)
        .map(|nth| vec!["SET".into(), format!("fill:{nth}"), "x".into()])
        .collect();
    conn.pipeline(&keys).unwrap();
    conn.line("CONFIG SET rdb-key-save-delay 10").expect_ok();
}

/// A client that writes until its connection ends; how many of its writes were acknowledged.
fn write_on(mut conn: Conn, writer: usize, started: impl Fn() + Send + 'static) -> JoinHandle<u64> {
    std::thread::spawn(move || {
        let mut acknowledged = 0;
        loop {
            let key = format!("w:{writer}:{acknowledged}");
            match conn.try_call(&["SET", &key, "v"]) {
                Ok(reply) if reply.error().is_none() => acknowledged += 1,
                _ => return acknowledged,
            }
            if acknowledged == 10 {
                started();
            }
        }
    })
}

/// Writers that write already.
fn writers(server: &Server) -> Vec<JoinHandle<u64>> {
    let (sender, started): (_, Receiver<()>) = channel();
    let writers = (0..WRITERS)
        .map(|writer| {
            let sender = sender.clone();
            write_on(server.connect(), writer, move || sender.send(()).unwrap())
        })
        .collect();
    for _ in 0..WRITERS {
        started.recv_timeout(LIMIT).unwrap();
    }
    writers
}

/// How many acknowledged writes the server does not have.
fn lost(server: &Server, acknowledged: &[u64]) -> u64 {
    let mut conn = server.connect();
    let mut lost = 0;
    for (writer, count) in acknowledged.iter().enumerate() {
        let asked: Vec<Vec<String>> = (0..*count)
            .map(|nth| vec!["EXISTS".into(), format!("w:{writer}:{nth}")])
            .collect();
        let replies = conn.pipeline(&asked).unwrap();
        lost += replies.iter().filter(|reply| reply.int() == 0).count() as u64;
    }
    lost
}

fn end(server: &mut Server, how: &str) {
    match how {
        "SIGTERM" => server.process().signal(Signal::TERM),
        "SIGINT" => server.process().signal(Signal::INT),
        command => server
            .connect()
            .send_raw(format!("{command}\r\n").as_bytes())
            .unwrap(),
    }
    assert_eq!(server.process().wait(LIMIT).code(), Some(0), "{how}");
}

#[test]
fn nothing_acknowledged_is_missing_from_the_last_save() {
    let ways = [
        ("SIGTERM", "no"),
        ("SIGINT", "no"),
        ("SHUTDOWN", "no"),
        ("SHUTDOWN NOW SAVE", "no"),
        ("SIGTERM", "yes"),
        ("SHUTDOWN NOSAVE", "yes"),
    ];
    for (how, append_only) in ways {
        let directory = TempDir::new("last-save");
        let mut server = plan(&directory).option("appendonly", append_only).start();
        fill(&server);
        let writers = writers(&server);
        end(&mut server, how);
        let acknowledged: Vec<u64> = writers.into_iter().map(|w| w.join().unwrap()).collect();
        drop(server);
        let server = plan(&directory).option("appendonly", append_only).start();
        assert_eq!(
            lost(&server, &acknowledged),
            0,
            "{how}, appendonly {append_only}"
        );
        assert!(server.call(&["DBSIZE"]).int() as usize > FILL);
    }
}

#[test]
fn replicas_get_the_rest_first() {
    let directory = TempDir::new("last-save");
    let mut primary = plan(&directory)
        .option("repl-diskless-sync-delay", "0")
        .start();
    fill(&primary);
    let replica = Server::of(Program::Shoal).start();
    replica
        .line(&format!("REPLICAOF 127.0.0.1 {}", primary.port()))
        .expect_ok();
    wait_for("the link is up", LIMIT, || {
        let status = replica.connect().info("master_link_status").unwrap()?;
        (status == "up").then_some(())
    });
    let writers = writers(&primary);
    end(&mut primary, "SIGTERM");
    let acknowledged: Vec<u64> = writers.into_iter().map(|w| w.join().unwrap()).collect();
    assert_eq!(lost(&replica, &acknowledged), 0);
    assert!(
        primary
            .log()
            .contains("1 of 1 replicas are in sync when shutting down.")
    );
}

#[test]
fn a_server_that_cannot_save_goes_on_and_its_writers_too() {
    let directory = TempDir::new("last-save");
    let server = plan(&directory).start();
    let mut conn = server.connect();
    conn.line("SET before 1").expect_ok();
    // A directory has the name of the dump: nothing can take its place.
    std::fs::create_dir_all(directory.path().join("dump.rdb/full")).unwrap();
    let reply = conn.line("SHUTDOWN");
    assert_eq!(
        reply.error(),
        Some("ERR Errors trying to SHUTDOWN. Check logs."),
        "{reply:?}"
    );
    conn.call(&["CONFIG", "SET", "save", ""]).expect_ok();
    conn.line("CONFIG SET stop-writes-on-bgsave-error no")
        .expect_ok();
    conn.line("SET after 1").expect_ok();
    assert_eq!(conn.line("CLIENT UNPAUSE").error(), None);
    eventually("the log says why", LIMIT, || {
        server
            .log()
            .contains("Error trying to save the DB, can't exit")
    });
}

/// The second began at once, and ended the server although its end had been called off.
#[test]
fn all_who_asked_for_the_end_are_told_that_it_was_called_off() {
    let mut primary = Server::of(Program::Shoal)
        .option("save", "")
        .option("shutdown-timeout", "60")
        .start();
    let mut replica = Server::of(Program::Shoal).option("save", "").start();
    replica
        .line(&format!("REPLICAOF 127.0.0.1 {}", primary.port()))
        .expect_ok();
    eventually("the link is up", LIMIT, || {
        let status = replica.connect().info("master_link_status").unwrap();
        status.as_deref() == Some("up")
    });
    let mut conn = primary.connect();
    replica.pause();
    conn.line("SET behind 1").expect_ok();
    let ask = |words: &[&str]| {
        let mut conn = primary.connect();
        conn.send(words).unwrap();
        conn
    };
    let first = ask(&["SHUTDOWN"]);
    eventually("it waits", LIMIT, || {
        let left = primary.connect().info("shutdown_in_milliseconds");
        left.unwrap().is_some()
    });
    // As in Redis, this one's words come to nothing: the first goes on.
    let others = [ask(&["SHUTDOWN", "NOW", "NOSAVE"]), ask(&["SHUTDOWN"])];
    let blocked = || {
        let list = primary.line("CLIENT LIST").text();
        let asking = list.lines().filter(|line| line.contains("cmd=shutdown"));
        asking.count() == 3
    };
    eventually("all have asked", LIMIT, blocked);
    conn.line("SHUTDOWN ABORT").expect_ok();
    conn.line("SHUTDOWN ABORT")
        .expect_error("ERR No shutdown in progress.");
    for mut asking in [first].into_iter().chain(others) {
        let reply = asking.receive().expect("an answer");
        reply.expect_error("ERR Errors trying to SHUTDOWN. Check logs.");
    }
    conn.line("SET again 1").expect_ok();
    // One that comes afterwards is a request of its own.
    conn.send(&["SHUTDOWN"]).unwrap();
    replica.resume();
    assert_eq!(primary.process().wait(LIMIT).code(), Some(0));
    assert_eq!(replica.line("GET again").text(), "1");
}
