//! What the server tells of itself: LATENCY, MEMORY, INFO, CLIENT LIST; and the words of errors.

use std::collections::BTreeSet;
use std::time::Duration;
use testkit::{Conn, Program, Reply, Server, eventually, until};

fn servers() -> (Server, Server) {
    let start = |program| {
        let plan = Server::of(program).option("save", "");
        plan.option("enable-debug-command", "yes").start()
    };
    (start(Program::Shoal), start(Program::Redis74))
}

fn ours() -> Server {
    let plan = Server::of(Program::Shoal).option("save", "");
    plan.option("enable-debug-command", "yes").start()
}

fn info(conn: &mut Conn, section: &str) -> Vec<(String, String)> {
    let text = conn.call(&["INFO", section]).text();
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn field(conn: &mut Conn, section: &str, name: &str) -> String {
    let fields = info(conn, section);
    let found = fields.into_iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("no field {name}")).1
}

/// The texts and numbers of a reply in their order.
fn flat(reply: &Reply) -> String {
    match reply {
        Reply::Array(items) => items.iter().map(flat).collect::<Vec<_>>().join(" "),
        Reply::Int(number) => number.to_string(),
        other => other.text(),
    }
}

#[test]
fn errors_are_those_of_redis() {
    let (ours, real) = servers();
    let (mut ours, mut real) = (ours.connect(), real.connect());
    let lines = [
        "SET k 1",
        "MOVE k notanumber",
        "MOVE k 99",
        "MOVE k 99999999999",
        "COPY k k2 DB x",
        "COPY k k2 DB 99",
        "COPY k k2 DB 99999999999",
        "SWAPDB 1 a44",
        "SWAPDB a 1",
        "SWAPDB 44 a",
        "SWAPDB 44 55",
        "SWAPDB 99999999999 1",
        "SELECT x",
        "SELECT 99",
        "SELECT 99999999999",
        "EXEC a",
        "MULTI",
        "EXEC a",
        "EXEC",
        "MULTI",
        "MULTI",
        "EXEC",
        "LATENCY LATEST",
        "LATENCY HISTORY",
        "LATENCY HISTORY x",
        "LATENCY GRAPH x",
        "LATENCY RESET x",
        "LATENCY RESET",
        "LATENCY HISTOGRAM nosuch",
        "LATENCY foo",
        "MEMORY PURGE",
        "MEMORY STATS x",
        "DEBUG DICT-RESIZING 1",
        "DEBUG PAUSE-CRON 0",
        "DEBUG STRUCTSIZE x",
    ];
    for line in lines {
        assert_eq!(ours.line(line), real.line(line), "{line}");
    }
}

#[test]
fn patterns_of_very_many_stars_match_nothing_as_in_redis() {
    let (ours, real) = servers();
    let (mut ours, mut real) = (ours.connect(), real.connect());
    let key = "a".repeat(3000);
    for conn in [&mut ours, &mut real] {
        conn.call(&["SET", &key, "1"]).expect_ok();
    }
    for stars in [999, 1000, 1001, 2000] {
        let pattern = "*?".repeat(stars);
        for pattern in [pattern.clone(), pattern.clone() + "*", pattern + "**x"] {
            let [here, there] = [&mut ours, &mut real].map(|conn| conn.call(&["KEYS", &pattern]));
            assert_eq!(here, there, "{stars} stars");
        }
    }
}

/// Fields that came with Redis 7.4.
const NEWER: [&str; 8] = [
    "allocator_muzzy",
    "mem_overhead_db_hashtable_rehashing",
    "expired_subkeys",
    "evicted_scripts",
    "allocator_active_lua",
    "allocator_allocated_lua",
    "allocator_frag_bytes_lua",
    "allocator_resident_lua",
];

#[test]
fn info_has_the_fields_of_redis() {
    let (ours, real) = servers();
    let (mut ours, mut real) = (ours.connect(), real.connect());
    for conn in [&mut ours, &mut real] {
        conn.call(&["SET", "k", "v", "PX", "100000"]).expect_ok();
        conn.call(&["NOSUCH"]);
    }
    for section in ["everything", "default", "commandstats", "keyspace", "debug"] {
        let names = |conn: &mut Conn| -> BTreeSet<String> {
            let fields = info(conn, section).into_iter();
            fields.map(|(name, _)| name).collect()
        };
        let (here, there) = (names(&mut ours), names(&mut real));
        // Those two exist in Redis only with modules and while an event is measured.
        let wanted = there.iter().filter(|name| {
            !NEWER.contains(&name.as_str()) && !name.starts_with("module") && *name != "subexpiry"
        });
        let lacking: Vec<&String> = wanted.filter(|name| !here.contains(*name)).collect();
        assert!(lacking.is_empty(), "{section}: {lacking:?}");
    }
}

#[test]
fn rounds_of_the_workers_are_counted() {
    let server = ours();
    let mut conn = server.connect();
    let number = |conn: &mut Conn, section: &str, name: &str| -> u64 {
        let fields = info(conn, section).into_iter();
        let mut values = fields.filter(|(field, _)| field == name);
        let (_, value) = values.next().expect(name);
        value.parse().expect(name)
    };
    let (rounds, took) = ("eventloop_cycles", "eventloop_duration_sum");
    let before = [rounds, took].map(|name| number(&mut conn, "stats", name));
    for _ in 0..100 {
        conn.line("PING");
    }
    conn.line("DEBUG SLEEP 0.5").expect_ok();
    conn.line("PING");
    let after = [rounds, took].map(|name| number(&mut conn, "stats", name));
    assert!(after[0] >= before[0] + 100, "{before:?} {after:?}");
    assert!(after[1] >= before[1] + 500_000, "{before:?} {after:?}");
    assert!(number(&mut conn, "debug", "eventloop_duration_max") >= 500_000);
    let pings = vec![vec!["PING"]; 20];
    conn.pipeline(&pings).expect("replies");
    assert!(number(&mut conn, "debug", "eventloop_cmd_per_cycle_max") > 1);
    conn.line("CONFIG RESETSTAT").expect_ok();
    assert!(number(&mut conn, "debug", "eventloop_duration_max") < 500_000);
    assert!(number(&mut conn, "stats", took) < 500_000);
}

#[test]
fn slow_commands_are_events() {
    let server = ours();
    let mut conn = server.connect();
    conn.line("CONFIG SET latency-monitor-threshold 50")
        .expect_ok();
    conn.line("DEBUG SLEEP 0.1").expect_ok();
    conn.line("PING");
    let latest = flat(&conn.line("LATENCY LATEST"));
    assert!(latest.starts_with("command "), "{latest}");
    let graph = conn.line("LATENCY GRAPH command").text();
    assert!(graph.starts_with("command - high 1"), "{graph}");
    assert!(conn.line("LATENCY DOCTOR").text().contains("1. command"));
    assert_eq!(conn.line("LATENCY RESET other command").int(), 1);
    assert_eq!(conn.line("LATENCY RESET").int(), 0);
}

#[test]
fn times_of_commands_are_counted_while_that_is_on() {
    let server = ours();
    let mut conn = server.connect();
    for _ in 0..10 {
        conn.line("SET k v").expect_ok();
    }
    let histogram = flat(&conn.line("LATENCY HISTOGRAM set get"));
    assert!(
        histogram.starts_with("set calls 10 histogram_usec "),
        "{histogram}"
    );
    assert!(histogram.ends_with(" 10"), "{histogram}");
    let stats = conn.line("INFO latencystats").text();
    assert!(
        stats.contains("latency_percentiles_usec_set:p50="),
        "{stats}"
    );
    assert!(stats.contains(",p99.9="), "{stats}");
    conn.line("CONFIG SET latency-tracking no").expect_ok();
    conn.line("CONFIG RESETSTAT").expect_ok();
    conn.line("SET k v").expect_ok();
    let stats = conn.line("INFO latencystats").text();
    assert!(!stats.contains("usec_set:"), "{stats}");
}

#[test]
fn memory_is_told_in_the_same_words() {
    let (ours, real) = servers();
    let mut lists = [ours.connect(), real.connect()].map(|mut conn| {
        conn.line("SET k v").expect_ok();
        let Reply::Array(items) = conn.line("MEMORY STATS") else {
            panic!("no array")
        };
        let names = items.chunks(2).map(|pair| pair[0].text());
        names.collect::<BTreeSet<String>>()
    });
    let newer = ["db.dict.rehashing.count", "allocator.muzzy"];
    let newer = newer.map(str::to_owned);
    let lut = [
        "overhead.db.hashtable.lut",
        "overhead.db.hashtable.rehashing",
    ];
    let gone: BTreeSet<String> = newer.into_iter().chain(lut.map(str::to_owned)).collect();
    let there: BTreeSet<String> = lists[1].difference(&gone).cloned().collect();
    lists[1] = there;
    assert_eq!(lists[0], lists[1]);
    let mut conn = ours.connect();
    assert!(!conn.line("MEMORY DOCTOR").text().is_empty());
    assert!(conn.line("MEMORY MALLOC-STATS").text().contains("jemalloc"));
}

#[test]
fn what_a_client_watches_shows_in_its_line() {
    let server = ours();
    let (mut one, mut other) = (server.connect(), server.connect());
    one.line("CLIENT SETNAME watcher").expect_ok();
    one.line("WATCH a b").expect_ok();
    assert_eq!(field(&mut other, "clients", "total_watched_keys"), "2");
    assert_eq!(field(&mut other, "clients", "watching_clients"), "1");
    let line = |conn: &mut Conn| {
        let list = conn.line("CLIENT LIST").text();
        list.lines()
            .find(|line| line.contains("name=watcher"))
            .map(str::to_owned)
            .unwrap()
    };
    assert!(line(&mut other).contains("flags=N "));
    other.line("SET b 1").expect_ok();
    assert!(
        line(&mut other).contains("flags=d "),
        "{}",
        line(&mut other)
    );
    one.line("MULTI").expect_ok();
    assert!(
        line(&mut other).contains("flags=xd "),
        "{}",
        line(&mut other)
    );
    assert_eq!(one.line("EXEC"), Reply::Nil);
    assert!(line(&mut other).contains("flags=N "));
}

#[test]
fn connections_refused_for_their_number_are_counted() {
    let server = ours();
    let mut conn = server.connect();
    conn.line("CONFIG SET maxclients 1").expect_ok();
    // Whether the connection or its first command fails, it is counted.
    let _ = server
        .try_connect()
        .and_then(|mut conn| conn.try_call(&["PING"]));
    let refused = until(Duration::from_secs(10), || {
        let count = field(&mut conn, "stats", "rejected_connections");
        (count != "0").then_some(())
    });
    assert!(refused.is_some());
    conn.line("CONFIG RESETSTAT").expect_ok();
    assert_eq!(field(&mut conn, "stats", "rejected_connections"), "0");
}

#[test]
fn exec_is_refused_for_what_its_commands_may_not() {
    let (primary, replica) = (ours(), ours());
    let mut conn = replica.connect();
    conn.line("MULTI").expect_ok();
    conn.line("FLUSHALL");
    let port = primary.port().to_string();
    replica
        .connect()
        .call(&["REPLICAOF", "127.0.0.1", &port])
        .expect_ok();
    let refused = format!("{:?}", conn.line("EXEC"));
    assert!(
        refused.contains("EXECABORT Transaction discarded because of: READONLY"),
        "{refused}"
    );
    assert!(format!("{:?}", conn.line("EXEC")).contains("without MULTI"));
}

/// EXEC counts as a command, with the time of all that it ran, and so does its failure.
#[test]
fn exec_is_counted() {
    let (ours, real) = servers();
    let counts = |server: &Server| {
        let mut conn = server.connect();
        for line in [
            "EXEC",
            "MULTI",
            "SET k v",
            "LPUSH k v",
            "EXEC",
            "MULTI",
            "NOSUCH",
            "EXEC",
        ] {
            conn.line(line);
        }
        let line = field(&mut conn, "commandstats", "cmdstat_exec");
        let shown = line.split(',').filter(|part| !part.starts_with("usec"));
        let shown: Vec<String> = shown.map(str::to_owned).collect();
        let errors = info(&mut conn, "errorstats");
        (shown, errors)
    };
    let ours = counts(&ours);
    assert_eq!(ours.0, ["calls=3", "rejected_calls=0", "failed_calls=2"]);
    assert_eq!(ours, counts(&real));
}

#[test]
fn a_slow_log_without_room_numbers_nothing() {
    let (ours, real) = servers();
    for server in [ours, real] {
        let mut conn = server.connect();
        for line in [
            "CONFIG SET slowlog-max-len 0 slowlog-log-slower-than 0",
            "PING",
            "CONFIG SET slowlog-max-len 10",
            "SLOWLOG RESET",
        ] {
            conn.line(line);
        }
        conn.line("PING");
        let reply = conn.line("SLOWLOG GET 1");
        let id = reply.array()[0].array()[0].int();
        assert!(id <= 3, "{:?}: {id}", server.program());
    }
}

#[test]
fn what_another_thread_does_is_in_the_slow_log() {
    let server = ours();
    let mut conn = server.connect();
    conn.line("CONFIG SET slowlog-log-slower-than 0")
        .expect_ok();
    conn.line("SLOWLOG RESET").expect_ok();
    conn.line("SAVE").expect_ok();
    let port = server.port().to_string();
    for secret in [&[][..], &["AUTH2", "user", "password"]] {
        let words = ["MIGRATE", "127.0.0.1", &port, "key", "0", "5000"];
        conn.call(&[&words[..], secret].concat());
    }
    // To wait for something is not to be slow.
    conn.line("WAIT 1 1");
    conn.line("CONFIG SET slowlog-log-slower-than -1")
        .expect_ok();
    let entries = conn.line("SLOWLOG GET");
    let lines: Vec<String> = entries
        .array()
        .iter()
        .map(|e| flat(&e.array()[3]))
        .collect();
    let migrate = format!("MIGRATE 127.0.0.1 {port} key 0 5000");
    assert_eq!(
        lines,
        [
            format!("{migrate} AUTH2 (redacted) (redacted)"),
            migrate,
            "SAVE".to_owned(),
            "SLOWLOG RESET".to_owned(),
        ]
    );
}

/// Values that are freed in the background count, by their keys, as in Redis.
#[test]
fn what_is_freed_in_the_background_counts() {
    for program in [Program::Shoal, Program::Redis74] {
        let server = Server::of(program).start();
        let mut conn = server.connect();
        let freed = |conn: &mut Conn, count: &str| {
            eventually("it is freed", Duration::from_secs(20), || {
                let field = |conn: &mut Conn, name| conn.info(name).expect("a reply");
                field(conn, "lazyfreed_objects").as_deref() == Some(count)
                    && field(conn, "lazyfree_pending_objects").as_deref() == Some("0")
            });
        };
        for field in 0..1000 {
            conn.line(&format!("HSET hash {field} value"));
        }
        conn.line("SET small value").expect_ok();
        assert_eq!(conn.line("UNLINK hash small").int(), 2);
        freed(&mut conn, "1");
        for key in 0..100 {
            conn.line(&format!("SET key:{key} value")).expect_ok();
        }
        conn.line("FLUSHALL ASYNC").expect_ok();
        freed(&mut conn, "101");
        conn.line("CONFIG RESETSTAT").expect_ok();
        freed(&mut conn, "0");
    }
}
