//! CONFIG REWRITE, against a real server's: the same lines, and the same settings read back.

use config::{Caller, all, command_line, load, rewrite, set};
use testkit::{Conn, Process, Program, Rng, TempDir, Tool, reserve, seed, wait_for};

use crate::disk::Disk;
use crate::words::VALUES;

/// Options that a test can set on a running server without harm to itself.
const HARMLESS: &[&str] = &[
    "save",
    "hz",
    "slowlog-log-slower-than",
    "repl-backlog-size",
    "client-output-buffer-limit",
    "notify-keyspace-events",
    "latency-tracking-info-percentiles",
    "masterauth",
    "cluster-announce-hostname",
    "list-max-listpack-size",
    "maxmemory-policy",
    "shutdown-on-sigterm",
    "hash-max-ziplist-entries",
    "slave-priority",
    "tcp-keepalive",
    "loglevel",
    "cluster-node-timeout",
    "proto-max-bulk-len",
];

fn random_file(random: &mut Rng) -> String {
    let mut file = String::from("# a comment\n\n");
    for _ in 0..random.below(12) {
        match random.below(8) {
            0 => file.push_str("\n\n\n"),
            1 => file.push_str("# port 5\n"),
            2 => file.push_str("  SAVE 60 1   \n"),
            3 => file.push_str("save 30 2\r\n"),
            4 => file.push_str("slave-priority 7\n"),
            5 if !file.contains("rename") => file.push_str("rename-command debug \"\"\n"),
            6 => file.push_str("client-output-buffer-limit slave 1mb 2mb 3\n"),
            _ => file.push_str("masterauth \"a b\"\n"),
        }
    }
    file
}

/// Lines that depend on nothing the two sides share.
fn compared(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text).into_owned();
    let own = ["port ", "bind ", "dir ", "user default ", "io-threads "];
    let keep = |line: &&str| !own.iter().any(|start| line.starts_with(start));
    text.lines().filter(keep).map(String::from).collect()
}

#[test]
fn the_lines_are_those_of_the_real_server() {
    let mut random = seed("the_lines_are_those_of_the_real_server");
    for _ in 0..8 {
        let directory = TempDir::new("rewriting");
        let path = directory.path();
        let conf = path.join("redis.conf");
        let file = random_file(&mut random);
        std::fs::write(&conf, &file).expect("a file");
        let mut disk = Disk::at(path);
        let loaded = load(&command_line(&["redis.conf"]), &mut disk).expect("settings");
        let mut config = loaded.config;

        let port = reserve();
        let mut command = Program::Redis74.command(Tool::Server);
        command.arg("redis.conf").current_dir(path);
        command.args(["--port", &port.number().to_string(), "--bind", "127.0.0.1"]);
        let output = path.join("output.log");
        let mut process = Process::start("a server", &mut command, &output);
        let limit = std::time::Duration::from_secs(20);
        let mut conn = wait_for("the port", limit, || Conn::open(port.number()).ok());
        for _ in 0..6 {
            let (name, value) = (*random.pick(HARMLESS), *random.pick(VALUES));
            if name == "notify-keyspace-events" && value.contains(['n', 'A']) {
                // Behind `A`, the real server forgets `n` when it writes; we do not.
                continue;
            }
            let theirs = conn.call(&["CONFIG", "SET", name, value]);
            let ours = set(&config, &[(name, value)], Caller::default());
            assert_eq!(
                ours.is_ok(),
                theirs.error().is_none(),
                "{name} {value:?}: {theirs:?}"
            );
            if let Ok(change) = ours {
                config = change.config;
            }
        }
        conn.call(&["CONFIG", "REWRITE"]).expect_ok();
        process.kill();
        let theirs = std::fs::read(&conf).expect("the file");
        let ours = rewrite(&config, file.as_bytes());

        let (mut our_lines, mut their_lines) = (compared(&ours), compared(&theirs));
        // Lines that were there keep their order; new ones come in the order of each table.
        let head = |lines: &[String]| {
            let signature = lines.iter().position(|line| line == config::SIGNATURE);
            lines[..signature.unwrap_or(lines.len())].to_vec()
        };
        assert_eq!(head(&our_lines), head(&their_lines), "{file}");
        our_lines.sort();
        their_lines.sort();
        assert_eq!(our_lines, their_lines, "{file}");

        // What the real server wrote is what we run with, but for its own port and address.
        let mut again =
            load(&command_line(&["redis.conf"]), &mut Disk::at(path)).expect("settings");
        again.config.port = config.port;
        again.config.bind.clone_from(&config.bind);
        assert_eq!(again.config, config, "{}", String::from_utf8_lossy(&theirs));
    }
}

#[test]
fn what_is_written_is_what_was_set() {
    let mut random = seed("what_is_written_is_what_was_set");
    let options: Vec<_> = all().collect();
    for _ in 0..3000 {
        let mut text = Vec::new();
        for _ in 0..random.below(8) {
            let name = random.pick(&options).name;
            let value = *random.pick(VALUES);
            let value = match random.below(4) {
                0 => value.as_bytes().to_vec(),
                1 => config::quote(&random.bytes(5)),
                _ => config::quote(value.as_bytes()),
            };
            text.extend([name.as_bytes(), b" ", &value, b"\n"].concat());
        }
        config::fuzz_load(&text);
    }
}

#[test]
fn any_bytes_are_safe() {
    let mut random = seed("any_bytes_are_safe");
    for _ in 0..3000 {
        let length = random.below(200) as usize;
        config::fuzz_load(&random.bytes(length));
    }
}
