//! Standard output, and the end of the program when nobody reads it any more.

use std::io::{self, IsTerminal as _, Write as _};

/// How the program ends: the exit code of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub u8);

/// Writes to standard output at once, so that whoever reads line by line gets each reply.
///
/// # Errors
/// A reader that went away ends the program.
pub fn write(bytes: &[u8]) -> Result<(), Exit> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|_| Exit(1))
}

/// Writes text to standard output at once.
///
/// # Errors
/// As [`write`].
pub fn print(text: &str) -> Result<(), Exit> {
    write(text.as_bytes())
}

/// Writes a line to standard error; there is nobody to tell if that fails.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Whether standard output is a terminal, or is to be taken for one (the variable `FAKETTY`, which
/// test suites set).
pub fn is_terminal() -> bool {
    io::stdout().is_terminal() || std::env::var_os("FAKETTY").is_some()
}

/// Whether the terminal shows colours.
pub fn has_colour() -> bool {
    std::env::var("TERM").is_ok_and(|t| t.contains("xterm"))
}
