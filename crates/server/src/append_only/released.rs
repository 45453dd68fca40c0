//! What the file has: who waits for it is let go, and the server hears how the file is.

use super::say;
use crate::message::Message;
use crate::node::Node;
use engine::Engine;
use persist::aof::Notice;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, OnceLock, Weak};

/// By worker: whether it has replies that wait for the file.
#[derive(Default)]
pub(super) struct Waits(OnceLock<Box<[Flag]>>);

/// What one worker says to whoever writes the file, in a line of its own.
#[derive(Default)]
#[repr(align(64))]
struct Flag(AtomicBool);

impl super::AppendOnly {
    /// A worker has replies that wait for the file: it is told when the file has what they wait
    /// for.
    pub(crate) fn wait(&self, worker: usize) {
        if let Some(flags) = self.waits.0.get() {
            flags[worker].0.store(true, Ordering::SeqCst);
        }
        // Whoever releases later sees this; what was released before is seen by the caller.
        fence(Ordering::SeqCst);
    }

    /// How many workers there are.
    pub(crate) fn set_workers(&self, count: usize) {
        let flags = (0..count).map(|_| Flag::default());
        let _ = self.waits.0.set(flags.collect());
    }
}

impl Node {
    /// Lets go what waits for records up to this sequence.
    pub(super) fn release(&self, sequence: u64) {
        fence(Ordering::SeqCst);
        let workers = self.append_only.waits.0.get();
        for (worker, Flag(waits)) in workers.into_iter().flatten().enumerate() {
            if waits.load(Ordering::Relaxed) && waits.swap(false, Ordering::SeqCst) {
                self.send_to(worker, Message::Release(sequence));
            }
        }
    }
}

/// What the writer says to this server.
pub(super) struct Ear {
    node: Weak<Node>,
    engine: Arc<Engine>,
    /// Clients in WAITAOF: they hear of each sync.
    waiting: Arc<crate::waiting::Waiting>,
    released: AtomicU64,
}

impl Ear {
    /// The ear of a server.
    pub(super) fn new(node: &Arc<Node>, engine: &Arc<Engine>) -> Ear {
        Ear {
            node: Arc::downgrade(node),
            engine: engine.clone(),
            waiting: node.waiting.clone(),
            released: AtomicU64::new(0),
        }
    }
}

impl Notice for Ear {
    fn released(&self, sequence: u64) {
        self.waiting.news();
        let before = self.released.fetch_max(sequence, Ordering::SeqCst);
        if before >= sequence {
            return;
        }
        self.engine.store.journal.release(sequence);
        if let Some(node) = self.node.upgrade() {
            node.release(sequence);
        }
    }

    fn log(&self, warning: bool, text: &str) {
        if let Some(node) = self.node.upgrade() {
            say(&node, warning, text);
        }
    }

    fn failed(&self, why: Option<&str>) {
        let why: Option<Arc<str>> = why.map(Into::into);
        self.engine
            .change_settings(|settings| settings.append_only_failure = why);
    }

    fn fatal(&self, text: &str) {
        if let Some(node) = self.node.upgrade() {
            say(&node, true, text);
            if let Some(log) = node.log_handle() {
                log.flush();
            }
        }
        std::process::exit(1);
    }
}
