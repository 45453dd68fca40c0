//! One connection to one real server.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use client::{Address, Connection, Error, Options, Protocol, Value};
use testkit::{Program, Server};

fn limits() -> Options {
    Options::with_timeout(Duration::from_secs(30))
}

fn open(server: &Server, options: &Options) -> Connection {
    Connection::open(&Address::tcp("127.0.0.1", server.port()), options).unwrap()
}

#[test]
fn answers_errors_and_pipelines() {
    let server = Server::of(Program::Redis70).start();
    let mut c = open(&server, &limits());
    assert!(c.call(&["SET", "k", "v"]).unwrap().is_ok());
    assert_eq!(c.query(&["GET", "k"]).unwrap(), Value::Bulk(b"v".to_vec()));
    assert_eq!(c.query(&["GET", "none"]).unwrap(), Value::Null);
    let fault = c.query(&["LPUSH", "k", "x"]).unwrap_err();
    assert_eq!(fault.code(), Some("WRONGTYPE"));
    assert!(!fault.is_fatal());
    let replies = c
        .pipeline(&[vec!["INCR", "n"], vec!["BAD"], vec!["INCR", "n"]])
        .unwrap();
    assert_eq!(replies[0], Value::Int(1));
    assert!(replies[1].is_error());
    assert_eq!(replies[2], Value::Int(2));

    let big = vec![b'x'; 5 << 20];
    assert!(c.call(&[b"SET".as_slice(), b"big", &big]).unwrap().is_ok());
    assert_eq!(c.query(&["GET", "big"]).unwrap(), Value::Bulk(big));
}

#[test]
fn speaks_resp3_and_keeps_pushes_apart() {
    let server = Server::of(Program::Redis70)
        .option("enable-debug-command", "yes")
        .start();
    let options = Options {
        protocol: Protocol::Resp3,
        database: 3,
        ..limits()
    };
    let mut c = open(&server, &options);
    assert_eq!(c.query(&["HSET", "h", "a", "1"]).unwrap(), Value::Int(1));
    let hash = c.query(&["HGETALL", "h"]).unwrap();
    assert_eq!(hash.field("a").and_then(Value::as_int), Some(1));
    assert!(
        c.call(&["DEBUG", "PROTOCOL", "push"])
            .unwrap()
            .as_text()
            .unwrap()
            .contains("reply")
    );
    assert!(matches!(c.take_push(), Some(Value::Push(_))));
    assert_eq!(c.call(&["DEBUG", "PROTOCOL", "bignum"]).unwrap(), {
        Value::BigNumber(b"1234567999999999999999999999999999999".to_vec())
    });
    // The attribute before the reply is passed over.
    assert!(
        c.call(&["DEBUG", "PROTOCOL", "attrib"])
            .unwrap()
            .as_text()
            .is_some()
    );
    let info = c.query(&["CLIENT", "INFO"]).unwrap();
    assert!(info.as_text().unwrap().contains(" db=3 "));
}

#[test]
fn authenticates_over_tcp_and_unix_sockets() {
    let folder = testkit::TempDir::new("client-unix");
    let path = folder.path().join("s");
    let server = Server::of(Program::Redis70)
        .password("secret")
        .option("unixsocket", path.to_str().unwrap())
        .start();
    let mut bare = open(&server, &limits());
    assert_eq!(bare.query(&["PING"]).unwrap_err().code(), Some("NOAUTH"));
    let options = Options {
        password: Some(b"secret".to_vec()),
        name: Some(b"me".to_vec()),
        ..limits()
    };
    for address in [
        Address::tcp("localhost", server.port()),
        Address::Unix(path),
    ] {
        let mut c = Connection::open(&address, &options).unwrap();
        assert_eq!(
            c.query(&["CLIENT", "GETNAME"]).unwrap().as_text().unwrap(),
            "me"
        );
    }
    let wrong = Options {
        user: Some(b"nobody".to_vec()),
        password: Some(b"x".to_vec()),
        ..limits()
    };
    let fault = Connection::open(&Address::tcp("127.0.0.1", server.port()), &wrong).unwrap_err();
    assert_eq!(fault.code(), Some("WRONGPASS"));
}

#[test]
fn says_why_a_connection_failed() {
    let port = testkit::reserve();
    let address = Address::tcp("127.0.0.1", port.number());
    let refused = Connection::open(&address, &limits()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("Could not connect to Redis at {address}: Connection refused")
    );

    let listener = TcpListener::bind(("127.0.0.1", port.number())).unwrap();
    let mut c = Connection::open(&address, &limits()).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    c.push_request(&["PING"]);
    c.flush().unwrap();
    let mut request = [0; 14];
    peer.read_exact(&mut request).unwrap();
    assert_eq!(&request, b"*1\r\n$4\r\nPING\r\n");
    peer.write_all(b"$10\r\nhalf").unwrap();
    drop(peer);
    assert!(matches!(c.read_reply(), Err(Error::Closed)));

    let mut silent = Connection::open(
        &address,
        &Options {
            io_timeout: Some(Duration::from_millis(1)),
            ..Options::default()
        },
    )
    .unwrap();
    assert!(matches!(silent.call(&["PING"]), Err(Error::Timeout)));
}
