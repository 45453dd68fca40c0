//! Tests of what comes before a command runs.

use super::*;
use crate::{Alone, ClientCard};
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

/// The total of memory is the process's: this test alone sets it.
#[test]
fn the_limit_of_memory_stops_what_may_need_some() {
    let (engine, mut session) = (engine(), session());
    let mut worker = Worker::new(&engine);
    let mut run = |trusted: bool, line: &str| {
        let (words, mut out): (ArgsBuf, _) = (line.split(' ').map(str::as_bytes).collect(), vec![]);
        session.trusted = trusted;
        worker.begin_batch();
        worker.execute(&mut session, words.as_args(), &mut out);
        worker.end_batch();
        String::from_utf8(out).unwrap()
    };
    store::memory::correct(1000);
    engine.change_settings(|settings| settings.maxmemory = 1000);
    assert_eq!(
        run(false, "SET k v"),
        "+OK\r\n",
        "the limit itself is not past it"
    );
    engine.change_settings(|settings| settings.maxmemory = 999);
    assert!(run(false, "SET k v").starts_with("-OOM "));
    assert_eq!(run(false, "GET k"), "$1\r\nv\r\n");
    assert_eq!(run(false, "DEL k"), ":1\r\n");
    assert_eq!(run(true, "SET k v"), "+OK\r\n", "a stream is not refused");
    // What waits for replicas and files does not count.
    engine
        .uncounted
        .store(1, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(run(false, "SET k v"), "+OK\r\n");
    engine
        .uncounted
        .store(0, std::sync::atomic::Ordering::Relaxed);
    engine.change_settings(|settings| settings.replica = true);
    assert!(run(false, "SET k v").starts_with("-READONLY "));
    engine.change_settings(|settings| settings.replica_ignore_maxmemory = false);
    assert!(run(false, "SET k v").starts_with("-OOM "));
}
