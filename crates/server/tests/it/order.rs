//! The order of effects in the journal, what replies wait for, and what a pause holds.

use std::io::{ErrorKind, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use testkit::{ClusterPlan, Conn, Program, Reply, Server, TempDir, eventually};

const LIMIT: Duration = Duration::from_secs(30);

fn replica_of(primary: &Server) -> Server {
    let port = primary.port().to_string();
    let replica = Server::of(Program::Shoal)
        .option("save", "")
        .options("replicaof", &["127.0.0.1", &port])
        .start();
    let mut conn = replica.connect();
    eventually("the link is up", LIMIT, || {
        conn.info("master_link_status").expect("a reply").as_deref() == Some("up")
    });
    replica
}

/// Commands that meet the expired key `z`, `{z}2` being a key that is there.
const MEETING: &[&str] = &[
    "GET z",
    "STRLEN z",
    "GETRANGE z 0 1",
    "GETBIT z 0",
    "BITCOUNT z",
    "BITPOS z 1",
    "MGET z {z}2",
    "EXISTS z",
    "TYPE z",
    "TTL z",
    "EXPIRETIME z",
    "OBJECT ENCODING z",
    "DUMP z",
    "TOUCH z",
    "HGET z f",
    "HGETALL z",
    "LLEN z",
    "LRANGE z 0 1",
    "LPOP z",
    "HDEL z f",
    "PERSIST z",
    "EXPIRE z 100",
    "DEL z",
    "UNLINK z",
    "GETDEL z",
    "GETEX z PERSIST",
    "RENAME z {z}3",
    "COPY z {z}3",
    "COPY {z}2 z",
    "SORT z",
    "SORT z STORE {z}3",
    "APPEND z more",
    "SETRANGE z 1 x",
    "INCR z",
    "SET z new NX",
    "SET z new GET",
    "SETNX z new",
    "LPUSH z a",
    "HSET z f v",
    "BITOP OR {z}3 z {z}2",
    "LCS z {z}2",
    "SCAN 0",
    "RANDOMKEY",
];

/// A key that expires inside of a transaction is deleted there: were the deletion journalled before
/// the transaction, the replica would keep the key for ever.
#[test]
fn a_key_that_expires_in_a_transaction_is_deleted_in_its_unit() {
    let primary = Server::of(Program::Shoal).option("save", "").start();
    let replica = replica_of(&primary);
    let mut conn = primary.connect();
    for n in 0..20 {
        conn.line("MULTI").expect_ok();
        conn.line(&format!("SET z{n} v PXAT 1"));
        conn.line(&format!("GET z{n}"));
        let replies = conn.line("EXEC");
        assert_eq!(replies.array()[1], Reply::Nil);
    }
    assert_eq!(conn.line("WAIT 1 10000").int(), 1);
    assert_eq!(replica.line("DBSIZE").int(), 0);
    for meeting in MEETING {
        conn.line("FLUSHALL").expect_ok();
        conn.line("SET {z}2 there").expect_ok();
        conn.line("MULTI").expect_ok();
        conn.line("SET z v PXAT 1");
        assert_eq!(conn.line(meeting).text(), "QUEUED", "{meeting}");
        // The key is not there: whoever comes later meets nothing that is due.
        conn.line("STRLEN z");
        conn.line("EXEC").array();
        assert_eq!(conn.line("WAIT 1 10000").int(), 1);
        let (here, there) = (conn.line("DBSIZE"), replica.line("DBSIZE"));
        assert_eq!(here, there, "after {meeting}");
        let dumps = [conn.line("DUMP z"), replica.line("DUMP z")];
        assert_eq!(dumps[0], dumps[1], "after {meeting}");
    }
}

/// A file of this name in the mirror keeps syncs from ending.
const BUSY: &str = "busy";

/// A server under `always` with one worker, so that replies leave in the order of execution.
struct Always {
    server: Server,
    directory: TempDir,
}

impl Always {
    fn start() -> Always {
        let directory = TempDir::new("order");
        let mirror = directory.path().join("m");
        let server = Server::of(Program::Shoal)
            .directory(directory.path())
            .option("appendonly", "yes")
            .option("appendfsync", "always")
            .option("io-threads", "1")
            .option("save", "")
            .option("enable-debug-command", "yes")
            .env("SHOAL_TEST_AOF_MIRROR", mirror.to_str().expect("a name"))
            .start();
        server.line("DEBUG SET-ACTIVE-EXPIRE 0").expect_ok();
        Always { server, directory }
    }

    /// From now on no sync ends.
    fn stall(&self) {
        let busy = self.directory.path().join("m").join(BUSY);
        std::fs::write(busy, "").expect("it is written");
    }

    fn go_on(&self) {
        let busy = self.directory.path().join("m").join(BUSY);
        std::fs::remove_file(busy).expect("it was there");
    }

    /// Sends a command that is executed when this returns; its reply must be held back.
    fn hold(&self, admin: &mut Conn, conn: &mut Conn, command: &str) {
        let name = command.split(' ').next().expect("a name").to_lowercase();
        let field = format!("cmdstat_{name}");
        let mut calls = || {
            let line = admin.info(&field).expect("a reply").unwrap_or_default();
            line.split(',').next().unwrap_or_default().to_owned()
        };
        let before = calls();
        let words: Vec<&str> = command.split(' ').collect();
        conn.send(&words).expect("it is sent");
        eventually("it is executed", LIMIT, || calls() != before);
        assert!(is_silent(conn), "{command} was answered before the sync");
    }
}

/// Whether nothing has come.
fn is_silent(conn: &Conn) -> bool {
    let stream = conn.stream();
    stream.set_nonblocking(true).expect("it is a socket");
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false).expect("it is a socket");
    matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// Whoever sees what FLUSHALL, FLUSHDB, SWAPDB or SCAN did waits for its sync, in whichever slot it
/// looks; and so does who learns from a nil EXEC that another has written.
#[test]
fn what_changes_every_slot_holds_the_replies_of_others_back() {
    for change in ["FLUSHALL", "FLUSHDB", "SWAPDB 0 1"] {
        let always = Always::start();
        let [mut admin, mut writer, mut reader] = [(); 3].map(|()| always.server.connect());
        writer.line("SET k v").expect_ok();
        always.stall();
        always.hold(&mut admin, &mut writer, change);
        always.hold(&mut admin, &mut reader, "GET k");
        // Who sees no slot goes on.
        assert_eq!(admin.line("PING").text(), "PONG");
        always.go_on();
        writer.receive().expect("an answer").expect_ok();
        assert_eq!(reader.receive().expect("an answer"), Reply::Nil, "{change}");
    }
}

#[test]
fn a_scan_waits_for_the_deletions_that_it_made() {
    let always = Always::start();
    let [mut admin, mut writer, mut scanner] = [(); 3].map(|()| always.server.connect());
    // The expired key lies in a slot before that of the others (3300 and 15495).
    for n in 0..200 {
        writer.line(&format!("SET {{a}}{n} v")).expect_ok();
    }
    writer.line("SET b v PXAT 1").expect_ok();
    always.stall();
    always.hold(&mut admin, &mut scanner, "SCAN 0 COUNT 5");
    always.go_on();
    let reply = scanner.receive().expect("an answer");
    assert_ne!(reply.array()[0].text(), "0", "it stops among the others");
}

#[test]
fn an_exec_that_says_nil_waits_for_the_write_that_it_tells_of() {
    let always = Always::start();
    let [mut admin, mut writer, mut watcher] = [(); 3].map(|()| always.server.connect());
    watcher.line("WATCH k").expect_ok();
    watcher.line("MULTI").expect_ok();
    watcher.line("PING");
    always.stall();
    always.hold(&mut admin, &mut writer, "SET k v");
    always.hold(&mut admin, &mut watcher, "EXEC");
    always.go_on();
    assert_eq!(watcher.receive().expect("an answer"), Reply::Nil);
}

/// WAIT asks replicas for acknowledgements through the stream, whose offset must stand while a
/// failover goes on.
#[test]
fn a_failover_ends_beside_a_client_that_waits_for_replicas() {
    let plan = ClusterPlan::mixed(&[Program::Shoal; 3], &[Program::Shoal]);
    let cluster = plan.start();
    let over = Arc::new(AtomicBool::new(false));
    let waiting = {
        let (mut conn, over) = (cluster.nodes[0].connect(), over.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::SeqCst) {
                // Its node becomes a replica, which refuses it.
                let _ = conn.try_call(&["WAIT", "2", "1"]);
            }
        })
    };
    let replica = &cluster.nodes[3];
    replica.line("CLUSTER FAILOVER").expect_ok();
    let mut conn = replica.connect();
    let limit = Duration::from_secs(20);
    eventually("the replica has taken over", limit, || {
        conn.info("role").expect("a reply").as_deref() == Some("master")
    });
    over.store(true, Ordering::SeqCst);
    waiting.join().expect("the client ends");
    assert!(!replica.log().contains("timed out"), "{}", replica.log());
}

fn offset(conn: &mut Conn) -> String {
    let offset = conn.info("master_repl_offset").expect("a reply");
    offset.expect("a field")
}

/// A key whose journey ends while writes are paused is deleted when the pause is over.
#[test]
fn a_pause_holds_the_end_of_a_migration() {
    let server = Server::of(Program::Shoal).option("save", "").start();
    let _replica = replica_of(&server);
    let target = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = target.local_addr().expect("an address").port().to_string();
    let (mut conn, mut sender) = (server.connect(), server.connect());
    conn.line("SET k v").expect_ok();
    let order = ["MIGRATE", "127.0.0.1", &port, "k", "0", "60000"];
    sender.send(&order).expect("it is sent");
    let (mut socket, _) = target.accept().expect("a connection");
    await_restore(&mut socket);
    conn.line("CLIENT PAUSE 100000 WRITE").expect_ok();
    let before = offset(&mut conn);
    socket.write_all(b"+OK\r\n+OK\r\n").expect("it is sent");
    // WAIT asks replicas only when the pause is over, too.
    for _ in 0..50 {
        conn.line("WAIT 2 1");
        assert_eq!(offset(&mut conn), before);
    }
    conn.line("CLIENT UNPAUSE").expect_ok();
    sender.receive().expect("an answer").expect_ok();
    assert_eq!(conn.line("GET k"), Reply::Nil);
    assert_ne!(offset(&mut conn), before);
}

fn await_restore(socket: &mut TcpStream) {
    use std::io::Read as _;
    let (mut got, mut chunk) = (Vec::new(), [0; 4096]);
    while !got.windows(7).any(|word| word == b"RESTORE") {
        let read = socket.read(&mut chunk).expect("a request");
        assert_ne!(read, 0, "it has sent the key");
        got.extend_from_slice(&chunk[..read]);
    }
}

/// The keys of a slot that another node took stay while writes are paused.
#[test]
fn a_pause_holds_the_deletion_of_lost_slots() {
    let plan = ClusterPlan::mixed(&[Program::Shoal; 2], &[Program::Shoal]);
    let cluster = plan.start();
    let node = &cluster.nodes[0];
    let mut conn = node.connect();
    let count = ["CLUSTER", "COUNTKEYSINSLOT", "3028"];
    conn.line("SET FOO x").expect_ok();
    assert_eq!(conn.line("WAIT 1 10000").int(), 1);
    conn.line("CLIENT PAUSE 100000 WRITE").expect_ok();
    let before = offset(&mut conn);
    let taker = cluster.id(1);
    cluster.nodes[1].line("CLUSTER BUMPEPOCH");
    cluster.nodes[1]
        .line(&format!("CLUSTER SETSLOT 3028 NODE {taker}"))
        .expect_ok();
    eventually("the log says that they wait", LIMIT, || {
        node.log().contains("when the pause is over")
    });
    assert_eq!(conn.call(&count).int(), 1);
    assert_eq!(offset(&mut conn), before);
    conn.line("CLIENT UNPAUSE").expect_ok();
    eventually("the key is gone", LIMIT, || conn.call(&count).int() == 0);
}
