//! Finds out what kind of log it was given, and checks its files in the order of loading.
use crate::aof_file::{Exit, Run, Target, Verdict};
use crate::console::{Console, reason};
use crate::version_line;
use rdb::aof::{FileInfo, Manifest, begins_with_rdb};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Longest path that the system takes.
const PATH_MAX: usize = 4096;

/// Runs `redis-check-aof`; the first argument is the program's name. Returns the exit code.
pub fn check_aof(args: &[OsString], console: &mut Console<'_>) -> i32 {
    match run(args, console) {
        Ok(()) => 0,
        Err(Exit(code)) => code,
    }
}

fn run(args: &[OsString], console: &mut Console<'_>) -> Result<(), Exit> {
    let program = args
        .first()
        .map_or("redis-check-aof".into(), |a| a.to_string_lossy());
    let mut run = Run {
        fix: false,
        to_timestamp: None,
        line: 1,
    };
    let name = match args.get(1..).unwrap_or_default() {
        [option] if option == "-v" || option == "--version" => {
            console.line(version_line(
                program.rsplit('/').next().unwrap_or("redis-check-aof"),
            ));
            return Ok(());
        }
        [name] => name,
        [option, name] if option == "--fix" => {
            run.fix = true;
            name
        }
        [option, seconds, name] if option == "--truncate-to-timestamp" => {
            let seconds = seconds.to_str().and_then(|s| s.parse::<i64>().ok());
            let Some(seconds) = seconds else {
                console.line("Invalid timestamp, aborting...");
                return Err(Exit(1));
            };
            // Zero means that none was given, as in the real program.
            run.to_timestamp = Some(seconds).filter(|s| *s != 0);
            name
        }
        _ => return Err(usage(&program, console)),
    };
    if name.as_bytes().len() > PATH_MAX {
        console.line("Error: filepath is too long (exceeds PATH_MAX)");
        return Err(usage(&program, console));
    }
    let path = Path::new(name);
    if is_manifest(path, console)? {
        return check_set(path, &mut run, console);
    }
    let shown = name.to_string_lossy();
    let preamble = is_rdb(path, console)?;
    console.line("Start checking Old-Style AOF");
    let target = Target {
        name: &shown,
        path,
        last: true,
        preamble,
    };
    let verdict = run.check(&target, console)?;
    report("AOF", &target, verdict, &run, console);
    Ok(())
}

fn usage(program: &str, console: &mut Console<'_>) -> Exit {
    console.line(format!(
        "Usage: {program} [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>"
    ));
    Exit(1)
}

fn report(kind: &str, target: &Target<'_>, verdict: Verdict, run: &Run, console: &mut Console<'_>) {
    let name = target.name;
    console.line(match verdict {
        Verdict::Good => format!("{kind} {name} is valid"),
        Verdict::Empty => format!("{kind} {name} is empty"),
        Verdict::Truncated => format!("Successfully truncated AOF {name}"),
        Verdict::TruncatedToTimestamp => format!(
            "Successfully truncated AOF {name} to timestamp {}",
            run.to_timestamp.unwrap_or_default()
        ),
    });
}

fn check_set(path: &Path, run: &mut Run, console: &mut Console<'_>) -> Result<(), Exit> {
    console.line("Start checking Multi Part AOF");
    let manifest = read_manifest(path, console)?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let total = usize::from(manifest.base.is_some()) + manifest.incr.len();
    let in_set = |info: &FileInfo| -> (String, PathBuf) {
        let name = OsStr::from_bytes(&info.name);
        (name.to_string_lossy().into_owned(), directory.join(name))
    };
    if let Some(base) = &manifest.base {
        let (name, path) = in_set(base);
        let preamble = is_rdb(&path, console)?;
        let format = if preamble { "RDB" } else { "RESP" };
        console.line(format!("Start to check BASE AOF ({format} format)."));
        let target = Target {
            name: &name,
            path: &path,
            last: total == 1,
            preamble,
        };
        let verdict = run.check(&target, console)?;
        report("BASE AOF", &target, verdict, run, console);
    }
    if !manifest.incr.is_empty() {
        console.line("Start to check INCR files.");
    }
    for (i, info) in manifest.incr.iter().enumerate() {
        let (name, path) = in_set(info);
        let last = i + 1 == manifest.incr.len();
        let target = Target {
            name: &name,
            path: &path,
            last,
            preamble: false,
        };
        let verdict = run.check(&target, console)?;
        report("INCR AOF", &target, verdict, run, console);
    }
    console.line("All AOF files and manifest are valid");
    Ok(())
}

fn read_manifest(path: &Path, console: &mut Console<'_>) -> Result<Manifest, Exit> {
    let bytes = std::fs::read(path).map_err(|error| {
        console.log(&format!(
            "Fatal error: can't open the AOF manifest file {} for reading: {}",
            path.display(),
            reason(&error)
        ));
        Exit(1)
    })?;
    Manifest::parse(&bytes).map_err(|error| {
        for line in error.log_lines() {
            console.log(&line);
        }
        Exit(1)
    })
}

fn open(path: &Path, console: &mut Console<'_>) -> Result<File, Exit> {
    File::open(path).map_err(|error| {
        console.line(format!(
            "Cannot open file {}: {}",
            path.display(),
            reason(&error)
        ));
        Exit(1)
    })
}

fn unreadable(path: &Path, console: &mut Console<'_>) -> Exit {
    console.line(format!("Cannot read file: {}", path.display()));
    Exit(1)
}

/// A manifest's first line that is no comment begins with the word `file`.
fn is_manifest(path: &Path, console: &mut Console<'_>) -> Result<bool, Exit> {
    let mut input = BufReader::new(open(path, console)?);
    loop {
        let mut line = Vec::new();
        let read = (&mut input).take(1024).read_until(b'\n', &mut line);
        if read.map_err(|_| unreadable(path, console))? == 0 {
            return Ok(false);
        }
        if line[0] != b'#' {
            return Ok(line.starts_with(b"file"));
        }
    }
}

fn is_rdb(path: &Path, console: &mut Console<'_>) -> Result<bool, Exit> {
    let mut head = Vec::new();
    let read = open(path, console)?.take(8).read_to_end(&mut head);
    read.map_err(|_| unreadable(path, console))?;
    Ok(head.len() == 8 && begins_with_rdb(&head))
}
