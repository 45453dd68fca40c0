//! Clients that speak another protocol: web pages that try to write into a server nearby.

use crate::node::Node;
use config::LogLevel;
use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// How long the log says nothing more after it has told of one: a page may try very often.
const SILENCE: Duration = Duration::from_mins(1);

/// What is remembered of them.
#[derive(Default)]
pub(crate) struct Intruders(Mutex<Told>);

#[derive(Default)]
struct Told {
    last: Option<Instant>,
    /// How many came since then.
    since: u64,
}

impl Node {
    /// The connection with this peer is closed for what it sent.
    pub(crate) fn note_intruder(&self, peer: &str) {
        let mut told = self.intruders.0.lock();
        if told.last.is_some_and(|last| last.elapsed() < SILENCE) {
            told.since += 1;
            return;
        }
        let others = match std::mem::take(&mut told.since) {
            0 => String::new(),
            since => format!(" ({since} more since the last time)"),
        };
        told.last = Some(Instant::now());
        drop(told);
        let line = format!(
            "Possible SECURITY ATTACK: the connection from {peer} is closed, as it sent POST or \
             Host: for a command. A web page that is made to write into this server does \
             so{others}."
        );
        self.log(LogLevel::Warning, &line);
    }
}
