//! Crashes under load: no write that was acknowledged, or seen by anybody, may be missing
//! afterwards. With `appendfsync always` that holds for a crash of the machine, which a file layer
//! shows that keeps only what was synced; under every policy it holds for a process that is killed.

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

/// What crashes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Crash {
    /// The machine, under `always`: what was not synced is gone.
    Machine,
    /// The same on a file layer that loses what it was told to keep.
    MachineWithoutSync,
    /// The process, under this policy: what the system was given is there.
    Process(&'static str),
}

fn start(directory: &TempDir, what: Crash) -> Server {
    let policy = match what {
        Crash::Process(policy) => policy,
        _ => "always",
    };
    let plan = Server::of(Program::Shoal)
        .directory(directory.path())
        .option("appendonly", "yes")
        .option("appendfsync", policy)
        .option("save", "")
        .option("io-threads", "4");
    if matches!(what, Crash::Process(_)) {
        return plan.start();
    }
    let mirror = directory.path().join("mirror");
    let plan = plan.env("SHOAL_TEST_AOF_MIRROR", &mirror.to_string_lossy());
    if what == Crash::Machine {
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
            let Ok(reply) = conn.try_call(&["SET", &key(writer), &n.to_string()]) else {
                return;
            };
            assert_eq!(reply.error(), None, "an error acknowledges nothing");
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
fn crash(directory: &TempDir, known: &mut [u64], what: Crash, dice: &mut Rng) -> Option<String> {
    let mut server = start(directory, what);
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
    let mut server = match what {
        Crash::Process(_) => start(directory, what),
        _ => {
            MirroredDisk::crash(&files, &mirror).unwrap();
            start(directory, Crash::Machine)
        }
    };
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
    if mirror.exists() {
        std::fs::remove_dir_all(mirror).unwrap();
    }
    missing
}

#[test]
fn nothing_acknowledged_or_seen_is_missing_after_fifty_crashes() {
    let mut dice = seed("nothing_acknowledged_or_seen_is_missing_after_fifty_crashes");
    let directory = TempDir::new("crash");
    let mut known = vec![0; WRITERS];
    for round in 0..50 {
        let missing = crash(&directory, &mut known, Crash::Machine, &mut dice);
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
    let missing = crash(&directory, &mut known, Crash::MachineWithoutSync, &mut dice);
    assert!(missing.is_some(), "the test is blind");
}

/// Twenty processes that are killed under this policy.
fn kill_twenty(policy: &'static str) {
    let mut dice = seed(&format!("kill_twenty {policy}"));
    let directory = TempDir::new(&format!("kill-{policy}"));
    let mut known = vec![0; WRITERS];
    for round in 0..20 {
        let missing = crash(&directory, &mut known, Crash::Process(policy), &mut dice);
        assert_eq!(missing, None, "under {policy}, after kill {round}");
    }
    assert!(
        known.iter().sum::<u64>() > 1000,
        "the writers wrote: {known:?}"
    );
}

#[test]
fn a_killed_process_has_lost_nothing_under_always() {
    kill_twenty("always");
}

#[test]
fn a_killed_process_has_lost_nothing_under_everysec() {
    kill_twenty("everysec");
}

#[test]
fn a_killed_process_has_lost_nothing_under_no() {
    kill_twenty("no");
}
