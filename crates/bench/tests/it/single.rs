//! What reaches the server.

use testkit::{Program, Server};

use crate::{ours, ours_with};

fn calls(server: &Server, command: &str) -> u64 {
    let stats = server.line("INFO commandstats").text();
    let start = format!("cmdstat_{command}:calls=");
    let line = stats.lines().find_map(|line| line.strip_prefix(&start));
    line.map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap())
}

#[test]
fn every_request_is_sent_once() {
    let server = Server::of(Program::Redis70).start();
    let p = server.port();
    for options in [
        "-c 7",
        "-c 7 -P 10",
        "-c 3 --threads 2",
        "-c 1",
        "-c 20 --threads 4 -P 5",
    ] {
        server.line("CONFIG RESETSTAT").expect_ok();
        let done = ours(&format!("-p {p} -n 1000 {options} -q -t set,incr"));
        assert_eq!(done.code, Some(0), "{done:?}");
        assert_eq!(
            (calls(&server, "set"), calls(&server, "incr")),
            (1000, 1000),
            "{options}"
        );
    }
    // A batch may reach beyond the last request.
    server.line("CONFIG RESETSTAT").expect_ok();
    let done = ours(&format!("-p {p} -n 95 -c 1 -P 10 -q -t set"));
    assert_eq!((done.code, calls(&server, "set")), (Some(0), 100));
}

#[test]
fn all_tests_of_the_suite_run() {
    let server = Server::of(Program::Redis70).start();
    let done = ours(&format!("-p {} -n 500 -c 4 -q -r 100 -d 10", server.port()));
    assert_eq!(done.code, Some(0), "{done:?}");
    for command in [
        "ping", "set", "get", "incr", "lpush", "rpush", "lpop", "rpop", "sadd", "hset", "spop",
    ] {
        assert!(calls(&server, command) >= 500, "{command}");
    }
    assert_eq!(calls(&server, "lrange"), 2000);
    assert_eq!(calls(&server, "mset"), 500);
    assert_eq!(calls(&server, "zpopmin"), 500);
    assert_eq!(server.line("GET key:000000000001").text().len(), 10);
}

#[test]
fn random_keys_fill_their_range_and_a_seed_repeats_them() {
    let server = Server::of(Program::Redis70).start();
    let p = server.port();
    let run = |seed: u64| {
        server.line("FLUSHALL").expect_ok();
        let words = format!("-p {p} -n 300 -c 1 -q -r 1000 --seed {seed} set k:__rand_int__ v");
        assert_eq!(ours(&words).code, Some(0));
        let mut keys = server.line("KEYS *").texts();
        keys.sort();
        keys
    };
    let first = run(1);
    assert!(
        first.len() > 200 && first.iter().all(|k| k.len() == 14),
        "{first:?}"
    );
    assert!(first.iter().all(|k| k[2..].parse::<u64>().unwrap() < 1000));
    assert_eq!(run(1), first);
    assert_ne!(run(2), first);
    // Without -r the text stays.
    server.line("FLUSHALL").expect_ok();
    ours(&format!("-p {p} -n 10 -c 1 -q set k:__rand_int__ v"));
    assert_eq!(server.line("KEYS *").texts(), ["k:__rand_int__"]);
}

#[test]
fn connections_begin_as_asked() {
    let folder = testkit::TempDir::new("bench-socket");
    let path = folder.path().join("s");
    let path = path.to_str().unwrap();
    let server = Server::of(Program::Redis70)
        .password("secret")
        .option("unixsocket", path)
        .start();
    let p = server.port();
    server
        .connect()
        .line("ACL SETUSER me on >mine ~* +@all")
        .expect_ok();
    let who = [
        format!("-p {p} -a secret"),
        format!("-p {p} --user me -a mine"),
        format!("-s {path} -a secret"),
        format!("-u redis://me:mine@127.0.0.1:{p}/3"),
        format!("-p {p} -a secret --dbnum 3 -3 --enable-tracking"),
        format!("-p {p} -a secret -k 0"),
    ];
    for who in who {
        let done = ours(&format!("{who} -n 200 -c 5 -P 2 -q -r 10 -t set,get"));
        assert_eq!(done.code, Some(0), "{who}: {done:?}");
        assert!(
            done.out.contains("SET: ") && done.out.contains("GET: "),
            "{done:?}"
        );
    }
    let mut c = server.connect();
    c.line("SELECT 3").expect_ok();
    assert!(c.line("DBSIZE").int() > 0);
    let input = ours_with(
        &format!("-p {p} -a secret -n 10 -c 1 -q -x set in"),
        "from stdin",
    );
    assert_eq!(input.code, Some(0), "{input:?}");
    assert_eq!(server.connect().line("GET in").text(), "from stdin");
}

#[test]
fn large_replies_are_counted() {
    let server = Server::of(Program::Redis70).start();
    let p = server.port();
    let done = ours(&format!("-p {p} -n 200 -c 2 -P 4 -q -d 300000 -t set,get"));
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(server.line("GET key:__rand_int__").text().len(), 300_000);
    assert_eq!(calls(&server, "get"), 201);
}

#[test]
fn idle_connections_end_with_the_server_s_refusal() {
    let server = Server::of(Program::Redis70).start();
    server.line("CONFIG SET maxclients 5").expect_ok();
    let done = ours(&format!("-p {} -c 10 -I", server.port()));
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.err.starts_with("Error"), "{done:?}");
}
