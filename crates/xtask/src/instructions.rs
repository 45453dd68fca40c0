//! `cargo xtask instructions`: what a turn of each scenario costs in instructions, counted by
//! Valgrind. Unlike time this repeats to the last digits, so that a change of three per cent shows
//! on any machine.
//!
//! The figures are kept in `docs/instructions.txt`. A count that rises by more than the tolerance
//! fails until its figure there is changed in the same commit, with the reason.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::arguments::Arguments;
use crate::fetch;
use crate::run::{capture, run, target};

/// Turns of the two runs whose difference counts.
const TURNS: (u64, u64) = (1000, 3000);
/// In per cent.
const TOLERANCE: u64 = 3;

const HEAD: &str = "\
# Instructions for one turn of each scenario (crates/xtask/examples/scenario.rs), development profile.
# A count that rises by more than 3 % fails until it is changed here, with the reason in the commit:
# `cargo xtask instructions --accept` writes this file.
";

/// Counts, compares, and with `--accept` writes.
pub(crate) fn command(arguments: &mut Arguments) -> Result<(), String> {
    let accept = arguments.flag("--accept");
    arguments.end()?;
    fetch::ensure(&[("valgrind", "valgrind")])?;
    let program = build()?;
    let names = capture(&mut Command::new(&program))?;
    let mut counted = BTreeMap::new();
    for name in names.lines() {
        counted.insert(name.to_string(), one_turn(&program, name)?);
    }
    let path = crate::root().join("docs/instructions.txt");
    if accept {
        let text = text(&counted);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("written: {}", path.display());
        return Ok(());
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    let (table, risen) = compare(&parse(&stored)?, &counted);
    print!("{table}");
    if risen.is_empty() {
        return Ok(());
    }
    Err(format!(
        "more instructions than stored, or none stored: {}",
        risen.join(", ")
    ))
}

fn build() -> Result<PathBuf, String> {
    let mut command = Command::new("cargo");
    command.current_dir(crate::root());
    run(command.args([
        "build",
        "--quiet",
        "--package",
        "xtask",
        "--example",
        "scenario",
    ]))?;
    Ok(target("debug").join("examples/scenario"))
}

fn one_turn(program: &Path, name: &str) -> Result<u64, String> {
    let count = |turns: u64| {
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        command.arg(program).args([name, &turns.to_string()]);
        let output = command
            .output()
            .map_err(|error| format!("valgrind: {error}"))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(format!("{name}: {}\n{said}", output.status));
        }
        collected(&said).ok_or_else(|| format!("{name}: valgrind says no count:\n{said}"))
    };
    let (few, many) = (count(TURNS.0)?, count(TURNS.1)?);
    Ok(many.saturating_sub(few) / (TURNS.1 - TURNS.0))
}

fn collected(said: &str) -> Option<u64> {
    let line = said
        .lines()
        .find_map(|line| line.split_once("Collected : "))?;
    line.1.split_whitespace().next()?.parse().ok()
}

fn parse(text: &str) -> Result<BTreeMap<String, u64>, String> {
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, count) = line
                .split_once(' ')
                .ok_or_else(|| format!("not a count: {line}"))?;
            let count = count
                .trim()
                .parse()
                .map_err(|_| format!("not a count: {line}"))?;
            Ok((name.to_string(), count))
        })
        .collect()
}

fn text(counts: &BTreeMap<String, u64>) -> String {
    let mut text = HEAD.to_string();
    for (name, count) in counts {
        let _ = writeln!(text, "{name} {count}");
    }
    text
}

/// A line for each scenario, and the names of those that rose or are not stored.
fn compare(
    stored: &BTreeMap<String, u64>,
    counted: &BTreeMap<String, u64>,
) -> (String, Vec<String>) {
    let (mut table, mut risen) = (String::new(), Vec::new());
    for (name, count) in counted {
        let before = stored.get(name).copied();
        let note = match before {
            None => "not stored",
            Some(before) if count * 100 > before * (100 + TOLERANCE) => "ROSE",
            Some(before) if count * (100 + TOLERANCE) < before * 100 => "fell: store it",
            Some(_) => "",
        };
        if matches!(note, "not stored" | "ROSE") {
            risen.push(name.clone());
        }
        let before = before.map_or_else(|| "–".to_string(), |before| before.to_string());
        let _ = writeln!(table, "{name:<16} {count:>8}  stored {before:>8}  {note}");
    }
    (table, risen)
}

#[cfg(test)]
mod tests {
    //! A rise is found, noise is not.

    use super::*;

    fn counts(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
        pairs
            .iter()
            .map(|(name, count)| (name.to_string(), *count))
            .collect()
    }

    #[test]
    fn only_a_rise_beyond_the_tolerance_counts() {
        let stored = counts(&[("a", 1000)]);
        assert!(compare(&stored, &counts(&[("a", 1030)])).1.is_empty());
        assert_eq!(compare(&stored, &counts(&[("a", 1031)])).1, ["a"]);
        assert!(compare(&stored, &counts(&[("a", 500)])).1.is_empty());
        assert_eq!(compare(&stored, &counts(&[("b", 1)])).1, ["b"]);
    }

    #[test]
    fn the_file_is_read_as_it_was_written() {
        let stored = counts(&[("a", 1), ("b-c", 20)]);
        assert_eq!(parse(&text(&stored)), Ok(stored));
        assert!(parse("a b c\n").is_err());
    }

    #[test]
    fn the_count_is_read_from_what_valgrind_says() {
        assert_eq!(
            collected("==1== Events : Ir\n==1== Collected : 42\n"),
            Some(42)
        );
        assert_eq!(collected("==1== Events : Ir\n"), None);
    }
}
