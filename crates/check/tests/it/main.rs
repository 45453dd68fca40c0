//! Our checkers beside the real ones: the same lines, the same exit codes, the same cut files.
mod logs;
mod snapshots;

use check::Console;
use std::ffi::OsString;
use std::io::Write;
use std::process::Stdio;
use testkit::{Program, Tool};

/// What a run printed on standard output, and its exit code; none when a signal ended it.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    code: Option<i32>,
    out: String,
}

/// Runs our checker in this process.
fn ours(tool: Tool, args: &[&str], answer: &str) -> Outcome {
    let args: Vec<OsString> = [if tool == Tool::CheckRdb {
        "redis-check-rdb"
    } else {
        "redis-check-aof"
    }]
    .iter()
    .chain(args)
    .map(Into::into)
    .collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let mut console = Console {
        out: &mut out,
        err: &mut err,
        input: &mut answer.as_bytes(),
        now_ms: now.as_millis() as i64,
    };
    let code = match tool {
        Tool::CheckRdb => check::check_rdb(&args, &mut console),
        _ => check::check_aof(&args, &mut console),
    };
    Outcome {
        code: Some(code),
        out: normal(&String::from_utf8_lossy(&out)),
    }
}

/// Runs the real checker.
fn theirs(program: Program, tool: Tool, args: &[&str], answer: &str) -> Outcome {
    let mut command = program.command(tool);
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("the checker starts");
    // It may end before it reads an answer.
    let _ = child.stdin.take().unwrap().write_all(answer.as_bytes());
    let output = child.wait_with_output().unwrap();
    let out = normal(&String::from_utf8_lossy(&output.stdout));
    Outcome {
        code: output.status.code(),
        out,
    }
}

/// Leaves out what is a program's own: its source lines, process numbers and times, what it adds to
/// the 7.2 lines, and bytes behind the end of what it read.
fn normal(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let extra = ["subexpires", "[additional info] Flaw", "failed allocating"];
        if extra.iter().any(|word| line.contains(word)) {
            continue;
        }
        let mut line = line.to_string();
        if let (Some(from), Some(to)) = (line.find("function at "), line.find(" -> ")) {
            line.replace_range(from..to, "function");
        }
        if let Some(at) = line
            .find(":C ")
            .filter(|&at| line[..at].bytes().all(|b| b.is_ascii_digit()))
        {
            line.replace_range(..(at + 27).min(line.len()), "LOG");
        }
        if let Some(at) = line.find("Expected \\r\\n, got: ") {
            line.truncate(at + 14);
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}
