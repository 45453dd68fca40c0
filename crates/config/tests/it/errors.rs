//! Files and command lines that are wrong: what a real server writes to standard error, and what
//! we do.

use std::path::Path;
use std::time::Duration;

use config::{all, command_line, load};
use testkit::{Process, Program, TempDir, Tool, wait_for};

use crate::disk::Disk;

/// Words between which a server says what is wrong.
const START: &str = "\n*** FATAL CONFIG FILE ERROR";

/// The real servers, and how they call themselves.
const SERVERS: [(Program, &str); 2] = [(Program::Redis70, "7.0.15"), (Program::Redis74, "7.4.1")];

/// What a real server says; `None` if it is content. It never serves: no port is open to it.
fn theirs(program: Program, directory: &Path, args: &[&str]) -> Option<String> {
    let mut command = program.command(Tool::Server);
    command.args(args).current_dir(directory);
    // A name at the end would take the next word for its value; it is wrong by itself.
    if args.last().is_none_or(|last| !last.starts_with("--")) {
        command.args(["--port", "0"]);
    }
    let output = directory.join("output.log");
    let mut process = Process::start("a server with a wrong file", &mut command, &output);
    // With a socket of another kind it would serve.
    wait_for("the server's verdict", Duration::from_secs(20), || {
        (process.ended().is_some() || process.log().contains("Server initialized")).then_some(())
    });
    process.kill();
    let log = process.log();
    std::fs::remove_file(&output).expect("output");
    log.find(START).map(|at| log[at..].into())
}

/// What we say, without the line that names the file.
fn ours(version: &str, directory: &Path, args: &[&str]) -> Option<String> {
    let error = load(&command_line(args), &mut Disk::at(directory)).err()?;
    let text = String::from_utf8_lossy(&error.report(version)).into_owned();
    let lines: Vec<&str> = text
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("(in "))
        .collect();
    Some(lines.concat())
}

fn compare(name: &str, cases: &[(&str, &[&str])]) {
    let directory = TempDir::new(name);
    let path = directory.path();
    std::fs::write(path.join("other.conf"), "timeout 1\ntcp-keepalive x\n").expect("a file");
    let mut differences = Vec::new();
    for (file, args) in cases {
        std::fs::write(path.join("redis.conf"), file).expect("a file");
        for (program, version) in SERVERS {
            let (ours, theirs) = (ours(version, path, args), theirs(program, path, args));
            if ours != theirs {
                differences.push(format!(
                    "{file:?} {args:?}:\n  {ours:?}\n  really {theirs:?}"
                ));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

const FILE: &[&str] = &["redis.conf"];

#[test]
fn wrong_files_are_refused_in_the_real_words() {
    compare(
        "wrong-files",
        &[
            ("port\n", FILE),
            ("port 1 2\n", FILE),
            ("\n# x\n\n  nonsense  \n", FILE),
            ("nonsense 1\n", FILE),
            ("port \"1\n", FILE),
            ("port \"1\"x\n", FILE),
            ("port '1\n", FILE),
            ("requirepass \"a\\x41\\xzz\\n\"\n", FILE),
            ("appendonly maybe\n", FILE),
            ("appendfsync sometimes\n", FILE),
            ("databases 0\n", FILE),
            ("databases x\n", FILE),
            ("unixsocketperm 9\n", FILE),
            ("unixsocketperm 1000\n", FILE),
            ("unixsocketperm 700\n", FILE),
            ("save\n", FILE),
            ("save 1\n", FILE),
            ("save 1 2 3\n", FILE),
            ("save \"\"\n", FILE),
            ("save \"1 2\"\n", FILE),
            ("save '60 1 30'\n", FILE),
            ("save x 1\n", FILE),
            ("save 0 1\n", FILE),
            ("bind\n", FILE),
            ("bind 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", FILE),
            ("client-output-buffer-limit\n", FILE),
            ("client-output-buffer-limit normal 0 0\n", FILE),
            ("client-output-buffer-limit master 0 0 0\n", FILE),
            ("client-output-buffer-limit normal 0 0 x\n", FILE),
            ("replicaof localhost\n", FILE),
            ("replicaof localhost x\n", FILE),
            ("replicaof localhost 70000\n", FILE),
            ("replicaof no one\n", FILE),
            ("cluster-enabled yes\nreplicaof localhost 1\n", FILE),
            ("rename-command nosuch x\n", FILE),
            ("rename-command config get\n", FILE),
            ("rename-command config\n", FILE),
            ("rename-command config \"\"\n", FILE),
            ("include\n", FILE),
            ("include other.conf\n", FILE),
            ("include o*.conf\n", FILE),
            ("include none*.conf\n", FILE),
            ("dir /no/such/directory\n", FILE),
            ("dir redis.conf\n", FILE),
            ("dir .\n", FILE),
            ("dir\n", FILE),
            ("logfile /no/such/directory/log\n", FILE),
            ("dbfilename a/b\n", FILE),
            ("dbfilename \"\"\n", FILE),
            ("appendfilename a/b\n", FILE),
            ("appendfilename \"\"\n", FILE),
            ("appenddirname a/b\n", FILE),
            ("appenddirname \"\"\n", FILE),
            ("shutdown-on-sigterm save nosave\n", FILE),
            ("shutdown-on-sigterm save now\n", FILE),
            ("shutdown-on-sigterm\n", FILE),
            ("shutdown-on-sigterm \"save now\"\n", FILE),
            ("oom-score-adj-values 1 2\n", FILE),
            ("notify-keyspace-events\n", FILE),
            ("notify-keyspace-events KE A\n", FILE),
            ("latency-tracking-info-percentiles\n", FILE),
            ("latency-tracking-info-percentiles \"\"\n", FILE),
            ("latency-tracking-info-percentiles 1 x\n", FILE),
            ("list-max-ziplist-entries 5\n", FILE),
            ("list-max-ziplist-entries\n", FILE),
            ("list-max-ziplist-value 5 6\n", FILE),
            ("sentinel monitor x\n", FILE),
            ("user\n", FILE),
            ("loadmodule\n", FILE),
            ("PORT x\r\n", FILE),
            ("port 0\0 1\n", FILE),
            ("io-threads x\n", FILE),
            ("cluster-port 70000\n", FILE),
            ("supervised maybe\n", FILE),
            ("syslog-facility maybe\n", FILE),
            ("maxmemory x\n", FILE),
        ],
    );
}

#[test]
fn wrong_command_lines_are_refused_in_the_real_words() {
    compare(
        "wrong-lines",
        &[
            ("", &["--hz", "x"]),
            ("", &["--nosuch", "x"]),
            ("", &["--nosuch"]),
            ("timeout 1\n", &["redis.conf", "--hz", "x"]),
            ("timeout 1", &["redis.conf", "--timeout", "2", "--hz", "x"]),
            ("timeout 1", &["redis.conf", "--timeout 2", "--hz x"]),
            ("", &["--hz"]),
            ("", &["--save", "--hz", "x"]),
            ("", &["--save", "60", "--hz", "x"]),
            ("", &["--save", "60 1", "--hz", "x"]),
            ("", &["--requirepass", "--hz", "x"]),
            ("", &["--requirepass", "a b\"\n", "--hz", "\u{e9}"]),
            ("", &["--hz", "10", "x"]),
            ("", &["--", "x"]),
            ("", &["-x"]),
            ("", &["--hz", "\"x"]),
            ("", &["--\"hz", "x"]),
            ("", &["--shutdown-on-sigterm", "now force", "--hz", "x"]),
            ("", &["--bind", "127.0.0.1 ::1", "--hz", "x"]),
            ("", &["--bind", "--hz", "x"]),
            ("hz x\n", &["red*.conf"]),
            ("hz x\n", &["nosuch*.conf"]),
            ("", &["--include", "other.conf"]),
        ],
    );
}

#[test]
fn immutable_options_are_refused_in_the_real_words() {
    // Those of Valkey; one whose range is ours; and what would leave the test's hands.
    const LEFT_OUT: [&str; 5] = [
        "enable-debug-assert",
        "hash-seed",
        "io-threads",
        "logfile",
        "daemonize",
    ];
    let directory = TempDir::new("immutable");
    let path = directory.path();
    let mut differences = Vec::new();
    for option in all().filter(|o| o.immutable && !LEFT_OUT.contains(&o.name)) {
        // Few values, since each starts a process: the numbers around bounds, and words.
        for value in [
            "x",
            "-1",
            "0",
            "129",
            "70000",
            "2147483648",
            "4294967296",
            "/a/b",
            "no",
        ] {
            let text = format!("{} {value}\n", option.name);
            std::fs::write(path.join("redis.conf"), &text).expect("a file");
            let ours = ours("7.4.1", path, FILE);
            // What we cannot obey, the real server takes.
            if ours
                .as_ref()
                .is_some_and(|error| error.contains("is refused: "))
            {
                continue;
            }
            let theirs = theirs(Program::Redis74, path, FILE);
            if ours != theirs {
                differences.push(format!("{text:?}:\n  {ours:?}\n  really {theirs:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
