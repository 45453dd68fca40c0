//! Many connections on several workers: every key is linearizable, commands and transactions over
//! several slots are seen whole or not at all, the journal has the order of the slots, and a
//! snapshot is of one instant. Servers with a rule broken on purpose must fail these tests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use testkit::history::{Action, Call, Told, explain};
use testkit::{Conn, Program, Reply, Rng, Server, ServerPlan, TempDir, seed};

const CLIENTS: usize = 10;

fn plan(workers: &str) -> ServerPlan {
    Server::of(Program::Shoal)
        .option("io-threads", workers)
        .option("enable-debug-command", "yes")
}

/// Runs `work` on as many connections as `clients`, each with its own generator.
fn on_connections<T: Send>(
    server: &Server,
    dice: &mut Rng,
    clients: usize,
    work: impl Fn(usize, &mut Conn, Rng) -> T + Sync,
) -> Vec<T> {
    let work = &work;
    let seeds: Vec<Rng> = (0..clients).map(|_| Rng::new(dice.bits())).collect();
    std::thread::scope(|scope| {
        let start = |(client, dice): (usize, Rng)| {
            let mut conn = server.connect();
            scope.spawn(move || work(client, &mut conn, dice))
        };
        let threads: Vec<_> = seeds.into_iter().enumerate().map(start).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, T>| thread.join().unwrap();
        threads.into_iter().map(join).collect()
    })
}

fn some_action(dice: &mut Rng) -> Action {
    let digits = dice.below(1000).to_string().into_bytes();
    match dice.below(100) {
        0..30 => Action::Get,
        30..45 => Action::Set(digits),
        45..55 => Action::GetSet(digits),
        55..65 => Action::SetNx(digits),
        65..75 => Action::Append(digits[..1].to_vec()),
        75..90 => Action::Incr,
        _ => Action::Del,
    }
}

/// Random commands on few keys, while somebody asks for the world and for snapshots.
fn record(server: &Server, dice: &mut Rng, keys: u64, each: usize) -> Vec<Vec<Call>> {
    let clock = Instant::now();
    let now = || clock.elapsed().as_nanos() as u64;
    let work = |client: usize, conn: &mut Conn, mut dice: Rng| {
        let mut calls = Vec::with_capacity(each);
        for n in 0..each {
            if client == 0 && n % 20 == 0 {
                conn.call(&[*dice.pick(&["BGSAVE", "DBSIZE", "RANDOMKEY"])]);
                conn.call(&["KEYS", "*"]);
            }
            let (key, action) = (dice.below(keys), some_action(&mut dice));
            let request = action.request(&format!("key:{key}"));
            let sent = now();
            let reply = conn.call(&request);
            let told = Some((now(), Told::from(&reply)));
            let call = Call {
                client,
                action,
                sent,
                told,
            };
            calls.push((key as usize, call));
        }
        calls
    };
    let mut histories = vec![Vec::new(); keys as usize];
    for (key, call) in on_connections(server, dice, CLIENTS, work)
        .into_iter()
        .flatten()
    {
        histories[key].push(call);
    }
    histories
}

#[test]
fn every_key_is_linearizable() {
    let mut dice = seed("every_key_is_linearizable");
    for (workers, each) in [("4", 1200), ("1", 300)] {
        let server = plan(workers).start();
        for (key, calls) in record(&server, &mut dice, 3, each).iter().enumerate() {
            if let Err(found) = explain(calls) {
                panic!("key:{key} with {workers} workers: {found}");
            }
        }
    }
}

const GROUP: usize = 6;

/// Keys of different slots.
fn group() -> Vec<String> {
    (0..GROUP).map(|n| format!("member:{n}")).collect()
}

/// What a command saw of the group, if it saw all members alike.
fn alike(reply: &Reply) -> Option<&Reply> {
    let values = reply.array();
    let first = values.first()?;
    (values.len() == GROUP && values.iter().all(|value| value == first)).then_some(first)
}

fn words(name: &str, keys: &[String], value: Option<&str>) -> Vec<String> {
    let mut words = vec![name.to_owned()];
    for key in keys {
        words.push(key.clone());
        words.extend(value.map(str::to_owned));
    }
    words
}

/// Sends `commands` as one transaction; `None` when a watched key had changed.
fn transact(conn: &mut Conn, commands: &[Vec<String>]) -> Option<Vec<Reply>> {
    let one = |word: &str| vec![word.to_owned()];
    let mut all = vec![one("MULTI")];
    all.extend(commands.iter().cloned());
    all.push(one("EXEC"));
    match conn.pipeline(&all).unwrap().pop().unwrap() {
        Reply::Nil => None,
        Reply::Array(replies) => Some(replies),
        other => panic!("EXEC answered {other:?}"),
    }
}

#[test]
fn commands_and_transactions_over_slots_are_seen_whole() {
    let mut dice = seed("commands_and_transactions_over_slots_are_seen_whole");
    let server = plan("4").start();
    let keys = group();
    let each_get = || keys.iter().map(|key| vec!["GET".to_owned(), key.clone()]);
    let changes = AtomicU64::new(0);
    let work = |client: usize, conn: &mut Conn, mut dice: Rng| {
        let mut last = Reply::Nil;
        for n in 0..400 {
            let value = format!("{client}:{n}");
            match (client % 2, dice.below(10)) {
                (0, 0..5) => conn.call(&words("MSET", &keys, Some(&value))).expect_ok(),
                (0, 5..7) => {
                    let sets = keys
                        .iter()
                        .map(|key| ["SET".into(), key.clone(), value.clone()].to_vec());
                    transact(conn, &sets.collect::<Vec<_>>()).unwrap();
                }
                (0, 7) => {
                    let gone = conn.call(&words("DEL", &keys, None)).int();
                    assert!([0, GROUP as i64].contains(&gone), "{gone} were there");
                }
                (0, _) => {
                    conn.call(&words("MSETNX", &keys, Some(&value))).int();
                }
                (_, 0..5) => {
                    let reply = conn.call(&words("MGET", &keys, None));
                    let seen = alike(&reply).unwrap_or_else(|| panic!("seen in part: {reply:?}"));
                    changes.fetch_add(u64::from(*seen != last), Ordering::Relaxed);
                    last = seen.clone();
                }
                (_, 5) => {
                    let there = conn.call(&words("EXISTS", &keys, None)).int();
                    assert!([0, GROUP as i64].contains(&there), "{there} were there");
                }
                _ => {
                    let seen =
                        Reply::Array(transact(conn, &each_get().collect::<Vec<_>>()).unwrap());
                    assert!(alike(&seen).is_some(), "seen in part: {seen:?}");
                }
            }
        }
    };
    on_connections(&server, &mut dice, CLIENTS, work);
    let changes = changes.into_inner();
    assert!(changes > 100, "the readers saw only {changes} changes");
}

const ACCOUNTS: u64 = 8;
const EACH: i64 = 1000;

fn account(n: u64) -> String {
    format!("account:{n}")
}

fn sum(values: &[Reply]) -> i64 {
    let number = |value: &Reply| value.text().parse::<i64>().unwrap();
    values.iter().map(number).sum()
}

fn set(key: &str, value: i64) -> Vec<String> {
    vec!["SET".into(), key.into(), value.to_string()]
}

#[test]
fn watched_transfers_keep_the_sum() {
    let mut dice = seed("watched_transfers_keep_the_sum");
    let server = plan("4").start();
    let accounts: Vec<String> = (0..ACCOUNTS).map(account).collect();
    let total = ACCOUNTS as i64 * EACH;
    let mut conn = server.connect();
    conn.call(&words("MSET", &accounts, Some(&EACH.to_string())))
        .expect_ok();
    let (done, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    let work = |client: usize, conn: &mut Conn, mut dice: Rng| {
        for _ in 0..250 {
            if client.is_multiple_of(3) {
                let seen = conn.call(&words("MGET", &accounts, None));
                assert_eq!(sum(seen.array()), total);
                let gets = accounts
                    .iter()
                    .map(|key| vec!["GET".to_owned(), key.clone()]);
                let seen = transact(conn, &gets.collect::<Vec<_>>()).unwrap();
                assert_eq!(sum(&seen), total);
                continue;
            }
            let (from, to) = (dice.below(ACCOUNTS), dice.below(ACCOUNTS - 1));
            let (from, to) = (account(from), account(if to >= from { to + 1 } else { to }));
            conn.call(&["WATCH", &from, &to]).expect_ok();
            let held = conn.call(&["MGET", &from, &to]);
            let number = |at: usize| held.array()[at].text().parse::<i64>().unwrap();
            let amount = dice.below(50) as i64;
            let transfer = [set(&from, number(0) - amount), set(&to, number(1) + amount)];
            match transact(conn, &transfer) {
                Some(_) => done.fetch_add(1, Ordering::Relaxed),
                None => refused.fetch_add(1, Ordering::Relaxed),
            };
        }
    };
    on_connections(&server, &mut dice, CLIENTS, work);
    let seen = conn.call(&words("MGET", &accounts, None));
    assert_eq!(sum(seen.array()), total);
    let (done, refused) = (done.into_inner(), refused.into_inner());
    assert!(
        done > 100 && refused > 10,
        "{done} done, {refused} refused: nobody disturbed anybody"
    );
}

/// Whether the append-only file gives, when loaded again, what the server had.
fn journal_has_the_order(dice: &mut Rng, mutant: Option<&str>) -> bool {
    let mut plan = plan("4").option("appendonly", "yes");
    if let Some(mutant) = mutant {
        plan = plan.env("SHOAL_TEST_MUTANT", mutant);
    }
    let server = plan.start();
    let work = |client: usize, conn: &mut Conn, mut dice: Rng| {
        for n in 0..20 {
            let request = |m: u64| {
                // Nothing is overwritten, so that the values tell the order of all commands.
                let (key, value) = (
                    format!("key:{}", dice.below(3)),
                    format!("{client}.{n}.{m} "),
                );
                vec!["APPEND".to_owned(), key, value]
            };
            let requests: Vec<_> = (0..40).map(request).collect();
            conn.pipeline(&requests).unwrap();
        }
    };
    on_connections(&server, dice, CLIENTS, work);
    let read = || server.call(&["MGET", "key:0", "key:1", "key:2"]);
    let before = read();
    server.call(&["DEBUG", "LOADAOF"]).expect_ok();
    read() == before
}

#[test]
fn the_journal_has_the_order_in_which_things_happened() {
    let mut dice = seed("the_journal_has_the_order_in_which_things_happened");
    assert!(journal_has_the_order(&mut dice, None));
    assert!(
        !journal_has_the_order(&mut dice, Some("append-after-unlock")),
        "the test is blind"
    );
}

const MANY: u64 = 20_000;

/// A save ends with a sync, which a disk that others write to may delay for long.
const SLOWEST_DISK: Duration = Duration::from_secs(180);

/// Sets its counter when it goes.
struct AtEnd<'a>(&'a AtomicU64);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(1, Ordering::SeqCst);
    }
}

/// Saves while transfers run; the sums of all accounts in each of the files. `switch` is one of
/// the server's switches for tests, with its value.
fn saved_sums(dice: &mut Rng, switch: Option<(&str, &str)>, saves: u64) -> Vec<i64> {
    let mut plan = plan("4");
    if let Some((name, value)) = switch {
        plan = plan.env(name, value);
    }
    let server = plan.start();
    let mut conn = server.connect();
    let accounts: Vec<String> = (0..MANY).map(account).collect();
    conn.call(&words("MSET", &accounts, Some(&EACH.to_string())))
        .expect_ok();
    let ended = AtomicU64::new(0);
    let work = |client: usize, conn: &mut Conn, mut dice: Rng| {
        let mut files = Vec::new();
        if client > 0 {
            while ended.load(Ordering::SeqCst) == 0 {
                let amount = dice.below(50) as i64;
                let transfer = [-amount, amount].map(|by| {
                    let key = account(dice.below(MANY));
                    vec!["INCRBY".to_owned(), key, by.to_string()]
                });
                transact(conn, &transfer).unwrap();
            }
            return files;
        }
        // Also when this thread panics: nobody else would end the others' work.
        let _end = AtEnd(&ended);
        conn.set_patience(SLOWEST_DISK).unwrap();
        for turn in 0..saves {
            conn.call(&["SAVE"]).expect_ok();
            let directory = TempDir::new("saved");
            let file = server.directory().join("dump.rdb");
            std::fs::copy(file, directory.path().join("dump.rdb")).unwrap();
            files.push((turn, directory));
        }
        files
    };
    let files = on_connections(&server, dice, 5, work);
    let load = |(_, directory): (u64, TempDir)| {
        let server = self::plan("4").directory(directory.path()).start();
        let mut conn = server.connect();
        sum(conn.call(&words("MGET", &accounts, None)).array())
    };
    files.into_iter().flatten().map(load).collect()
}

#[test]
fn a_snapshot_under_transfers_is_of_one_instant() {
    let mut dice = seed("a_snapshot_under_transfers_is_of_one_instant");
    let total = MANY as i64 * EACH;
    assert_eq!(saved_sums(&mut dice, None, 4), [total; 4]);
    let sums = saved_sums(
        &mut dice,
        Some(("SHOAL_TEST_MUTANT", "baseline-after-effect")),
        4,
    );
    assert!(
        sums.iter().any(|sum| *sum != total),
        "the test is blind: {sums:?}"
    );
}

#[test]
fn commands_that_find_their_slots_while_they_run_get_through() {
    let mut dice = seed("commands_that_find_their_slots_while_they_run_get_through");
    let server = plan("4").start();
    let (keys, mut conn) = (group(), server.connect());
    conn.call(&words("MSET", &keys, Some("0"))).expect_ok();
    conn.call(&["RPUSH", "list", "0", "1", "2", "3", "4", "5"]);
    let work = |client: usize, conn: &mut Conn, mut dice: Rng| {
        for n in 0..200 {
            match (client % 2, dice.below(4)) {
                (0, _) => conn
                    .call(&words("MSET", &keys, Some(&n.to_string())))
                    .expect_ok(),
                (_, 0) => {
                    let mut found = conn.call(&["KEYS", "member:*"]).texts();
                    found.sort();
                    assert_eq!(found, keys);
                }
                (_, 1) => {
                    // All elements weigh the same, whenever it is: MSET is seen whole.
                    let sorted = conn
                        .line("SORT list BY member:* GET # GET member:*")
                        .texts();
                    let weights: Vec<_> = sorted.iter().skip(1).step_by(2).collect();
                    assert!(weights.windows(2).all(|two| two[0] == two[1]), "{sorted:?}");
                }
                (_, 2) => {
                    conn.call(&words("WATCH", &keys, None)).expect_ok();
                    conn.call(&["UNWATCH"]).expect_ok();
                }
                _ => {
                    conn.call(&words("WATCH", &keys, None)).expect_ok();
                    conn.call(&["MULTI"]).expect_ok();
                    conn.call(&["DISCARD"]).expect_ok();
                }
            }
        }
    };
    on_connections(&server, &mut dice, CLIENTS, work);
    // Watches that ended in the background too are gone by the time the slots are quiet.
    testkit::eventually("no watch is left", Duration::from_secs(10), || {
        conn.info("lazyfree_pending_objects").unwrap().as_deref() == Some("0")
    });
}

#[test]
fn keys_of_a_slot_are_counted_inside_of_a_transaction_on_that_slot() {
    let server = plan("4").option("cluster-enabled", "yes").start();
    let mut conn = server.connect();
    conn.line("CLUSTER ADDSLOTSRANGE 0 16383").expect_ok();
    testkit::eventually("the cluster is up", Duration::from_secs(10), || {
        conn.line("SET {a}1 x").error().is_none()
    });
    let slot = conn.line("CLUSTER KEYSLOT {a}1").int().to_string();
    let one = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let replies = transact(
        &mut conn,
        &[
            one("SET {a}2 y"),
            one(&format!("CLUSTER COUNTKEYSINSLOT {slot}")),
            one(&format!("CLUSTER GETKEYSINSLOT {slot} 10")),
            one("DEL {a}1"),
        ],
    );
    let replies = replies.unwrap();
    assert_eq!(replies[1], Reply::Int(2));
    assert_eq!(replies[2].array().len(), 2);
    assert_eq!(
        conn.line(&format!("CLUSTER COUNTKEYSINSLOT {slot}")).int(),
        1
    );
}

#[test]
fn writers_that_wait_for_a_snapshot_go_on() {
    let mut dice = seed("writers_that_wait_for_a_snapshot_go_on");
    let total = MANY as i64 * EACH;
    // Room for hardly more than one old value: the writers are parked again and again.
    assert_eq!(
        saved_sums(&mut dice, Some(("SHOAL_TEST_BOUND", "100")), 2),
        [total; 2]
    );
}
