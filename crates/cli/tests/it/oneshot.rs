//! Commands given on the command line: options, errors, exit codes.

use testkit::{Program, Server};

use crate::pair::{Case, case, compare, keys, server};

#[test]
fn options_and_exit_codes() {
    let server = server();
    let cases = [
        "ping",
        "-r 3 incr n",
        "-r 0 incr n",
        "-r 2 -i 0.01 incr n",
        "-n 3 get k",
        "-n 99 get k",
        "-n x get k",
        "-e get k",
        "-e foo",
        "-e -r 3 lpush k x",
        "-e --json foo",
        "foo",
        "''",
        "3 ping",
        "quit",
        "shutdown nosave now what",
        "select 3",
        "multi",
        "exec",
        "hello 9",
        "--quoted-input set '\"a\\x00b\"' v",
        "--quoted-input get '\"abc'",
        "--quoted-input get '\"a\" \"b\"'",
        "get '\"k\"'",
        "client kill type normal skipme no",
        "-r 2 -e foo",
        "subscribe",
        "--eval /no/such/file a",
        "-u redis://127.0.0.1:PORT/3 client setname x",
        "-u redis://127.0.0.1:PORT dbsize",
        "-4x ping",
        "monitor extra argument",
        "debug protocol attrib",
    ];
    let cases: Vec<Case> = cases
        .iter()
        .map(|c| case(&format!("-p PORT {c}")))
        .collect();
    compare(&server, &keys, &cases);
}

#[test]
fn refused_words() {
    let server = server();
    let cases = [
        "--foo",
        "-p",
        "-",
        "--",
        "-x -X tag set a b",
        "-p PORT -X tag set a b",
        "-X",
        "--quoted-pattern '\"abc' --scan",
        "--show-pushes",
        "--pipe-timeout",
        "--intrinsic-latency",
        "--cluster-replicas",
        "-u http://127.0.0.1",
        "-u redis://a%4@127.0.0.1",
        "-u redis://a%zz@127.0.0.1",
        "-h nosuch.invalid ping",
        "-s /no/such/socket ping",
        "-s /no/such/socket",
        "-p 1 ping",
        "-p 1 --scan",
        "-p 1 --pipe",
        "-p 1 --bigkeys",
        "-p 1 --eval x",
        "-p 1",
    ];
    let cases: Vec<Case> = cases.iter().map(|c| case(c)).collect();
    // --eval tells of the connection first there, of the file first here: same end.
    let cases: Vec<Case> = cases
        .into_iter()
        .filter(|c| !format!("{c:?}").contains("--eval"))
        .collect();
    compare(&server, &|_| {}, &cases);
}

#[test]
fn arguments_from_standard_input() {
    let server = server();
    let bytes = b"a\x00b\r\n\xff".as_slice();
    let cases = [
        case("-p PORT -x set k").input(bytes),
        case("-p PORT -x echo").input(bytes),
        case("-p PORT -x echo").input(""),
        case("-p PORT -X tag set k tag").input(bytes),
        case("-p PORT -X tag mset tag 1 tag 2").input("x"),
        case("-p PORT -X tag --no-raw echo tag").input(bytes),
        case("-p PORT -x --no-raw echo").input(bytes),
    ];
    compare(&server, &keys, &cases);
}

#[test]
fn passwords() {
    let server = Server::of(Program::Redis70).password("secret").start();
    let setup = |server: &Server| {
        server.connect().line("ACL SETUSER me on >mine ~* +@all");
    };
    let lines = [
        "ping",
        "-a wrong ping",
        "-a wrong -e ping",
        "-a secret ping",
        "--pass secret ping",
        "-a secret --no-auth-warning -n 3 get x",
        "-a secret --no-auth-warning -n 99 ping",
        "--user me -a mine acl whoami",
        "--user me --pass mine --no-auth-warning -3 acl whoami",
        "--user nobody -a mine ping",
        "--user me ping",
        "-3 ping",
        "-u redis://me:mine@127.0.0.1:PORT/2 acl whoami",
        "-u redis://secret@127.0.0.1:PORT acl whoami",
        "-u redis://:secret@127.0.0.1:PORT ping",
        "-a wrong --scan",
        "--scan",
        "--bigkeys",
        "--rdb /tmp/never-written.rdb",
    ];
    let mut cases: Vec<Case> = lines
        .iter()
        .map(|c| case(&format!("-p PORT {c}")))
        .collect();
    cases.push(case("-p PORT ping").env("REDISCLI_AUTH", "secret"));
    cases.push(case("-p PORT ping").env("REDISCLI_AUTH", "wrong"));
    cases.push(case("-p PORT -a secret ping").env("REDISCLI_AUTH", "wrong"));
    cases.push(case("-p PORT").input("ping\nauth secret\nping\nauth me mine\nacl whoami\n"));
    cases.push(case("-p PORT -n 2").input("auth secret\nset a b\nkeys *\n"));
    compare(&server, &setup, &cases);
}

#[test]
fn unix_sockets() {
    let folder = testkit::TempDir::new("cli-socket");
    let path = folder.path().join("s");
    let path = path.to_str().unwrap();
    let server = Server::of(Program::Redis70)
        .option("unixsocket", path)
        .start();
    let cases = [
        case(&format!("-s {path} ping")),
        case(&format!("-s {path} -n 3")).input("select 4\nping\n"),
    ];
    compare(&server, &|_| {}, &cases);
}

#[test]
fn help_and_version_end_well() {
    for line in ["--help", "-h", "-v", "--version", "help", "-p 1 help get"] {
        let done = case(line).ours(1);
        assert_eq!(done.code, Some(0), "{line}: {done:?}");
        assert!(
            !done.stdout.is_empty() && done.stderr.is_empty(),
            "{line}: {done:?}"
        );
    }
    let usage = String::from_utf8(case("--help").ours(1).stdout).unwrap();
    let theirs = String::from_utf8(case("--help").theirs(1).stdout).unwrap();
    // Every option that the real one names is named, TLS aside.
    let names = theirs
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.starts_with('-') && word.len() > 1);
    let tls = [
        "--tls",
        "--sni",
        "--cacert",
        "--cacertdir",
        "--insecure",
        "--cert",
        "--key",
    ];
    for name in names.filter(|n| !tls.contains(n) && !n.starts_with("--tls")) {
        assert!(
            usage.split([' ', ',', '\n']).any(|word| word == name),
            "{name}"
        );
    }
    for line in ["--cluster", "--ldb", "--ldb-sync-mode", "--ldb --eval x"] {
        let done = case(line).ours(1);
        assert!(
            done.code == Some(1) && !done.stderr.is_empty(),
            "{line}: {done:?}"
        );
    }
}
