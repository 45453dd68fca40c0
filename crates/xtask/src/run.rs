//! Running other programs, with an error that says which one failed and what it wrote.

use std::path::PathBuf;
use std::process::Command;

/// Runs to the end, showing its output.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let status = command
        .status()
        .map_err(|error| format!("{}: {error}", words(command)))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{}: {status}", words(command)))
    }
}

/// Runs to the end and answers what it wrote to its standard output.
pub(crate) fn capture(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("{}: {error}", words(command)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}: {}\n{errors}", words(command), output.status))
}

/// The command as one would type it.
pub(crate) fn words(command: &Command) -> String {
    let arguments = command.get_args().map(|word| word.to_string_lossy());
    let program = command.get_program().to_string_lossy();
    std::iter::once(program)
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Builds our binary, in the development or the release profile; answers its file.
pub(crate) fn build_shoal(release: bool) -> Result<PathBuf, String> {
    let mut command = Command::new("cargo");
    command
        .current_dir(crate::root())
        .args(["build", "--quiet", "--package", "shoal"]);
    command.args(release.then_some("--release"));
    run(&mut command)?;
    Ok(target(if release { "release" } else { "debug" }).join("shoal"))
}

/// The folder of a profile's files.
pub(crate) fn target(profile: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target
        .unwrap_or_else(|| crate::root().join("target"))
        .join(profile)
}
