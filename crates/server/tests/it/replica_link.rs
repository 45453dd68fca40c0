//! The link from a replica to its primary: what it tells, and what does not cut it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use testkit::{ClusterPlan, Conn, Program, Server, wait_for};

const LIMIT: Duration = Duration::from_secs(30);

fn start(program: Program, append_only: bool) -> Server {
    let word = if append_only { "yes" } else { "no" };
    Server::of(program)
        .option("appendonly", word)
        .option("repl-diskless-sync-delay", "0")
        .start()
}

fn follow(replica: &Server, primary: &Server) {
    replica
        .line(&format!("REPLICAOF 127.0.0.1 {}", primary.port()))
        .expect_ok();
}

fn await_link(replica: &Server, status: &str) {
    wait_for(&format!("the link is {status}"), LIMIT, || {
        let mut conn = replica.try_connect().ok()?;
        let found = conn.info("master_link_status").ok()??;
        (found == status).then_some(())
    });
}

/// Redis 7.2 and later believe a replica's FACK; they ask for it in WAITAOF.
#[test]
fn a_primary_learns_what_is_on_the_replicas_disk() {
    let (primary, replica) = (start(Program::Redis74, false), start(Program::Shoal, true));
    follow(&replica, &primary);
    await_link(&replica, "up");
    let mut conn = primary.connect();
    for value in 0..3 {
        conn.call(&["SET", "k", &value.to_string()]).expect_ok();
        let reply = conn.call(&["WAITAOF", "0", "1", "20000"]);
        assert_eq!(reply.array()[1].int(), 1, "{reply:?}");
    }
    // Without an append-only file nothing of the kind is claimed.
    let bare = start(Program::Shoal, false);
    follow(&bare, &primary);
    await_link(&bare, "up");
    conn.call(&["SET", "k", "last"]).expect_ok();
    let reply = conn.call(&["WAITAOF", "0", "2", "3000"]);
    assert_eq!(reply.array()[1].int(), 1, "{reply:?}");
}

#[test]
fn a_new_password_reaches_the_link() {
    let primary = start(Program::Redis70, false);
    let set = |conn: &mut Conn, name: &str, value: &str| {
        conn.call(&["CONFIG", "SET", name, value]).expect_ok();
    };
    let replica = start(Program::Shoal, false);
    let mut conn = primary.connect();
    set(&mut conn, "requirepass", "secret");
    follow(&replica, &primary);
    await_link(&replica, "down");
    set(&mut replica.connect(), "masterauth", "secret");
    await_link(&replica, "up");
    // A live link stays; the next one goes by the new word.
    set(&mut replica.connect(), "masterauth", "other");
    set(&mut conn, "requirepass", "other");
    conn.call(&["CLIENT", "KILL", "TYPE", "replica"]);
    conn.call(&["SET", "k", "v"]).expect_ok();
    wait_for("the replica has it", LIMIT, || {
        (replica.line("GET k") == testkit::Reply::Bulk(b"v".into())).then_some(())
    });
}

#[test]
fn the_same_primary_again_does_not_cut_the_link() {
    let cluster = ClusterPlan::of(Program::Shoal, 1, 1).start();
    let syncs = || {
        let mut conn = cluster.nodes[0].connect();
        let mut count = |field| conn.info(field).expect("a reply").expect("a field");
        [count("sync_full"), count("sync_partial_ok")]
    };
    let before = syncs();
    let mut replica = cluster.nodes[1].connect();
    for _ in 0..3 {
        let line = format!("CLUSTER REPLICATE {}", cluster.id(0));
        replica.line(&line).expect_ok();
    }
    cluster.nodes[0].line("SET k v").expect_ok();
    replica.call(&["READONLY"]).expect_ok();
    wait_for("the replica has it", LIMIT, || {
        let reply = replica.call(&["GET", "k"]);
        (reply == testkit::Reply::Bulk(b"v".into())).then_some(())
    });
    assert_eq!(syncs(), before);
}

#[test]
fn either_end_can_end_the_link() {
    let (primary, replica) = (start(Program::Shoal, false), start(Program::Shoal, false));
    follow(&replica, &primary);
    await_link(&replica, "up");
    let partial = || {
        let found = primary.connect().info("sync_partial_ok").expect("a reply");
        found.expect("a field")
    };
    // The replica shows its primary as a client, as Redis does.
    let list = replica.line("CLIENT LIST TYPE master").text();
    let address = format!("127.0.0.1:{}", primary.port());
    assert!(list.contains(&format!(" addr={address} ")), "{list}");
    assert!(
        list.contains(" flags=M ") && list.lines().count() == 1,
        "{list}"
    );
    let before = partial();
    replica.line(&format!("CLIENT KILL {address}")).expect_ok();
    wait_for("the link is made anew", LIMIT, || {
        (partial() != before).then_some(())
    });
    await_link(&replica, "up");
    assert_eq!(
        replica
            .line("CLIENT LIST TYPE master")
            .text()
            .lines()
            .count(),
        1
    );
    // A replica that was cut off does not count from that moment on.
    let mut conn = primary.connect();
    conn.call(&["MULTI"]).expect_ok();
    conn.call(&["CLIENT", "KILL", "TYPE", "replica"]);
    conn.call(&["INFO", "replication"]);
    let replies = conn.call(&["EXEC"]);
    let replies = replies.array();
    assert_eq!(replies[0].int(), 1);
    assert!(replies[1].text().contains("connected_slaves:0"));
    // A primary has no primary.
    await_link(&replica, "up");
    replica.line("REPLICAOF NO ONE").expect_ok();
    assert_eq!(replica.line("CLIENT LIST TYPE master").text(), "");
}

#[test]
fn a_smaller_backlog_counts_at_once() {
    let (primary, replica) = (start(Program::Shoal, false), start(Program::Shoal, false));
    follow(&replica, &primary);
    await_link(&replica, "up");
    let full = || primary.connect().info("sync_full").expect("a reply");
    assert_eq!(full().as_deref(), Some("1"));
    let mut conn = primary.connect();
    conn.call(&["CONFIG", "SET", "repl-backlog-size", "100"])
        .expect_ok();
    conn.call(&["MULTI"]).expect_ok();
    conn.call(&["CLIENT", "KILL", "TYPE", "replica"]);
    conn.call(&["SET", "k", &"x".repeat(300_000)]);
    assert_eq!(conn.call(&["EXEC"]).array().len(), 2);
    wait_for("the replica has it", LIMIT, || {
        (replica.line("STRLEN k").int() == 300_000).then_some(())
    });
    assert_eq!(full().as_deref(), Some("2"));
}

/// The deletions that MIGRATE writes are the client's writes.
#[test]
fn wait_counts_what_migrate_deleted() {
    let (primary, replica) = (start(Program::Shoal, false), start(Program::Shoal, false));
    let target = start(Program::Redis74, false);
    follow(&replica, &primary);
    await_link(&replica, "up");
    let mut conn = primary.connect();
    conn.call(&["SET", "k", "v"]).expect_ok();
    let port = target.port().to_string();
    conn.call(&["MIGRATE", "127.0.0.1", &port, "k", "0", "5000"])
        .expect_ok();
    assert_eq!(conn.call(&["WAIT", "1", "20000"]).int(), 1);
    assert_eq!(replica.line("EXISTS k").int(), 0);
    assert_eq!(target.line("GET k").text(), "v");
}

/// The stream of a server, from behind `offset` to `end`, as a replica that knew it would get it.
fn stream(server: &Server, id: &str, offset: u64, end: u64) -> Vec<u8> {
    let mut socket = TcpStream::connect(("127.0.0.1", server.port())).expect("a connection");
    socket.set_read_timeout(Some(LIMIT)).expect("a time-out");
    let request = format!("PSYNC {id} {}\r\n", offset + 1);
    socket.write_all(request.as_bytes()).expect("a request");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    assert!(head.starts_with("+CONTINUE"), "{head}");
    let mut bytes = vec![0; usize::try_from(end - offset).expect("a length")];
    socket.read_exact(&mut bytes).expect("the stream");
    bytes
}

fn replicated(server: &Server, field: &str) -> u64 {
    let text = server.connect().info(field).expect("a reply");
    text.expect("a field").parse().expect("an offset")
}

/// What a replica passes on is what it got, byte for byte: else nobody could go on elsewhere after
/// a failover.
#[test]
fn a_replica_passes_its_primarys_bytes_on() {
    let (primary, replica) = (start(Program::Redis70, false), start(Program::Shoal, false));
    follow(&replica, &primary);
    await_link(&replica, "up");
    let mut conn = primary.connect();
    let id = conn.info("master_replid").expect("a reply").expect("an id");
    let begin = replicated(&primary, "master_repl_offset");
    for line in [
        "SET a 1 EX 1000",
        "SELECT 3",
        "HSET h f v g w",
        "HINCRBYFLOAT h n 1.5",
        "MULTI",
        "RPUSH l 1 2 3",
        "SETRANGE s 10 x",
        "EXPIRE l 100",
        "EXEC",
        "INCRBYFLOAT f 0.1",
        "SET gone x PX 1",
        "GETEX a PERSIST",
        "SELECT 0",
        "GETEX a PERSIST",
        "RENAME a b",
        "DEL missing",
        "SWAPDB 0 3",
        "FLUSHDB",
    ] {
        assert_eq!(conn.line(line).error(), None, "{line}");
    }
    let end = replicated(&primary, "master_repl_offset");
    wait_for("the replica has it", LIMIT, || {
        (replicated(&replica, "slave_repl_offset") >= end).then_some(())
    });
    let (theirs, ours) = (
        stream(&primary, &id, begin, end),
        stream(&replica, &id, begin, end),
    );
    assert!(!theirs.is_empty());
    assert_eq!(
        ours.escape_ascii().to_string(),
        theirs.escape_ascii().to_string()
    );
}

/// CLIENT PAUSE on a replica holds what its primary sends; it is read, and is not applied.
#[test]
fn a_paused_replica_holds_its_stream() {
    for program in [Program::Redis74, Program::Shoal] {
        let (primary, replica) = (start(program, false), start(program, false));
        follow(&replica, &primary);
        await_link(&replica, "up");
        let (mut here, mut there) = (primary.connect(), replica.connect());
        let set = |conn: &mut Conn, value: &str| conn.call(&["SET", "k", value]).expect_ok();
        let get = |conn: &mut Conn| conn.call(&["GET", "k"]).text();
        let await_offset = |field: &str| {
            wait_for(field, LIMIT, || {
                let end = replicated(&primary, "master_repl_offset");
                (replicated(&replica, field) >= end).then_some(())
            });
        };
        set(&mut here, "before");
        await_offset("slave_repl_offset");
        there
            .call(&["CLIENT", "PAUSE", "600000", "WRITE"])
            .expect_ok();
        let stood = replicated(&replica, "slave_repl_offset");
        set(&mut here, "after");
        await_offset("slave_read_repl_offset");
        assert_eq!(replicated(&replica, "slave_repl_offset"), stood);
        assert_eq!(get(&mut there), "before", "{program:?}");
        // It tells its primary what it has applied, and the link stays.
        assert_eq!(here.call(&["WAIT", "1", "300"]).int(), 0, "{program:?}");
        there.call(&["CLIENT", "UNPAUSE"]).expect_ok();
        assert_eq!(here.call(&["WAIT", "1", "20000"]).int(), 1, "{program:?}");
        assert_eq!(get(&mut there), "after", "{program:?}");
        // A promotion does not wait for the end of a pause; what was held is gone.
        there
            .call(&["CLIENT", "PAUSE", "600000", "WRITE"])
            .expect_ok();
        set(&mut here, "lost");
        await_offset("slave_read_repl_offset");
        there.call(&["REPLICAOF", "NO", "ONE"]).expect_ok();
        there.call(&["CLIENT", "UNPAUSE"]).expect_ok();
        assert_eq!(get(&mut there), "after", "{program:?}");
    }
}

/// What clients write on a writable replica is its own affair: nobody downstream gets it, its
/// offset is its primary's, and it deletes itself what its clients let expire.
#[test]
fn writes_on_a_replica_stay_there_and_expire_there() {
    for program in [Program::Redis74, Program::Shoal] {
        let plan = Server::of(program).option("repl-diskless-sync-delay", "0");
        let plan = plan.option("enable-debug-command", "yes");
        let primary = plan.start();
        let replica = start(program, true);
        let below = start(program, false);
        follow(&replica, &primary);
        await_link(&replica, "up");
        follow(&below, &replica);
        await_link(&below, "up");
        let (mut here, mut there) = (primary.connect(), replica.connect());
        there
            .call(&["CONFIG", "SET", "replica-read-only", "no"])
            .expect_ok();
        here.line("DEBUG SET-ACTIVE-EXPIRE 0").expect_ok();
        here.line("SET theirs v PX 1").expect_ok();
        assert_eq!(here.call(&["WAIT", "1", "20000"]).int(), 1);
        let number = |conn: &mut Conn, field: &str| {
            let text = conn.info(field).expect("a reply").expect("a field");
            text.parse::<i64>().expect("a number")
        };
        there.line("SET mine v EX 1000").expect_ok();
        there.line("SET short v").expect_ok();
        assert_eq!(number(&mut there, "slave_expires_tracked_keys"), 1);
        for line in ["PEXPIRE mine 1", "PEXPIRE short 1"] {
            assert_eq!(there.line(line).int(), 1, "{program:?}");
        }
        there.line("MULTI").expect_ok();
        there.line("SET a v PX 1");
        there.line("SET b v PX 1");
        there.line("EXEC");
        wait_for("what is due is deleted", LIMIT, || {
            (number(&mut there, "expired_keys") == 4).then_some(())
        });
        // What the primary let expire stays until the primary deletes it.
        assert_eq!(there.line("GET theirs"), testkit::Reply::Nil);
        assert_eq!(there.line("DBSIZE").int(), 1, "{program:?}");
        wait_for("none is left", LIMIT, || {
            (number(&mut there, "slave_expires_tracked_keys") == 0).then_some(())
        });
        let end = replicated(&primary, "master_repl_offset");
        assert_eq!(
            replicated(&replica, "slave_repl_offset"),
            end,
            "{program:?}"
        );
        here.line("SET last v").expect_ok();
        wait_for("the stream goes on below", LIMIT, || {
            (below.line("EXISTS last").int() == 1).then_some(())
        });
        assert_eq!(below.line("EXISTS mine short a b").int(), 0);
        // The file of the replica has its own writes, and that they are gone.
        let file = replica.directory().join("appendonlydir");
        let text = std::fs::read_dir(file).expect("a directory").flatten();
        let text: Vec<u8> = text
            .flat_map(|entry| std::fs::read(entry.path()).expect("a file"))
            .collect();
        let text = text.to_ascii_uppercase().escape_ascii().to_string();
        for word in ["SHORT", "MULTI"] {
            assert!(text.contains(word), "{program:?}: {word} in {text}");
        }
        assert!(
            text.contains(r"DEL\r\n$5\r\nSHORT") || text.contains(r"UNLINK\r\n$5\r\nSHORT"),
            "{program:?}: {text}"
        );
    }
}

/// A replica that says nothing after its request.
fn mute(primary: &Server) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", primary.port())).expect("a connection");
    socket.write_all(b"PSYNC ? -1\r\n").expect("a request");
    wait_for("the replica is served", LIMIT, || {
        (replicated(primary, "connected_slaves") == 1).then_some(())
    });
    socket
}

fn await_no_replica(primary: &Server) {
    wait_for("the replica is given up", LIMIT, || {
        (replicated(primary, "connected_slaves") == 0).then_some(())
    });
}

/// They reached links that began later only.
#[test]
fn new_limits_reach_live_links() {
    let mut primary = start(Program::Shoal, false);
    let set = |server: &Server, name: &str, value: &str| {
        server.call(&["CONFIG", "SET", name, value]).expect_ok();
    };
    set(&primary, "repl-timeout", "3600");

    let mut silent = mute(&primary);
    set(&primary, "repl-timeout", "1");
    // Its place is read, so that nothing but its silence ends it.
    let reader = std::thread::spawn(move || std::io::copy(&mut silent, &mut std::io::sink()));
    await_no_replica(&primary);
    // Ended by either side.
    let _ = reader.join().expect("a thread");

    set(&primary, "repl-timeout", "3600");
    let slow = mute(&primary);
    set(&primary, "client-output-buffer-limit", "replica 1mb 0 0");
    let value = "v".repeat(1 << 20);
    wait_for("the slow replica is cut off", LIMIT, || {
        primary.call(&["SET", "k", &value]).expect_ok();
        (replicated(&primary, "connected_slaves") == 0).then_some(())
    });
    assert!(primary.log().contains("overcoming of output buffer limits"));
    drop(slow);

    let replica = start(Program::Shoal, false);
    follow(&replica, &primary);
    await_link(&replica, "up");
    primary.pause();
    set(&replica, "repl-timeout", "1");
    await_link(&replica, "down");
    primary.resume();
}

/// Its sender waits in a write and asks for no limits then.
#[test]
fn new_limits_reach_a_replica_that_reads_nothing() {
    let primary = Server::of(Program::Shoal)
        .option("repl-diskless-sync-delay", "0")
        .option("repl-timeout", "3600")
        .option("repl-backlog-size", "512mb")
        .start();
    let set = |name: &str, value: &str| {
        primary.call(&["CONFIG", "SET", name, value]).expect_ok();
    };
    let mut slow = TcpStream::connect(("127.0.0.1", primary.port())).expect("a connection");
    slow.write_all(b"SYNC\r\n").expect("a request");
    wait_for("the replica is online", LIMIT, || {
        let found = primary.connect().info("slave0").expect("a reply")?;
        found.contains("state=online").then_some(())
    });
    // More than sockets hold.
    let value = "v".repeat(1 << 20);
    for _ in 0..64 {
        primary.call(&["SET", "k", &value]).expect_ok();
    }
    set("client-output-buffer-limit", "replica 1mb 0 0");
    assert_eq!(
        replicated(&primary, "connected_slaves"),
        1,
        "the backlog is kept anyway"
    );
    set("repl-backlog-size", "1mb");
    await_no_replica(&primary);
    assert!(primary.log().contains("overcoming of output buffer limits"));
    drop(slow);
}
