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
pub static PROGRAMS: [Program; 1] = [Program {
    word: "cli",
    summary: "talk to a server: redis-cli",
    run: cli::main,
}];

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
