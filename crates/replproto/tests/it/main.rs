//! Both machines against real servers, over sockets.
mod follow;
mod replies;
mod serve;

use rdb::reader::{Key, Value};
use rdb::{Event, Foreign, Reader};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A clock for the machines.
struct Clock(Instant);

impl Clock {
    fn start() -> Self {
        Clock(Instant::now())
    }

    fn now(&self) -> u64 {
        self.0.elapsed().as_millis() as u64
    }
}

/// Reads what is there within a moment; empty for nothing, `None` at the end of the stream.
fn receive(stream: &mut TcpStream) -> Option<Vec<u8>> {
    stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let mut buffer = vec![0; 16 << 10];
    match stream.read(&mut buffer) {
        Ok(0) => None,
        Ok(n) => {
            buffer.truncate(n);
            Some(buffer)
        }
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Some(Vec::new())
        }
        Err(_) => None,
    }
}

/// Sends; a peer that is gone is noticed at the next read.
fn send(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}

/// The keys of a snapshot.
fn keys(snapshot: &[u8]) -> Vec<(Vec<u8>, Value)> {
    let mut reader = Reader::new(snapshot, Foreign::Refuse);
    let mut out: Vec<(Key, Value)> = Vec::new();
    while let Some(event) = reader.next_event().expect("a whole snapshot") {
        match event {
            Event::Key(key) => {
                let empty = Value::empty(key.kind.unwrap());
                out.push((key, empty));
            }
            Event::Piece(piece) => {
                out.last_mut().unwrap().1.add(piece);
            }
            _ => {}
        }
    }
    out.into_iter()
        .map(|(key, value)| (key.key, value))
        .collect()
}
