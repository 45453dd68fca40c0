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

/// Words that announce a secret in commands that our server does not have, and in what is no
/// command because of a slip.
const FOREIGN: [&str; 9] = [
    "auth",
    "auth2",
    "deluser",
    "setuser",
    "getuser",
    "sentinel-pass",
    "sentinel-user",
    "auth-pass",
    "auth-user",
];

/// What is looked for in a line that cannot be read as words.
const TRACES: [&str; 4] = ["auth", "pass", "masteruser", "setuser"];

/// Whether the line may hold a secret, so that it stays in memory only. A line that is wrong may
/// hold one as well as one that is right: what is looked for may stand anywhere.
pub(crate) fn is_sensitive(line: &[u8]) -> bool {
    let Some(args) = crate::words::split(line) else {
        let line = line.to_ascii_lowercase();
        let finds = |trace: &&str| line.windows(trace.len()).any(|at| at == trace.as_bytes());
        return TRACES.iter().any(finds);
    };
    let is_count = |word: &Vec<u8>| {
        let digits = word.strip_prefix(b"-").unwrap_or(word);
        !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
    };
    match args.as_slice() {
        [count, command @ ..] if is_count(count) => holds_secret(command),
        command => holds_secret(command),
    }
}

fn holds_secret(args: &[Vec<u8>]) -> bool {
    if let Ok(spec) = commands::resolve(args) {
        return commands::may_hold_secrets(spec, args, config::is_secret);
    }
    args.iter().skip(1).any(|arg| {
        let is = |word: &&str| arg.eq_ignore_ascii_case(word.as_bytes());
        config::is_secret(arg) || FOREIGN.iter().any(is)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sensitive(line: &str) -> bool {
        is_sensitive(line.as_bytes())
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
            "CONFIG SET maxmemory 1 port 2 PRIMARYAUTH x",
            "config set maxmemory requirepass x",
            "config set masteruser u",
            "config set tls-key-file-pass x",
            "config set \"requirepass\" 'x y'",
            "\"AU\\x54H\" x",
            "3 auth x",
            "-1 auth x",
            "0 config set requirepass x",
            "auth \"unbalanced",
            "config set requirepass 'x",
            "acl setuser a >\"x",
            "hello auth a b",
            "HELLO x AUTH a",
            "migrate h 1 k auth p",
            "2 acl setuser a on >x",
            "config ste requirepass x",
            "confg set maxmemory 1 masterauth x",
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
            "auth",
            "set auth x",
            "3 get auth",
            "get \"k",
            "config set port 1",
            "",
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
