//! `redis-check-aof` on old logs, logs with an RDB part and multi-part logs; cutting them.
use super::{ours, theirs};
use rdb::aof::{put_command, put_timestamp};
use rdb::fuzz::Seeded;
use std::path::Path;
use testkit::{Program, Server, TempDir, Tool};

fn commands() -> Vec<u8> {
    let mut out = Vec::new();
    put_command(&mut out, &[b"SELECT", b"0"]);
    put_command(&mut out, &[b"SET", b"a", b"1"]);
    out
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

const RDB: &[u8] = b"REDIS0010\xfe\x00\x00\x01a\x011\xff\0\0\0\0\0\0\0\0";

/// Every file the tests use, by name.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let good = commands();
    let begin = b"*1\r\n$5\r\nMULTI\r\n";
    let end = b"*1\r\n$4\r\nexec\r\n";
    let dated = |seconds: i64| {
        let mut out = Vec::new();
        put_timestamp(&mut out, seconds);
        out.extend(commands());
        out
    };
    vec![
        ("good.aof", good.clone()),
        ("empty.aof", Vec::new()),
        ("cut.aof", good[..good.len() - 1].to_vec()),
        ("cut2.aof", good[..good.len() - 5].to_vec()),
        ("count.aof", joined(&[&good, b"*1\r\n"])),
        ("short.aof", joined(&[&good, b"*1\r\n$4\r\nab"])),
        ("word.aof", joined(&[&good, b"hello\r\n"])),
        ("prefix.aof", joined(&[&good, b"*1\r\n:4\r\nabcd\r\n"])),
        ("no-end.aof", joined(&[&good, b"*1\r\n$4\r\nabcdXX"])),
        ("count-x.aof", joined(&[&good, b"*1x\r\n$4\r\nabcd\r\n"])),
        ("negative.aof", joined(&[&good, b"*1\r\n$-4\r\nabcd\r\n"])),
        ("negative-count.aof", joined(&[&good, b"*-1\r\n", &good])),
        ("huge.aof", joined(&[&good, b"*1\r\n$99999999\r\nabcd\r\n"])),
        ("open.aof", joined(&[&good, begin, &good])),
        ("twice.aof", joined(&[&good, begin, begin])),
        ("end.aof", joined(&[&good, end])),
        ("whole.aof", joined(&[&good, begin, &good, end, &good[..9]])),
        ("annotated.aof", joined(&[b"#hello\r\n", &good])),
        ("dated.aof", [dated(100), dated(200), dated(300)].concat()),
        ("preamble.aof", joined(&[RDB, &good])),
        ("preamble-cut.aof", RDB[..RDB.len() - 3].to_vec()),
        ("preamble-tail.aof", joined(&[RDB, &good[..good.len() - 2]])),
        (
            "preamble-bad.aof",
            joined(&[b"REDIS0010\x10\x01a\x08\x08\0\0\0\x02\0\x01\xff\xff", &good]),
        ),
    ]
}

/// Logs of several files: the lines of their manifests.
const MANIFESTS: &[(&str, &str)] = &[
    (
        "good.manifest",
        "file preamble.aof seq 1 type b\nfile good.aof seq 1 type i\n",
    ),
    (
        "middle.manifest",
        "file good.aof seq 1 type b\nfile cut.aof seq 1 type i\nfile good.aof seq 2 type i\n",
    ),
    (
        "last.manifest",
        "file good.aof seq 1 type b\nfile good.aof seq 1 type i\nfile cut.aof seq 2 type i\n",
    ),
    ("base.manifest", "file cut.aof seq 1 type b\n"),
    (
        "dated.manifest",
        "file good.aof seq 1 type b\nfile dated.aof seq 1 type i\n",
    ),
    (
        "early.manifest",
        "file dated.aof seq 1 type b\nfile good.aof seq 1 type i\n",
    ),
    (
        "words.manifest",
        "file good.aof seq 1 type b\nfile good.aof seq\n",
    ),
    ("missing.manifest", "file nosuch.aof seq 1 type b\n"),
    (
        "empty.manifest",
        "# nothing\nfile good.aof seq 1 type b\nfile empty.aof seq 1 type i\n",
    ),
    ("history.manifest", "file good.aof seq 1 type h\n"),
];

/// Lays out all files, runs a checker on one of them, returns what it printed and what it left.
fn run(
    name: &str,
    options: &[&str],
    answer: &str,
    check: impl FnOnce(&[&str], &str) -> super::Outcome,
) -> (super::Outcome, Vec<Vec<u8>>) {
    let directory = TempDir::new("check-aof");
    for (name, bytes) in samples() {
        std::fs::write(directory.path().join(name), bytes).unwrap();
    }
    for (name, text) in MANIFESTS {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let path = directory.path().join(name);
    let mut args = options.to_vec();
    args.push(path.to_str().unwrap());
    let mut outcome = check(&args, answer);
    outcome.out = outcome
        .out
        .replace(directory.path().to_str().unwrap(), "DIR");
    let left = |(name, _): (&str, _)| std::fs::read(directory.path().join(name)).unwrap();
    (outcome, samples().into_iter().map(left).collect())
}

#[test]
fn lines_codes_and_cuts_are_those_of_the_real_program() {
    let modes: [(&[&str], &str); 6] = [
        (&[], ""),
        (&["--fix"], "y\n"),
        (&["--fix"], "n\n"),
        (&["--truncate-to-timestamp", "250"], ""),
        (&["--truncate-to-timestamp", "50"], ""),
        (&["--truncate-to-timestamp", "1000"], ""),
    ];
    let names = samples().into_iter().map(|(name, _)| name);
    for name in names.chain(MANIFESTS.iter().map(|(name, _)| *name)) {
        for (options, answer) in modes {
            let real = run(name, options, answer, |args, answer| {
                theirs(Program::Redis74, Tool::CheckAof, args, answer)
            });
            let our = run(name, options, answer, |args, answer| {
                ours(Tool::CheckAof, args, answer)
            });
            assert_eq!(our.0, real.0, "{options:?} {name}");
            assert!(our.1 == real.1, "{options:?} {name}: the files differ");
        }
    }
}

fn damaged(directory: &Path, seed: u64) -> String {
    let mut rng = Seeded::new(seed);
    let all = samples();
    let (_, bytes) = &all[rng.below(all.len() as u64) as usize];
    let mut bytes = bytes.clone();
    rng.mutate(&mut bytes);
    let path = directory.join("damaged.aof");
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_string()
}

#[test]
fn damaged_logs_get_the_same_verdict() {
    let directory = TempDir::new("check-aof");
    let mut codes = [0, 0];
    for seed in 0..250 {
        let path = damaged(directory.path(), seed);
        let real = theirs(Program::Redis74, Tool::CheckAof, &[&path], "");
        let our = ours(Tool::CheckAof, &[&path], "");
        // A signal: it asked for more memory than there is.
        let Some(code) = real.code.filter(|code| (0..2).contains(code)) else {
            continue;
        };
        assert_eq!(
            our.code, real.code,
            "seed {seed}\n{}\n{}",
            our.out, real.out
        );
        codes[code as usize] += 1;
        let ok = |out: &str| {
            out.lines()
                .find(|l| l.starts_with("AOF analyzed"))
                .map(String::from)
        };
        assert_eq!(ok(&our.out), ok(&real.out), "seed {seed}");
    }
    assert!(codes.iter().all(|&n| n > 4), "{codes:?}");
}

#[test]
fn logs_of_real_servers_are_sound_to_us() {
    for program in [
        Program::Redis70,
        Program::Redis74,
        Program::Redis8,
        Program::Valkey,
    ] {
        let server = Server::of(program).option("appendonly", "yes").start();
        let mut conn = server.connect();
        for line in [
            "SET a 1",
            "MULTI",
            "RPUSH l 1 2",
            "SADD s x",
            "EXEC",
            "SET b 2 EX 1000",
        ] {
            assert!(conn.line(line).error().is_none());
        }
        let log = server.directory().join("appendonlydir");
        let manifest = log.join("appendonly.aof.manifest");
        let outcome = ours(Tool::CheckAof, &[manifest.to_str().unwrap()], "");
        assert_eq!(outcome.code, Some(0), "{program:?}: {}", outcome.out);
        assert!(
            outcome
                .out
                .ends_with("All AOF files and manifest are valid\n")
        );
    }
}
