//! Programs that the tests run and the system's package archive has.

use std::path::PathBuf;
use std::process::Command;

use crate::run::{capture, run};

/// Where a program may lie besides PATH.
const MORE: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Sees to it that each program is there, installing the package that holds it if not.
///
/// Pairs are (program, package). Needs root, or sudo without a password, only if one is missing.
pub(crate) fn ensure(programs: &[(&str, &str)]) -> Result<(), String> {
    let mut missing: Vec<&str> = programs
        .iter()
        .filter(|(program, _)| find(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    println!("installing {}", missing.join(" "));
    let advice = || format!("install by hand: apt-get install {}", missing.join(" "));
    if find("apt-get").is_none() {
        return Err(format!("this machine has no apt-get; {}", advice()));
    }
    let root = capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let apt = |words: &[&str]| {
        let mut command = if root {
            Command::new("apt-get")
        } else {
            Command::new("sudo")
        };
        if !root {
            command.args(["-n", "apt-get"]);
        }
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["-qq", "-y"])
            .args(words);
        run(&mut command).map_err(|error| format!("{error}; {}", advice()))
    };
    apt(&["update"])?;
    apt(&[&["install", "--no-install-recommends"], missing.as_slice()].concat())?;
    let still: Vec<&str> = programs
        .iter()
        .map(|(program, _)| *program)
        .filter(|name| find(name).is_none())
        .collect();
    if still.is_empty() {
        return Ok(());
    }
    Err(format!("installed, but not found: {}", still.join(" ")))
}

/// The file of a program.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .chain(MORE.iter().map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}
