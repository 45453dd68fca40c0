//! What the threads of one test share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Failure;
use crate::options::Options;
use crate::target::{self, Node};
use crate::template::Template;

/// One test while it runs.
pub(crate) struct Plan<'a> {
    pub(crate) options: &'a Options,
    pub(crate) template: Template,
    /// Sent first on each connection: AUTH, HELLO, ...
    pub(crate) greeting: Vec<u8>,
    /// How many replies the greeting has.
    pub(crate) greeting_replies: usize,
    issued: AtomicU64,
    finished: AtomicU64,
    /// The sum of all latencies so far, in microseconds.
    latency: AtomicU64,
    stopped: AtomicBool,
    failure: Mutex<Option<Failure>>,
    nodes: Mutex<Vec<Node>>,
    /// Counts how often the nodes were fetched, so that each thread takes them over once.
    fetched: AtomicU64,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(options: &'a Options, template: Template, nodes: Vec<Node>) -> Self {
        let (greeting, greeting_replies) = greeting(options);
        Plan {
            options,
            template,
            greeting,
            greeting_replies,
            issued: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            latency: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            failure: Mutex::new(None),
            nodes: Mutex::new(nodes),
            fetched: AtomicU64::new(0),
        }
    }

    /// Takes the right to send a batch; false when all requests are taken.
    pub(crate) fn take_batch(&self) -> bool {
        if self.stopped.load(Ordering::Relaxed) {
            return false;
        }
        let batch = self.options.pipeline as u64;
        self.issued.fetch_add(batch, Ordering::Relaxed) < self.options.requests
    }

    /// Counts replies that came after `latency`; answers how many of them are within the test
    /// (the last batch may reach beyond it).
    pub(crate) fn finish(&self, replies: u64, latency: Duration) -> u64 {
        let before = self.finished.fetch_add(replies, Ordering::Relaxed);
        let counted = replies.min(self.options.requests.saturating_sub(before));
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latency
            .fetch_add(micros.saturating_mul(counted), Ordering::Relaxed);
        counted
    }

    /// Replies so far, and the sum of their latencies in microseconds.
    pub(crate) fn progress(&self) -> (u64, u64) {
        let finished = self
            .finished
            .load(Ordering::Relaxed)
            .min(self.options.requests);
        (finished, self.latency.load(Ordering::Relaxed))
    }

    /// Ends the test; the first reason is kept.
    pub(crate) fn fail(&self, reason: Failure) {
        self.stopped.store(true, Ordering::Relaxed);
        lock(&self.failure).get_or_insert(reason);
    }

    pub(crate) fn failure(&self) -> Option<Failure> {
        lock(&self.failure).clone()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// The nodes, and how often they were fetched.
    pub(crate) fn nodes(&self) -> (Vec<Node>, u64) {
        let nodes = lock(&self.nodes);
        (nodes.clone(), self.fetched.load(Ordering::SeqCst))
    }

    /// Fetches the slot map again, unless another thread has done so since `seen`.
    pub(crate) fn refresh(&self, seen: u64) {
        let mut nodes = lock(&self.nodes);
        if self.fetched.load(Ordering::SeqCst) != seen {
            return;
        }
        match target::refreshed(self.options, &nodes) {
            Ok(fresh) => {
                *nodes = fresh;
                self.fetched.fetch_add(1, Ordering::SeqCst);
            }
            Err(reason) => {
                drop(nodes);
                self.fail(reason);
            }
        }
    }

    /// How often the nodes were fetched.
    pub(crate) fn fetched(&self) -> u64 {
        self.fetched.load(Ordering::SeqCst)
    }
}

/// A thread that panicked ends the program anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a connection begins with, and the number of replies to it.
fn greeting(options: &Options) -> (Vec<u8>, usize) {
    let mut bytes = Vec::new();
    let mut replies = 0;
    let mut add = |words: &[&[u8]]| {
        client::append_request(&mut bytes, words);
        replies += 1;
    };
    if let Some(password) = &options.password {
        match &options.user {
            Some(user) => add(&[b"AUTH", user, password]),
            None => add(&[b"AUTH", password]),
        }
    }
    if options.resp3 {
        add(&[b"HELLO", b"3"]);
    }
    if options.tracking {
        add(&[b"CLIENT", b"TRACKING", b"ON"]);
    }
    if options.database != 0 && !options.cluster {
        add(&[b"SELECT", options.database.to_string().as_bytes()]);
    }
    (bytes, replies)
}
