//! The upstream test suite: that of Valkey 8.1.1, from Debian's source package, checksum pinned.
//!
//! Nothing is built, and nothing of it is committed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::archive::{Archive, make};
use super::packages::ensure;
use crate::run::{capture, run};

/// The folder that the suite gets.
const NAME: &str = "valkey-8.1.1";
const SHA256: &str = "d9bbd82eecb82f359e649a0007ad3dc1b47cc15afa626348ca86b73c4ae2c7ee";
/// What of the source tree the tests need.
const PARTS: &[&str] = &[
    "tests",
    "utils",
    "runtest",
    "runtest-cluster",
    "runtest-sentinel",
    "runtest-moduleapi",
    "valkey.conf",
    "sentinel.conf",
];

/// Fetches the suite unless it is there; answers its folder.
pub(super) fn fetch(directory: &Path, refresh: bool) -> Result<PathBuf, String> {
    ensure(&[("tclsh", "tcl")])?;
    let suite = directory.join(NAME);
    if !refresh && suite.join("runtest").exists() && suite.join("tests/unit").exists() {
        println!("suite: in {}", suite.display());
        return Ok(suite);
    }
    ensure(&[
        ("tar", "tar"),
        ("sha256sum", "coreutils"),
        ("xz", "xz-utils"),
    ])?;
    println!("suite: fetching into {}", suite.display());
    let tar = Archive::open(directory, "deb-src", "trixie")?.source("valkey")?;
    let sum = capture(Command::new("sha256sum").arg(&tar))?;
    if !sum.starts_with(SHA256) {
        return Err(format!(
            "{} is not the archive expected: {sum}",
            tar.display()
        ));
    }
    let unpacked = directory.join("unpacked");
    let _ = fs::remove_dir_all(&unpacked);
    let _ = fs::remove_dir_all(&suite);
    make(&unpacked)?;
    run(Command::new("tar")
        .arg("-xf")
        .arg(&tar)
        .arg("-C")
        .arg(&unpacked))?;
    let top = fs::read_dir(&unpacked)
        .map_err(|error| error.to_string())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.is_dir())
        .ok_or("the source archive is empty")?;
    make(&suite.join("src"))?;
    for part in PARTS {
        fs::rename(top.join(part), suite.join(part)).map_err(|error| format!("{part}: {error}"))?;
    }
    fs::remove_dir_all(&unpacked).map_err(|error| error.to_string())?;
    Ok(suite)
}
