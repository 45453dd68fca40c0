//! Which crate may know which: the table of ARCHITECTURE.md, checked on what cargo says.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::Finding;

/// Each crate and the crates of ours that it may use besides `base`.
///
/// `persist` and `replicate` are customers of the same `tap` and must not know each other;
/// `store` knows no protocol; `net` knows no commands; nothing below the programs knows `server`.
const EDGES: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("resp", &[]),
    ("commands", &[]),
    ("config", &[]),
    ("ds", &[]),
    ("rdb", &["ds"]),
    ("bus", &[]),
    ("cluster", &["bus"]),
    ("replproto", &["resp"]),
    ("store", &["ds"]),
    (
        "engine",
        &[
            "store", "ds", "rdb", "resp", "commands", "config", "cluster",
        ],
    ),
    ("script", &["engine", "resp"]),
    ("persist", &["store", "ds", "rdb", "config"]),
    ("replicate", &["store", "rdb", "config", "replproto"]),
    ("net", &["resp"]),
    ("clusterio", &["cluster", "bus", "config", "net"]),
    ("client", &["resp", "commands"]),
    (
        "server",
        &[
            "store",
            "ds",
            "rdb",
            "resp",
            "commands",
            "config",
            "engine",
            "script",
            "cluster",
            "persist",
            "replicate",
            "replproto",
            "net",
            "bus",
            "clusterio",
        ],
    ),
    ("cli", &["resp", "commands", "client", "config", "rdb"]),
    ("proxy", &["resp", "commands", "client", "config", "net"]),
    ("bench", &["resp", "commands", "client"]),
    ("check", &["rdb", "ds", "resp"]),
    (
        "shoal",
        &[
            "server", "cli", "proxy", "bench", "check", "client", "config",
        ],
    ),
    ("sim", &["bus", "cluster", "replproto", "resp"]),
    ("testkit", &["resp", "client", "commands"]),
    ("xtask", &["sim", "testkit", "client", "resp"]),
];

/// Crates that do no I/O, and the dependencies that would let them.
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
const IO_CRATES: &[&str] = &[
    "mio",
    "socket2",
    "rustix",
    "libc",
    "getrandom",
    "signal-hook",
    "tokio",
    "parking_lot",
];

/// Development-only crates: nothing that ships may use them.
const DEVELOPMENT: &[&str] = &["sim", "testkit", "xtask"];

/// What `cargo metadata` says of the workspace.
pub(super) fn metadata(root: &Path) -> Result<Value, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))
}

/// Findings for every edge that is not in the table.
pub(super) fn check(metadata: &Value) -> Vec<Finding> {
    let none = Vec::new();
    let packages = metadata["packages"].as_array().unwrap_or(&none);
    packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Value) -> Vec<Finding> {
    let name = package["name"].as_str().unwrap_or_default();
    let finding = |rule: &'static str, what: String, mend: &'static str| Finding {
        path: format!("crates/{name}/Cargo.toml"),
        line: 1,
        rule,
        what,
        mend,
    };
    let mut found = Vec::new();
    if package["description"]
        .as_str()
        .is_none_or(|text| text.trim().is_empty())
    {
        found.push(finding(
            "description",
            format!("crate {name} does not say what it is for"),
            "Add a one-line `description` to its [package].",
        ));
    }
    let folder = package["manifest_path"]
        .as_str()
        .and_then(|path| path.rsplit('/').nth(1));
    if folder != Some(name) {
        found.push(finding(
            "folder",
            format!("crate {name} lies in folder {}", folder.unwrap_or("?")),
            "A crate's folder carries its name, so that it is found without looking.",
        ));
    }
    let Some((_, allowed)) = EDGES.iter().find(|(known, _)| *known == name) else {
        found.push(finding(
            "edge",
            format!("crate {name} is not in the table of edges"),
            "Say in ARCHITECTURE.md what it holds and whom it may know, and add it to tidy/edges.rs.",
        ));
        return found;
    };
    let none = Vec::new();
    for dependency in package["dependencies"].as_array().unwrap_or(&none) {
        let other = dependency["name"].as_str().unwrap_or_default();
        let for_tests = dependency["kind"].as_str() == Some("dev");
        if for_tests {
            continue;
        }
        let ours = dependency["path"].is_string();
        if ours && other != "base" && !allowed.contains(&other) {
            found.push(finding(
                "edge",
                format!("{name} may not depend on {other}"),
                if DEVELOPMENT.contains(&other) {
                    "What serves development only belongs under [dev-dependencies]."
                } else {
                    "Turn the dependency round with a trait that the lower crate defines; the table \
                     is in ARCHITECTURE.md."
                },
            ));
        }
        if !ours && PURE.contains(&name) && IO_CRATES.contains(&other) {
            found.push(finding(
                "purity",
                format!("{name} does no I/O, but depends on {other}"),
                "Hand the bytes, the time or the random number in from the caller.",
            ));
        }
    }
    found
}
