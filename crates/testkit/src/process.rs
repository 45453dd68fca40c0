//! A child process in a group of its own, with its output in a file, killed with its owner.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::wait::{until, wait_for};

/// How much of a log is shown when a test fails.
const SHOWN_LINES: usize = 60;

/// A running (or ended) child process.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: PathBuf,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `command` in its own process group; standard output and errors go to `output`.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(name: &str, command: &mut Command, output: &Path) -> Process {
        let file = File::options()
            .create(true)
            .append(true)
            .open(output)
            .unwrap_or_else(|error| panic!("cannot open {}: {error}", output.display()));
        let errors = file.try_clone().expect("a second handle of the log");
        command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .process_group(0);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Process {
            name: name.into(),
            child,
            output: output.into(),
            ended: None,
        }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote so far.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(&self.output).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("the child can be waited for");
        }
        self.ended
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end within `limit`.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let what = format!("{} (process {}) ended", self.name, self.id());
        wait_for(&what, limit, || self.ended())
    }

    /// SIGKILL to the whole group, and waits for the end.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.wait(Duration::from_secs(20));
    }

    /// SIGKILL to what is left of the group after the process itself has ended.
    pub fn sweep(&mut self) {
        let _ = kill_process_group(self.group(), Signal::KILL);
    }

    fn group(&self) -> Pid {
        i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process id")
    }

    /// SIGTERM, and waits up to `limit` for the end; what then still runs is killed.
    pub fn terminate(&mut self, limit: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        if until(limit, || self.ended()).is_none() {
            self.kill();
        }
        self.ended.expect("it has ended")
    }

    /// SIGSTOP: it stands still, its sockets stay open.
    pub fn pause(&mut self) {
        self.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub fn resume(&mut self) {
        self.signal(Signal::CONT);
    }

    /// Sends `signal` to the whole group, unless it has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_some() {
            return;
        }
        // It may end between the look above and now.
        let _ = kill_process_group(self.group(), signal);
    }

    /// Prints the end of the log to the test's output.
    pub fn show_log(&self) {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let first = lines.len().saturating_sub(SHOWN_LINES);
        eprintln!("--- {} (process {}), end of its log:", self.name, self.id());
        for line in &lines[first..] {
            eprintln!("    {line}");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show_log();
        }
        if self.ended().is_none() {
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}
