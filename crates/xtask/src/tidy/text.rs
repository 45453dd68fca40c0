//! Rules on names, headers, sizes and words: they look at a file as text.

use super::{Finding, Source};

/// Lines of a product file.
const FILE_LIMIT: usize = 500;
/// Lines of a file of tests.
const TEST_LIMIT: usize = 1000;
/// Letters of a line of comment, which rustfmt leaves as it is.
const COLUMNS: usize = 100;
/// Letters of the subject of a commit.
const SUBJECT: usize = 72;
/// In the header of a file that is one table: its length has no limit.
const TABLE_MARK: &str = "tidy: table";
/// A header shorter than this says nothing.
const HEADER_LETTERS: usize = 8;

/// Names that say nothing, and draw everything.
const DRAWERS: &[&str] = &[
    "util", "utils", "common", "manager", "core", "helper", "helpers", "misc", "stuff",
];

/// Findings in one file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(name(source));
    found.extend(layout(source));
    found.extend(header(source));
    found.extend(size(source));
    found.extend(columns(source));
    found.extend(modules(source));
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

/// A module with modules below it lies beside their folder.
fn layout(source: &Source) -> Option<Finding> {
    let folder = source.path.strip_suffix("/mod.rs")?;
    if source.is_test() {
        return None;
    }
    let what = format!("the file is `{folder}.rs`");
    Some(source.finding(1, "layout", what, "Put it beside the folder."))
}

fn columns(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().enumerate();
    let is_comment = |line: &str| line.trim_start().starts_with("//");
    let long = lines.filter(|(_, line)| is_comment(line) && line.chars().count() > COLUMNS);
    let finding = |(index, line): (usize, &str)| {
        let what = format!("{} letters, the limit is {COLUMNS}", line.chars().count());
        source.finding(index + 1, "columns", what, "Break the line.")
    };
    long.map(finding).collect()
}

/// Modules come before what is used, `tests` aside: the file's plan is its first sight.
fn modules(source: &Source) -> Option<Finding> {
    let is_use = |line: &str| line.starts_with("use ");
    let is_mod = |line: &str| {
        let line = line.trim_start_matches("pub ");
        let line = line.trim_start_matches("pub(crate) ");
        line.starts_with("mod ") && line.ends_with(';') && line != "mod tests;"
    };
    let mut lines = source.text.lines().enumerate();
    lines.find(|(_, line)| is_use(line))?;
    let (index, line) = lines.find(|(_, line)| is_mod(line))?;
    let what = format!("`{line}` stands behind `use`");
    Some(source.finding(index + 1, "modules", what, "Put modules before `use`."))
}

/// Findings in the subjects of commits, newest first.
pub(super) fn subjects(log: &str) -> Vec<Finding> {
    let long = |subject: &&str| subject.chars().count() > SUBJECT;
    let two = |subject: &&str| subject.contains(';');
    let finding = |subject: &str| Finding {
        path: "git log".into(),
        line: 1,
        rule: "subject",
        what: format!("`{subject}`"),
        mend: "A subject has up to 72 letters and says one thing.",
    };
    let bad = log.lines().filter(|subject| long(subject) || two(subject));
    bad.map(finding).collect()
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

fn size(source: &Source) -> Option<Finding> {
    let lines = source.text.lines().count();
    let limit = if source.is_test() {
        TEST_LIMIT
    } else {
        FILE_LIMIT
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
