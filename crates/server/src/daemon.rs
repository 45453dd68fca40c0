//! Going to the background.
//!
//! A process with threads cannot fork safely and safe Rust cannot fork at all, so `daemonize yes`
//! starts the same program again, with the same arguments, in the folder it was started in, and
//! the first one ends. The second leaves its terminal once it has read its configuration.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Tells the second process what it is.
const MARK: &str = "SHOAL_IN_BACKGROUND";

/// How this process was started. Taken first of all, before anything changes the folder.
#[derive(Debug)]
pub struct Origin {
    program: PathBuf,
    args: Vec<OsString>,
    dir: PathBuf,
}

impl Origin {
    /// What this process knows of itself.
    pub fn capture() -> io::Result<Origin> {
        Ok(Origin {
            program: std::env::current_exe()?,
            args: std::env::args_os().collect(),
            dir: std::env::current_dir()?,
        })
    }

    /// Whether this is the process that goes on in the background.
    pub fn is_background() -> bool {
        std::env::var_os(MARK).is_some()
    }

    /// The same call again.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        // The name it was called by decides what the program is.
        if let Some((name, args)) = self.args.split_first() {
            command.arg0(name).args(args);
        }
        command.current_dir(&self.dir);
        command
    }

    /// Starts the program anew in this process.
    ///
    /// # Errors
    /// It returns only if that is not possible, with the reason.
    pub fn replace(&self) -> io::Error {
        self.command().exec()
    }

    /// Starts the process that goes on in the background; this one should end with success then.
    /// `stdin` is what this one has read from standard input, if it has: the other reads it too.
    pub fn respawn(&self, stdin: Option<&[u8]>) -> io::Result<Child> {
        let mut command = self.command();
        let input = if stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        };
        let mut child = command.env(MARK, "1").stdin(input).spawn()?;
        if let (Some(text), Some(mut pipe)) = (stdin, child.stdin.take()) {
            pipe.write_all(text)?;
        }
        Ok(child)
    }
}

/// Leaves the terminal: a session of its own, standard input, output and error to nowhere.
pub fn leave_terminal() -> io::Result<()> {
    // Fails only for a leader of a process group, which has left already.
    let _ = rustix::process::setsid();
    let null = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

#[cfg(test)]
mod tests;
