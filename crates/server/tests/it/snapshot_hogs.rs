//! Replicas that ask for a snapshot and do not take it.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::net::{self, AddressFamily, SocketType};
use testkit::{Conn, Program, Server, eventually};

const LIMIT: Duration = Duration::from_secs(30);

/// As many as there are lanes for snapshots.
const HOGS: usize = 8;
/// As many of them as replicas may have.
const FOR_REPLICAS: usize = 6;

const SLOW: &str = "Disconnecting replica that takes less than 64 KB/s of its snapshot";
const STUCK: &str = "Disconnecting timedout replica (full sync)";

/// A connection with small buffers at both ends: where buffers are large, the kernel lets a sender
/// go on only when a third of them is free.
fn narrow(port: u16) -> rustix::io::Result<TcpStream> {
    let socket = net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    net::sockopt::set_socket_recv_buffer_size(&socket, 16 << 10)?;
    net::connect(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
    Ok(socket.into())
}

/// A server with more data than sockets hold, and replicas that read nothing.
fn hogged(timeout: &str, hogs: usize) -> (Server, Vec<Conn>) {
    let server = Server::of(Program::Shoal)
        .option("enable-debug-command", "yes")
        .option("rdbcompression", "no")
        .option("save", "3600 1000000")
        .option("shutdown-timeout", "0")
        .option("repl-diskless-sync-delay", "0")
        .option("repl-timeout", timeout)
        .start();
    server.line("DEBUG POPULATE 60 key 1000000").expect_ok();
    let conns = (0..hogs).map(|_| {
        let mut conn = Conn::over(narrow(server.port()).expect("a socket")).expect("a link");
        let introduction = ["REPLCONF", "capa", "eof", "capa", "psync2"];
        conn.call(&introduction).expect_ok();
        conn.send(&["PSYNC", "?", "-1"]).expect("it is sent");
        conn
    });
    let conns = conns.collect();
    let mut conn = server.connect();
    eventually("they are replicas", LIMIT, || {
        info(&mut conn, "connected_slaves") == hogs.to_string()
            && info(&mut conn, "sync_full") == hogs.to_string()
    });
    (server, conns)
}

fn info(conn: &mut Conn, field: &str) -> String {
    conn.info(field).expect("a reply").unwrap_or_default()
}

#[test]
fn they_stop_no_save_and_no_end() {
    let (mut server, hogs) = hogged("60", HOGS);
    let mut conn = server.connect();
    conn.line("BGSAVE");
    eventually("the save ends", LIMIT, || {
        info(&mut conn, "rdb_saves") == "1"
    });
    let began = Instant::now();
    assert!(server.stop().success());
    assert!(began.elapsed() < LIMIT, "it took {:?}", began.elapsed());
    drop(hogs);
}

#[test]
fn they_are_let_go_when_they_take_nothing_for_the_time_out() {
    let (server, hogs) = hogged("2", HOGS);
    let mut conn = server.connect();
    eventually("they are let go", LIMIT, || {
        info(&mut conn, "connected_slaves") == "0"
    });
    assert!(server.log().contains(STUCK));
    drop(hogs);
}

/// Reads about 50 KB/s until it is told to make haste, then all there is until a second passes
/// without; or until the connection ends. Returns how many bytes it has read.
fn sip(mut conn: Conn, haste: Arc<AtomicBool>) -> JoinHandle<usize> {
    std::thread::spawn(move || {
        conn.set_patience(Duration::from_secs(1))
            .expect("it is set");
        let mut chunk = vec![0; 1 << 20];
        let mut read = 0;
        loop {
            let hurries = haste.load(Ordering::Acquire);
            let most = if hurries { chunk.len() } else { 5_000 };
            match conn.stream().read(&mut chunk[..most]) {
                Ok(0) | Err(_) => return read,
                Ok(bytes) => read += bytes,
            }
            if !hurries {
                // That is what makes it slow.
                std::thread::park_timeout(Duration::from_millis(100));
            }
        }
    })
}

#[test]
fn a_thin_line_alone_takes_its_time() {
    let (server, mut hogs) = hogged("4", 1);
    let haste = Arc::new(AtomicBool::new(false));
    let hog = sip(hogs.remove(0), haste.clone());
    let mut conn = server.connect();
    // Three spans of time in which it is too slow.
    let began = Instant::now();
    eventually("time passes", LIMIT, || {
        assert_eq!(info(&mut conn, "connected_slaves"), "1", "{}", server.log());
        began.elapsed() > Duration::from_secs(13)
    });
    haste.store(true, Ordering::Release);
    let read = hog.join().expect("it ends");
    assert!(read > 60_000_000, "{read}");
}

#[test]
fn a_thin_line_gives_way_to_a_replica_that_waits() {
    let (server, hogs) = hogged("4", FOR_REPLICAS);
    let haste = Arc::new(AtomicBool::new(false));
    let hogs: Vec<_> = hogs
        .into_iter()
        .map(|conn| sip(conn, haste.clone()))
        .collect();
    let replica = Server::of(Program::Shoal).start();
    let primary = format!("REPLICAOF 127.0.0.1 {}", server.port());
    replica.line(&primary).expect_ok();
    let mut conn = replica.connect();
    eventually("it has its data", LIMIT, || {
        info(&mut conn, "master_link_status") == "up"
    });
    // One was enough.
    let log = server.log();
    assert_eq!(log.matches(SLOW).count(), 1, "{log}");
    assert!(!log.contains(STUCK), "{log}");
    haste.store(true, Ordering::Release);
    let whole = hogs.into_iter().map(|hog| hog.join().expect("it ends"));
    let whole = whole.filter(|read| *read > 60_000_000).count();
    assert_eq!(whole, FOR_REPLICAS - 1);
}
