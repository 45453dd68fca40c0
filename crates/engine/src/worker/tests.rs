//! Tests of what comes before a command runs.

use super::*;
use crate::{Alone, Caller, ClientCard};
use resp::ArgsBuf;

fn engine() -> Arc<Engine> {
    let directory = commands::Directory::default();
    let store = store::Store::new(16);
    Engine::new(store, Settings::default(), directory, Arc::new(Alone))
}

fn session() -> Session {
    let card = ClientCard::new(1, String::new(), String::new(), -1, (0, 0));
    Session::new(Arc::new(card), true)
}

/// A state of the server, and how the error begins that a write gets in it.
type State = (fn(&mut Settings), &'static [u8]);

/// The worker asks for the server's state once a batch: whatever refuses writes must count in that.
#[test]
fn each_state_that_refuses_writes_does_so() {
    let states: [State; 4] = [
        (|settings| settings.stale = true, b"-MASTERDOWN "),
        (|settings| settings.replica = true, b"-READONLY "),
        (
            |settings| settings.refuse_writes = Some("NOREPLICAS no"),
            b"-NOREPLICAS ",
        ),
        (
            |settings| settings.append_only_failure = Some("full".into()),
            b"-MISCONF ",
        ),
    ];
    let words: ArgsBuf = [b"SET".as_slice(), b"k", b"v"].into_iter().collect();
    for (change, error) in states {
        let (engine, mut session) = (engine(), session());
        let mut worker = Worker::new(&engine);
        let mut set = |worker: &mut Worker| {
            let mut out = Vec::new();
            worker.begin_batch();
            worker.execute(&mut session, words.as_args(), &mut out);
            worker.end_batch();
            out
        };
        assert_eq!(set(&mut worker), b"+OK\r\n");
        engine.change_settings(change);
        let refused = set(&mut worker);
        assert!(refused.starts_with(error), "{}", refused.escape_ascii());
    }
}

#[test]
fn commands_wait_for_a_load_that_may_be_over_in_a_moment() {
    let (engine, mut session) = (engine(), session());
    let mut worker = Worker::new(&engine);
    let words: ArgsBuf = [b"GET".as_slice(), b"k"].into_iter().collect();
    let mut get = |worker: &mut Worker| {
        let mut out = Vec::new();
        worker.begin_batch();
        let outcome = worker.execute(&mut session, words.as_args(), &mut out);
        worker.end_batch();
        (outcome, out)
    };
    assert_eq!(get(&mut worker), (Outcome::Done, b"$-1\r\n".to_vec()));
    engine.change_settings(|settings| settings.loading = true);
    // The batch's clock was read before the worker saw that.
    assert_eq!(get(&mut worker), (Outcome::Later, Vec::new()));
    // What takes its time is told.
    worker.loading_since = Instant::now().checked_sub(Duration::from_secs(1));
    let (outcome, out) = get(&mut worker);
    assert_eq!(outcome, Outcome::Done);
    assert!(out.starts_with(b"-LOADING "), "{out:?}");
    // The next load is another one.
    engine.change_settings(|settings| settings.loading = false);
    assert_eq!(get(&mut worker).0, Outcome::Done);
    engine.change_settings(|settings| settings.loading = true);
    assert_eq!(get(&mut worker).0, Outcome::Later);
}

/// What a connection's KEYS has found so far belongs to that command alone.
#[test]
fn a_keys_that_was_not_finished_leaves_nothing_to_the_next() {
    let (engine, mut session) = (engine(), session());
    let mut worker = Worker::new(&engine);
    let mut run = |worker: &mut Worker, line: &str| {
        let words: ArgsBuf = line.split(' ').map(str::as_bytes).collect();
        let mut out = Vec::new();
        worker.begin_batch();
        let outcome = worker.execute(&mut session, words.as_args(), &mut out);
        worker.end_batch();
        (outcome, String::from_utf8(out).unwrap())
    };
    run(&mut worker, "SET a:1 v");
    run(&mut worker, "SET b:1 v");
    let other = store::Locker::new(&engine.store);
    let slot = base::Slot::of_key(b"b:1");
    let waits = |worker: &mut Worker,
                 run: &mut dyn FnMut(&mut Worker, &str) -> (Outcome, String)| {
        let _open = other.enter();
        let _held = other.lock(slot);
        assert_eq!(run(worker, "KEYS a*"), (Outcome::Busy(slot), String::new()));
    };
    // It is refused when it comes again.
    waits(&mut worker, &mut run);
    engine.change_settings(|settings| settings.stale = true);
    assert!(run(&mut worker, "KEYS a*").1.starts_with("-MASTERDOWN"));
    engine.change_settings(|settings| settings.stale = false);
    assert_eq!(run(&mut worker, "KEYS b*").1, "*1\r\n$3\r\nb:1\r\n");
    // It goes on where it was, and then it is done.
    waits(&mut worker, &mut run);
    assert_eq!(run(&mut worker, "KEYS a*").1, "*1\r\n$3\r\na:1\r\n");
    assert_eq!(run(&mut worker, "KEYS b*").1, "*1\r\n$3\r\nb:1\r\n");
}

fn run(worker: &mut Worker, session: &mut Session, words: &[&str]) -> Vec<u8> {
    let words: ArgsBuf = words.iter().map(|word| word.as_bytes()).collect();
    let mut out = Vec::new();
    worker.begin_batch();
    worker.execute(session, words.as_args(), &mut out);
    worker.end_batch();
    out
}

/// A connection goes between two batches: who has the world then relies on no slot being locked.
/// Debug builds look at that for each slot.
#[test]
fn a_connection_that_goes_ends_its_watches_within_a_batch() {
    let (engine, mut session) = (engine(), session());
    let mut worker = Worker::new(&engine);
    assert_eq!(run(&mut worker, &mut session, &["WATCH", "k"]), b"+OK\r\n");
    worker.forget(&mut session);
    worker.begin_batch();
    let guard = worker.locker().try_lock(base::Slot::of_key(b"k")).unwrap();
    assert!(!guard.has_expired(0, b"k", &session.watch, i64::MAX));
    drop(guard);
    worker.end_batch();
}

#[test]
fn workers_that_end_leave_their_numbers_and_no_counters() {
    let (engine, mut session) = (engine(), session());
    for round in 1..=3 {
        let mut worker = Worker::new(&engine);
        assert_eq!(engine.stats.workers(), 1);
        assert_eq!(
            run(&mut worker, &mut session, &["SET", "k", "v"]),
            b"+OK\r\n"
        );
        assert!(run(&mut worker, &mut session, &["LPUSH", "k", "v"]).starts_with(b"-WRONGTYPE"));
        drop(worker);
        assert_eq!(engine.stats.workers(), 0);
        assert_eq!(engine.stats.of(Cmd::Set).calls, round);
        assert_eq!(engine.stats.of(Cmd::Lpush).failed, round);
        assert_eq!(engine.stats.errors(), [("WRONGTYPE".to_string(), round)]);
    }
    engine.stats.reset();
    assert!(engine.stats.errors().is_empty());
    assert_eq!(engine.stats.total_calls(), 0);
}

/// A stream has its place in the queue of a slot that others never leave alone.
#[test]
fn a_stream_gets_a_slot_that_is_always_busy() {
    let engine = engine();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let started = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let slot = base::Slot::of_key(b"k");
            let worker = Worker::new(&engine);
            let locker = worker.locker();
            locker.open();
            // It gives the slot up between two commands for no longer than it must.
            let mut guard = locker.try_lock(slot);
            started.wait();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                drop(guard.take());
                if guard.is_none() {
                    guard = locker.try_lock(slot);
                }
                if guard.is_none() {
                    locker.close();
                    locker.wait(slot);
                    locker.open();
                    guard = locker.try_lock(slot);
                }
                let busy = Instant::now();
                while busy.elapsed() < Duration::from_micros(50) {}
                drop(guard.take());
                locker.close_and_go_on(false);
                locker.open();
                guard = locker.try_lock(slot);
            }
            drop(guard.take());
            locker.close();
        });
        started.wait();
        let mut foreign = crate::Foreign::new(&engine, Caller::Log);
        let began = Instant::now();
        for _ in 0..100 {
            let unit = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
            assert_eq!(foreign.unit(unit), Ok(true));
        }
        let took = began.elapsed();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(took < Duration::from_secs(20), "{took:?} for 100 commands");
    });
    assert_eq!(engine.store.waiting(), 0);
}

/// The total of memory is the process's: this test alone sets it.
#[test]
fn the_limit_of_memory_stops_what_may_need_some() {
    let (engine, mut session) = (engine(), session());
    let mut worker = Worker::new(&engine);
    use Caller::{Client, Stream};
    let mut run = |caller: Caller, line: &str| {
        let (words, mut out): (ArgsBuf, _) = (line.split(' ').map(str::as_bytes).collect(), vec![]);
        session.caller = caller;
        worker.begin_batch();
        worker.execute(&mut session, words.as_args(), &mut out);
        worker.end_batch();
        String::from_utf8(out).unwrap()
    };
    store::memory::correct(1000);
    engine.change_settings(|settings| settings.maxmemory = 1000);
    assert_eq!(
        run(Client, "SET k v"),
        "+OK\r\n",
        "the limit itself is not past it"
    );
    engine.change_settings(|settings| settings.maxmemory = 999);
    assert!(run(Client, "SET k v").starts_with("-OOM "));
    assert_eq!(run(Client, "GET k"), "$1\r\nv\r\n");
    assert_eq!(run(Client, "DEL k"), ":1\r\n");
    assert_eq!(run(Stream, "SET k v"), "+OK\r\n", "a stream is not refused");
    // What waits for replicas and files does not count.
    engine
        .uncounted
        .store(1, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(run(Client, "SET k v"), "+OK\r\n");
    engine
        .uncounted
        .store(0, std::sync::atomic::Ordering::Relaxed);
    engine.change_settings(|settings| settings.replica = true);
    assert!(run(Client, "SET k v").starts_with("-READONLY "));
    engine.change_settings(|settings| settings.replica_ignore_maxmemory = false);
    assert!(run(Client, "SET k v").starts_with("-OOM "));
}

/// A command that needs the world closes the gate in the middle of a batch. Whoever changes the
/// role counts that as a boundary: neither the command nor what stands behind it goes by the role
/// before.
#[test]
fn the_world_is_a_boundary_within_a_batch() {
    let replica = |engine: &Engine| engine.change_settings(|settings| settings.replica = true);
    for world in [&["FLUSHALL"][..], &["EXEC"]] {
        let (engine, mut session) = (engine(), session());
        let mut worker = Worker::new(&engine);
        let mut next = |worker: &mut Worker, words: &[&str]| {
            let words: ArgsBuf = words.iter().map(|word| word.as_bytes()).collect();
            let mut out = Vec::new();
            let outcome = worker.execute(&mut session, words.as_args(), &mut out);
            (outcome, String::from_utf8(out).unwrap())
        };
        worker.begin_batch();
        if world == ["EXEC"] {
            next(&mut worker, &["MULTI"]);
            next(&mut worker, &["KEYS", "*"]);
        }
        replica(&engine);
        assert_eq!(next(&mut worker, world), (Outcome::Token, String::new()));
        let again = next(&mut worker, world).1;
        let refused = again.starts_with("-READONLY ");
        assert!(
            refused || (world == ["EXEC"] && again == "*1\r\n*0\r\n"),
            "{again}"
        );
        let write = next(&mut worker, &["SET", "k", "v"]).1;
        assert!(write.starts_with("-READONLY "), "{write}");
        worker.end_batch();
    }
}
