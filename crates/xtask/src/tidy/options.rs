//! Options that are said to be in effect must be read by somebody: an option of the table is live,
//! unless its row says that it is only kept or refused, and a live one that no code reads is a
//! promise that nobody keeps.

use super::{Finding, Source};

/// Where the rows of the option table stand.
const ROWS: &str = "crates/config/src/rows/";
/// Where the fields stand that the rows fill; a field there is no reader.
const FIELDS: &str = "crates/config/src/settings.rs";
/// How a row begins.
const ROW: &str = "Opt::new(";

/// The live options of a file of rows, with the lines they stand in.
fn live(source: &Source) -> Vec<(usize, &str)> {
    let mut options = Vec::new();
    let mut at = 0;
    while let Some(found) = source.text[at..].find(ROW) {
        let begin = at + found + ROW.len();
        let end = source.text[begin..]
            .find(ROW)
            .map_or(source.text.len(), |next| begin + next);
        let row = &source.text[begin..end];
        let kept = row.contains(".stored()") || row.contains(".refused(");
        if let (false, Some(name)) = (kept, row.split('"').nth(1)) {
            let line = source.text[..begin].lines().count();
            options.push((line, name));
        }
        at = end;
    }
    options
}

/// Whether the text reads a field of this name: a dot, the name, and no more letters behind it.
fn reads(text: &str, field: &str) -> bool {
    text.match_indices(field).any(|(at, _)| {
        let before = text[..at].trim_end().ends_with('.');
        let after = text[at + field.len()..].chars().next();
        before && !after.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

/// Findings over all files.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let is_row = |source: &&Source| source.path.starts_with(ROWS);
    let may_read = |source: &&Source| {
        !source.is_test() && !source.path.starts_with(ROWS) && source.path != FIELDS
    };
    let readers: Vec<&Source> = sources.iter().filter(may_read).collect();
    let mut found = Vec::new();
    for source in sources.iter().filter(is_row) {
        for (line, name) in live(source) {
            let field = name.replace('-', "_");
            if !readers.iter().any(|reader| reads(&reader.text, &field)) {
                let what = format!("{name} is said to be in effect, but nothing reads it");
                let mend = "Give it its effect, or say in its row that it is stored or refused.";
                found.push(source.finding(line, "options", what, mend));
            }
        }
    }
    found
}
