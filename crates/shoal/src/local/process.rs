//! Processes by their number: whether one lives and works in a given directory, and signals.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

fn pid(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().and_then(Pid::from_raw)
}

/// Whether a process of this number lives and has `directory` as its working directory. Numbers
/// are used again, so a number in a file alone says little.
pub fn lives_in(number: u32, directory: &Path) -> bool {
    let Some(pid) = pid(number) else { return false };
    if test_kill_process(pid).is_err() || is_dead(number) {
        return false;
    }
    match fs::read_link(format!("/proc/{number}/cwd")) {
        Ok(found) => found == directory,
        // Without /proc there is only the number.
        Err(_) => !Path::new("/proc/self").exists(),
    }
}

/// Whether the process ended and only waits for its parent to ask how.
fn is_dead(number: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{number}/stat")) else {
        return false;
    };
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    matches!(state, Some('Z' | 'X'))
}

/// Asks a process to end; one that stands still goes on to hear it.
pub fn terminate(number: u32) {
    send(number, Signal::TERM);
    send(number, Signal::CONT);
}

/// Ends a process at once.
pub fn kill(number: u32) {
    send(number, Signal::KILL);
}

fn send(number: u32, signal: Signal) {
    if let Some(pid) = pid(number) {
        // It may have ended in the meantime, and that is what was wanted.
        let _ = kill_process(pid, signal);
    }
}
