//! What every crate's manifest must say.

use super::Finding;

/// Findings in a crate's Cargo.toml.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut section = "";
    let mut lints = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        }
        lints |= section == "[lints]" && line.replace(' ', "") == "workspace=true";
    }
    if !lints {
        found.push(Finding {
            path: path.into(),
            line: 1,
            rule: "lints",
            what: "the workspace's lints are not switched on".into(),
            mend: "Add `[lints]` with `workspace = true`.",
        });
    }
    found
}
