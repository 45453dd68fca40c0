//! How the engine scales: `scaling KEYS ROUNDS MILLISECONDS FOLDER [ROW]`, for
//! `cargo xtask figures`.
//!
//! One worker thread and then two drive the engine as the network layer's workers do, without
//! sockets: a batch of requests is parsed, looked ahead at, prefetched and executed into reply
//! bytes. The backlog is on, and so is the append-only file, with `appendfsync everysec`.
//!
//! Each line is a round: command, slots, batch, who ran; commands a second if every thread has a
//! processor for itself, that is less the time that workers waited for one; commands a second by
//! the clock until the file has everything; nanoseconds of the file's thread for each command;
//! which part of their time the workers waited for a processor; and how many nanoseconds a cache
//! line took from one processor to another and back before the round.
//!
//! The last kind of round says what the machine itself gives. In uniform slots, two workers with an
//! engine each, which share nothing (`apart`). In one hot slot, which has one worker at a time, one
//! worker that changes its processor as often as the slot changes its worker (`moved`).

mod in_process;
mod tour;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base::SplitMix64;
use config::AppendFsync;
use engine::{Alone, Engine, Outcome, Session, Settings, Worker};
use in_process::{session, words};
use persist::aof::disk::RealDisk;
use persist::aof::{Desk, Files, Notice, Orders, Setup, Started, Status};
use resp::{Arena, Command, Limits, Parser, Step};
use store::Store;
use store::journal::Audience;
use tour::{Tour, round_trip};

/// As in the server.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The default of `repl-backlog-size`.
const BACKLOG: usize = 1 << 20;
/// As in the server: how many bytes may wait for the file before writers wait for it.
const LONGEST_LAG: u64 = 256 << 20;
/// What the keys and the requests are made of: 16 bytes of key.
const DIGITS: usize = 11;
/// Keys in the hot slot.
const HOT_KEYS: u64 = 100_000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [keys, rounds, milliseconds, folder, only @ ..] = &words[..] else {
        panic!("scaling KEYS ROUNDS MILLISECONDS FOLDER [ROW]");
    };
    let only = only.first();
    let keys = keys.parse().expect("a number of keys");
    let rounds: usize = rounds.parse().expect("a number of rounds");
    let time = Duration::from_millis(milliseconds.parse().expect("a time"));
    let nodes = [0, 1].map(|number| Node::new(Path::new(folder), number, keys));
    for (spread, batch) in [(Uniform, 64), (Uniform, 16), (Hot, 64), (Hot, 16)] {
        for load in [Load::Get, Load::Set] {
            let plan = Plan {
                load,
                spread,
                batch,
                time,
                keys: if spread == Uniform { keys } else { HOT_KEYS },
            };
            let row = format!("{} {} {batch}", load.name(), spread.name());
            if only.is_some_and(|only| *only == row) || only.is_none() {
                (0..rounds).for_each(|round| plan.round(round, &nodes, &row));
            }
        }
    }
    nodes.into_iter().for_each(Node::stop);
}

/// The kind of round whose worker changes its processor.
const MOVED: &str = "moved";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    Get,
    Set,
}

impl Load {
    fn name(self) -> &'static str {
        match self {
            Load::Get => "get",
            Load::Set => "set",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spread {
    Uniform,
    Hot,
}

impl Spread {
    fn name(self) -> &'static str {
        match self {
            Uniform => "uniform",
            Hot => "hot",
        }
    }
}

use Spread::{Hot, Uniform};

/// An engine with its append-only file.
struct Node {
    engine: Arc<Engine>,
    orders: Arc<Orders>,
    status: Arc<Status>,
    desk: Arc<Desk>,
    thread: JoinHandle<()>,
    folder: PathBuf,
}

impl Node {
    fn new(folder: &Path, number: u32, keys: u64) -> Node {
        let folder = folder.join(format!("node-{number}"));
        std::fs::create_dir_all(&folder).expect("a folder for the file");
        let (settings, directory) = (Settings::default(), commands::Directory::default());
        let engine = Engine::new(Store::new(16), settings, directory, Arc::new(Alone));
        let mut filler = Client::new(&engine);
        for (spread, count) in [(Uniform, keys), (Hot, HOT_KEYS)] {
            let mut requests = Requests::new(Load::Set, spread, 50, 0);
            for first in (0..count).step_by(50) {
                requests.number((first..first + 50).map(|number| number.min(count - 1)));
                filler.batch(&requests.bytes);
            }
        }
        let journal = &engine.store.journal;
        journal.set_backlog(BACKLOG);
        journal.set_active(Audience::ALL, true);
        let files = Files::read(Arc::new(RealDisk), &folder, "files", "scaling.aof");
        let files = files.expect("no files yet");
        files.make_directory().expect("a directory for the files");
        let reader = journal.reader(None).expect("the journal has an end");
        reader.park_writers_past(LONGEST_LAG);
        let setup = Setup {
            files,
            reader,
            sequence: journal.sequence(),
            policy: AppendFsync::Everysec,
            timestamps: false,
            unlisted: false,
        };
        let ear = Ear(engine.clone());
        let Started {
            orders,
            status,
            desk,
            thread,
        } = persist::aof::start(setup, Box::new(ear)).expect("threads for the file");
        journal.set_gated(true);
        engine.change_settings(|settings| settings.commit_gate = true);
        Node {
            engine,
            orders,
            status,
            desk,
            thread,
            folder,
        }
    }

    /// Waits until the file has everything, and gives its room back.
    fn drain(&self) -> Instant {
        self.orders.flush().expect("the file takes everything");
        let end = Instant::now();
        let sequence = self.engine.store.journal.sequence();
        assert_eq!(self.status.written(), sequence);
        for file in std::fs::read_dir(self.folder.join("files")).expect("the folder is there") {
            let path = file.expect("a file").path();
            if path.to_string_lossy().ends_with(".incr.aof") {
                // It is written at its end, wherever that is.
                let file = std::fs::OpenOptions::new().write(true).open(path);
                file.and_then(|file| file.set_len(0)).expect("cut");
            }
        }
        end
    }

    fn stop(self) {
        self.orders.stop();
        self.thread.join().expect("the writer ends");
        std::fs::remove_dir_all(&self.folder).expect("the folder is there");
    }
}

/// What the writer of the file says to the server.
struct Ear(Arc<Engine>);

impl Notice for Ear {
    fn released(&self, sequence: u64) {
        self.0.store.journal.release(sequence);
    }

    fn log(&self, _: bool, text: &str) {
        eprintln!("{text}");
    }

    fn failed(&self, why: Option<&str>) {
        panic!("{why:?}");
    }

    fn fatal(&self, text: &str) {
        panic!("{text}");
    }
}

/// One row of the table.
#[derive(Clone, Copy)]
struct Plan {
    load: Load,
    spread: Spread,
    batch: usize,
    time: Duration,
    keys: u64,
}

impl Plan {
    /// One worker, two, and what the machine gives.
    fn round(&self, round: usize, nodes: &[Node; 2], row: &str) {
        let machine = match self.spread {
            Uniform => ("apart", vec![&nodes[0], &nodes[1]]),
            Hot => (MOVED, vec![&nodes[0]]),
        };
        let mut kinds: Vec<(&str, Vec<&Node>)> = vec![
            ("one", vec![&nodes[0]]),
            ("two", vec![&nodes[0], &nodes[0]]),
            machine,
        ];
        // Whoever went first goes last in the next round.
        if round % 2 == 1 {
            kinds.reverse();
        }
        for (kind, nodes) in kinds {
            let trip = round_trip();
            let Rates {
                alone,
                clock,
                file_ns,
                waited,
            } = self.run(&nodes, kind == MOVED);
            println!("{row} {kind} {alone:.0} {clock:.0} {file_ns:.1} {waited:.3} {trip:.0}");
        }
    }

    /// A worker for each of `nodes`, several of which may be the same.
    fn run(&self, nodes: &[&Node], moves: bool) -> Rates {
        let stop = AtomicBool::new(false);
        let start = Barrier::new(nodes.len() + 1);
        std::thread::scope(|scope| {
            let spawn = |(seed, node)| {
                let (start, stop) = (&start, &stop);
                scope.spawn(move || self.work(node, seed, start, stop, moves))
            };
            let workers: Vec<_> = (1..).zip(nodes.iter().copied()).map(spawn).collect();
            let file = file_cpu();
            start.wait();
            let began = Instant::now();
            std::thread::sleep(self.time);
            stop.store(true, Ordering::Relaxed);
            let workers = workers.into_iter();
            let done: Vec<_> = workers.map(|w| w.join().expect("a worker")).collect();
            let drained = nodes.iter().map(|node| node.drain());
            let end = drained.max().expect("a node");
            let all: u64 = done.iter().map(|done| done.commands).sum();
            let alone = done
                .iter()
                .map(|done| done.commands as f64 / (done.time - done.waited).as_secs_f64());
            let time: Duration = done.iter().map(|done| done.time).sum();
            let waited: Duration = done.iter().map(|done| done.waited).sum();
            Rates {
                alone: alone.sum(),
                clock: all as f64 / (end - began).as_secs_f64(),
                file_ns: (file_cpu() - file) as f64 / all as f64,
                waited: waited.as_secs_f64() / time.as_secs_f64(),
            }
        })
    }

    /// What a worker thread does.
    fn work(
        &self,
        node: &Node,
        seed: u64,
        start: &Barrier,
        stop: &AtomicBool,
        moves: bool,
    ) -> Done {
        let mut tour = moves.then(Tour::new);
        let mut client = Client::new(&node.engine);
        client.worker.will_write_file();
        let mut requests = Requests::new(self.load, self.spread, self.batch, seed);
        let mut done = 0;
        start.wait();
        let (began, queued) = (Instant::now(), schedule("/proc/thread-self")[1]);
        while !stop.load(Ordering::Relaxed) {
            requests.random(self.keys);
            client.batch(&requests.bytes);
            if self.load == Load::Set {
                // As in the server: what was appended is written before the replies leave.
                node.desk.write();
            }
            done += self.batch as u64;
            tour.iter_mut().for_each(Tour::go_on);
        }
        client.worker.locker().rest();
        Done {
            commands: done,
            time: began.elapsed(),
            waited: Duration::from_nanos(schedule("/proc/thread-self")[1] - queued),
        }
    }
}

/// What a worker did: how many commands, in which time, and how much of it it waited for a
/// processor.
struct Done {
    commands: u64,
    time: Duration,
    waited: Duration,
}

/// Commands a second: if every thread has a processor, and by the clock until the file has
/// everything. What the file's threads took for each, in nanoseconds, and which part of their time
/// the workers waited for a processor.
struct Rates {
    alone: f64,
    clock: f64,
    file_ns: f64,
    waited: f64,
}

/// What the kernel says of a thread: nanoseconds on a processor, and waiting for one.
fn schedule(thread: &str) -> [u64; 2] {
    let text = std::fs::read_to_string(format!("{thread}/schedstat")).unwrap_or_default();
    let mut numbers = text.split(' ').map_while(|word| word.parse().ok());
    [(); 2].map(|()| numbers.next().expect("a kernel that counts waiting times"))
}

/// Nanoseconds on a processor of the threads that write files.
fn file_cpu() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("the system tells of threads");
    let tasks = tasks.map(|task| task.expect("a thread").path());
    let name = |path: &PathBuf| std::fs::read_to_string(path.join("comm")).unwrap_or_default();
    let files = tasks.filter(|path| name(path).trim() == "aof");
    files.map(|path| schedule(&path.to_string_lossy())[0]).sum()
}

/// The bytes of a batch of requests, in which only the numbers of the keys change.
struct Requests {
    bytes: Vec<u8>,
    /// Where the numbers are.
    places: Vec<usize>,
    dice: SplitMix64,
}

impl Requests {
    fn new(load: Load, spread: Spread, batch: usize, seed: u64) -> Requests {
        let prefix = match spread {
            Uniform => "keys:",
            Hot => "{h}k:",
        };
        let key = format!("{prefix}{:0DIGITS$}", 0);
        let request = match load {
            Load::Get => words(&["GET", &key]),
            Load::Set => words(&["SET", &key, &"v".repeat(32)]),
        };
        let text = String::from_utf8_lossy(&request);
        let at = text.find(prefix).expect("the key is there") + prefix.len();
        Requests {
            bytes: request.repeat(batch),
            places: (0..batch).map(|nth| nth * request.len() + at).collect(),
            dice: SplitMix64::new(seed),
        }
    }

    fn number(&mut self, numbers: impl Iterator<Item = u64>) {
        for (&place, mut number) in self.places.iter().zip(numbers) {
            for digit in self.bytes[place..place + DIGITS].iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        }
    }

    fn random(&mut self, keys: u64) {
        let mut dice = self.dice.clone();
        self.number(std::iter::repeat_with(|| dice.bits() % keys));
        self.dice = dice;
    }
}

/// A worker with one connection.
struct Client {
    worker: Worker,
    session: Session,
    parser: Parser,
    arena: Arena,
    limits: Limits,
    commands: Vec<(usize, Command)>,
    out: Vec<u8>,
}

impl Client {
    fn new(engine: &Arc<Engine>) -> Client {
        Client {
            worker: Worker::new(engine),
            session: session(),
            parser: Parser::new(),
            arena: Arena::new(),
            limits: Limits::default(),
            commands: Vec::new(),
            out: Vec::with_capacity(16 << 10),
        }
    }

    /// Executes the requests, at most 64 of them.
    fn batch(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            let step = self
                .parser
                .next(&bytes[at..], &mut self.arena, &self.limits);
            let Ok(Step::Command(command)) = step else {
                panic!("a whole command")
            };
            self.commands.push((at, command));
            at += command.len;
        }
        let mut first = 0;
        while first < self.commands.len() {
            first += self.some(bytes, first);
        }
        assert!(
            !self.out.starts_with(b"-") && !self.out.starts_with(b"$-1"),
            "{}",
            String::from_utf8_lossy(&self.out)
        );
        std::hint::black_box(&self.out);
        self.commands.clear();
        self.arena.clear();
        self.out.clear();
    }

    /// Executes the commands from number `first` on, until one finds its slot locked; how many.
    fn some(&mut self, bytes: &[u8], first: usize) -> usize {
        let (worker, arena) = (&mut self.worker, &self.arena);
        worker.begin_batch();
        for (nth, (at, command)) in self.commands[first..].iter().enumerate() {
            worker.look_ahead(nth, arena.args(command, &bytes[*at..]));
        }
        worker.prefetch();
        let mut done = 0;
        for (nth, (at, command)) in self.commands[first..].iter().enumerate() {
            let args = arena.args(command, &bytes[*at..]);
            let outcome = worker.execute_nth(&mut self.session, nth, args, &mut self.out);
            match outcome {
                Outcome::Done => {}
                Outcome::Busy(slot) => {
                    // As in the server: the connection waits, and its worker sleeps if that is all
                    // it has to do.
                    worker.end_batch();
                    worker.locker().wait(slot);
                    return done;
                }
                Outcome::Later => {
                    worker.end_batch();
                    std::thread::sleep(Duration::from_millis(1));
                    return done;
                }
                other => panic!("{other:?}"),
            }
            done += 1;
        }
        // More follows at once, as in a server whose clients send long pipelines.
        worker.end_batch_and_go_on();
        done
    }
}
