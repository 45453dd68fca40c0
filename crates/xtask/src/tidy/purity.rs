//! Crates that must be able to run in a simulator or without a process: no clock, no socket, no
//! file, no thread, no randomness of their own.

use super::{Finding, Source};

/// Crates whose product code does no I/O.
const PURE: &[&str] = &[
    "base",
    "resp",
    "commands",
    "config",
    "rdb",
    "bus",
    "cluster",
    "replproto",
];
/// Crates whose every run must repeat from its inputs alone.
const DETERMINISTIC: &[&str] = &["bus", "cluster", "replproto"];

/// What would be I/O, and what to do instead.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        "std::net::Tcp",
        "Sockets belong to the driver (`net`, `clusterio`).",
    ),
    (
        "std::net::Udp",
        "Sockets belong to the driver (`net`, `clusterio`).",
    ),
    ("std::fs", "Files belong to the driver; hand the bytes in."),
    ("std::thread", "Threads belong to the driver."),
    ("std::process", "Processes belong to the programs."),
    ("std::env", "The environment belongs to the programs."),
    ("Instant::now", "Time comes in with the event."),
    ("SystemTime::now", "Time comes in with the event."),
    (
        "thread_local!",
        "State belongs into the machine's own struct.",
    ),
];

/// `config` reads the files that a configuration includes; nothing else may.
const FILE_READERS: &[&str] = &["config"];

/// Findings in one file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let Some(package) = source.package() else {
        return Vec::new();
    };
    if source.is_test() || !source.path.contains("/src/") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        if PURE.contains(&package) {
            for (needle, mend) in FORBIDDEN {
                let allowed = FILE_READERS.contains(&package) && *needle == "std::fs";
                if code.contains(needle) && !allowed {
                    let what = format!("{package} does no I/O, but uses {needle}");
                    found.push(source.finding(index + 1, "purity", what, mend));
                }
            }
        }
        let hashed = ["HashMap", "HashSet"]
            .iter()
            .find(|name| code.contains(**name));
        if let (true, Some(name)) = (DETERMINISTIC.contains(&package), hashed) {
            let what = format!("{package} must repeat from its inputs, but uses {name}");
            let mend = "Its order differs from run to run: use BTreeMap or BTreeSet.";
            found.push(source.finding(index + 1, "purity", what, mend));
        }
    }
    found
}
