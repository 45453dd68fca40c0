//! Scenarios whose instructions are counted by `cargo xtask instructions`: `scenario NAME TURNS`.
//!
//! Each prepares, then does the same thing so many times; the count of one turn is the difference
//! of two runs. Nothing here depends on time, threads or chance.

mod in_process;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use engine::{Alone, Engine, Outcome, Session, Settings, Worker};
use in_process::{session, words};
use resp::{Arena, Limits, Parser, Step};
use store::Store;
use store::journal::Audience;

const KEYS: u64 = 1000;

fn main() {
    let mut words = std::env::args().skip(1);
    let (Some(name), Some(turns)) = (words.next(), words.next()) else {
        for (name, _) in SCENARIOS {
            println!("{name}");
        }
        return;
    };
    let turns: u64 = turns.parse().expect("a number of turns");
    // Which buckets overflow is chance otherwise.
    assert!(ds::siphash::seed([7; 16]), "nothing was hashed before");
    let (_, run) = SCENARIOS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a known scenario");
    run(turns);
}

type Run = fn(u64);

const SCENARIOS: &[(&str, Run)] = &[
    ("parse", parse),
    ("get", |turns| {
        commands_in_process(turns, false, |number| words(&["GET", &key(number)]))
    }),
    ("set", |turns| commands_in_process(turns, false, set)),
    // SET with somebody who reads the journal: the difference is what a record costs.
    ("aof-append", |turns| commands_in_process(turns, true, set)),
    ("hset", |turns| {
        commands_in_process(turns, false, |number| {
            words(&["HSET", &format!("h{}", key(number)), "field", "value"])
        })
    }),
    ("lpush", |turns| {
        commands_in_process(turns, false, |number| {
            words(&["LPUSH", &format!("l{}", key(number)), "element"])
        })
    }),
    ("mget", |turns| {
        commands_in_process(turns, false, |number| {
            let keys: Vec<String> = (0..10).map(|step| key(number + step)).collect();
            let mut all = vec!["MGET"];
            all.extend(keys.iter().map(String::as_str));
            words(&all)
        })
    }),
    ("rdb-string", rdb_strings),
    ("bus-packet", bus_packets),
];

fn set(number: u64) -> Vec<u8> {
    words(&["SET", &key(number), &"v".repeat(32)])
}

fn key(number: u64) -> String {
    format!("key:{:012}", number % KEYS)
}

/// A request of three words.
fn parse(turns: u64) {
    let bytes = words(&["SET", &key(7), &"v".repeat(32)]);
    let (mut parser, mut arena) = (Parser::new(), Arena::new());
    let limits = Limits::default();
    for _ in 0..turns {
        let step = parser.next(&bytes, &mut arena, &limits).expect("a request");
        let Step::Command(command) = step else {
            panic!("a whole command")
        };
        std::hint::black_box(arena.args(&command, &bytes).get(2));
        arena.clear();
    }
}

/// From request bytes to reply bytes, on keys that exist.
fn commands_in_process(turns: u64, journalled: bool, request: fn(u64) -> Vec<u8>) {
    let store = Store::new(16);
    store.journal.set_active(Audience::AOF, journalled);
    let directory = commands::Directory::default();
    let engine = Engine::new(store, Settings::default(), directory, Arc::new(Alone));
    let mut client = Client {
        worker: Worker::new(&engine),
        session: session(),
        parser: Parser::new(),
        arena: Arena::new(),
        limits: Limits::default(),
        out: Vec::with_capacity(4096),
    };
    for number in 0..KEYS {
        client.batch(std::iter::once(set(number)));
    }
    let requests: Vec<Vec<u8>> = (0..KEYS).map(request).collect();
    let mut left = turns;
    while left > 0 {
        let batch = left.min(16);
        let first = turns - left;
        client.batch((first..first + batch).map(|number| &requests[(number % KEYS) as usize]));
        left -= batch;
    }
}

struct Client {
    worker: Worker,
    session: Session,
    parser: Parser,
    arena: Arena,
    limits: Limits,
    out: Vec<u8>,
}

impl Client {
    fn batch<B: AsRef<[u8]>>(&mut self, requests: impl Iterator<Item = B>) {
        self.worker.begin_batch();
        for request in requests {
            let bytes = request.as_ref();
            let step = self
                .parser
                .next(bytes, &mut self.arena, &self.limits)
                .expect("a request");
            let Step::Command(command) = step else {
                panic!("a whole command")
            };
            let args = self.arena.args(&command, bytes);
            let outcome = self.worker.execute(&mut self.session, args, &mut self.out);
            assert_eq!(outcome, Outcome::Done);
        }
        self.worker.end_batch();
        assert!(
            !self.out.starts_with(b"-"),
            "{}",
            String::from_utf8_lossy(&self.out)
        );
        self.arena.clear();
        self.out.clear();
    }
}

/// A key with a small string, as it goes into a file.
fn rdb_strings(turns: u64) {
    let mut writer = rdb::Writer::new(true, true);
    let meta = rdb::KeyMeta::default();
    let written = AtomicI64::new(0);
    for number in 0..turns {
        writer.string(key(number).as_bytes(), &meta, &[b'v'; 32]);
        if writer.buffered() > 64 << 10 {
            std::hint::black_box(writer.take_vec());
            written.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

/// A packet of the cluster bus, decoded and encoded again.
fn bus_packets(turns: u64) {
    let packet = include_bytes!("../../../fuzz/corpus/bus_packet/redis70-meet");
    for _ in 0..turns {
        let decoded = bus::decode(std::hint::black_box(packet)).expect("a packet");
        std::hint::black_box(decoded.encode());
    }
}
