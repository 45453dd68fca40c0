//! A copy of the suite with the programs under test linked where it looks for them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Programs;

const NAMES: [&str; 5] = ["server", "cli", "benchmark", "check-rdb", "check-aof"];

/// The copy.
#[derive(Debug)]
pub(super) struct Stage {
    /// Where it is.
    pub(super) folder: PathBuf,
}

impl Stage {
    /// Copies the suite to `folder`, in place of what is there, and links the programs.
    pub(super) fn make(suite: &Path, folder: &Path, programs: &Programs) -> Result<Stage, String> {
        let _ = fs::remove_dir_all(folder);
        copy(suite, folder).map_err(|error| format!("{}: {error}", folder.display()))?;
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
