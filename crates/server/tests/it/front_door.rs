//! What clients may do before they have said who they are, and what is never shown of what they
//! say.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use testkit::{Conn, Program, Reply, Server};

const PASSWORD: &str = "the-password";

fn guarded(program: Program) -> Server {
    Server::of(program).password(PASSWORD).start()
}

/// Sends `bytes` again and again without reading until the server takes no more for a second, or
/// `limit` bytes are sent; how many were.
fn pour(stream: &mut TcpStream, bytes: &[u8], limit: usize) -> usize {
    stream
        .set_write_timeout(Some(Duration::from_secs(1)))
        .unwrap();
    let mut sent = 0;
    while sent < limit {
        match stream.write(bytes) {
            Ok(written) => sent += written,
            Err(error) => {
                let full = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                assert!(full, "{error}");
                break;
            }
        }
    }
    sent
}

fn used_memory(conn: &mut Conn) -> i64 {
    conn.info("used_memory").unwrap().unwrap().parse().unwrap()
}

#[test]
fn who_has_not_logged_in_fills_no_memory() {
    const LIMIT: usize = 64 << 20;
    let server = guarded(Program::Shoal);
    let mut admin = server.connect();
    let before = used_memory(&mut admin);
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let chunk = b"x\r\n".repeat(20_000);
    let sent = pour(&mut stream, &chunk, LIMIT);
    assert!(sent < LIMIT, "it took all of {sent} bytes");
    let grown = used_memory(&mut admin) - before;
    assert!(grown < 2 << 20, "{grown} bytes more");
    // Whoever reads is served: every line that was sent whole has its answer.
    let answer = b"-ERR unknown command 'x', with args beginning with: \r\n";
    let mut wanted = sent / 3 * answer.len();
    let mut buffer = vec![0; 1 << 20];
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    while wanted > 0 {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "closed with {wanted} bytes to come");
        wanted = wanted
            .checked_sub(read)
            .expect("no more than was asked for");
    }
    // What is left of a line, then a login, then whatever one likes.
    let rest = &b"x\r\n"[sent % 3..];
    stream
        .write_all(if rest.len() == 3 { b"" } else { rest })
        .unwrap();
    let login = format!("AUTH {PASSWORD}\r\nPING\r\n");
    stream.write_all(login.as_bytes()).unwrap();
    let mut said = Vec::new();
    while !said.ends_with(b"+OK\r\n+PONG\r\n") {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "{}", said.escape_ascii());
        said.extend_from_slice(&buffer[..read]);
    }
}

#[test]
fn who_has_logged_in_may_send_all_before_reading() {
    let server = guarded(Program::Shoal);
    let mut conn = Conn::open(server.port()).unwrap();
    let mut requests = vec![vec!["AUTH", PASSWORD]];
    requests.extend((0..50_000).map(|_| vec!["ECHO", "0123456789012345678901234567890123456789"]));
    // Nothing is read before all of it is written.
    let replies = conn.pipeline(&requests).unwrap();
    assert_eq!(replies.len(), 50_001);
    assert!(replies[1..].iter().all(|reply| reply.bytes().len() == 40));
}

#[test]
fn sizes_are_limited_before_login_as_in_redis() {
    let (ours, real) = (guarded(Program::Shoal), guarded(Program::Redis74));
    let request = |count: usize, length: usize| {
        let mut bytes = format!("*{count}\r\n$4\r\nAUTH\r\n").into_bytes();
        let word = "w".repeat(length);
        for _ in 1..count {
            bytes.extend_from_slice(format!("${length}\r\n{word}\r\n").as_bytes());
        }
        bytes
    };
    for (count, length) in [(10, 5), (11, 5), (2, 16_384), (2, 16_385), (10, 16_384)] {
        let [ours, real] = [&ours, &real].map(|server| {
            let mut conn = Conn::open(server.port()).unwrap();
            // It may be closed before all is written.
            let _ = conn.send_raw(&request(count, length));
            conn.receive().unwrap()
        });
        assert_eq!(ours, real, "{count} arguments of {length} bytes");
    }
}

/// What a server says to these bytes, and whether it closes the connection then.
fn answer(server: &Server, bytes: &str) -> (String, bool) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let _ = stream.write_all(bytes.as_bytes());
    stream
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let (mut said, mut chunk) = (Vec::new(), [0; 4096]);
    let closed = loop {
        match stream.read(&mut chunk) {
            Ok(0) => break true,
            Ok(read) => said.extend_from_slice(&chunk[..read]),
            Err(error) => break error.kind() == ErrorKind::ConnectionReset,
        }
    };
    (String::from_utf8_lossy(&said).into_owned(), closed)
}

#[test]
fn what_a_web_page_sends_ends_the_connection() {
    let open = |program| Server::of(program).start();
    for (ours, real) in [
        (open(Program::Shoal), open(Program::Redis70)),
        (guarded(Program::Shoal), guarded(Program::Redis70)),
    ] {
        for case in [
            "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nSET k v\r\n",
            "post\r\nSET k v\r\n",
            "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nSET k v\r\n",
            "hOsT: x\r\nSET k v\r\n",
            "*1\r\n$4\r\nPoSt\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n",
            "*2\r\n$5\r\nhost:\r\n$1\r\nx\r\nSET k v\r\n",
            "\"POST\" x\r\nSET k v\r\n",
            "MULTI\r\nSET k v\r\nPOST\r\nEXEC\r\n",
            "POSTS\r\n",
            "HOST x\r\n",
        ] {
            assert_eq!(answer(&ours, case), answer(&real, case), "{case:?}");
        }
        assert_eq!(ours.connect().line("EXISTS k").int(), 0);
        let log = ours.log().replace('\n', " ");
        let told = log.matches("SECURITY ATTACK").count();
        assert_eq!(told, 1, "once a minute: {log}");
    }
}

/// The arguments in the slow log, the oldest command first, and what a monitor saw.
fn shown(server: &Server, lines: &[&str]) -> (Vec<String>, Vec<String>) {
    let mut conn = server.connect();
    let mut monitor = server.connect();
    monitor.line("MONITOR").expect_ok();
    conn.line("CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 1000")
        .expect_ok();
    conn.line("SLOWLOG RESET").expect_ok();
    for line in lines {
        conn.line(line);
    }
    conn.line("ECHO end");
    let mut seen = Vec::new();
    loop {
        let Reply::Simple(text) = monitor.receive().unwrap() else {
            panic!("a monitor sees lines");
        };
        // Behind the time and the client.
        let text = text.split_once("] ").expect("a client").1.to_owned();
        if text == "\"ECHO\" \"end\"" {
            break;
        }
        seen.push(text);
    }
    let log = conn.line("SLOWLOG GET -1");
    let entries = log.array().iter().rev();
    let noted = entries.map(|entry| entry.array()[3].texts().join(" "));
    let noted = noted.filter(|line| line != "SLOWLOG RESET" && line != "ECHO end");
    (noted.collect(), seen)
}

#[test]
fn secrets_are_shown_to_nobody() {
    let (ours, real) = (guarded(Program::Shoal), guarded(Program::Redis74));
    // The password stays what it is.
    let set = format!("CONFIG SET maxmemory-samples 5 requirepass {PASSWORD} masterauth s3cret");
    // Redis 7.4.1 never answers an EXEC in which a wrong password is given.
    let login = format!("AUTH {PASSWORD}");
    let alike = [
        "AUTH s3cret",
        "AUTH default s3cret",
        "HELLO 2 AUTH default s3cret",
        "HELLO 2 SETNAME name AUTH default s3cret",
        "CONFIG SET masterauth s3cret nosuch 1",
        "CONFIG SET nosuch 1 MasterAuth s3cret",
        "CONFIG SET masteruser s3cret masterauth s3cret",
        "CONFIG SET masterauth s3cret timeout x",
        "CONFIG SET masterauth s3cret masterauth s3cret",
        "CONFIG SET databases 3 masterauth s3cret",
        "CONFIG SET tls-key-file-pass s3cret",
        "MIGRATE 127.0.0.1 1 k 0 10 AUTH s3cret",
        "MIGRATE 127.0.0.1 1 k 0 10 AUTH2 user s3cret",
        "MIGRATE 127.0.0.1 1 k 0 10 COPY REPLACE auth s3cret",
        "MIGRATE 127.0.0.1 1 auth 0 10 COPY",
        "MULTI",
        "CONFIG SET timeout 0 masterauth s3cret",
        &login,
        "EXEC",
        &set,
    ];
    assert_eq!(shown(&ours, &alike), shown(&real, &alike));
    // Where Redis has not come to the secret when it finds what is wrong, it shows it.
    let more = [
        "AUTH a s3cret c",
        "HELLO 9 AUTH default s3cret",
        "HELLO 2 AUTH s3cret",
        "CONFIG SET primaryauth s3cret",
        "MIGRATE 127.0.0.1 1 k 0 10 FOO AUTH s3cret",
        "MIGRATE 127.0.0.1 1 k 0 10 AUTH2 s3cret",
    ];
    let (noted, seen) = shown(&ours, &more);
    assert_eq!(noted.len(), more.len(), "{noted:?}");
    for line in noted.iter().chain(&seen) {
        assert!(!line.contains("s3cret"), "{line}");
    }
    // Keys are no secrets.
    let keys = ["MIGRATE 127.0.0.1 1 x 0 10 AUTH s3cret KEYS AUTH key"];
    let (noted, _) = shown(&ours, &keys);
    assert_eq!(
        noted,
        ["MIGRATE 127.0.0.1 1 x 0 10 AUTH (redacted) KEYS AUTH key"]
    );
}
