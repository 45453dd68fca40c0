//! Runs the real redis-cli and ours with the same words and compares what they do.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;

use testkit::{Program, Server, Tool};

/// What a program did.
#[derive(Clone, PartialEq, Eq)]
pub struct Done {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub code: Option<i32>,
}

impl std::fmt::Debug for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "exit {:?}\n--- stdout\n{}\n--- stderr\n{}\n---",
            self.code,
            self.stdout
                .escape_ascii()
                .to_string()
                .replace("\\n", "\\n\n"),
            self.stderr
                .escape_ascii()
                .to_string()
                .replace("\\n", "\\n\n")
        )
    }
}

/// One comparison.
#[derive(Clone, Debug)]
pub struct Case {
    words: Vec<String>,
    input: Vec<u8>,
    env: Vec<(String, String)>,
    masked: bool,
}

/// A case from a line: words are separated by spaces, `'…'` keeps spaces.
pub fn case(line: &str) -> Case {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').expect("a closing quote"),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    Case {
        words,
        input: Vec::new(),
        env: Vec::new(),
        masked: false,
    }
}

impl Case {
    /// With standard input.
    pub fn input(mut self, bytes: impl AsRef<[u8]>) -> Case {
        self.input = bytes.as_ref().to_vec();
        self
    }

    /// With a variable in the environment.
    pub fn env(mut self, name: &str, value: &str) -> Case {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Taken for a terminal.
    pub fn faketty(self) -> Case {
        self.env("FAKETTY", "1")
    }

    /// Compared without regard to digits, where a reply holds the number of the connection.
    pub fn masked(mut self) -> Case {
        self.masked = true;
        self
    }

    fn run(&self, mut command: Command, port: u16) -> Done {
        let words = self
            .words
            .iter()
            .map(|w| w.replace("PORT", &port.to_string()));
        command
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
            .env_remove("FAKETTY")
            .env_remove("REDISCLI_AUTH")
            .env("TERM", "dumb");
        command
            .env("REDISCLI_HISTFILE", "/dev/null")
            .env("REDISCLI_RCFILE", "/dev/null");
        command.envs(self.env.iter().map(|(n, v)| (n, v)));
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = self.input.clone();
        // A program that does not read its input closes the pipe.
        let feeder = thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().expect("the program ends");
        feeder.join().expect("the feeder ends");
        let mask = |bytes: Vec<u8>| match self.masked {
            true => bytes.into_iter().filter(|b| !b.is_ascii_digit()).collect(),
            false => bytes,
        };
        Done {
            stdout: mask(output.stdout),
            stderr: output.stderr,
            code: output.status.code(),
        }
    }

    /// What ours does.
    pub fn ours(&self, port: u16) -> Done {
        self.run(Command::new(env!("CARGO_BIN_EXE_redis-cli-alone")), port)
    }

    /// What the real one does.
    pub fn theirs(&self, port: u16) -> Done {
        self.run(Program::Redis70.command(Tool::Cli), port)
    }
}

/// Runs each case with both programs, each time on the same data, and compares.
#[track_caller]
pub fn compare(server: &Server, prepare: &dyn Fn(&Server), cases: &[Case]) {
    let mut wrong = Vec::new();
    for case in cases {
        prepare(server);
        let theirs = case.theirs(server.port());
        prepare(server);
        let ours = case.ours(server.port());
        if ours != theirs {
            wrong.push(format!("{case:?}\nreal: {theirs:?}\nours: {ours:?}\n"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cases differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

/// A real server with DEBUG allowed.
pub fn server() -> Server {
    Server::of(Program::Redis70)
        .option("enable-debug-command", "yes")
        .option("repl-diskless-sync-delay", "0")
        .start()
}

/// A key of each type, and one that is hard to print.
pub fn keys(server: &Server) {
    let mut c = server.connect();
    let lines = [
        "FLUSHALL",
        "SET k hello",
        "RPUSH l a b c",
        "HSET h f1 v1 f2 v2",
        "ZADD z 1.5 a 2 b",
        "SADD s one",
        "XADD st 1-1 f v",
        "SET n 10",
    ];
    for line in lines {
        c.line(line);
    }
    c.call(&[
        b"SET".as_slice(),
        b"odd",
        b"a\x01\xff\"\\\n\t\r\x07\x08\x0c\x1f\x7f\xc3\xa9",
    ]);
    c.call(&[b"HSET".as_slice(), b"oddhash", b"f\"\x01", b"v\xff"]);
}
