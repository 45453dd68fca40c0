//! A second process in the directory of a live server does it no harm, and says what to do.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use testkit::{Program, Server, ServerPlan, TempDir, eventually, until};

const LIMIT: Duration = Duration::from_secs(30);

/// A server that works in `directory`, whatever its output is.
fn plan_in(directory: &Path) -> ServerPlan {
    let directory = directory.to_str().unwrap();
    Server::of(Program::Shoal).option("dir", directory)
}

/// The same with an append-only file that loses nothing.
fn with_file_in(directory: &Path) -> ServerPlan {
    plan_in(directory)
        .option("appendonly", "yes")
        .option("appendfsync", "always")
}

/// The names and contents of all files below a directory, but for what servers print.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let inside = files(&path).into_iter();
            all.extend(inside.map(|(name, text)| (format!("{}/{name}", path.display()), text)));
        } else {
            all.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
    all
}

/// What a server says that must not start.
fn refused(plan: ServerPlan) -> String {
    match plan.try_start() {
        Ok(_) => panic!("it started"),
        Err(error) => {
            assert_eq!(error.status.and_then(|s| s.code()), Some(1), "{error}");
            error.log
        }
    }
}

#[test]
fn a_second_server_leaves_the_append_only_files_alone() {
    let directory = TempDir::new("second");
    let with_file = || with_file_in(directory.path());
    let mut first = with_file().start();
    first.call(&["SET", "before", "1"]).expect_ok();
    // What the second would take for a torn tail is the beginning of what the first goes on with.
    let before = files(directory.path());
    let said = refused(with_file());
    assert!(
        said.contains("in use by another server") && said.contains("option 'dir'"),
        "{said}"
    );
    assert_eq!(files(directory.path()), before);
    for nth in 0..50 {
        first.call(&["SET", &format!("key:{nth}"), "v"]).expect_ok();
    }
    first.kill();
    drop(first);
    let again = with_file().start();
    assert_eq!(again.call(&["DBSIZE"]).int(), 51);
    // Files of another name are nobody's business.
    let other = with_file().option("appendfilename", "other.aof").start();
    other.call(&["SET", "mine", "1"]).expect_ok();
}

#[test]
fn turning_the_file_on_in_a_shared_directory_is_refused_while_another_writes_it() {
    let directory = TempDir::new("second");
    let mut first = plan_in(directory.path())
        .option("appendonly", "yes")
        .option("appendfsync", "always")
        .start();
    first.call(&["SET", "theirs", "1"]).expect_ok();
    // Without the file a second server may share the directory, as in Redis.
    let second = plan_in(directory.path())
        .option("enable-debug-command", "yes")
        .start();
    let mut conn = second.connect();
    conn.line("SET ours 1").expect_ok();
    let before = files(directory.path());
    let reply = conn.line("CONFIG SET appendonly yes");
    assert_eq!(
        reply.error(),
        Some(
            "ERR CONFIG SET failed (possibly related to argument 'appendonly') - Unable to turn \
             on AOF. Check server logs."
        )
    );
    eventually("the log says why", LIMIT, || {
        second.log().contains("in use by another server")
    });
    eventually("it is off", LIMIT, || {
        conn.line("CONFIG GET appendonly").texts() == ["appendonly", "no"]
    });
    assert_eq!(conn.info("aof_enabled").unwrap().as_deref(), Some("0"));
    // Nor does a rewrite write there while the file is off, or a load cut what it reads.
    conn.line("BGREWRITEAOF");
    eventually("the rewrite has failed", LIMIT, || {
        conn.info("aof_last_bgrewrite_status").unwrap().as_deref() == Some("err")
            && conn.info("aof_rewrite_in_progress").unwrap().as_deref() == Some("0")
    });
    let reply = conn.line("DEBUG LOADAOF");
    assert!(reply.error().is_some(), "{reply:?}");
    assert_eq!(files(directory.path()), before);
    assert_eq!(conn.line("DBSIZE").int(), 1);
    first.stop();
    conn.line("CONFIG SET appendonly yes").expect_ok();
    // It is the second's now, until it is turned off.
    refused(plan_in(directory.path()).option("appendonly", "yes"));
    conn.line("CONFIG SET appendonly no").expect_ok();
    let mut third = plan_in(directory.path())
        .option("appendonly", "yes")
        .start();
    assert_eq!(third.call(&["GET", "ours"]).text(), "1");
    third.stop();
}

/// The tutorial, typed in one directory: all nodes but the first are told what to do.
#[test]
fn nodes_in_one_directory_say_what_to_do_and_touch_nothing() {
    let directory = TempDir::new("second");
    let node = || {
        plan_in(directory.path())
            .option("cluster-enabled", "yes")
            .option("cluster-config-file", "nodes.conf")
            .option("appendonly", "yes")
            .option("pidfile", "node.pid")
    };
    let first = node().start();
    let pid = std::fs::read_to_string(directory.path().join("node.pid")).unwrap();
    assert_eq!(pid.trim(), first.id().to_string());
    let before = files(directory.path());
    for _ in 0..5 {
        let said = refused(node());
        assert!(
            said.contains("already used by a different Redis Cluster node")
                && said.contains("give each node a directory of its own (option 'dir'"),
            "{said}"
        );
        assert_eq!(files(directory.path()), before);
    }
    assert_eq!(first.call(&["PING"]).text(), "PONG");
}

#[test]
fn a_server_whose_file_is_new_begins_with_the_dump() {
    for kind in [Program::Shoal, Program::Redis70] {
        let directory = TempDir::new("second");
        let mut server = Server::of(kind)
            .option("dir", directory.path().to_str().unwrap())
            .start();
        server.call(&["SET", "key", "from the dump"]).expect_ok();
        server.call(&["SAVE"]).expect_ok();
        server.kill();
        let dump = std::fs::read(directory.path().join("dump.rdb")).unwrap();
        let with_file = || {
            plan_in(directory.path())
                .option("appendonly", "yes")
                .option("appendfsync", "always")
        };
        let mut server = with_file().start();
        assert_eq!(server.call(&["GET", "key"]).text(), "from the dump");
        assert!(
            server
                .log()
                .contains("it begins with the data set of the dump"),
            "{}",
            server.log()
        );
        server.call(&["SET", "later", "1"]).expect_ok();
        assert_eq!(
            std::fs::read(directory.path().join("dump.rdb")).unwrap(),
            dump
        );
        server.kill();
        // From here on the file counts, not the dump.
        std::fs::remove_file(directory.path().join("dump.rdb")).unwrap();
        let server = with_file().start();
        assert_eq!(
            server.call(&["MGET", "key", "later"]).texts(),
            ["from the dump", "1"]
        );
    }
}

#[test]
fn a_dump_that_cannot_be_loaded_is_not_passed_over() {
    let directory = TempDir::new("second");
    std::fs::write(directory.path().join("dump.rdb"), b"REDIS0010 nonsense").unwrap();
    let said = refused(plan_in(directory.path()).option("appendonly", "yes"));
    assert!(said.contains("dump.rdb"), "{said}");
}

#[test]
fn what_no_manifest_lists_is_never_overwritten() {
    let directory = TempDir::new("second");
    let with_file = || with_file_in(directory.path());
    let folder = directory.path().join("appendonlydir");
    let manifest = folder.join("appendonly.aof.manifest");
    let mut server = with_file().start();
    server.call(&["SET", "key", "value"]).expect_ok();
    server.kill();
    let before = files(&folder);
    let listed = std::fs::read(&manifest).unwrap();
    std::fs::remove_file(&manifest).unwrap();
    let mut server = with_file().start();
    for name in ["appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof"] {
        let path = folder.join(name).display().to_string();
        assert!(
            until(LIMIT, || server.log().contains(name).then_some(())).is_some(),
            "{}",
            server.log()
        );
        assert_eq!(files(&folder)[&path], before[&path], "{name}");
    }
    // Neither by what is written now, nor by rewrites.
    server.call(&["SET", "other", "value"]).expect_ok();
    server.call(&["BGREWRITEAOF"]);
    let mut conn = server.connect();
    eventually("the rewrite ends", LIMIT, || {
        conn.info("aof_rewrites").unwrap().as_deref() == Some("2")
    });
    server.stop();
    std::fs::write(&manifest, listed).unwrap();
    let server = with_file().start();
    assert_eq!(server.call(&["GET", "key"]).text(), "value");
}

/// The lock went with the folder, and who made it anew had none: two servers wrote one log.
#[test]
fn the_lock_comes_back_with_the_folder() {
    let directory = TempDir::new("second");
    let with_file = || with_file_in(directory.path());
    let folder = directory.path().join("appendonlydir");
    let aside = directory.path().join("aside");
    let mut first = with_file().start();
    let mut conn = first.connect();
    let rewrites = |conn: &mut testkit::Conn, count: &str| {
        conn.line("BGREWRITEAOF");
        eventually("the rewrite ends", LIMIT, || {
            conn.info("aof_rewrites").unwrap().as_deref() == Some(count)
                && conn.info("aof_rewrite_in_progress").unwrap().as_deref() == Some("0")
        });
    };
    conn.line("SET before 1").expect_ok();
    let base: u32 = conn.info("aof_rewrites").unwrap().unwrap().parse().unwrap();
    // Removed, then moved.
    std::fs::remove_dir_all(&folder).unwrap();
    eventually("the log says so", LIMIT, || {
        first.log().contains("is not there any more")
    });
    assert!(!folder.exists(), "who moves folders is not in its way");
    rewrites(&mut conn, &(base + 1).to_string());
    refused(with_file());
    std::fs::rename(&folder, &aside).unwrap();
    let elsewhere = || with_file().option("appenddirname", "aside");
    // What is written goes there still.
    refused(elsewhere());
    rewrites(&mut conn, &(base + 2).to_string());
    refused(with_file());
    for nth in 0..20 {
        conn.line(&format!("SET late:{nth} 1")).expect_ok();
    }
    let mut copy = elsewhere().start();
    assert_eq!(copy.call(&["DBSIZE"]).int(), 1);
    copy.stop();
    first.kill();
    let again = with_file().start();
    assert_eq!(again.call(&["DBSIZE"]).int(), 21);
}

#[test]
fn a_lock_that_was_removed_is_taken_anew() {
    let directory = TempDir::new("second");
    let with_file = || plan_in(directory.path()).option("appendonly", "yes");
    let first = with_file().start();
    let lock = directory.path().join("appendonlydir/appendonly.aof.lock");
    for _ in 0..2 {
        std::fs::remove_file(&lock).unwrap();
        eventually("there is one again", LIMIT, || lock.exists());
    }
    assert!(first.log().contains("taken anew"), "{}", first.log());
    refused(with_file());
    // One that was moved away and comes back is no other server's.
    let aside = directory.path().join("aside");
    std::fs::rename(&lock, &aside).unwrap();
    eventually("there is one again", LIMIT, || lock.exists());
    std::fs::rename(&aside, &lock).unwrap();
    let mut conn = first.connect();
    let status = |conn: &mut testkit::Conn| conn.info("aof_last_bgrewrite_status").unwrap();
    conn.line("BGREWRITEAOF");
    eventually("the rewrite ends", LIMIT, || {
        conn.info("aof_rewrite_in_progress").unwrap().as_deref() == Some("0")
    });
    assert_eq!(status(&mut conn).as_deref(), Some("ok"));
    refused(with_file());
}

/// Whoever has the folder by then keeps it.
#[test]
fn a_folder_that_another_made_anew_is_the_others() {
    let directory = TempDir::new("second");
    let with_file = || with_file_in(directory.path());
    let folder = directory.path().join("appendonlydir");
    let first = with_file().start();
    let mut conn = first.connect();
    conn.line("SET theirs 1").expect_ok();
    std::fs::remove_dir_all(&folder).unwrap();
    let mut second = with_file().start();
    second.call(&["SET", "ours", "1"]).expect_ok();
    let before = files(&folder);
    conn.line("BGREWRITEAOF");
    eventually("the rewrite fails", LIMIT, || {
        conn.info("aof_last_bgrewrite_status").unwrap().as_deref() == Some("err")
    });
    assert!(
        first.log().contains("in use by another server"),
        "{}",
        first.log()
    );
    assert_eq!(files(&folder), before);
    second.kill();
    drop(second);
    // It is nobody's now.
    conn.line("BGREWRITEAOF");
    eventually("the rewrite succeeds", LIMIT, || {
        conn.info("aof_last_bgrewrite_status").unwrap().as_deref() == Some("ok")
    });
    refused(with_file());
}
