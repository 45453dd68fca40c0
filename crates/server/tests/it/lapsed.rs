//! Replies to writes of a node whose right to serve has run out before they left.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use testkit::{ClusterPlan, Program, Server, TempDir, eventually};

const LIMIT: Duration = Duration::from_secs(30);
/// `cluster-node-timeout`.
const TIMEOUT: Duration = Duration::from_millis(1000);

/// A primary that stood still between a write and its reply may have a successor that knows nothing
/// of the write.
#[test]
fn who_stood_still_for_too_long_acknowledges_nothing() {
    let millis = TIMEOUT.as_millis().to_string();
    let plan = ClusterPlan::of(Program::Shoal, 1, 0)
        .option("cluster-node-timeout", &millis)
        .option("enable-debug-command", "yes")
        .option("appendonly", "yes");
    let mut cluster = plan.start();
    let node = &mut cluster.nodes[0];
    let mut conn = node.connect();
    conn.line("SET before x").expect_ok();
    let folder = node.directory().join("appendonlydir");
    let is_written = || {
        let files = std::fs::read_dir(&folder).expect("the folder is there");
        let mut files = files.map(|file| std::fs::read(file.expect("a file").path()));
        files.any(|bytes| {
            let bytes = bytes.unwrap_or_default();
            bytes.windows(7).any(|window| window == b"written")
        })
    };
    // Both come in one batch, so that the first reply waits for the second command.
    conn.send_raw(b"SET k written\r\nDEBUG SLEEP 1\r\n")
        .expect("they are sent");
    eventually("the write is done", LIMIT, is_written);
    node.pause();
    let since = Instant::now();
    eventually("the right runs out", LIMIT, || {
        since.elapsed() > 2 * TIMEOUT
    });
    node.resume();
    let error = conn.receive().expect_err("nothing is answered");
    let closed = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset];
    assert!(closed.contains(&error.kind()), "{error}");
    // It serves again, and the write is there: nobody was elected.
    cluster.await_ok(LIMIT);
    eventually("it serves", LIMIT, || {
        cluster.nodes[0].line("GET k").text() == "written"
    });
}

/// The reply waited for the disk while the right ran out and came back: that it is there when the
/// disk is done says nothing of the time between.
#[test]
fn a_reply_that_waited_for_the_disk_tells_of_no_lapsed_time() {
    let directory = TempDir::new("lapsed-sync");
    let mirror = directory.path().join("m");
    let busy = mirror.join("busy");
    let millis = TIMEOUT.as_millis().to_string();
    let mut node = Server::of(Program::Shoal)
        .directory(directory.path())
        .option("cluster-enabled", "yes")
        .option("cluster-node-timeout", &millis)
        .option("appendonly", "yes")
        .option("appendfsync", "always")
        .env("SHOAL_TEST_AOF_MIRROR", mirror.to_str().expect("a name"))
        .start();
    node.line("CLUSTER ADDSLOTSRANGE 0 16383").expect_ok();
    let serves = |node: &Server| {
        eventually("it serves", LIMIT, || {
            node.line("GET before") == testkit::Reply::Bulk(b"x".to_vec())
        });
    };
    eventually("it begins to serve", LIMIT, || {
        node.line("SET before x").error().is_none()
    });
    std::fs::write(&busy, "").expect("it is written");
    let mut conn = node.connect();
    conn.send(&["SET", "k", "v"]).expect("it is sent");
    eventually("a sync stalls", LIMIT, || {
        let mut admin = node.connect();
        let field = admin.info("aof_pending_bio_fsync").expect("a reply");
        field.as_deref() == Some("1")
    });
    node.pause();
    let since = Instant::now();
    eventually("the right runs out", LIMIT, || {
        since.elapsed() > 2 * TIMEOUT
    });
    node.resume();
    serves(&node);
    std::fs::remove_file(&busy).expect("it was there");
    let error = conn.receive().expect_err("nothing is answered");
    let closed = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset];
    assert!(closed.contains(&error.kind()), "{error}");
    serves(&node);
}

/// What a transaction wrote before it waited for something else is not told of either.
#[test]
fn a_transaction_that_waited_for_another_node_tells_of_no_lapsed_time() {
    let millis = TIMEOUT.as_millis().to_string();
    let mut node = Server::of(Program::Shoal)
        .option("cluster-enabled", "yes")
        .option("cluster-node-timeout", &millis)
        .start();
    node.line("CLUSTER ADDSLOTSRANGE 0 16383").expect_ok();
    eventually("it begins to serve", LIMIT, || {
        node.line("SET {k}moving x").error().is_none()
    });
    // It takes connections and says nothing: MIGRATE waits.
    let silent = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = silent.local_addr().expect("it has one").port();
    let mut conn = node.connect();
    conn.line("MULTI").expect_ok();
    assert_eq!(conn.line("SET k v").text(), "QUEUED");
    let migrate = format!("MIGRATE 127.0.0.1 {port} {{k}}moving 0 60000");
    assert_eq!(conn.line(&migrate).text(), "QUEUED");
    conn.send(&["EXEC"]).expect("it is sent");
    let link = silent.accept().expect("MIGRATE comes");
    node.pause();
    let since = Instant::now();
    eventually("the right runs out", LIMIT, || {
        since.elapsed() > 2 * TIMEOUT
    });
    node.resume();
    eventually("it serves again meanwhile", LIMIT, || {
        node.line("GET k") == testkit::Reply::Bulk(b"v".to_vec())
    });
    drop((link, silent));
    let error = conn.receive().expect_err("nothing is answered");
    let closed = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset];
    assert!(closed.contains(&error.kind()), "{error}");
}
