//! The benchmark against real servers, its output beside the real one's.

mod cluster;
mod output;
mod single;

use std::io::Write as _;
use std::process::{Command, Stdio};

use testkit::{Program, Tool};

/// What a program wrote and how it ended.
#[derive(Debug)]
struct Done {
    out: String,
    err: String,
    code: Option<i32>,
}

fn done(mut command: Command, words: &str, input: &str) -> Done {
    let mut child = command
        .args(words.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that does not read its input closes the pipe.
    let _ = child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input.as_bytes());
    let output = child.wait_with_output().expect("the program ends");
    Done {
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code(),
    }
}

/// Runs ours.
fn ours(words: &str) -> Done {
    done(
        Command::new(env!("CARGO_BIN_EXE_redis-benchmark-alone")),
        words,
        "",
    )
}

/// Runs ours with standard input.
fn ours_with(words: &str, input: &str) -> Done {
    done(
        Command::new(env!("CARGO_BIN_EXE_redis-benchmark-alone")),
        words,
        input,
    )
}

/// Runs the real one.
fn theirs(words: &str) -> Done {
    done(Program::Redis70.command(Tool::Benchmark), words, "")
}
