//! Rules on names, headers, sizes and words: they look at a file as text.

use super::{Finding, Source};

/// The list of files that may be longer than the limit, each with its own.
pub(super) const LONG_FILES: &str = "crates/xtask/long-files.txt";

/// Lines of a product file.
const FILE_LIMIT: usize = 500;
/// Lines of a file of tests, and of a product file with an entry in the list.
const LONG_LIMIT: usize = 1000;
/// How far an entry may lie above the file's present length.
const SLACK: usize = 40;
/// In the header of a file that is one table: its length has no limit.
const TABLE_MARK: &str = "tidy: table";
/// A header shorter than this says nothing.
const HEADER_LETTERS: usize = 8;

/// Names that say nothing, and draw everything.
const DRAWERS: &[&str] = &[
    "util", "utils", "common", "manager", "core", "helper", "helpers", "misc", "stuff",
];

/// Findings in one file.
pub(super) fn check(source: &Source, long: &LongFiles) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(name(source));
    found.extend(header(source));
    found.extend(size(source, long));
    found.extend(words(source));
    found
}

fn name(source: &Source) -> Option<Finding> {
    let inner = source.path.strip_prefix("crates/").unwrap_or(&source.path);
    let drawer = inner
        .split('/')
        .map(|part| part.trim_end_matches(".rs"))
        .find(|part| {
            DRAWERS
                .iter()
                .any(|drawer| part == drawer || part.ends_with(&format!("_{drawer}")))
        })?;
    let what = format!("`{drawer}` names no thing");
    Some(source.finding(
        1,
        "name",
        what,
        "Name the file for the thing that it holds.",
    ))
}

fn header(source: &Source) -> Option<Finding> {
    let letters: usize = source
        .text
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.chars().filter(|letter| letter.is_alphabetic()).count())
        .sum();
    if letters >= HEADER_LETTERS {
        return None;
    }
    let what = "the file does not begin with a `//!` header";
    Some(source.finding(
        1,
        "header",
        what,
        "Say in a sentence or two what this room is for.",
    ))
}

fn is_table(source: &Source) -> bool {
    source
        .text
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .any(|line| line.contains(TABLE_MARK))
}

fn size(source: &Source, long: &LongFiles) -> Option<Finding> {
    let lines = source.text.lines().count();
    let limit = if source.is_test() {
        LONG_LIMIT
    } else {
        long.limit(&source.path)
    };
    if lines <= limit || is_table(source) {
        return None;
    }
    let what = format!("{lines} lines, the limit is {limit}");
    let mend = "Split it into rooms with one purpose each.";
    Some(source.finding(limit + 1, "size", what, mend))
}

fn words(source: &Source) -> Vec<Finding> {
    // Written in halves, so that this file does not find itself.
    let word = concat!("FIX", "ME");
    let lines = source
        .text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains(word));
    lines
        .map(|(index, _)| {
            let mend = "Mend it now, or open an issue that says what is wrong.";
            source.finding(index + 1, "word", format!("`{word}`"), mend)
        })
        .collect()
}

/// Findings for paths that only one machine has, in any text file.
pub(super) fn machine_paths(path: &str, text: &str, needles: &[String]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let hit = needles.iter().find(|needle| names_path(line, needle));
        if let Some(needle) = hit {
            found.push(Finding {
                path: path.into(),
                line: index + 1,
                rule: "path",
                what: format!("`{needle}` is a path of one machine"),
                mend: "Name the file relative to the repository, or take it from the environment.",
            });
        }
    }
    found
}

/// True if `line` has the needle as the beginning of a path, not inside of a longer one.
fn names_path(line: &str, needle: &str) -> bool {
    line.match_indices(needle).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || "._-/$}".contains(letter))
    })
}

/// Product files that are longer than the limit for now.
#[derive(Debug, Default)]
pub(super) struct LongFiles {
    entries: Vec<(String, usize, usize)>,
}

impl LongFiles {
    /// Reads lines of `path limit`; `#` begins a comment.
    pub(super) fn parse(text: &str) -> LongFiles {
        let entry = |(index, line): (usize, &str)| {
            let line = line.split('#').next().unwrap_or_default();
            let (path, limit) = line.trim().split_once(' ')?;
            Some((path.to_string(), limit.trim().parse().ok()?, index + 1))
        };
        LongFiles {
            entries: text.lines().enumerate().filter_map(entry).collect(),
        }
    }

    fn limit(&self, path: &str) -> usize {
        let entry = self.entries.iter().find(|(known, ..)| known == path);
        entry.map_or(FILE_LIMIT, |(_, limit, _)| (*limit).min(LONG_LIMIT))
    }

    /// Entries that are no longer needed, or higher than needed: the list only shrinks.
    pub(super) fn stale(&self, sources: &[Source]) -> Vec<Finding> {
        let mut found = Vec::new();
        for (path, limit, line) in &self.entries {
            let source = sources.iter().find(|source| source.path == *path);
            let lines = source.map_or(0, |source| source.text.lines().count());
            let mend = if lines <= FILE_LIMIT {
                "Take the entry out of the list."
            } else if *limit > LONG_LIMIT {
                "No entry may exceed 1000: split the file."
            } else if *limit > lines + SLACK {
                "Lower the entry to the file's length: the list only shrinks."
            } else {
                continue;
            };
            let what = format!("{path} has {lines} lines, its entry says {limit}");
            let path = LONG_FILES.into();
            found.push(Finding {
                path,
                line: *line,
                rule: "size",
                what,
                mend,
            });
        }
        found
    }
}
