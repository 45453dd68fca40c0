//! Waiting for a server, a key and Ctrl-C at once.
//!
//! In a session with a prompt, Ctrl-C ends the program while a command runs, and only the watching
//! while messages are shown.

use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use client::Connection;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::SIGINT;

/// What came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Message,
    Key,
    Interrupt,
}

struct Interrupts {
    /// While set, Ctrl-C ends the program.
    fatal: Arc<AtomicBool>,
    /// Gets a byte for each Ctrl-C.
    wake: UnixStream,
}

static INTERRUPTS: OnceLock<Interrupts> = OnceLock::new();

/// Takes Ctrl-C over from the system, once.
pub(crate) fn install() -> io::Result<()> {
    if INTERRUPTS.get().is_some() {
        return Ok(());
    }
    let fatal = Arc::new(AtomicBool::new(true));
    signal_hook::flag::register_conditional_shutdown(SIGINT, 0, Arc::clone(&fatal))?;
    let (wake, signalled) = UnixStream::pair()?;
    wake.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(SIGINT, signalled)?;
    let _ = INTERRUPTS.set(Interrupts { fatal, wake });
    Ok(())
}

/// Makes Ctrl-C an event as long as it lives.
struct Gentle<'a>(&'a Interrupts);

impl<'a> Gentle<'a> {
    fn new(interrupts: &'a Interrupts) -> Self {
        interrupts.fatal.store(false, Ordering::SeqCst);
        Gentle(interrupts)
    }

    /// Whether there was a Ctrl-C since the last look.
    fn take(&self) -> bool {
        let mut bytes = [0; 64];
        (&self.0.wake).read(&mut bytes).is_ok_and(|n| n > 0)
    }
}

impl Drop for Gentle<'_> {
    fn drop(&mut self) {
        self.0.fatal.store(true, Ordering::SeqCst);
    }
}

/// Waits for a message; false when Ctrl-C came first. Without [`install`] Ctrl-C ends the program.
pub(crate) fn for_message(connection: &Connection) -> bool {
    if connection.has_buffered() {
        return true;
    }
    let Some(interrupts) = INTERRUPTS.get() else {
        return true;
    };
    let gentle = Gentle::new(interrupts);
    loop {
        let ready = ready(&[connection.as_fd(), interrupts.wake.as_fd()], None);
        if ready[1] && gentle.take() {
            return false;
        }
        if ready[0] {
            return true;
        }
    }
}

/// Waits for a message, for input, or for Ctrl-C.
pub(crate) fn for_message_or_key(connection: &Connection) -> Event {
    if connection.has_buffered() {
        return Event::Message;
    }
    let stdin = io::stdin();
    let Some(interrupts) = INTERRUPTS.get() else {
        return Event::Key;
    };
    let gentle = Gentle::new(interrupts);
    loop {
        let fds = [connection.as_fd(), interrupts.wake.as_fd(), stdin.as_fd()];
        let ready = ready(&fds, None);
        if ready[1] && gentle.take() {
            return Event::Interrupt;
        }
        if ready[0] {
            return Event::Message;
        }
        if ready[2] {
            return Event::Key;
        }
    }
}

/// Whether something can be read from the server within `limit`.
pub(crate) fn readable_within(connection: &Connection, limit: Duration) -> bool {
    connection.has_buffered() || ready(&[connection.as_fd()], Some(limit))[0]
}

fn ready(fds: &[BorrowedFd<'_>], limit: Option<Duration>) -> Vec<bool> {
    let mut polled: Vec<PollFd<'_>> = fds
        .iter()
        .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN))
        .collect();
    let limit = limit.and_then(|t| Timespec::try_from(t).ok());
    // An interrupted call shows nothing ready, and the caller looks again.
    let _ = poll(&mut polled, limit.as_ref());
    polled.iter().map(|p| !p.revents().is_empty()).collect()
}
