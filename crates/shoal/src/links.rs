//! `shoal links DIR`: links by the names that programs expect.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::programs::{FAMILIES, PROGRAMS};

const USAGE: &str = "Usage: shoal links DIR [--force]\n\
     Makes links to this program in DIR (which is made if need be): redis-server, redis-cli, ...\n\
     A file of another program is left alone unless --force is given.\n";

/// What stands at a link's place.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Free,
    /// A link to this program.
    Right,
    /// A link to a shoal elsewhere.
    Stale,
    Foreign,
}

/// Makes the links; exit code 1 when one could not be made, and then none is.
pub fn main(args: &[OsString]) -> ExitCode {
    let is_forced = args.iter().any(|word| word == "--force");
    let words: Vec<&OsString> = args.iter().filter(|word| *word != "--force").collect();
    let [directory] = words[..] else {
        eprint!("{USAGE}");
        return ExitCode::FAILURE;
    };
    if directory == "--help" {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match make(Path::new(directory), is_forced) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("shoal links: {text}");
            ExitCode::FAILURE
        }
    }
}

fn make(directory: &Path, is_forced: bool) -> Result<String, String> {
    let own = std::env::current_exe().and_then(|path| path.canonicalize());
    let own = own.map_err(|fault| format!("cannot find this program's own file: {fault}"))?;
    fs::create_dir_all(directory)
        .map_err(|fault| format!("cannot make {}: {fault}", directory.display()))?;
    let names = FAMILIES.iter().flat_map(|family| {
        PROGRAMS
            .iter()
            .map(move |program| format!("{family}-{}", program.word))
    });
    let mut wanted: Vec<(PathBuf, Place)> = Vec::new();
    for name in names {
        let path = directory.join(name);
        let place = inspect(&path, &own)
            .map_err(|fault| format!("cannot look at {}: {fault}", path.display()))?;
        wanted.push((path, place));
    }
    // All are looked at before the first is made: half a set of links helps nobody.
    let foreign: Vec<String> = wanted
        .iter()
        .filter(|(_, place)| *place == Place::Foreign)
        .map(|(path, _)| path.display().to_string())
        .collect();
    if !foreign.is_empty() && !is_forced {
        return Err(format!(
            "these files are not links to shoal: {}. Choose another directory, or replace them \
             with --force.",
            foreign.join(", ")
        ));
    }
    let mut made = 0;
    for (path, place) in &wanted {
        if *place != Place::Right {
            place_link(&own, path)
                .map_err(|fault| format!("cannot make {}: {fault}", path.display()))?;
            made += 1;
        }
    }
    Ok(format!(
        "{} links in {} lead to {} ({made} made now).\n",
        wanted.len(),
        directory.display(),
        own.display()
    ))
}

fn inspect(path: &Path, own: &Path) -> io::Result<Place> {
    match fs::symlink_metadata(path) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Place::Free),
        Err(fault) => return Err(fault),
        Ok(found) if !found.is_symlink() => return Ok(Place::Foreign),
        Ok(_) => {}
    }
    let target = fs::read_link(path)?;
    Ok(if target == own {
        Place::Right
    } else if target.file_name() == own.file_name() {
        Place::Stale
    } else {
        Place::Foreign
    })
}

/// Puts a link at its place in one step, so that no program that is being looked up is missed.
fn place_link(own: &Path, path: &Path) -> io::Result<()> {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let fresh = path.with_file_name(format!(".{name}.{}", std::process::id()));
    symlink(own, &fresh)?;
    fs::rename(&fresh, path).inspect_err(|_| {
        let _ = fs::remove_file(&fresh);
    })
}
