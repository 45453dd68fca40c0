//! The server's log: Redis's line format, to a file, standard output, and the system's log.
//!
//! Lines are stamped where they are written and put into the file by a thread of their own, so
//! that no worker, and above all not the bus, ever waits for a disk. The file is opened anew for
//! each run of lines: it can be renamed or removed at any time.

mod syslog;
mod zone;

#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{SystemTime, UNIX_EPOCH};

use config::LogLevel;

pub use syslog::Syslog;
use zone::Zone;

/// Lines that may wait for the disk. More than these are counted and dropped.
const QUEUE: usize = 16 * 1024;
/// Longest line, in bytes; Redis cuts at the same length.
const LINE_MAX: usize = 1024;

/// What the process is, as the letter behind its number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `M`
    Primary,
    /// `S`
    Replica,
    /// `C`: on its way up, or at work for a server.
    Child,
}

impl Role {
    fn letter(self) -> u8 {
        match self {
            Role::Primary => b'M',
            Role::Replica => b'S',
            Role::Child => b'C',
        }
    }
}

/// Where lines go.
#[derive(Debug, Default)]
pub struct Target {
    /// The log file; standard output if `None`.
    pub file: Option<PathBuf>,
    /// The system's log, besides.
    pub syslog: Option<Syslog>,
}

/// The log. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    shared: Arc<Shared>,
    queue: SyncSender<Order>,
}

struct Shared {
    level: AtomicU8,
    role: AtomicU8,
    lost: AtomicU64,
    pid: u32,
    zone: Zone,
}

enum Order {
    Line {
        level: LogLevel,
        line: Vec<u8>,
        text: usize,
    },
    Flush(SyncSender<()>),
}

fn rank(level: LogLevel) -> u8 {
    match level {
        LogLevel::Debug => 0,
        LogLevel::Verbose => 1,
        LogLevel::Notice => 2,
        LogLevel::Warning => 3,
        LogLevel::Nothing => 4,
    }
}

impl Log {
    /// Starts the log. Lines below `level` are not written.
    pub fn start(target: Target, level: LogLevel) -> std::io::Result<Log> {
        let (queue, orders) = sync_channel(QUEUE);
        let shared = Arc::new(Shared {
            level: AtomicU8::new(rank(level)),
            role: AtomicU8::new(Role::Child.letter()),
            lost: AtomicU64::new(0),
            pid: std::process::id(),
            zone: Zone::local(),
        });
        let log = Log {
            shared: shared.clone(),
            queue,
        };
        std::thread::Builder::new()
            .name("log".into())
            .spawn(move || write_all(target, &shared, &orders))?;
        Ok(log)
    }

    /// Sets the lowest level that is written.
    pub fn set_level(&self, level: LogLevel) {
        self.shared.level.store(rank(level), Relaxed);
    }

    /// Sets the letter that lines carry from now on.
    pub fn set_role(&self, role: Role) {
        self.shared.role.store(role.letter(), Relaxed);
    }

    /// Whether a line of this level would be written: to be asked before a costly one is made.
    pub fn takes(&self, level: LogLevel) -> bool {
        rank(level) >= self.shared.level.load(Relaxed)
    }

    /// Writes a line. Never waits.
    pub fn line(&self, level: LogLevel, text: impl AsRef<[u8]>) {
        if !self.takes(level) || level == LogLevel::Nothing {
            return;
        }
        let (line, text) = self.shared.stamp(level, text.as_ref());
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Order::Line { level, line, text }) {
            self.shared.lost.fetch_add(1, Relaxed);
        }
    }

    /// A line for developers.
    pub fn debug(&self, text: impl AsRef<[u8]>) {
        self.line(LogLevel::Debug, text);
    }

    /// A line with detail that most do not want.
    pub fn verbose(&self, text: impl AsRef<[u8]>) {
        self.line(LogLevel::Verbose, text);
    }

    /// A line that an operator wants to read.
    pub fn notice(&self, text: impl AsRef<[u8]>) {
        self.line(LogLevel::Notice, text);
    }

    /// A line that an operator must read.
    pub fn warning(&self, text: impl AsRef<[u8]>) {
        self.line(LogLevel::Warning, text);
    }

    /// Waits until everything written so far is in its file: before the process ends.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.queue.send(Order::Flush(done)).is_ok() {
            let _ = wait.recv();
        }
    }
}

impl Shared {
    /// A whole line, and where its text begins.
    fn stamp(&self, level: LogLevel, text: &[u8]) -> (Vec<u8>, usize) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mark = match level {
            LogLevel::Debug => '.',
            LogLevel::Verbose => '-',
            LogLevel::Notice => '*',
            LogLevel::Warning | LogLevel::Nothing => '#',
        };
        let role = char::from(self.role.load(Relaxed));
        let at = self.zone.local_time(now.as_secs() as i64);
        let stamp = format!(
            "{}:{role} {at}.{:03} {mark} ",
            self.pid,
            now.subsec_millis()
        );
        let mut line = stamp.into_bytes();
        let begin = line.len();
        // One entry, one line, whatever somebody's name for a key or a client holds.
        let clean = text
            .iter()
            .take(LINE_MAX)
            .map(|&c| if c == b'\n' { b' ' } else { c });
        line.extend(clean);
        line.push(b'\n');
        (line, begin)
    }
}

/// The writing thread: ends when the last handle of the log is gone.
fn write_all(mut target: Target, shared: &Shared, orders: &Receiver<Order>) {
    let mut run = Vec::new();
    let mut flushed = Vec::new();
    while let Ok(first) = orders.recv() {
        let mut next = Some(first);
        while let Some(order) = next {
            match order {
                Order::Line { level, line, text } => {
                    if let Some(syslog) = &mut target.syslog {
                        syslog.send(level, &line[text..line.len() - 1]);
                    }
                    run.extend_from_slice(&line);
                }
                Order::Flush(done) => flushed.push(done),
            }
            next = (run.len() < 64 * 1024)
                .then(|| orders.try_recv().ok())
                .flatten();
        }
        let lost = shared.lost.swap(0, Relaxed);
        if lost > 0 {
            let text = format!("{lost} log lines were dropped because the log could not keep up");
            run.extend(shared.stamp(LogLevel::Warning, text.as_bytes()).0);
        }
        target.write(&run);
        run.clear();
        for done in flushed.drain(..) {
            // Whoever asked may have gone.
            let _ = done.send(());
        }
    }
}

impl Target {
    /// Writes lines. A log that cannot be written has nobody to tell.
    fn write(&self, lines: &[u8]) {
        let _ = match &self.file {
            None => std::io::stdout()
                .write_all(lines)
                .and_then(|()| std::io::stdout().flush()),
            Some(path) => OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .and_then(|mut file| file.write_all(lines)),
        };
    }
}
