//! Crashes under load on a file layer that keeps only what was synced: with `appendfsync always` no
//! write that was acknowledged, or seen by anybody, may be missing afterwards.

use persist::aof::mirror::MirroredDisk;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use testkit::{Program, Reply, Rng, Server, TempDir, eventually, seed};

const LIMIT: Duration = Duration::from_secs(60);
const WRITERS: usize = 6;
const READERS: usize = 2;

/// What everybody knows: for each key the highest number that was acknowledged or read.
struct Load {
    known: Vec<AtomicU64>,
    writes: AtomicU64,
    ended: AtomicBool,
}

fn key(writer: usize) -> String {
    format!("writer:{writer}")
}

/// What a key holds; 0 when it is not there.
fn number(reply: &Reply) -> u64 {
    match reply {
        Reply::Nil => 0,
        reply => reply.text().parse().unwrap(),
    }
}

fn start(directory: &TempDir, syncs: bool) -> Server {
    let mirror = directory.path().join("mirror");
    let plan = Server::of(Program::Shoal)
        .directory(directory.path())
        .option("appendonly", "yes")
        .option("appendfsync", "always")
        .option("save", "")
        .option("io-threads", "4")
        .env("SHOAL_TEST_AOF_MIRROR", &mirror.to_string_lossy());
    if syncs {
        plan.start()
    } else {
        plan.env("SHOAL_TEST_AOF_NO_SYNC", "1").start()
    }
}

fn write(server: &Server, load: &Arc<Load>, writer: usize) -> JoinHandle<()> {
    let (load, mut conn) = (load.clone(), server.connect());
    std::thread::spawn(move || {
        let mut n = load.known[writer].load(Ordering::SeqCst);
        while !load.ended.load(Ordering::SeqCst) {
            n += 1;
            if conn
                .try_call(&["SET", &key(writer), &n.to_string()])
                .is_err()
            {
                return;
            }
            load.known[writer].fetch_max(n, Ordering::SeqCst);
            load.writes.fetch_add(1, Ordering::SeqCst);
        }
    })
}

fn read(server: &Server, load: &Arc<Load>) -> JoinHandle<()> {
    let (load, mut conn) = (load.clone(), server.connect());
    std::thread::spawn(move || {
        for writer in (0..WRITERS).cycle() {
            let Ok(reply) = conn.try_call(&["GET", &key(writer)]) else {
                return;
            };
            let seen = number(&reply);
            load.known[writer].fetch_max(seen, Ordering::SeqCst);
        }
    })
}

/// One crash; what is missing after it, if anything is.
fn crash(directory: &TempDir, known: &mut [u64], syncs: bool, dice: &mut Rng) -> Option<String> {
    let mut server = start(directory, syncs);
    let load = Arc::new(Load {
        known: known.iter().map(|n| AtomicU64::new(*n)).collect(),
        writes: AtomicU64::new(0),
        ended: AtomicBool::new(false),
    });
    let mut threads: Vec<_> = (0..WRITERS).map(|n| write(&server, &load, n)).collect();
    threads.extend((0..READERS).map(|_| read(&server, &load)));
    let target = 1 + dice.below(150);
    let rewrite_at = dice.below(300);
    let mut rewrite = Some(server.connect());
    eventually("the writers get on", LIMIT, || {
        let writes = load.writes.load(Ordering::SeqCst);
        if writes >= rewrite_at
            && let Some(mut conn) = rewrite.take()
        {
            conn.call(&["BGREWRITEAOF"]);
        }
        writes >= target
    });
    server.process().kill();
    load.ended.store(true, Ordering::SeqCst);
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    drop(server);
    let (files, mirror) = (
        directory.path().join("appendonlydir"),
        directory.path().join("mirror"),
    );
    MirroredDisk::crash(&files, &mirror).unwrap();
    let mut server = start(directory, true);
    let mut missing = None;
    for (writer, last) in known.iter_mut().enumerate() {
        let reply = server.call(&["GET", &key(writer)]);
        let found = number(&reply);
        let before = load.known[writer].load(Ordering::SeqCst);
        if found < before {
            missing = Some(format!("{} is {found}, known was {before}", key(writer)));
        }
        *last = found;
    }
    server.process().terminate(LIMIT);
    std::fs::remove_dir_all(mirror).unwrap();
    missing
}

#[test]
fn nothing_acknowledged_or_seen_is_missing_after_fifty_crashes() {
    let mut dice = seed("nothing_acknowledged_or_seen_is_missing_after_fifty_crashes");
    let directory = TempDir::new("crash");
    let mut known = vec![0; WRITERS];
    for round in 0..50 {
        let missing = crash(&directory, &mut known, true, &mut dice);
        assert_eq!(missing, None, "after crash {round}");
    }
    assert!(
        known.iter().sum::<u64>() > 1000,
        "the writers wrote: {known:?}"
    );
}

#[test]
fn a_server_that_does_not_sync_fails_that_test() {
    let mut dice = seed("a_server_that_does_not_sync_fails_that_test");
    let directory = TempDir::new("crash-without-sync");
    let mut known = vec![0; WRITERS];
    let missing = crash(&directory, &mut known, false, &mut dice);
    assert!(missing.is_some(), "the test is blind");
}
