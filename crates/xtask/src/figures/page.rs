//! docs/figures.md: one section for each part, each replaced by its latest run.

use std::fmt::Write;
use std::fs;

use super::subject::Subject;

const TOP: &str = "\
# Figures

Ratios beside Valkey 9.1 in the same run; smaller is better. (The ratios of scaling are to our own
engine with one worker; larger is better.) Each section names the command, the versions and the
machine that it was measured with, and is replaced by `cargo xtask figures --write`. What the project
promises, and misses, is marked in the last column.
";

/// The order of the sections.
const SECTIONS: [&str; 6] = ["cpu", "aof", "cluster", "memory", "save", "scaling"];

/// What a section must say of its run.
pub(super) fn heading(words: &str, subjects: &[&Subject]) -> Result<String, String> {
    let mut text = format!("Command: `cargo xtask figures {}`. ", words.trim());
    for subject in subjects {
        let _ = write!(text, "{}: `{}`. ", subject.name, subject.version()?);
    }
    let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("?");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let _ = writeln!(text, "Machine: {model}, Linux {}.", kernel.trim());
    Ok(text)
}

/// The page with its sections replaced.
pub(super) fn merge(old: &str, heading: &str, sections: &[(&str, String)]) -> String {
    let mut page = TOP.to_string();
    for name in SECTIONS {
        let (start, end) = (
            format!("<!-- {name} -->\n"),
            format!("<!-- end of {name} -->\n"),
        );
        let new = sections.iter().find(|(known, _)| *known == name);
        let text = match new {
            Some((_, text)) => format!("{text}\n{heading}"),
            None => match old
                .split_once(&start)
                .and_then(|(_, rest)| rest.split_once(&end))
            {
                Some((kept, _)) => kept.to_string(),
                None => continue,
            },
        };
        let _ = write!(page, "\n{start}{text}{end}");
    }
    page
}
