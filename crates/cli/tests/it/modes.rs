//! The special modes.

use std::collections::BTreeSet;

use crate::pair::{Case, Done, case, compare, keys, server};

#[test]
fn scanning() {
    let server = server();
    let cases = [
        "--scan",
        "--scan --pattern o*",
        "--no-raw --scan --pattern o*",
        "--csv --scan --pattern o*",
        "--json --scan",
        "--scan --quoted-pattern '\"od\\x64\"'",
        "-n 3 --scan",
    ];
    let cases: Vec<Case> = cases
        .iter()
        .map(|c| case(&format!("-p PORT {c}")))
        .collect();
    // The order is the table's, so both look at the same one.
    keys(&server);
    compare(&server, &|_| {}, &cases);
    let few = case("-p PORT --scan --count 1").ours(server.port());
    let many = case("-p PORT --scan").ours(server.port());
    let lines = |done: &Done| -> BTreeSet<Vec<u8>> {
        done.stdout
            .split(|&b| b == b'\n')
            .map(<[u8]>::to_vec)
            .collect()
    };
    assert_eq!(lines(&few), lines(&many));
}

#[test]
fn pipe_transfers() {
    let server = server();
    let bulk = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n".repeat(20_000);
    let cases = [
        case("-p PORT --pipe"),
        case("-p PORT --pipe").input("set a b\r\nget a\r\nfoo\r\nlpush a x\r\n"),
        case("-p PORT --pipe").input("set a b"),
        case("-p PORT --pipe")
            .input("*1\r\n$3\r\nfoo\r\n*3\r\n$3\r\nset\r\n$1\r\na\r\n$1\r\nb\r\n"),
        case("-p PORT --pipe --pipe-timeout 0").input(&bulk),
    ];
    compare(&server, &keys, &cases);
    assert_eq!(server.line("GET a").text(), "b");
}

#[test]
fn a_silent_server_ends_a_pipe_transfer() {
    let server = server();
    // The value is longer than what follows: no reply will come.
    let input = "*3\r\n$3\r\nset\r\n$1\r\na\r\n$999\r\nb\r\n";
    let case = case("-p PORT --pipe --pipe-timeout 1").input(input);
    let (ours, theirs) = (case.ours(server.port()), case.theirs(server.port()));
    assert_eq!(ours, theirs);
}

#[test]
fn scripts_from_files() {
    let server = server();
    let folder = testkit::TempDir::new("cli-eval");
    let path = folder.path().join("s.lua");
    std::fs::write(&path, "return {KEYS,ARGV}").unwrap();
    let path = path.to_str().unwrap();
    let cases: Vec<Case> = ["", "a b , c d", "a b", ", c", "a ,"]
        .iter()
        .flat_map(|words| {
            [
                case(&format!("-p PORT --eval {path} {words}")),
                case(&format!("-p PORT --no-raw --eval {path} {words}")),
            ]
        })
        .chain([case("-p PORT --eval /no/such/file a")])
        .collect();
    compare(&server, &keys, &cases);
}

#[test]
fn rdb_transfers() {
    let server = server();
    let folder = testkit::TempDir::new("cli-rdb");
    keys(&server);
    for diskless in ["yes", "no"] {
        server
            .line(&format!("CONFIG SET repl-diskless-sync {diskless}"))
            .expect_ok();
        for option in ["--rdb", "--functions-rdb"] {
            let path = folder.path().join(format!("{diskless}{option}.rdb"));
            let path = path.to_str().unwrap();
            let case = case(&format!("-p PORT {option} {path}"));
            let theirs = case.theirs(server.port());
            let their_size = std::fs::metadata(path).unwrap().len();
            let ours = case.ours(server.port());
            assert_eq!(ours.code, theirs.code);
            assert_eq!(ours.stderr, theirs.stderr, "{ours:?}\n{theirs:?}");
            let ours = std::fs::read(path).unwrap();
            assert_eq!(ours.len() as u64, their_size);
            assert!(ours.starts_with(b"REDIS00"));
        }
    }
    let missing = case("-p PORT --rdb /no/such/folder/x");
    assert_eq!(missing.ours(server.port()), missing.theirs(server.port()));
    let piped = case("-p PORT --rdb -").ours(server.port());
    assert!(
        piped.stdout.starts_with(b"REDIS00") && piped.code == Some(0),
        "{piped:?}"
    );
}

/// The order of the types in the summary is not fixed there; lines are compared as a set. What was
/// the biggest so far depends on the order of SCAN, which changes while the server resizes its
/// table: those lines are left out, the summary says what was found.
fn lines(done: &Done) -> BTreeSet<String> {
    String::from_utf8_lossy(&done.stdout)
        .lines()
        .filter(|line| !line.contains("so far"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn samplers_find_the_same_keys() {
    let server = server();
    keys(&server);
    for line in [
        "--bigkeys",
        "--memkeys",
        "--memkeys-samples 3",
        "--bigkeys --pattern o*",
    ] {
        let case = case(&format!("-p PORT {line}"));
        let (ours, theirs) = (case.ours(server.port()), case.theirs(server.port()));
        assert_eq!(lines(&ours), lines(&theirs), "{line}");
        assert_eq!((ours.code, ours.stderr), (theirs.code, theirs.stderr));
    }
    let hot = case("-p PORT --hotkeys");
    assert_eq!(hot.ours(server.port()), hot.theirs(server.port()));
    server
        .line("CONFIG SET maxmemory-policy allkeys-lfu")
        .expect_ok();
    keys(&server);
    for _ in 0..200 {
        server.line("GET k");
    }
    let (ours, theirs) = (hot.ours(server.port()), hot.theirs(server.port()));
    let last = |done: &Done| {
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let line = text
            .lines()
            .find(|l| l.starts_with("hot key found"))
            .unwrap()
            .to_owned();
        line.rsplit('\t').next().unwrap().to_owned()
    };
    assert_eq!(last(&ours), last(&theirs));
    assert_eq!(last(&ours), "keyname: \"k\"");
}

#[test]
fn latency_in_one_line() {
    let server = server();
    for (option, separator) in [("--raw", ' '), ("--csv", ',')] {
        let case = case(&format!("-p PORT {option} --latency -i 0.05"));
        for done in [case.ours(server.port()), case.theirs(server.port())] {
            let text = String::from_utf8(done.stdout.clone()).unwrap();
            let fields: Vec<&str> = text.trim_end().split(separator).collect();
            assert_eq!(fields.len(), 4, "{done:?}");
            assert!(fields.iter().all(|f| f.parse::<f64>().is_ok()), "{done:?}");
            assert_eq!(done.code, Some(0));
        }
    }
    let json = case("-p PORT --json --latency -i 0.05");
    for done in [json.ours(server.port()), json.theirs(server.port())] {
        let text = String::from_utf8(done.stdout.clone()).unwrap();
        let names: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
        assert_eq!(names, ["min", "max", "avg", "count"], "{done:?}");
    }
    let done = case("--intrinsic-latency 0").ours(1);
    assert!(String::from_utf8_lossy(&done.stdout).contains(" total runs (avg latency: "));
}

#[test]
fn a_replica_shows_what_the_master_does() {
    use std::io::{BufRead as _, BufReader};
    let server = server();
    for diskless in ["yes", "no"] {
        server
            .line(&format!("CONFIG SET repl-diskless-sync {diskless}"))
            .expect_ok();
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_redis-cli-alone"))
            .args(["-p", &server.port().to_string(), "--replica"])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        testkit::eventually("the replica", std::time::Duration::from_secs(60), || {
            server
                .line("INFO replication")
                .text()
                .contains("state=online")
        });
        server.line("SET seen 1").expect_ok();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map(|line| line.unwrap());
        assert!(
            lines.any(|line| line == "\"SET\",\"seen\",\"1\""),
            "{diskless}"
        );
        server.line("CLIENT KILL TYPE replica");
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("Logging commands from master."));
    }
}
