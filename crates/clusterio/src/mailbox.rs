//! What other threads tell the bus thread.

use base::{Offset, SlotSet};
use cluster::{PersistId, Replication, Reply, Request, Settings};
use std::net::IpAddr;
use std::sync::Mutex;

/// Called with the answer to a command, on the bus thread: it must not block.
pub(crate) type OnReply = Box<dyn FnOnce(Reply) + Send>;

pub(crate) enum Mail {
    Request(Request, OnReply),
    Publish {
        channel: Vec<u8>,
        message: Vec<u8>,
        sharded: bool,
    },
    Replication(Replication),
    Paused(Offset),
    Loaded(SlotSet),
    Stuck(Option<u64>),
    Settings(Box<Settings>, usize, Option<IpAddr>),
    Written(PersistId, Result<(), String>),
    Stop,
}

/// A queue that never makes its senders wait, and a waker for its reader.
pub(crate) struct Mailbox {
    queue: Mutex<Vec<Mail>>,
    waker: mio::Waker,
}

impl Mailbox {
    pub fn new(waker: mio::Waker) -> Mailbox {
        Mailbox {
            queue: Mutex::new(Vec::new()),
            waker,
        }
    }

    pub fn post(&self, mail: Mail) {
        let first = {
            let mut queue = self.queue.lock().unwrap_or_else(|e| e.into_inner());
            queue.push(mail);
            queue.len() == 1
        };
        // A reader that finds mail takes all of it: one waking is enough.
        if first {
            _ = self.waker.wake();
        }
    }

    pub fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut *self.queue.lock().unwrap_or_else(|e| e.into_inner()))
    }
}
