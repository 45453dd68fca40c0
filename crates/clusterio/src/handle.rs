//! How the rest of the server talks to the bus thread.

use crate::mailbox::{Mail, Mailbox};
use base::{Offset, SlotSet};
use cluster::{Replication, Reply, Request, Settings, View};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The machine's monotonic milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    pub(crate) origin: Instant,
}

impl Clock {
    /// The machine's time of an instant.
    pub fn mono(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.origin).as_millis() as u64
    }

    /// The machine's time now.
    pub fn now(&self) -> u64 {
        self.mono(Instant::now())
    }

    /// The instant of a time of the machine.
    pub fn instant(&self, mono: u64) -> Instant {
        self.origin + Duration::from_millis(mono)
    }
}

pub(crate) struct Shared {
    pub mailbox: Mailbox,
    pub view: Mutex<Arc<View>>,
    pub clock: Clock,
    /// Bytes of memory that all links hold.
    pub link_bytes: AtomicU64,
    /// Descriptors from this number on are not for strangers.
    pub kept_from: AtomicUsize,
}

/// A running bus. Clones are for the same one; no method but [`Handle::shutdown`] waits.
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
    pub(crate) threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Handle {
    /// Gives a CLUSTER command; `on_reply` is called on the bus thread and must not block.
    pub fn request(&self, request: Request, on_reply: impl FnOnce(Reply) + Send + 'static) {
        self.shared
            .mailbox
            .post(Mail::Request(request, Box::new(on_reply)));
    }

    /// Sends a local PUBLISH to all nodes, or an SPUBLISH to those of the shard.
    pub fn publish(&self, channel: Vec<u8>, message: Vec<u8>, sharded: bool) {
        self.shared.mailbox.post(Mail::Publish {
            channel,
            message,
            sharded,
        });
    }

    /// Tells how replication stands: whenever the link changes, and ten times a second.
    pub fn replication(&self, replication: Replication) {
        self.shared.mailbox.post(Mail::Replication(replication));
    }

    /// Clients are paused as asked by [`crate::Hooks::pause`], and the offset stands.
    pub fn paused(&self, offset: Offset) {
        self.shared.mailbox.post(Mail::Paused(offset));
    }

    /// The data set was loaded from disk, with keys in these slots: those of nobody become ours,
    /// those of others are set to importing. To be told before clients are served.
    pub fn data_loaded(&self, slots: SlotSet) {
        self.shared.mailbox.post(Mail::Loaded(slots));
    }

    /// Since when a worker has not come round; `None` if all do.
    pub fn workers_stuck(&self, since: Option<Instant>) {
        let since = since.map(|at| self.shared.clock.mono(at));
        self.shared.mailbox.post(Mail::Stuck(since));
    }

    /// The configuration changed; `link_limit` is `cluster-link-sendbuf-limit` in bytes, 0 for
    /// none, and `source` the address that links are made from from now on.
    pub fn settings(&self, settings: Settings, link_limit: usize, source: Option<IpAddr>) {
        let told = Mail::Settings(Box::new(settings), link_limit, source);
        self.shared.mailbox.post(told);
    }

    /// Keeps descriptors from this number on for what is no link of a stranger.
    pub fn keep_descriptors_from(&self, number: usize) {
        self.shared.kept_from.store(number, Ordering::Relaxed);
    }

    /// The latest view.
    pub fn view(&self) -> Arc<View> {
        self.shared
            .view
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .clone()
    }

    /// Bytes of memory that all links hold, as they were at the last tick.
    pub fn link_bytes(&self) -> u64 {
        self.shared.link_bytes.load(Ordering::Relaxed)
    }

    /// The machine's clock, for [`Replication::last_heard`] and the deadlines of the hooks.
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// Saves nodes.conf, closes the bus and waits for its threads (a stuck disk for two seconds at
    /// most).
    pub fn shutdown(&self) {
        let (sender, receiver) = mpsc::channel();
        self.request(Request::SaveConfig, move |_| {
            _ = sender.send(());
        });
        _ = receiver.recv_timeout(Duration::from_secs(2));
        self.shared.mailbox.post(Mail::Stop);
        let threads = {
            let mut threads = self.threads.lock().unwrap_or_else(|e| e.into_inner());
            std::mem::take(&mut *threads)
        };
        for thread in threads {
            _ = thread.join();
        }
    }
}
