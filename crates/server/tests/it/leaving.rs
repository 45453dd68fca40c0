//! Commands on keys that MIGRATE is sending wait until it is known what became of them.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use testkit::{Program, Reply, Server};

/// A target that answers only when it is told to.
struct Target(TcpListener);

impl Target {
    fn new() -> Target {
        Target(TcpListener::bind("127.0.0.1:0").expect("a port"))
    }

    fn port(&self) -> String {
        let address = self.0.local_addr().expect("an address");
        address.port().to_string()
    }

    /// The connection on which a key has arrived: it is leaving by now.
    fn receive(&self) -> TcpStream {
        let (mut socket, _) = self.0.accept().expect("a connection");
        let mut got = Vec::new();
        let mut chunk = [0; 4096];
        while !got.windows(7).any(|word| word == b"RESTORE") {
            let read = socket.read(&mut chunk).expect("a request");
            assert_ne!(read, 0, "it has sent the key");
            got.extend_from_slice(&chunk[..read]);
        }
        socket
    }
}

/// Answers SELECT and RESTORE.
const ARRIVED: &[u8] = b"+OK\r\n+OK\r\n";

/// One worker: what was sent before a command that was answered has been looked at.
fn server() -> Server {
    let plan = Server::of(Program::Shoal).option("save", "");
    plan.option("io-threads", "1").start()
}

#[test]
fn commands_on_a_key_that_leaves_see_what_became_of_it() {
    for arrives in [true, false] {
        let (server, target) = (server(), Target::new());
        let mut other = server.connect();
        other.line("MSET k v {k}2 v").expect_ok();
        let (mut get, mut exec) = (server.connect(), server.connect());
        exec.line("MULTI").expect_ok();
        exec.line("APPEND {k}2 more");
        exec.line("APPEND k more");
        let patience = if arrives { "60000" } else { "300" };
        let port = target.port();
        let order = ["MIGRATE", "127.0.0.1", &port, "k", "0", patience];
        let mut sender = server.connect();
        sender.send(&order).expect("it is sent");
        let mut socket = target.receive();
        get.send(&["GET", "k"]).expect("it is sent");
        exec.send(&["EXEC"]).expect("it is sent");
        for _ in 0..3 {
            assert_eq!(other.line("GET {k}2"), Reply::Bulk(b"v".into()));
        }
        if arrives {
            socket.write_all(ARRIVED).expect("it is sent");
        }
        let answer = sender.receive().expect("an answer");
        let got = get.receive().expect("an answer");
        let done = exec.receive().expect("an answer");
        if arrives {
            answer.expect_ok();
            // EXEC may be first, and then GET sees what it wrote.
            assert_ne!(got, Reply::Bulk(b"v".into()));
            assert_eq!(done, Reply::Array(vec![Reply::Int(5), Reply::Int(4)]));
        } else {
            let text = answer.error().expect("an error");
            assert!(text.starts_with("IOERR"), "{text}");
            assert!(got.text().starts_with('v'), "{got:?}");
            assert_eq!(done, Reply::Array(vec![Reply::Int(5), Reply::Int(5)]));
        }
    }
}

/// The second finds that the key is not there any more.
#[test]
fn a_second_migrate_of_the_key_waits_for_the_first() {
    let (server, first, second) = (server(), Target::new(), Target::new());
    let mut conn = server.connect();
    conn.line("SET k v").expect_ok();
    let migrate = |target: &Target| {
        let mut conn = server.connect();
        let (port, wait) = (target.port(), "60000");
        conn.send(&["MIGRATE", "127.0.0.1", &port, "k", "0", wait])
            .expect("it is sent");
        conn
    };
    let mut one = migrate(&first);
    let mut socket = first.receive();
    let mut two = migrate(&second);
    for _ in 0..3 {
        assert_eq!(server.line("PING").text(), "PONG");
    }
    socket.write_all(ARRIVED).expect("it is sent");
    one.receive().expect("an answer").expect_ok();
    assert_eq!(two.receive().expect("an answer").text(), "NOKEY");
}

/// Each had one of the keys and waited for the other, for ever.
#[test]
fn two_migrates_with_the_same_keys_in_opposite_order_both_end() {
    let server = Server::of(Program::Shoal).option("save", "").start();
    let targets = [(); 2].map(|()| Server::of(Program::Shoal).option("save", "").start());
    let element = "x".repeat(1 << 16);
    let mut conn = server.connect();
    for key in ["one", "other"] {
        let mut push = vec!["RPUSH", key];
        push.resize(66, &element);
        for _ in 0..2 {
            assert!(conn.call(&push).error().is_none());
        }
    }
    let migrate = |target: &Server, keys: [&str; 2]| {
        let (mut conn, port) = (server.connect(), target.port().to_string());
        let head = ["MIGRATE", "127.0.0.1", &port, "", "0", "60000"];
        let tail = ["COPY", "REPLACE", "KEYS", keys[0], keys[1]];
        let command: Vec<&str> = head.into_iter().chain(tail).collect();
        conn.send(&command).expect("it is sent");
        conn
    };
    for _ in 0..10 {
        let mut both = [
            migrate(&targets[0], ["one", "other"]),
            migrate(&targets[1], ["other", "one"]),
        ];
        for conn in &mut both {
            conn.receive().expect("it ends").expect_ok();
        }
    }
    for target in &targets {
        assert_eq!(target.line("LLEN other"), Reply::Int(128));
    }
}

#[test]
fn a_migrate_waits_for_another_no_longer_than_its_time() {
    let (server, first, second) = (server(), Target::new(), Target::new());
    let mut other = server.connect();
    other.line("MSET k v {k}2 v").expect_ok();
    let migrate = |target: &Target, timeout: &str| {
        let (mut conn, port) = (server.connect(), target.port());
        let head = ["MIGRATE", "127.0.0.1", &port, "", "0", timeout];
        let command: Vec<&str> = head.into_iter().chain(["KEYS", "{k}2", "k"]).collect();
        conn.send(&command).expect("it is sent");
        conn
    };
    let _one = migrate(&first, "60000");
    let _socket = first.receive();
    let mut two = migrate(&second, "200");
    let reply = two.receive().expect("it ends");
    reply.expect_error("IOERR error or timeout writing to target instance");
}

/// A target that takes what it is sent, one answer at a time.
fn send_on_its_way(conn: &mut testkit::Conn, target: &Target, keys: &[&str]) -> TcpStream {
    let port = target.port();
    let head = ["MIGRATE", "127.0.0.1", &port, "", "0", "60000", "KEYS"];
    let command: Vec<&str> = head.iter().chain(keys).copied().collect();
    conn.send(&command).expect("it is sent");
    target.receive()
}

/// Such a key is hidden and stays: the search for a random one that lives went on for ever.
#[test]
fn a_random_key_is_found_beside_one_that_leaves_and_has_expired() {
    let (server, target) = (server(), Target::new());
    let mut other = server.connect();
    other.line("PSETEX k 150 v").expect_ok();
    let mut sender = server.connect();
    let _socket = send_on_its_way(&mut sender, &target, &["k"]);
    let expired = || server.connect().line("PTTL x") == Reply::Int(-2);
    assert!(expired());
    testkit::eventually("its time is up", std::time::Duration::from_secs(10), || {
        server.connect().line("DBSIZE");
        server.connect().line("SCAN 0").array()[1]
            .array()
            .is_empty()
    });
    for lines in [vec!["RANDOMKEY"], vec!["MULTI", "RANDOMKEY", "EXEC"]] {
        let mut conn = server.connect();
        for line in lines {
            assert!(conn.line(line).error().is_none(), "{line}");
        }
    }
    other.line("SET other v").expect_ok();
}

/// The key was deleted in the database that had got its number meanwhile.
#[test]
fn what_leaves_is_deleted_where_it_was_after_databases_were_swapped() {
    let (server, target) = (server(), Target::new());
    let mut other = server.connect();
    other.line("SET k sent").expect_ok();
    other.line("SELECT 1").expect_ok();
    other.line("SET k stays").expect_ok();
    let mut sender = server.connect();
    let mut socket = send_on_its_way(&mut sender, &target, &["k"]);
    other.line("SWAPDB 0 1").expect_ok();
    socket.write_all(ARRIVED).expect("it is sent");
    sender.receive().expect("it ends").expect_ok();
    assert_eq!(other.line("EXISTS k"), Reply::Int(0));
    other.line("SELECT 0").expect_ok();
    assert_eq!(other.line("GET k").text(), "stays");
}

/// An order that ends took back the mark of another on a key that it was done with.
#[test]
fn an_order_that_ends_leaves_the_marks_of_others() {
    let (server, first, second) = (server(), Target::new(), Target::new());
    let mut other = server.connect();
    other.line("MSET {k}1 v {k}2 v").expect_ok();
    let (mut one, mut two) = (server.connect(), server.connect());
    let mut socket = send_on_its_way(&mut one, &first, &["{k}1", "{k}2"]);
    // The first key has arrived, the second is refused later.
    socket.write_all(ARRIVED).expect("it is sent");
    testkit::eventually("it is gone", std::time::Duration::from_secs(10), || {
        server.connect().line("EXISTS {k}1") == Reply::Int(0)
    });
    other.line("SET {k}1 new").expect_ok();
    let mut again = send_on_its_way(&mut two, &second, &["{k}1"]);
    socket.write_all(b"-ERR no\r\n").expect("it is sent");
    one.receive()
        .expect("it ends")
        .expect_error("ERR Target instance");
    let mut late = server.connect();
    late.send(&["SET", "{k}1", "newer"]).expect("it is sent");
    // One worker: it has looked at that when it answers this.
    other.line("PING");
    again.write_all(ARRIVED).expect("it is sent");
    two.receive().expect("it ends").expect_ok();
    late.receive().expect("it goes on").expect_ok();
    assert_eq!(other.line("GET {k}1").text(), "newer");
}

/// Targets that do not answer held all threads, and the keys, long after their clients were ended.
#[test]
fn a_migrate_ends_with_its_client() {
    let limit = std::time::Duration::from_secs(30);
    for hangs_up in [false, true] {
        let (server, silent) = (server(), Target::new());
        let target = Server::of(Program::Shoal).option("save", "").start();
        let mut other = server.connect();
        let mut senders = Vec::new();
        for nth in 0..10 {
            other.line(&format!("SET k{nth} v")).expect_ok();
        }
        let port = silent.port();
        // Seven wait for an answer, one for the key of another, and the last has no thread.
        let keys = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k0", "k7"];
        let mut sockets = Vec::new();
        for (nth, key) in keys.into_iter().enumerate() {
            let mut conn = server.connect();
            conn.send(&["MIGRATE", "127.0.0.1", &port, key, "0", "600000"])
                .expect("it is sent");
            if nth < 7 {
                sockets.push(silent.receive());
            }
            senders.push(conn);
        }
        testkit::eventually("all are there", limit, || {
            let list = other.line("CLIENT LIST").text().to_owned();
            list.matches(" cmd=migrate ").count() == keys.len()
        });
        let mut get = server.connect();
        get.send(&["GET", "k0"]).expect("it is sent");
        if hangs_up {
            senders.clear();
        } else {
            for conn in &senders {
                let id = conn_id(&mut other, conn);
                let done = other.call(&["CLIENT", "KILL", "ID", &id]);
                assert_eq!(done, Reply::Int(1));
            }
        }
        assert_eq!(get.receive().expect("an answer").text(), "v");
        let port = target.port().to_string();
        let head = ["MIGRATE", "127.0.0.1", &port, "", "0", "20000", "KEYS"];
        let command: Vec<&str> = head.iter().chain(&keys).copied().collect();
        other.call(&command).expect_ok();
        assert_eq!(target.line("DBSIZE"), Reply::Int(8));
        testkit::eventually("nothing leaves", limit, || {
            other.line("DBSIZE") == Reply::Int(2)
        });
    }
}

/// The number that a client has, as another sees it.
fn conn_id(other: &mut testkit::Conn, conn: &testkit::Conn) -> String {
    let list = other.line("CLIENT LIST").text().to_owned();
    let address = conn.stream().local_addr().expect("an address");
    let from = format!(" addr={address} ");
    let line = list.lines().find(|line| line.contains(&from));
    let id = line.and_then(|line| line.strip_prefix("id=")?.split(' ').next());
    id.expect("it is there").to_owned()
}

/// As with Redis, which does nothing else meanwhile.
#[test]
fn who_sends_a_migrate_and_hangs_up_has_it_done() {
    let (server, target) = (server(), Target::new());
    let mut other = server.connect();
    other.line("SET k v").expect_ok();
    let mut sender = server.connect();
    let mut socket = send_on_its_way(&mut sender, &target, &["k"]);
    drop(sender);
    socket.write_all(ARRIVED).expect("it is sent");
    testkit::eventually("it has arrived", std::time::Duration::from_secs(10), || {
        other.line("DBSIZE") == Reply::Int(0)
    });
}
