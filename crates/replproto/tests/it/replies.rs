//! REPLCONF and PSYNC answered as a real primary answers them.
use replproto::{History, PrimaryEffect, PrimarySession, PrimaryView, Role};
use std::io::{Read, Write};
use std::net::TcpStream;
use testkit::{Program, Server};

fn ours(words: &[&str]) -> String {
    let mut session = PrimarySession::new("127.0.0.1");
    let words: Vec<&[u8]> = words.iter().map(|w| w.as_bytes()).collect();
    if words[0].eq_ignore_ascii_case(b"replconf") {
        session.replconf(0, &words[1..]);
    } else {
        let history = History::begin(base::ReplId::from_random([7; 20]));
        let view = PrimaryView {
            history: &history,
            window: None,
            role: Role::Primary,
            failing_over: false,
            pending_replies: false,
        };
        session.sync(0, &words, &view);
    }
    let mut out = Vec::new();
    while let Some(effect) = session.poll() {
        if let PrimaryEffect::Send(bytes) = effect {
            out.extend(bytes);
        }
    }
    String::from_utf8(out).unwrap()
}

/// The raw reply, read up to the PONG of a PING behind it.
fn theirs(port: u16, words: &[&str]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(super::LIMIT)).unwrap();
    let mut request = Vec::new();
    let words: Vec<&[u8]> = words.iter().map(|w| w.as_bytes()).collect();
    rdb::aof::put_command(&mut request, &words);
    request.extend_from_slice(b"PING\r\n");
    stream.write_all(&request).unwrap();
    let mut out = Vec::new();
    let mut byte = [0];
    while !out.ends_with(b"+PONG\r\n") {
        stream.read_exact(&mut byte).unwrap();
        out.push(byte[0]);
    }
    out.truncate(out.len() - 7);
    String::from_utf8(out).unwrap()
}

#[test]
fn replies_are_those_of_real_primaries() {
    for program in [Program::Redis70, Program::Redis74] {
        let server = Server::of(program).start();
        let long = "1".repeat(256);
        for words in [
            &["REPLCONF"][..],
            &["REPLCONF", "listening-port"],
            &["REPLCONF", "listening-port", "6380"],
            &["REPLCONF", "listening-port", "x"],
            &["REPLCONF", "ip-address", "1.2.3.4"],
            &["REPLCONF", "ip-address", &long],
            &["REPLCONF", "ip-address", &long[..255]],
            &["REPLCONF", "capa", "eof", "capa", "psync2", "capa", "other"],
            &["REPLCONF", "CAPA", "EOF", "what", "ever"],
            &["REPLCONF", "ack", "55"],
            &["REPLCONF", "ack", "x"],
            &["REPLCONF", "getack", "*"],
            &["REPLCONF", "rdb-only", "1"],
            &["REPLCONF", "rdb-only", "2"],
            &["REPLCONF", "rdb-only", "x"],
            &["REPLCONF", "rdb-filter-only", ""],
            &["REPLCONF", "rdb-filter-only", "functions"],
            &["REPLCONF", "rdb-filter-only", "functions data"],
            &["REPLCONF", "rdb-filter-only", "\"functions"],
            &[
                "REPLCONF",
                "listening-port",
                "1",
                "unknown",
                "2",
                "capa",
                "eof",
            ],
            &["PSYNC", "?", "x"],
            &["PSYNC", "?", "1", "FAILOVER"],
        ] {
            assert_eq!(
                ours(words),
                theirs(server.port(), words),
                "{program:?} {words:?}"
            );
        }
    }
}
