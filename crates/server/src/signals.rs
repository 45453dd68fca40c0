//! Signals that ask the server to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// SIGTERM: end in good order.
    Terminate,
    /// SIGINT: the same, from the keyboard.
    Interrupt,
    /// SIGINT while the server is ending already: end at once, as it is.
    Insist,
}

/// The thread that waits for signals. SIGHUP is ignored from then on.
#[derive(Debug)]
pub struct Watch {
    handle: Handle,
    thread: JoinHandle<()>,
    ending: Arc<AtomicBool>,
}

impl Watch {
    /// Starts it. `act` is called on its thread for every signal.
    pub fn start(mut act: impl FnMut(Wish) + Send + 'static) -> io::Result<Watch> {
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
        let handle = signals.handle();
        let ending = Arc::new(AtomicBool::new(false));
        let flag = ending.clone();
        let run = move || {
            for signal in signals.forever() {
                let wish = match signal {
                    SIGTERM => Wish::Terminate,
                    SIGINT if flag.load(Ordering::Relaxed) => Wish::Insist,
                    SIGINT => Wish::Interrupt,
                    _ => continue,
                };
                flag.store(true, Ordering::Relaxed);
                act(wish);
            }
        };
        let thread = std::thread::Builder::new()
            .name("signals".into())
            .spawn(run)?;
        Ok(Watch {
            handle,
            thread,
            ending,
        })
    }

    /// The ending was called off, because a save failed: the next SIGINT asks politely again.
    pub fn called_off(&self) {
        self.ending.store(false, Ordering::Relaxed);
    }

    /// The server is ending for another reason, such as SHUTDOWN: the next SIGINT insists.
    pub fn ending(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    /// Ends the thread. Signals are swallowed from then on.
    pub fn stop(self) {
        self.handle.close();
        // It does not panic unless `act` did, which aborts.
        let _ = self.thread.join();
    }
}

#[cfg(test)]
mod tests;
