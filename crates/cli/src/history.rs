//! What was typed, and which of it may be written to disk.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

/// How many lines are kept.
const LINES_MAX: usize = 100;

/// A file of the user's: named by `variable`, where an empty name or `/dev/null` means none, else
/// `name` in the home directory.
pub(crate) fn dot_file(variable: &str, name: &str) -> Option<PathBuf> {
    match std::env::var_os(variable) {
        Some(path) if path.is_empty() || path == "/dev/null" => None,
        Some(path) => Some(path.into()),
        None => {
            let home = std::env::var_os("HOME").filter(|h| !h.is_empty())?;
            Some(PathBuf::from(home).join(name))
        }
    }
}

/// The lines that may be kept, and the file that keeps them.
#[derive(Debug)]
pub(crate) struct History {
    path: Option<PathBuf>,
    lines: Vec<String>,
}

impl History {
    /// Reads the file, if there is one.
    pub(crate) fn load(path: Option<PathBuf>) -> Self {
        let text = path
            .as_ref()
            .and_then(|p| fs::read(p).ok())
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.drain(..lines.len().saturating_sub(LINES_MAX));
        History { path, lines }
    }

    /// The lines, oldest first.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Keeps a line and writes the file. A file that cannot be written is no reason to disturb.
    pub(crate) fn keep(&mut self, line: &str) {
        if self.lines.last().is_some_and(|last| last == line) {
            return;
        }
        self.lines.push(line.to_owned());
        if self.lines.len() > LINES_MAX {
            self.lines.remove(0);
        }
        let Some(path) = &self.path else { return };
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        if let Ok(mut file) = options.open(path) {
            let mut text = self.lines.join("\n");
            text.push('\n');
            let _ = file.write_all(text.as_bytes());
        }
    }
}

/// Whether the command holds a secret, so that it stays in memory only.
pub(crate) fn is_sensitive(args: &[Vec<u8>]) -> bool {
    let is = |n: usize, names: &[&str]| {
        args.get(n).is_some_and(|w| {
            names
                .iter()
                .any(|name| w.eq_ignore_ascii_case(name.as_bytes()))
        })
    };
    let any_from = |from: usize, step: usize, names: &[&str]| {
        (from..args.len()).step_by(step).any(|n| is(n, names))
    };
    if is(0, &["auth"]) {
        return true;
    }
    if args.len() > 1 && is(0, &["acl"]) {
        return is(1, &["deluser", "setuser", "getuser"]);
    }
    if is(0, &["config"]) && is(1, &["set"]) {
        return any_from(2, 2, &["masterauth", "masteruser", "requirepass"]);
    }
    if is(0, &["hello"]) {
        return any_from(2, 1, &["auth"]);
    }
    if is(0, &["migrate"]) {
        return any_from(7, 1, &["auth", "auth2"]);
    }
    if is(0, &["sentinel"]) && is(1, &["config"]) && is(2, &["set"]) {
        return any_from(3, 2, &["sentinel-pass", "sentinel-user"]);
    }
    if is(0, &["sentinel"]) && is(1, &["set"]) {
        return any_from(3, 2, &["auth-pass", "auth-user"]);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sensitive(line: &str) -> bool {
        is_sensitive(&crate::words::split(line.as_bytes()).unwrap())
    }

    #[test]
    fn secrets_stay_in_memory() {
        for line in [
            "auth x",
            "AUTH user x",
            "acl setuser a",
            "ACL GETUSER a",
            "config set requirepass x",
            "config set maxmemory 1 masterauth x",
            "hello 3 auth a b",
            "hello 3 setname n auth a b",
            "migrate h 1 k 0 10 copy auth p",
            "migrate h 1 '' 0 10 replace auth2 u p keys a",
            "sentinel set m auth-pass x",
            "sentinel config set sentinel-pass x",
        ] {
            assert!(sensitive(line), "{line}");
        }
        for line in [
            "get auth",
            "acl list",
            "config set maxmemory 1",
            "config get requirepass",
            "hello 3",
            "acl",
        ] {
            assert!(!sensitive(line), "{line}");
        }
    }

    #[test]
    fn the_file_keeps_the_last_hundred_lines() {
        let folder = testkit::TempDir::new("history");
        let path = folder.path().join("h");
        let mut history = History::load(Some(path.clone()));
        for n in 0..150 {
            history.keep(&format!("get {n}"));
            history.keep(&format!("get {n}"));
        }
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 100);
        assert!(text.starts_with("get 50\n") && text.ends_with("get 149\n"));
        assert_eq!(History::load(Some(path)).lines().len(), 100);
    }
}
