//! The page that says where each rule of the design holds: every file and every test that it names
//! must exist, else it is a page of wishes.

use super::{Finding, Source};

/// The page.
const PAGE: &str = "docs/design-check.md";
/// What its paths are below.
const BELOW: &str = "crates/";

/// Findings of the page, which names files as `crate/src/file.rs`, tests as `file.rs::test`, and
/// further tests of the same file as `::test`.
pub(super) fn check(path: &str, text: &str, sources: &[Source]) -> Vec<Finding> {
    if path != PAGE {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut file: Option<&Source> = None;
        // Odd pieces stand between two backticks.
        for quoted in line.split('`').skip(1).step_by(2) {
            let (name, test) = quoted.split_once("::").unwrap_or((quoted, ""));
            if name.ends_with(".rs") {
                let path = format!("{BELOW}{name}");
                file = sources.iter().find(|source| source.path == path);
                if file.is_none() {
                    found.push(finding(number, format!("there is no {path}")));
                }
            } else if !name.is_empty() {
                continue;
            }
            let function = format!("fn {test}(");
            if let Some(file) = file
                && !test.is_empty()
                && !file.text.contains(&function)
            {
                found.push(finding(number, format!("{} has no {test}", file.path)));
            }
        }
    }
    found
}

fn finding(number: usize, what: String) -> Finding {
    Finding {
        path: PAGE.to_owned(),
        line: number + 1,
        rule: "page",
        what,
        mend: "Name where the rule holds now, and the test that fails when it is broken.",
    }
}
