//! Replies to writes of a node whose right to serve has run out before they left.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use testkit::{ClusterPlan, Program, eventually};

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
