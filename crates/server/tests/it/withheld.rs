//! Replies that wait for the disk, when the server's role changes.

use std::io::ErrorKind;
use std::time::Duration;

use testkit::{Program, Server, TempDir, eventually};

const LIMIT: Duration = Duration::from_secs(30);

/// A file of this name in the mirror keeps syncs from ending.
const BUSY: &str = "busy";

/// What was not synced may be undone by the new primary, so that nobody may hear that it was done.
#[test]
fn a_change_of_role_closes_connections_with_withheld_replies() {
    let mirror = TempDir::new("withheld");
    let primary = Server::of(Program::Shoal).start();
    let server = Server::of(Program::Shoal)
        .option("appendonly", "yes")
        .option("appendfsync", "always")
        .env(
            "SHOAL_TEST_AOF_MIRROR",
            mirror.path().join("m").to_str().expect("a name"),
        )
        .start();
    let (mut writer, mut reader, mut idle) = (server.connect(), server.connect(), server.connect());
    let mut admin = server.connect();
    writer.line("SET k synced").expect_ok();
    assert_eq!(idle.line("GET k").text(), "synced");
    let changes = |conn: &mut testkit::Conn| {
        let text = conn.info("rdb_changes_since_last_save");
        let text = text.expect("a reply").expect("a field");
        text.parse::<u64>().expect("a number")
    };
    let before = changes(&mut admin);
    let busy = mirror.path().join("m").join(BUSY);
    std::fs::write(&busy, "").expect("it is written");
    writer.send(&["SET", "k", "unsynced"]).expect("it is sent");
    eventually("the write is done", LIMIT, || changes(&mut admin) > before);
    // Who saw it waits too.
    reader.send(&["GET", "k"]).expect("it is sent");
    eventually("the read is done", LIMIT, || {
        let line = admin.info("cmdstat_get").expect("a reply");
        line.is_some_and(|line| line.starts_with("calls=2,"))
    });
    let port = primary.port().to_string();
    admin.call(&["REPLICAOF", "127.0.0.1", &port]).expect_ok();
    for (name, conn) in [("the writer", &mut writer), ("the reader", &mut reader)] {
        let error = conn.receive().expect_err("nothing is answered");
        let closed = [
            ErrorKind::UnexpectedEof,
            ErrorKind::ConnectionReset,
            ErrorKind::ConnectionAborted,
        ];
        assert!(closed.contains(&error.kind()), "{name}: {error}");
    }
    // Whose replies have all left goes on.
    assert_eq!(idle.line("PING").text(), "PONG");
    std::fs::remove_file(&busy).expect("it was there");
}
