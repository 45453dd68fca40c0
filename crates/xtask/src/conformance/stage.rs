//! A copy of the suite with the programs under test linked where it looks for them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Programs;
use super::edits::Edits;

const NAMES: [&str; 5] = ["server", "cli", "benchmark", "check-rdb", "check-aof"];

/// Options of the suite's own configuration that Redis does not know.
const VALKEYS: [&str; 2] = ["enable-debug-assert", "hide-user-data-from-log"];

/// The copy.
#[derive(Debug)]
pub(super) struct Stage {
    /// Where it is.
    pub(super) folder: PathBuf,
}

impl Stage {
    /// Copies the suite to `folder`, in place of what is there, and links the programs.
    pub(super) fn make(
        suite: &Path,
        folder: &Path,
        programs: &Programs,
        edits: &Edits,
    ) -> Result<Stage, String> {
        let _ = fs::remove_dir_all(folder);
        copy(suite, folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        edits.carry_out(folder)?;
        if matches!(programs, Programs::Peer(_, "redis74")) {
            let unknown = |line: &str| VALKEYS.iter().any(|name| line.starts_with(name));
            let path = folder.join("tests/assets/default.conf");
            let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
            let lines: Vec<&str> = text.lines().filter(|line| !unknown(line)).collect();
            fs::write(&path, lines.join("\n") + "\n").map_err(|error| error.to_string())?;
        }
        let source = folder.join("src");
        let _ = fs::remove_dir_all(&source);
        fs::create_dir_all(&source).map_err(|error| error.to_string())?;
        // The suite writes its servers' files there.
        fs::create_dir_all(folder.join("tests/tmp")).map_err(|error| error.to_string())?;
        for name in NAMES {
            let target = match programs {
                Programs::Ours(binary) => binary.clone(),
                Programs::Peer(bin, start) => bin.join(format!("{start}-{name}")),
            };
            let target = std::path::absolute(&target).unwrap_or(target);
            if !target.exists() {
                return Err(format!("{} is not there", target.display()));
            }
            symlink(&target, source.join(format!("valkey-{name}")))
                .map_err(|error| format!("link to {}: {error}", target.display()))?;
        }
        Ok(Stage {
            folder: folder.into(),
        })
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
