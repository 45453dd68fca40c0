//! Options that change what the server does while it runs, seen from outside.

mod effects;

use std::time::{Duration, Instant};
use testkit::{Conn, Process, Program, Reply, Server, ServerPlan, TempDir, Tool, until};

const LONG: Duration = Duration::from_secs(20);

fn plan() -> ServerPlan {
    let plan = Server::of(Program::Shoal).option("save", "");
    plan.option("enable-debug-command", "yes")
}

fn follow(replica: &Server, primary: &Server) {
    let port = primary.port().to_string();
    let request = ["REPLICAOF", "127.0.0.1", &port];
    replica.connect().call(&request).expect_ok();
    let up = until(LONG, || {
        let state = replica.connect().info("master_link_status").ok()??;
        (state == "up").then_some(())
    });
    up.expect("the replica is in sync");
}

#[test]
fn links_come_from_the_source_address() {
    let primary = plan().start();
    let replica = plan().option("bind-source-addr", "127.0.0.3").start();
    follow(&replica, &primary);
    let line = primary.connect().info("slave0").unwrap().unwrap();
    assert!(line.starts_with("ip=127.0.0.3,"), "{line}");
}

/// Each connection was made as the first one was.
#[test]
fn links_that_are_made_anew_go_by_what_was_set_meanwhile() {
    for program in [Program::Redis74, Program::Shoal] {
        let plan = || Server::of(program).option("save", "");
        let (primary, replica) = (plan().start(), plan().start());
        follow(&replica, &primary);
        let mut conn = primary.connect();
        let mut set = |pairs: &[&str], shown: &str| {
            let words: Vec<&str> = ["CONFIG", "SET"].iter().chain(pairs).copied().collect();
            replica.connect().call(&words).expect_ok();
            conn.line("CLIENT KILL TYPE replica");
            let there = until(LONG, || {
                let line = conn.info("slave0").ok()??;
                line.starts_with(shown).then_some(())
            });
            assert!(there.is_some(), "{program:?}: {shown}");
        };
        set(&["bind-source-addr", "127.0.0.3"], "ip=127.0.0.3,");
        let announced = [
            "replica-announce-port",
            "77",
            "replica-announce-ip",
            "1.2.3.4",
        ];
        set(&announced, "ip=1.2.3.4,port=77,");
    }
}

#[test]
fn links_of_the_bus_come_from_the_source_address_that_was_set() {
    for program in [Program::Redis74, Program::Shoal] {
        let node = || {
            let plan = Server::of(program).option("cluster-enabled", "yes");
            plan.options("bind", &["127.0.0.1", "127.0.0.3"]).start()
        };
        let (from, to) = (node(), node());
        let mut conn = from.connect();
        conn.line("CONFIG SET bind-source-addr 127.0.0.3")
            .expect_ok();
        let meet = [
            "CLUSTER",
            "MEET",
            "127.0.0.1",
            &to.port().to_string(),
            &to.bus_port().to_string(),
        ];
        conn.call(&meet).expect_ok();
        let wanted = format!(" 127.0.0.3:{}@", from.port());
        let known = until(LONG, || {
            let nodes = to.connect().line("CLUSTER NODES").text();
            nodes.contains(&wanted).then_some(())
        });
        assert!(known.is_some(), "{program:?}");
    }
}

#[test]
fn an_announced_address_that_is_taken_back_is_gone() {
    let [ours, real] = [Program::Shoal, Program::Redis74].map(|program| {
        let server = Server::of(program).option("cluster-enabled", "yes").start();
        let mut conn = server.connect();
        ["", "1.2.3.4", "5.6.7.8", ""].map(|address| {
            conn.call(&["CONFIG", "SET", "cluster-announce-ip", address])
                .expect_ok();
            let nodes = conn.line("CLUSTER NODES").text();
            let place = nodes.split(' ').nth(1).expect("an address");
            place.split(':').next().map(str::to_owned)
        })
    });
    assert_eq!(ours, real);
}

#[test]
fn the_backlog_goes_when_no_replica_has_come_for_long() {
    let primary = plan().option("repl-backlog-ttl", "1").start();
    let mut replica = plan().start();
    follow(&replica, &primary);
    let mut conn = primary.connect();
    let mut get = |name: &str| conn.info(name).unwrap().unwrap();
    let id = get("master_replid");
    assert_eq!(get("repl_backlog_active"), "1");
    replica.stop();
    let freed = until(LONG, || (get("repl_backlog_active") == "0").then_some(()));
    assert!(freed.is_some());
    assert_ne!(get("master_replid"), id);
    let mut log = primary.log();
    log.retain(|letter| letter != '\n');
    assert!(log.contains("Replication backlog freed after 1 seconds"));
}

#[test]
fn superseded_files_stay_while_their_removal_is_off() {
    let server = plan().option("appendonly", "yes").start();
    let mut conn = server.connect();
    conn.line("CONFIG SET aof-disable-auto-gc yes").expect_ok();
    let count = || {
        let folder = server.directory().join("appendonlydir");
        std::fs::read_dir(folder).unwrap().count()
    };
    let mut rewrites = 0;
    let mut rewrite = || {
        conn.line("BGREWRITEAOF");
        rewrites += 1;
        let done = until(LONG, || {
            let done = conn.info("aof_rewrites").unwrap().unwrap();
            (done.parse::<i32>().unwrap() > rewrites).then_some(())
        });
        assert!(done.is_some());
    };
    let before = count();
    rewrite();
    assert_eq!(count(), before + 2, "a base and an increment more");
    server
        .connect()
        .line("CONFIG SET aof-disable-auto-gc no")
        .expect_ok();
    rewrite();
    assert_eq!(count(), before);
}

#[test]
fn the_use_counter_rises_as_its_factor_says() {
    let server = plan().option("maxmemory-policy", "allkeys-lfu").start();
    let mut conn = server.connect();
    conn.line("CONFIG SET lfu-log-factor 0").expect_ok();
    conn.line("SET each 1").expect_ok();
    (0..20).for_each(|_| drop(conn.line("GET each")));
    assert_eq!(conn.line("OBJECT FREQ each").int(), 25);
    conn.line("CONFIG SET lfu-log-factor 1000").expect_ok();
    conn.line("SET rare 1").expect_ok();
    (0..20).for_each(|_| drop(conn.line("GET rare")));
    assert!(conn.line("OBJECT FREQ rare").int() < 12);
}

#[test]
fn keys_are_saved_and_loaded_as_slowly_as_tests_want() {
    let server = plan().start();
    let mut conn = server.connect();
    conn.line("DEBUG POPULATE 100").expect_ok();
    let mut took = |option: &str| {
        conn.call(&["CONFIG", "SET", option, "5000"]).expect_ok();
        let start = Instant::now();
        conn.line("DEBUG RELOAD").expect_ok();
        conn.call(&["CONFIG", "SET", option, "0"]).expect_ok();
        start.elapsed()
    };
    assert!(took("rdb-key-save-delay") >= Duration::from_millis(500));
    assert!(took("key-load-delay") >= Duration::from_millis(500));
    assert_eq!(conn.line("DBSIZE").int(), 100);
}

#[test]
fn the_end_waits_for_replicas_and_can_be_called_off() {
    let mut primary = plan().option("shutdown-timeout", "60").start();
    let mut replica = plan().start();
    follow(&replica, &primary);
    let mut conn = primary.connect();
    replica.pause();
    conn.line("SET behind 1").expect_ok();
    let mut asking = primary.connect();
    asking.send(&["SHUTDOWN"]).unwrap();
    let waits = until(LONG, || {
        let log = primary.log();
        log.contains("Waiting for replicas before shutting down.")
            .then_some(())
    });
    assert!(waits.is_some(), "{}", primary.log());
    let left = conn.info("shutdown_in_milliseconds").unwrap();
    let left: u64 = left.expect("shown while it waits").parse().unwrap();
    assert!((1..=60_000).contains(&left), "{left}");
    let mut called_off = primary.connect();
    called_off.line("SHUTDOWN ABORT").expect_ok();
    assert_eq!(conn.info("shutdown_in_milliseconds").unwrap(), None);
    assert!(matches!(asking.receive().unwrap(), Reply::Error(_)));
    conn.line("SET again 1").expect_ok();
    let none = format!("{:?}", conn.line("SHUTDOWN ABORT"));
    assert!(none.contains("No shutdown in progress"), "{none}");
    asking.send(&["SHUTDOWN"]).unwrap();
    replica.resume();
    let ended = until(LONG, || primary.process().ended());
    assert!(ended.is_some(), "it ends once the replica has caught up");
    let mut conn = replica.connect();
    assert_eq!(conn.line("GET behind").text(), "1");
    assert_eq!(conn.line("GET again").text(), "1");
}

/// The allocator's own thread has the same name in Redis.
#[test]
fn the_allocator_has_a_thread_of_its_own_if_wanted() {
    for program in [Program::Redis74, Program::Shoal] {
        let server = Server::of(program).option("save", "").start();
        let there = |wanted: bool| {
            let found = until(LONG, || {
                let tasks = std::fs::read_dir(format!("/proc/{}/task", server.id())).ok()?;
                let names = tasks.flatten().map(|task| task.path().join("comm"));
                let mut names = names.filter_map(|path| std::fs::read_to_string(path).ok());
                let is = names.any(|name| name.starts_with("jemalloc_bg_thd"));
                (is == wanted).then_some(())
            });
            assert!(
                found.is_some(),
                "{program:?}: the thread is there: {}",
                !wanted
            );
        };
        there(true);
        let mut conn = server.connect();
        for (word, wanted) in [("no", false), ("yes", true)] {
            conn.call(&["CONFIG", "SET", "jemalloc-bg-thread", word])
                .expect_ok();
            there(wanted);
        }
    }
}

/// The file is named from where the server was started, and says where the server works.
#[test]
fn a_configuration_file_is_found_again_for_rewriting() {
    for program in [Program::Redis74, Program::Shoal] {
        let (place, port) = (TempDir::new("configuration"), testkit::reserve());
        std::fs::create_dir(place.path().join("work")).expect("a directory");
        let file = place.path().join("server.conf");
        let text = format!("port {}\ndir work\nsave \"\"\n", port.number());
        std::fs::write(&file, text).expect("it is written");
        let mut command = program.command(Tool::Server);
        command
            .args(["server.conf", "--enable-debug-command", "yes"])
            .current_dir(place.path());
        let _process = Process::start("server", &mut command, &place.path().join("log"));
        let conn = until(LONG, || Conn::open(port.number()).ok());
        let mut conn = conn.expect("it answers");
        conn.line("CONFIG SET maxclients 77").expect_ok();
        conn.line("CONFIG REWRITE").expect_ok();
        let text = || std::fs::read_to_string(&file).expect("it is there");
        assert!(
            text().contains("\nmaxclients 77\n"),
            "{program:?}: {}",
            text()
        );
        assert!(!text().contains("\nhz "), "{program:?}: {}", text());
        conn.line("DEBUG CONFIG-REWRITE-FORCE-ALL").expect_ok();
        assert!(text().contains("\nhz 10\n"), "{program:?}: {}", text());
    }
}

#[test]
fn a_restart_keeps_the_process_and_the_data() {
    let server = plan().option("save", "3600 1").start();
    let mut conn = server.connect();
    conn.line("SET kept 1").expect_ok();
    let run = conn.info("run_id").unwrap();
    conn.send(&["DEBUG", "RESTART", "0"]).unwrap();
    assert!(conn.receive().is_err(), "the connection ends");
    let restarted = until(LONG, || {
        let mut conn = server.try_connect().ok()?;
        let ready = conn.info("loading").ok()?? == "0";
        (ready && conn.info("run_id").ok()? != run).then_some(conn)
    });
    let mut conn = restarted.expect("it is there again");
    let pid = conn.info("process_id").unwrap();
    assert_eq!(pid, Some(server.id().to_string()));
    assert_eq!(conn.line("GET kept").text(), "1");
}

/// What a stream says up to the first of these words.
fn read_until(conn: &mut Conn, words: &[&str]) -> String {
    use std::io::Read;
    let mut stream = conn.stream();
    stream.set_read_timeout(Some(LONG)).unwrap();
    let (mut said, mut chunk) = (Vec::new(), [0; 4096]);
    // A primary's PINGs keep the stream alive.
    let began = Instant::now();
    loop {
        let read = stream.read(&mut chunk).unwrap();
        let fine = read > 0 && began.elapsed() < LONG;
        assert!(fine, "{}", said.escape_ascii());
        said.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&said);
        if words.iter().any(|word| text.contains(word)) {
            return text.into_owned();
        }
    }
}

#[test]
fn what_config_set_has_answered_is_in_force_everywhere() {
    let server = plan().option("io-threads", "4").start();
    let mut setter = server.connect();
    let mut others: Vec<Conn> = (0..6).map(|_| server.connect()).collect();
    let big = "x".repeat(3 << 20);
    for round in 0..60 {
        let fits = round % 2 == 0;
        let limit = if fits { "4194304" } else { "2097152" };
        let set = ["CONFIG", "SET", "proto-max-bulk-len", limit];
        setter.call(&set).expect_ok();
        // The bytes of the same connection, and of those of other workers.
        let other = round % others.len();
        for conn in [&mut setter, &mut others[other]] {
            // Too long an argument ends the connection before it is read.
            let _ = conn.send(&["ECHO", &big]);
            let taken = conn.receive().is_ok_and(|reply| reply.error().is_none());
            assert_eq!(taken, fits, "round {round}");
            if !taken {
                *conn = server.connect();
            }
        }
        // And what stands behind it in the same write.
        let requests = [
            vec![
                "CONFIG",
                "SET",
                "hash-max-listpack-entries",
                if fits { "1" } else { "9" },
            ],
            vec!["DEL", "h"],
            vec!["HSET", "h", "a", "1", "b", "2"],
            vec!["OBJECT", "ENCODING", "h"],
        ];
        let replies = setter.pipeline(&requests).unwrap();
        let wanted = if fits { "hashtable" } else { "listpack" };
        assert_eq!(replies[3].text(), wanted, "round {round}");
    }
}

#[test]
fn whom_client_kill_has_counted_changes_nothing_more() {
    let server = plan().option("io-threads", "4").start();
    let mut conn = server.connect();
    for part in 0..50 {
        let mut push = vec!["RPUSH".to_owned(), "list".to_owned()];
        push.extend((0..4000).map(|n| format!("element {}", (part * 4000 + n) * 7919 % 200_000)));
        conn.call(&push);
    }
    // Whichever worker each is at, for some the command runs beside the kill.
    for round in 0..8 {
        let mut victim = server.connect();
        let id = victim.line("CLIENT ID").text();
        let target = format!("target:{round}");
        victim
            .send(&["SORT", "list", "ALPHA", "STORE", &target])
            .unwrap();
        let runs = until(LONG, || {
            let line = conn.call(&["CLIENT", "LIST", "ID", &id]).text();
            line.contains("cmd=sort").then_some(())
        });
        assert!(runs.is_some(), "it never ran");
        conn.call(&["CLIENT", "KILL", "ID", &id]);
        let then = conn.line("DBSIZE");
        // Waits for the slot, if the command has it still.
        conn.call(&["EXISTS", &target]);
        assert_eq!(conn.line("DBSIZE"), then, "round {round}");
    }
}

#[test]
fn a_password_that_is_taken_back_lets_everybody_in() {
    let (ours, real) = (
        Server::of(Program::Shoal).password("secret").start(),
        Server::of(Program::Redis74).password("secret").start(),
    );
    let [ours, real] = [ours, real].map(|server| {
        let (mut admin, mut early) = (server.connect(), Conn::open(server.port()).unwrap());
        let mut replies = vec![early.line("GET k")];
        admin
            .call(&["CONFIG", "SET", "requirepass", ""])
            .expect_ok();
        replies.push(early.line("GET k"));
        admin.line("CONFIG SET requirepass other").expect_ok();
        replies.push(early.line("GET k"));
        replies
    });
    assert_eq!(ours, real);
}

#[test]
fn stale_data_is_refused_from_the_command_on() {
    let plans = [Program::Shoal, Program::Redis74].map(|program| {
        let plan = Server::of(program).options("replicaof", &["127.0.0.1", "1"]);
        let server = plan.start();
        let mut conn = server.connect();
        let mut replies = vec![conn.line("GET k")];
        conn.line("CONFIG SET replica-serve-stale-data no")
            .expect_ok();
        replies.push(conn.line("GET k"));
        conn.line("CONFIG SET replica-serve-stale-data yes")
            .expect_ok();
        replies.push(conn.line("GET k"));
        replies
    });
    assert_eq!(plans[0], plans[1]);
}

#[test]
fn a_small_database_beside_a_large_one_has_its_keys() {
    let server = plan().start();
    let mut conn = server.connect();
    conn.line("DEBUG POPULATE 100000").expect_ok();
    conn.line("SELECT 9").expect_ok();
    for n in 0..3 {
        conn.line(&format!("SET small:{n} v")).expect_ok();
    }
    for _ in 0..200 {
        let key = conn.line("RANDOMKEY");
        assert!(
            key != Reply::Nil && key.text().starts_with("small:"),
            "{key:?}"
        );
    }
    // It goes over the slots with keys of this database and no others.
    let (mut cursor, mut calls, mut found) = ("0".to_owned(), 0, 0);
    loop {
        let reply = conn.call(&["SCAN", &cursor, "COUNT", "1"]);
        cursor = reply.array()[0].text();
        found += reply.array()[1].array().len();
        calls += 1;
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(found, 3);
    assert!(calls <= 4, "{calls} calls");
    conn.line("DEL small:0 small:1 small:2");
    assert_eq!(conn.line("RANDOMKEY"), Reply::Nil);
}

#[test]
fn a_random_key_is_found_among_many_that_have_expired() {
    let server = plan().start();
    let mut conn = server.connect();
    conn.line("DEBUG SET-ACTIVE-EXPIRE 0").expect_ok();
    for n in 0..2000 {
        conn.line(&format!("SET dead:{n} v PX 1")).expect_ok();
    }
    conn.line("SET alive v").expect_ok();
    let gone = until(LONG, || {
        (conn.line("EXISTS dead:1999").int() == 0).then_some(())
    });
    assert!(gone.is_some());
    assert_eq!(conn.line("RANDOMKEY").text(), "alive");
}

/// Both wanted the configuration, one of them while it had it: the server stood still for ever.
#[test]
fn info_beside_config_set_goes_on() {
    const ROUNDS: usize = 1500;
    let server = Server::of(Program::Shoal).option("io-threads", "2").start();
    let repeat = |words: &'static [&'static str]| {
        let mut conn = server.connect();
        move || (0..ROUNDS).for_each(|_| drop(conn.call(words)))
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(repeat(&["INFO"]));
            scope.spawn(repeat(&["CONFIG", "SET", "maxmemory-samples", "5"]));
        }
    });
    assert_eq!(server.line("PING").text(), "PONG");
}

/// More than the journal can name were taken, and then were not there: the first command ended the
/// process, or the last databases were missing.
#[test]
fn databases_are_as_many_as_the_option_says() {
    let most = Server::of(Program::Shoal)
        .option("databases", "65535")
        .start();
    let mut conn = most.connect();
    conn.line("SELECT 65534").expect_ok();
    conn.line("SET k v").expect_ok();
    assert_eq!(conn.line("GET k").text(), "v");
    conn.line("SELECT 65535")
        .expect_error("ERR DB index is out of range");
    for many in ["65536", "65537", "2147483647"] {
        let plan = Server::of(Program::Shoal).option("databases", many);
        let Err(refused) = plan.try_start() else {
            panic!("{many} databases");
        };
        assert!(refused.log.contains("databases"), "{}", refused.log);
    }
}

/// As Redis does: a unit that was written for a supervisor runs by hand too.
#[test]
fn a_supervisor_that_is_not_there_keeps_no_server_from_running() {
    for (supervised, names) in [("systemd", "NOTIFY_SOCKET"), ("upstart", "UPSTART_JOB")] {
        for program in [Program::Redis74, Program::Shoal] {
            let server = Server::of(program).option("supervised", supervised).start();
            assert_eq!(server.line("PING").text(), "PONG");
            if program == Program::Shoal {
                assert!(server.log().contains(names), "{}", server.log());
            }
        }
    }
}

/// The names are in a pipe, so that none is found until the test writes them.
#[test]
fn a_name_that_takes_its_time_stops_nobody() {
    let directory = TempDir::new("options");
    let pipe = directory.path().join("hosts");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo").success());
    let server = plan()
        .option("io-threads", "1")
        .env("SHOAL_TEST_HOSTS", pipe.to_str().expect("a name"))
        .start();
    let mut conn = server.connect();
    let mut asking = server.connect();
    asking
        .send(&["CONFIG", "SET", "bind", "127.0.0.1 slow.example"])
        .unwrap();
    // One worker: it has come to that when it answers this.
    conn.set_patience(LONG).unwrap();
    assert_eq!(conn.line("PING").text(), "PONG");
    conn.line("CONFIG SET hz 11").expect_ok();
    conn.line("FLUSHALL").expect_ok();
    let maxclients = ["CONFIG", "SET", "maxclients", "100", "timeout", "100"];
    conn.call(&maxclients).expect_ok();
    assert!(conn.info("connected_clients").unwrap().is_some());
    let bind = conn.line("CONFIG GET bind").texts();
    assert!(!bind[1].contains("slow.example"), "{bind:?}");
    std::fs::write(&pipe, "127.0.0.2 slow.example\n").unwrap();
    asking.set_patience(LONG).unwrap();
    asking.receive().unwrap().expect_ok();
    let bind = conn.line("CONFIG GET bind").texts();
    assert_eq!(bind[1], "127.0.0.1 slow.example");
    // What others have set meanwhile is in force as well.
    assert_eq!(conn.line("CONFIG GET hz").texts()[1], "11");
    assert_eq!(conn.line("CONFIG GET timeout").texts()[1], "100");
    let second = std::net::TcpStream::connect(("127.0.0.2", server.port()));
    assert!(second.is_ok(), "{second:?}");
}

/// What waits for the acceptor goes by another thread, with whatever is set besides.
#[test]
fn a_change_of_the_place_to_listen_may_turn_the_append_only_file_on() {
    let server = plan().start();
    let mut conn = server.connect();
    let set = |conn: &mut Conn, bind: &str, word: &str| {
        conn.call(&["CONFIG", "SET", "bind", bind, "appendonly", word])
    };
    set(&mut conn, "127.0.0.1 127.0.0.3", "yes").expect_ok();
    assert!(server.directory().join("appendonlydir").exists());
    assert!(std::net::TcpStream::connect(("127.0.0.3", server.port())).is_ok());
    set(&mut conn, "127.0.0.1", "no").expect_ok();
    assert_eq!(conn.info("aof_enabled").unwrap().as_deref(), Some("0"));
    set(&mut conn, "127.0.0.1 192.0.2.1", "yes").expect_error(
        "ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified",
    );
    assert_eq!(conn.line("CONFIG GET appendonly").texts()[1], "no");
    // Nothing can be opened there.
    std::fs::remove_dir_all(server.directory().join("appendonlydir")).unwrap();
    std::fs::write(server.directory().join("appendonlydir"), "a file").unwrap();
    set(&mut conn, "127.0.0.1 127.0.0.3", "yes").expect_error(
        "ERR CONFIG SET failed (possibly related to argument 'appendonly') - Unable to turn on AOF",
    );
    conn.line("MULTI").expect_ok();
    conn.call(&["CONFIG", "SET", "bind", "127.0.0.1"]);
    conn.line("PING");
    let done = conn.line("EXEC");
    assert_eq!(done.array()[0], Reply::Simple("OK".into()));
    assert_eq!(done.array()[1], Reply::Simple("PONG".into()));
}
