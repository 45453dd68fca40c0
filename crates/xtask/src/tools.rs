//! Development tools from crates.io, at pinned versions, installed below the target directory.

use std::path::PathBuf;
use std::process::Command;

use crate::arguments::Arguments;
use crate::run::run;

const CARGO_DENY: &str = "0.20.2";
const CARGO_FUZZ: &str = "0.13.2";

/// The program, installed first if it is not there.
fn installed(name: &str, version: &str) -> Result<PathBuf, String> {
    let folder = crate::root()
        .join("target/tools")
        .join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if !program.exists() {
        println!("installing {name} {version}");
        let mut command = Command::new("cargo");
        // Not with the repository's toolchain: the tool says itself what it needs.
        command
            .env_remove("RUSTUP_TOOLCHAIN")
            .current_dir(std::env::temp_dir());
        command
            .args(["install", "--quiet", "--locked", "--root"])
            .arg(&folder);
        run(command.args(["--version", version, name]))?;
    }
    Ok(program)
}

/// `cargo xtask deny`: licences, banned crates and sources of what we depend on.
pub(crate) fn deny(arguments: &mut Arguments) -> Result<(), String> {
    arguments.end()?;
    let program = installed("cargo-deny", CARGO_DENY)?;
    let mut command = Command::new(program);
    command.current_dir(crate::root()).env_remove("CARGO");
    run(command.args(["check", "licenses", "bans", "sources"]))
}

/// `cargo xtask fuzz TARGET [--seconds N]`: looks for inputs that break a decoder.
pub(crate) fn fuzz(arguments: &mut Arguments) -> Result<(), String> {
    let seconds: u64 = arguments.parsed("--seconds", 60)?;
    let workers = arguments.option("--workers")?;
    let target = arguments.word();
    arguments.end()?;
    if target.as_deref() == Some(GRAMMAR) {
        return grammar(seconds, workers);
    }
    let program = installed("cargo-fuzz", CARGO_FUZZ)?;
    let fuzz = || {
        let mut command = Command::new("rustup");
        command
            .current_dir(crate::root().join("fuzz"))
            .env_remove("RUSTUP_TOOLCHAIN");
        command
            .env_remove("CARGO")
            .args(["run", "nightly"])
            .arg(&program)
            .arg("fuzz");
        command
    };
    let Some(target) = target else {
        println!("targets, besides {GRAMMAR}:");
        return run(fuzz().arg("list"));
    };
    let limits = [
        format!("-max_total_time={seconds}"),
        "-rss_limit_mb=2048".into(),
    ];
    run(fuzz()
        .args(["run", "--fuzz-dir", ".", &target, "--"])
        .args(limits))
}

/// The target that needs no nightly toolchain: it is a test of the engine, run for longer.
const GRAMMAR: &str = "grammar";

/// Random commands by the table, against the engine in process.
fn grammar(seconds: u64, workers: Option<String>) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(crate::root())
        .args(["test", "-p", "engine", "--test", "it", "grammar"])
        .env("SHOAL_FUZZ_SECONDS", seconds.to_string());
    if let Some(workers) = workers {
        command.env("SHOAL_FUZZ_WORKERS", workers);
    }
    run(&mut command)
}
