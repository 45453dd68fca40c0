//! Each option with an effect that is quickly seen: set in a file and set by CONFIG SET it must
//! change the same thing, looked at from where the option's row says that it is seen.

use config::Observer;
use std::path::PathBuf;
use testkit::{Conn, Program, Server, ServerPlan, eventually};

use super::{LONG, read_until};

/// Options that a test needs beside, each with its words.
type With = &'static [(&'static str, &'static str)];

/// An option, and where one sees that it is in force.
struct Case {
    option: &'static str,
    values: &'static [&'static str],
    with: With,
    /// What is seen. May be looked at several times.
    look: fn(&Server) -> String,
    /// Whether that is so because of the value. By the default it must not be.
    shows: fn(&str) -> bool,
}

const REPLICA: (&str, &str) = ("replicaof", "127.0.0.1 1");
const CLUSTER: (&str, &str) = ("cluster-enabled", "yes");
const APPEND_ONLY: (&str, &str) = ("appendonly", "yes");
const TRUSTED: (&str, &str) = ("enable-protected-configs", "yes");

/// The reply to the last of some requests, in words.
fn last(conn: &mut Conn, lines: &[&str]) -> String {
    let replies = lines.iter().map(|line| conn.line(line));
    match replies.last() {
        None => String::new(),
        Some(reply) => match reply.error() {
            Some(text) => format!("-{text}"),
            None => in_words(&reply),
        },
    }
}

fn in_words(reply: &testkit::Reply) -> String {
    use testkit::Reply;
    match reply {
        Reply::Nil => "(nil)".into(),
        Reply::Int(number) => number.to_string(),
        Reply::Array(items) => items.iter().map(in_words).collect::<Vec<_>>().join(" "),
        other => other.text(),
    }
}

fn ask(server: &Server, lines: &[&str]) -> String {
    last(&mut server.connect(), lines)
}

/// A key is written, in the place of one that was.
fn write(server: &Server) -> String {
    ask(server, &["SET k v"])
}

fn encoding(server: &Server, make: &str) -> String {
    ask(server, &["DEL c", make, "OBJECT ENCODING c"])
}

/// Has the append-only file rewritten, which need not be on.
fn rewrite(server: &Server) {
    let rewrites = || server.connect().info("aof_rewrites").unwrap().unwrap();
    let idle = || {
        let mut conn = server.connect();
        conn.info("aof_rewrite_in_progress").unwrap().as_deref() == Some("0")
    };
    eventually("nothing is rewritten", LONG, idle);
    let before = rewrites();
    ask(server, &["BGREWRITEAOF"]);
    eventually("it is rewritten", LONG, || rewrites() != before && idle());
}

fn base_names(server: &Server) -> String {
    rewrite(server);
    let folder = std::fs::read_dir(server.directory().join("appendonlydir")).unwrap();
    let names = folder.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(".base.")).collect()
}

fn appended(server: &Server) -> String {
    write(server);
    let folder = std::fs::read_dir(server.directory().join("appendonlydir")).unwrap();
    let files = folder.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let bytes: Vec<u8> = files.flatten().collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn saved(server: &Server, name: &str) -> Vec<u8> {
    let path: PathBuf = server.directory().join(name);
    let long = "a".repeat(4000);
    let mut conn = server.connect();
    conn.call(&["SET", "long", &long]).expect_ok();
    conn.line("SAVE").expect_ok();
    std::fs::read(path).unwrap_or_default()
}

/// The timer of a connection of this server, as the system shows it: 02 for probes.
fn timer(server: &Server) -> String {
    let mut conn = server.connect();
    conn.line("PING");
    let port = |address: std::net::SocketAddr| format!(":{:04X}", address.port());
    let ours = port(conn.stream().local_addr().unwrap());
    let theirs = port(conn.stream().peer_addr().unwrap());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let mut rows = table.lines().map(|line| line.split_whitespace().collect());
    let of_server = |row: &Vec<&str>| row[1].ends_with(&theirs) && row[2].ends_with(&ours);
    let row = rows.find(of_server).expect("the connection is there");
    row[5][..2].to_owned()
}

/// Whether a line of the level `notice` is in the log, once one that always is has come.
fn noticed(server: &Server) -> String {
    let count = |text: &str| server.log().matches(text).count();
    let seen = || count("Background append only file rewriting started");
    let (notices, marks) = (seen(), count("DEBUG LOG: mark"));
    rewrite(server);
    ask(server, &["DEBUG LOG mark"]);
    let marked = || count("DEBUG LOG: mark") > marks;
    eventually("the mark is there", LONG, marked);
    (seen() - notices).to_string()
}

/// What the last of five clients is told, beside the one that looks.
fn crowd(server: &Server) -> String {
    // Any of them may be the one too many: clients that have left may still count.
    let mut clients: Vec<Conn> = (0..5).map(|_| Conn::open(server.port()).unwrap()).collect();
    let told = clients.iter_mut().map(|client| {
        drop(client.send(&["PING"]));
        client.receive().unwrap()
    });
    let told: Vec<_> = told.collect();
    let error = told.iter().find_map(|reply| reply.error());
    error.unwrap_or("nothing").to_owned()
}

/// The word by which the stream for replicas has a key that has expired.
fn expired(server: &Server) -> String {
    let mut replica = server.connect();
    replica.send(&["SYNC"]).unwrap();
    let mut conn = server.connect();
    // What is deleted before that is not in the stream.
    eventually("it has its snapshot", LONG, || {
        let row = conn.info("slave0").expect("a reply");
        row.is_some_and(|row| row.contains("state=online"))
    });
    conn.line("SET e v PX 20").expect_ok();
    let stream = read_until(&mut replica, &["UNLINK", "DEL"]);
    let lazy = stream.contains("UNLINK");
    if lazy { "UNLINK" } else { "DEL" }.into()
}

/// Whether someone can connect there.
fn reached(server: &Server, address: &str) -> String {
    let there = std::net::TcpStream::connect((address, server.port()));
    there.is_ok().to_string()
}

/// A read of a slot that is served, while all others are not.
fn read_while_down(server: &Server) -> String {
    ask(server, &["CLUSTER ADDSLOTS 7629", "GET k"])
}

macro_rules! case {
    ($option:literal $values:tt with $with:tt: $look:expr => $shows:expr) => {
        Case {
            option: $option,
            values: &$values,
            with: &$with,
            look: $look,
            shows: $shows,
        }
    };
}

const CASES: &[Case] = &[
    case!("maxmemory" ["1"] with []: write => |r| r.starts_with("-OOM")),
    case!("maxmemory-policy" ["allkeys-lfu"] with []:
        |s| ask(s, &["SET k v", "OBJECT FREQ k"]) => |r| r == "5"),
    case!("lfu-log-factor" ["0"] with [("maxmemory-policy", "allkeys-lfu")]:
        |s| {
            let mut words = vec!["SET k v"];
            words.extend(["GET k"; 20]);
            words.push("OBJECT FREQ k");
            ask(s, &words)
        } => |r| r == "25"),
    case!("proto-max-bulk-len" ["1048576"] with []:
        |s| ask(s, &["SETRANGE k 1048576 x"]) => |r| r.starts_with("-ERR string exceeds")),
    case!("hash-max-listpack-entries" ["1"] with []:
        |s| encoding(s, "HSET c a 1 b 2") => |r| r == "hashtable"),
    case!("hash-max-listpack-value" ["1"] with []:
        |s| encoding(s, "HSET c a long") => |r| r == "hashtable"),
    case!("list-max-listpack-size" ["1"] with []:
        |s| encoding(s, "RPUSH c a b") => |r| r == "quicklist"),
    case!("slowlog-log-slower-than" ["0"] with []:
        |s| ask(s, &["SLOWLOG RESET", "PING", "SLOWLOG LEN"]) => |r| r != "0"),
    case!("slowlog-max-len" ["1"] with [("slowlog-log-slower-than", "0")]:
        |s| ask(s, &["PING", "PING", "SLOWLOG LEN"]) => |r| r == "1"),
    case!("latency-monitor-threshold" ["1"] with []:
        |s| ask(s, &["LATENCY RESET", "DEBUG SLEEP 0.02", "LATENCY LATEST"]) => |r| !r.is_empty()),
    case!("latency-tracking" ["no"] with []:
        |s| ask(s, &["CONFIG RESETSTAT", "ECHO x", "INFO latencystats"])
            => |r| !r.contains("usec_echo")),
    case!("latency-tracking-info-percentiles" ["10"] with []:
        |s| ask(s, &["PING", "INFO latencystats"]) => |r| r.contains("p10=")),
    case!("replica-read-only" ["no"] with [REPLICA]: write => |r| r == "OK"),
    case!("replica-serve-stale-data" ["no"] with [REPLICA]:
        |s| ask(s, &["GET k"]) => |r| r.starts_with("-MASTERDOWN")),
    case!("replica-ignore-maxmemory" ["no"]
        with [REPLICA, ("replica-read-only", "no"), ("maxmemory", "1")]:
        write => |r| r.starts_with("-OOM")),
    case!("min-replicas-to-write" ["1"] with []: write => |r| r.starts_with("-NOREPLICAS")),
    case!("min-replicas-max-lag" ["0"] with [("min-replicas-to-write", "1")]:
        write => |r| r == "OK"),
    case!("lazyfree-lazy-expire" ["yes"] with []: expired => |r| r == "UNLINK"),
    case!("loglevel" ["warning"] with []: noticed => |r| r == "0"),
    case!("tcp-keepalive" ["0"] with []: timer => |r| r == "00"),
    case!("maxclients" ["4"] with []: crowd => |r| r.starts_with("ERR max number of clients")),
    case!("bind" ["127.0.0.1", "127.0.0.3"] with []:
        |s| reached(s, "127.0.0.3") => |r| r == "true"),
    case!("aof-use-rdb-preamble" ["no"] with [APPEND_ONLY]: base_names => |r| r.ends_with("aof")),
    case!("aof-timestamp-enabled" ["yes"] with [APPEND_ONLY]: appended => |r| r.contains("#TS:")),
    case!("rdbcompression" ["no"] with []:
        |s| saved(s, "dump.rdb").len().to_string() => |r| r.len() > 3),
    case!("rdbchecksum" ["no"] with []:
        |s| saved(s, "dump.rdb").ends_with(&[0; 8]).to_string() => |r| r == "true"),
    case!("dbfilename" ["other.rdb"] with [TRUSTED]:
        |s| saved(s, "other.rdb").starts_with(b"REDIS").to_string() => |r| r == "true"),
    case!("databases" ["3"] with []: |s| ask(s, &["SELECT 3"]) => |r| r.starts_with("-ERR DB")),
    case!("enable-debug-command" ["no"] with []:
        |s| ask(s, &["DEBUG JMAP"]) => |r| r.starts_with("-ERR DEBUG command not allowed")),
    case!("enable-protected-configs" ["yes"] with []:
        |s| ask(s, &["CONFIG SET dbfilename dump.rdb"]) => |r| r == "OK"),
    case!("unixsocket" ["s.sock"] with []:
        |s| s.directory().join("s.sock").exists().to_string() => |r| r == "true"),
    case!("pidfile" ["s.pid"] with []:
        |s| s.directory().join("s.pid").exists().to_string() => |r| r == "true"),
    case!("appendfilename" ["log.aof"] with [APPEND_ONLY]: base_names
        => |r| r.starts_with("log.aof.")),
    case!("cluster-announce-ip" ["1.2.3.4"] with [CLUSTER]:
        |s| ask(s, &["CLUSTER NODES"]) => |r| r.contains(" 1.2.3.4:")),
    case!("cluster-announce-port" ["777"] with [CLUSTER]:
        |s| ask(s, &["CLUSTER NODES"]) => |r| r.contains(":777@")),
    case!("cluster-announce-bus-port" ["888"] with [CLUSTER]:
        |s| ask(s, &["CLUSTER NODES"]) => |r| r.contains("@888")),
    case!("cluster-announce-hostname" ["host.example"] with [CLUSTER]:
        |s| ask(s, &["CLUSTER NODES"]) => |r| r.contains(",host.example")),
    case!("cluster-preferred-endpoint-type" ["hostname"]
        with [CLUSTER, ("cluster-announce-hostname", "host.example")]:
        |s| ask(s, &["CLUSTER ADDSLOTS 0", "CLUSTER SLOTS"]) => |r| r.starts_with("0 0 host.example")),
    case!("cluster-replica-no-failover" ["yes"] with [CLUSTER]:
        |s| ask(s, &["CLUSTER NODES"]) => |r| r.contains("nofailover")),
    case!("cluster-allow-reads-when-down" ["yes"] with [CLUSTER]: read_while_down
        => |r| r == "(nil)"),
];

fn plan(case: &Case) -> ServerPlan {
    let mut plan = Server::of(Program::Shoal);
    if case.option != "enable-debug-command" {
        plan = plan.option("enable-debug-command", "yes");
    }
    for (name, value) in case.with {
        let words: Vec<&str> = value.split(' ').collect();
        plan = plan.options(name, &words);
    }
    plan
}

/// Two servers, one of which has the value from the start and the other by CONFIG SET.
fn check(case: &Case) {
    let row = config::lookup(case.option.as_bytes()).expect("there is the option");
    assert!(!matches!(
        row.observer,
        Observer::Unsaid | Observer::Nowhere(_)
    ));
    let from_file = plan(case).options(case.option, case.values).start();
    let seen = (case.look)(&from_file);
    assert!(
        (case.shows)(&seen),
        "{} from the start: {seen}",
        case.option
    );
    drop(from_file);
    let base = match case.option {
        // The kit lets debugging in only where it is asked to.
        "enable-debug-command" => plan(case).option(case.option, "yes").start(),
        _ => plan(case).start(),
    };
    let seen = (case.look)(&base);
    assert!(!(case.shows)(&seen), "{} by default: {seen}", case.option);
    if row.immutable {
        return;
    }
    let value = case.values.join(" ");
    let mut setter = base.connect();
    setter
        .call(&["CONFIG", "SET", case.option, &value])
        .expect_ok();
    drop(setter);
    let seen = (case.look)(&base);
    assert!((case.shows)(&seen), "{} by CONFIG SET: {seen}", case.option);
}

#[test]
fn options_do_the_same_from_a_file_and_by_config_set() {
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(case) =
                    CASES.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    check(case);
                }
            });
        }
    });
}

/// Values for the options that INFO shows, each with what it needs beside.
const SHOWN: &[(&str, &str, With)] = &[
    ("supervised", "auto", &[]),
    ("hz", "20", &[]),
    ("appendonly", "yes", &[]),
    ("replica-announced", "no", &[REPLICA]),
    ("replica-priority", "7", &[REPLICA]),
    ("repl-backlog-size", "2097152", &[]),
    ("cluster-enabled", "yes", &[]),
];

#[test]
fn info_shows_the_options_that_say_so() {
    for row in config::all() {
        let Observer::Info(field) = row.observer else {
            continue;
        };
        let known = SHOWN.iter().find(|(name, ..)| *name == row.name);
        let (name, value, with) = known.unwrap_or_else(|| panic!("a value for {}", row.name));
        let shown = match *value {
            "yes" => "1",
            "no" => "0",
            other => other,
        };
        let plan = || {
            let mut plan = Server::of(Program::Shoal);
            for (name, value) in *with {
                let words: Vec<&str> = value.split(' ').collect();
                plan = plan.options(name, &words);
            }
            plan
        };
        let read = |server: &Server| server.connect().info(field).unwrap().unwrap_or_default();
        assert_eq!(read(&plan().option(name, value).start()), shown, "{name}");
        let base = plan().start();
        assert_ne!(read(&base), shown, "{name} by default");
        if !row.immutable {
            base.connect()
                .call(&["CONFIG", "SET", name, value])
                .expect_ok();
            assert_eq!(read(&base), shown, "{name} by CONFIG SET");
        }
    }
}
