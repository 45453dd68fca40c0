//! The checker of the house: rules that a compiler does not know, each with a clear finding.
//!
//! Rules look at text or at tokens, never at types, so that the whole tree is read in a second or
//! two. Every rule has a fixture in `tests.rs` that it must find and one that it must let pass.

mod edges;
mod manifest;
mod options;
mod page;
mod purity;
mod text;
mod tokens;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::process::{Command, ExitCode};

/// One breach of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    rule: &'static str,
    what: String,
    mend: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            path,
            line,
            rule,
            what,
            mend,
        } = self;
        write!(f, "{path}:{line}: [{rule}] {what}\n    {mend}")
    }
}

/// A Rust source file, by its path below the root with `/` between its parts.
#[derive(Debug)]
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The folder below `crates/`, which is the crate's name.
    fn package(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// True for code that only tests run: the size limits for the product do not hold there.
    fn is_test(&self) -> bool {
        let mut parts: Vec<&str> = self.path.split('/').collect();
        let file = parts.pop().unwrap_or_default();
        let folder = |name: &&str| matches!(*name, "tests" | "benches" | "fuzz" | "examples");
        file == "tests.rs" || file.ends_with("_tests.rs") || parts.iter().any(folder)
    }

    fn finding(
        &self,
        line: usize,
        rule: &'static str,
        what: impl Into<String>,
        mend: &'static str,
    ) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            rule,
            what: what.into(),
            mend,
        }
    }
}

/// Checks the repository and prints what it finds.
pub(crate) fn run(root: &Path) -> ExitCode {
    match findings(root) {
        Ok(found) if found.is_empty() => {
            println!("tidy: nothing to mend");
            ExitCode::SUCCESS
        }
        Ok(found) => {
            for finding in &found {
                println!("{finding}");
            }
            println!("tidy: {} to mend", found.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("tidy: {error}");
            ExitCode::FAILURE
        }
    }
}

/// All breaches in the repository at `root`, in order of path and line.
pub(crate) fn findings(root: &Path) -> Result<Vec<Finding>, String> {
    let mut found = edges::check(&edges::metadata(root)?);
    let (mut sources, mut pages) = (Vec::new(), Vec::new());
    for path in tracked(root)? {
        // A file that git knows may have been deleted; one that is not text has no lines.
        let Ok(text) = std::fs::read_to_string(root.join(&path)) else {
            continue;
        };
        found.extend(text::machine_paths(&path, &text, &machine_needles(root)));
        if path.ends_with("Cargo.toml") && path.starts_with("crates/") {
            found.extend(manifest::check(&path, &text));
        }
        if path.ends_with(".rs") {
            sources.push(Source { path, text });
        } else if path.ends_with(".md") {
            pages.push((path, text));
        }
    }
    for source in &sources {
        found.extend(text::check(source));
        found.extend(tokens::check(source));
        found.extend(purity::check(source));
    }
    found.extend(options::check(&sources));
    for (path, text) in &pages {
        found.extend(page::check(path, text, &sources));
    }
    found.extend(text::subjects(&git(root, &["log", "-20", "--format=%s"])?));
    found.sort();
    Ok(found)
}

/// What git says.
fn git(root: &Path, words: &[&str]) -> Result<String, String> {
    let name = words.first().copied().unwrap_or_default();
    let output = Command::new("git")
        .args(words)
        .current_dir(root)
        .output()
        .map_err(|error| format!("git {name}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git {name}: {said}"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Files that git tracks, and those it would: neither ignored nor deleted.
fn tracked(root: &Path) -> Result<Vec<String>, String> {
    let words = [
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ];
    let names = git(root, &words)?;
    let mut names: Vec<String> = names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_string)
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// Beginnings of paths that exist only on somebody's machine.
fn machine_needles(root: &Path) -> Vec<String> {
    let mut needles: Vec<String> = ["work/", "root/", "Users/"]
        .iter()
        .map(|name| format!("/{name}"))
        .collect();
    needles.push(format!("../{}", "shared"));
    let home = std::env::var("HOME").unwrap_or_default();
    needles.extend(
        [home, root.display().to_string()]
            .into_iter()
            .filter(|path| path.len() > 5)
            .map(|path| path + "/"),
    );
    needles
}
