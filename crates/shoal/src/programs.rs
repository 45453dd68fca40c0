//! The programs that the one binary stands for.

use std::ffi::OsString;
use std::process::ExitCode;

/// A program: what runs it, and the names it goes by.
pub struct Program {
    /// The word after `shoal`.
    pub word: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Runs it with the words after its name; the name is for its messages.
    pub run: fn(Vec<OsString>, &str) -> ExitCode,
}

/// Families whose programs' names we answer to, before the program's word: `redis-cli`.
pub const FAMILIES: [&str; 2] = ["redis", "valkey"];

/// All programs.
pub static PROGRAMS: [Program; 5] = [
    Program {
        word: "server",
        summary: "the server; its arguments are those of redis-server",
        run: server::main,
    },
    Program {
        word: "cli",
        summary: "the command line; its options are those of redis-cli",
        run: cli::main,
    },
    Program {
        word: "benchmark",
        summary: "the benchmark; its options are those of redis-benchmark",
        run: bench::main,
    },
    Program {
        word: "check-rdb",
        summary: "checks an RDB file",
        run: |args, name| check::check_rdb_main(&named(args, name)),
    },
    Program {
        word: "check-aof",
        summary: "checks an append-only file, and repairs its end",
        run: |args, name| check::check_aof_main(&named(args, name)),
    },
];

/// The words with the program's name before them.
fn named(args: Vec<OsString>, name: &str) -> Vec<OsString> {
    std::iter::once(name.into()).chain(args).collect()
}

/// The program of this word (`cli`).
pub fn by_word(word: &str) -> Option<&'static Program> {
    PROGRAMS.iter().find(|program| program.word == word)
}

/// The program of this file name (`redis-cli`, `valkey-cli`).
pub fn by_name(name: &str) -> Option<&'static Program> {
    FAMILIES
        .iter()
        .find_map(|family| by_word(name.strip_prefix(family)?.strip_prefix('-')?))
}
