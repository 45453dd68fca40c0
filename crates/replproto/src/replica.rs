//! A replica's side of the link.
//!
//! The driver reports what happened ([`ReplicaSession::connected`], [`ReplicaSession::input`], …),
//! then takes effects with [`ReplicaSession::poll`] until there are none. Bytes of a snapshot and
//! of the stream are lent, not copied: the effect says how many there are,
//! [`ReplicaSession::bytes`] shows them, and [`ReplicaSession::done`] moves on. Until then the
//! session lends nothing else: its offset is that of what was really applied. What is lent is done
//! before an end of the connection is reported.
mod handshake;
#[cfg(test)]
mod tests;

use crate::effect::{Level, command};
use crate::transfer::{Framing, Part, Receiver};
use crate::units::Units;
use base::{Offset, ReplId};
use std::collections::VecDeque;

/// How often a replica tells how far it is, and shows that it lives.
const BEAT_MS: u64 = 1000;

/// The least time between two attempts to connect.
const RETRY_MS: u64 = 1000;

/// Whom to follow, and how.
#[derive(Clone, Debug)]
pub struct ReplicaConfig {
    /// The primary's host, for the log.
    pub host: String,
    /// The primary's port, for the log.
    pub port: u16,
    /// User and password, if it wants them.
    pub auth: Option<(Option<String>, String)>,
    /// The port that the primary is to show for us.
    pub announce_port: u16,
    /// The address that the primary is to show for us, if not the one we come from.
    pub announce_ip: Option<String>,
    /// Load while receiving, without a file.
    pub diskless_load: bool,
    /// The primary hands over to us: it becomes our replica when it has read the request.
    pub failover: bool,
}

/// What the driver is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplicaEffect {
    /// Open a connection to the primary, and report how that ended.
    Connect,
    /// Send this to the primary.
    Send(Vec<u8>),
    /// Write a log line.
    Log(Level, String),
    /// A snapshot will come; what it holds stands at this place of this history. An unknown place,
    /// from a server that is too old or too odd to tell, cannot be continued from.
    FullResync(Option<(ReplId, Offset)>),
    /// The stream goes on where it ended; the primary's history has this id by now. If that is
    /// another than before, our own replicas must be disconnected, so that they learn it.
    PartialResync(ReplId),
    /// The snapshot begins.
    SnapshotBegins(Framing),
    /// Bytes of the snapshot are lent.
    Snapshot(Piece),
    /// The snapshot is complete. Load it (or end loading it), then call [`ReplicaSession::loaded`].
    SnapshotEnds,
    /// A whole unit of the stream is lent: apply it and journal its bytes as they are.
    Unit(Unit),
    /// Close the connection. The session will ask for another one at a later tick.
    Close,
}

/// Bytes of a snapshot at the beginning of [`ReplicaSession::bytes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// How many.
    pub len: usize,
}

/// A whole unit of the stream at the beginning of [`ReplicaSession::bytes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// How many bytes; the offset grows by so much.
    pub len: usize,
    /// How many commands, MULTI and EXEC included; 0 for an empty line.
    pub commands: u32,
    /// The offset behind it.
    pub end: Offset,
}

#[derive(Clone, Debug)]
enum State {
    /// No connection; one is made at the next tick.
    Idle,
    Connecting,
    Handshake(handshake::Expect),
    /// The line before the snapshot is awaited.
    Header,
    Transfer(Receiver),
    /// The snapshot is complete and being loaded.
    Loading,
    Online,
}

/// What is lent at present.
#[derive(Clone, Copy, Debug)]
enum Lent {
    Piece(usize),
    Unit(Unit, bool),
}

/// Follows one primary.
#[derive(Debug)]
pub struct ReplicaSession {
    config: ReplicaConfig,
    state: State,
    effects: VecDeque<ReplicaEffect>,
    buffer: Vec<u8>,
    /// Where unread bytes begin in the buffer.
    start: usize,
    lent: Option<Lent>,
    units: Units,
    /// The place in the stream, if it can be continued from.
    place: Option<(ReplId, Offset)>,
    /// The place that the snapshot on its way stands at.
    snapshot: Option<(ReplId, Offset)>,
    /// The primary knows no PSYNC, so nothing is acknowledged.
    old_primary: bool,
    fsynced: Option<Offset>,
    last_try: Option<u64>,
    last_input: u64,
    last_beat: u64,
}

impl ReplicaSession {
    /// A session without a connection. `place` is where an earlier stream, or the history this
    /// server wrote itself, ended: the offset counts the bytes applied.
    pub fn new(config: ReplicaConfig, place: Option<(ReplId, Offset)>) -> Self {
        ReplicaSession {
            config,
            state: State::Idle,
            effects: VecDeque::new(),
            buffer: Vec::new(),
            start: 0,
            lent: None,
            units: Units::default(),
            place,
            snapshot: None,
            old_primary: false,
            fsynced: None,
            last_try: None,
            last_input: 0,
            last_beat: 0,
        }
    }

    /// The next effect.
    pub fn poll(&mut self) -> Option<ReplicaEffect> {
        loop {
            if let Some(effect) = self.effects.pop_front() {
                return Some(effect);
            }
            if self.lent.is_some() || !self.advance() {
                return None;
            }
        }
    }

    /// The bytes lent, and whatever follows them.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// What was lent is written or applied.
    pub fn done(&mut self) {
        match self.lent.take() {
            Some(Lent::Piece(n)) => {
                self.consume(n);
                if let State::Transfer(receiver) = &mut self.state {
                    receiver.take(n);
                }
            }
            Some(Lent::Unit(unit, asks_ack)) => {
                self.consume(unit.len);
                if let Some((_, offset)) = &mut self.place {
                    *offset = unit.end;
                }
                if asks_ack {
                    self.acknowledge();
                }
            }
            None => {}
        }
    }

    /// Whether more input is welcome now. While a snapshot loads it is not: what comes after it
    /// belongs to the stream.
    pub fn wants_input(&self) -> bool {
        !matches!(self.state, State::Idle | State::Connecting | State::Loading)
    }

    /// The history followed and how much of it was applied, if it can be continued from.
    pub fn place(&self) -> Option<(ReplId, Offset)> {
        self.place
    }

    /// True while the stream flows.
    pub fn is_online(&self) -> bool {
        matches!(self.state, State::Online)
    }

    /// The link's state in the words of ROLE.
    pub fn role_state(&self) -> &'static str {
        match self.state {
            State::Idle => "connect",
            State::Connecting => "connecting",
            State::Handshake(_) => "handshake",
            State::Header | State::Transfer(_) | State::Loading => "sync",
            State::Online => "connected",
        }
    }

    /// Bytes of the snapshot received, and its length where that is known.
    pub fn transferred(&self) -> Option<(u64, Option<u64>)> {
        match &self.state {
            State::Transfer(receiver) => Some(receiver.progress()),
            _ => None,
        }
    }

    /// When anything was received last, in the time of the events.
    pub fn last_input(&self) -> u64 {
        self.last_input
    }

    /// How far what was applied is also on the disk; told to the primary from now on.
    pub fn set_fsynced(&mut self, offset: Option<Offset>) {
        self.fsynced = offset;
    }

    /// Acknowledges without waiting for the beat, as a primary that is a replica itself is asked
    /// to.
    pub fn acknowledge_now(&mut self) {
        if self.is_online() {
            self.acknowledge();
        }
    }

    /// The connection stands.
    pub fn connected(&mut self, now: u64) {
        self.last_input = now;
        self.last_beat = now;
        self.log(
            Level::Notice,
            "Non blocking connect for SYNC fired the event.",
        );
        self.begin_handshake();
    }

    /// The connection could not be made, or is lost.
    pub fn disconnected(&mut self, reason: &str) {
        let line = match self.state {
            State::Idle => return,
            State::Connecting => format!("Error condition on socket for SYNC: {reason}"),
            State::Handshake(handshake::Expect::Psync) => {
                "Master did not reply to PSYNC, will try later".into()
            }
            State::Handshake(_) => "Master did not respond to command during SYNC handshake".into(),
            State::Header => format!("I/O error reading bulk count from MASTER: {reason}"),
            State::Transfer(_) => format!("I/O error trying to sync with MASTER: {reason}"),
            State::Loading | State::Online => "Connection with master lost.".into(),
        };
        let level = if self.is_online() {
            Level::Notice
        } else {
            Level::Warning
        };
        self.log(level, line);
        if self.is_online() {
            self.log(Level::Notice, "Caching the disconnected master state.");
        }
        self.reset();
    }

    /// Bytes from the primary.
    pub fn input(&mut self, now: u64, bytes: &[u8]) {
        self.last_input = now;
        if self.start > 0 && (self.start == self.buffer.len() || self.start > 64 << 10) {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The snapshot is loaded, or could not be.
    pub fn loaded(&mut self, now: u64, result: Result<(), &str>) {
        if !matches!(self.state, State::Loading) {
            return;
        }
        if let Err(reason) = result {
            let source = if self.config.diskless_load {
                "socket"
            } else {
                "disk"
            };
            let line = format!(
                "Failed trying to load the MASTER synchronization DB from {source}: {reason}"
            );
            self.log(Level::Warning, line);
            self.close();
            return;
        }
        self.log(
            Level::Notice,
            "MASTER <-> REPLICA sync: Finished with success",
        );
        self.place = self.snapshot.take();
        self.state = State::Online;
        self.last_input = now;
        self.last_beat = now;
        self.acknowledge();
    }

    /// Time passes; call it at least once a second. `timeout_ms` is the option `repl-timeout`.
    pub fn tick(&mut self, now: u64, timeout_ms: u64) {
        let silent = now.saturating_sub(self.last_input) > timeout_ms;
        let timed_out = match self.state {
            State::Idle => {
                let tried = self
                    .last_try
                    .map_or(u64::MAX, |last| now.saturating_sub(last));
                if tried >= RETRY_MS {
                    self.connect(now);
                }
                return;
            }
            State::Connecting | State::Handshake(_) => "Timeout connecting to the MASTER...",
            State::Header | State::Transfer(_) => {
                "Timeout receiving bulk data from MASTER... If the problem persists try to set the 'repl-timeout' \
                 parameter in redis.conf to a larger value."
            }
            // Input is not asked for, so silence means nothing.
            State::Loading => "",
            State::Online => "MASTER timeout: no data nor PING received...",
        };
        if silent && !timed_out.is_empty() {
            self.log(Level::Warning, timed_out);
            self.close();
            return;
        }
        if now.saturating_sub(self.last_beat) < BEAT_MS {
            return;
        }
        self.last_beat = now;
        match self.state {
            State::Online => self.acknowledge(),
            // The primary must not take us for dead while we load.
            State::Loading => self.effects.push_back(ReplicaEffect::Send(b"\n".to_vec())),
            _ => {}
        }
    }

    /// Ends the session, because this server becomes a primary or follows another. What is lent
    /// must be done before. An unfinished unit is dropped; returns the place where the stream
    /// ended, whole.
    pub fn end(self) -> Option<(ReplId, Offset)> {
        debug_assert!(
            self.lent.is_none(),
            "the unit being applied is finished first"
        );
        self.place
    }

    fn connect(&mut self, now: u64) {
        let (host, port) = (&self.config.host, self.config.port);
        let line = format!("Connecting to MASTER {host}:{port}");
        self.log(Level::Notice, line);
        self.log(Level::Notice, "MASTER <-> REPLICA sync started");
        self.effects.push_back(ReplicaEffect::Connect);
        self.state = State::Connecting;
        self.last_try = Some(now);
        self.last_input = now;
    }

    fn log(&mut self, level: Level, line: impl Into<String>) {
        self.effects
            .push_back(ReplicaEffect::Log(level, line.into()));
    }

    fn send(&mut self, words: &[&[u8]]) {
        self.effects.push_back(ReplicaEffect::Send(command(words)));
    }

    /// Closes the connection and forgets what came over it; the place stays.
    fn close(&mut self) {
        self.effects.push_back(ReplicaEffect::Close);
        self.reset();
    }

    fn reset(&mut self) {
        self.state = State::Idle;
        self.buffer.clear();
        self.start = 0;
        self.lent = None;
        self.units = Units::default();
        self.snapshot = None;
    }

    fn consume(&mut self, n: usize) {
        self.start += n;
    }

    fn acknowledge(&mut self) {
        let Some((_, offset)) = self.place.filter(|_| !self.old_primary) else {
            return;
        };
        let offset = offset.0.to_string();
        let mut words: Vec<&[u8]> = vec![b"REPLCONF", b"ACK", offset.as_bytes()];
        let fsynced = self.fsynced.map(|o| o.0.to_string());
        if let Some(fsynced) = &fsynced {
            words.extend([&b"FACK"[..], fsynced.as_bytes()]);
        }
        self.send(&words);
    }

    /// Does one step with the bytes at hand; false if there are too few.
    fn advance(&mut self) -> bool {
        match &self.state {
            State::Idle | State::Connecting | State::Loading => false,
            State::Handshake(expect) => {
                let expect = *expect;
                self.handshake_step(expect)
            }
            State::Header => self.header_step(),
            State::Transfer(receiver) => match receiver.look(&self.buffer[self.start..]) {
                Part::Wait => false,
                Part::Data(len) => {
                    self.lent = Some(Lent::Piece(len));
                    self.effects
                        .push_back(ReplicaEffect::Snapshot(Piece { len }));
                    true
                }
                Part::End(trailer) => {
                    self.consume(trailer);
                    self.end_transfer();
                    true
                }
            },
            State::Online => self.unit_step(),
        }
    }

    fn end_transfer(&mut self) {
        if !self.config.diskless_load {
            self.begin_loading();
        }
        self.state = State::Loading;
        self.effects.push_back(ReplicaEffect::SnapshotEnds);
    }

    /// The old data goes, so its place does too.
    fn begin_loading(&mut self) {
        self.place = None;
        self.log(Level::Notice, "MASTER <-> REPLICA sync: Flushing old data");
        self.log(
            Level::Notice,
            "MASTER <-> REPLICA sync: Loading DB in memory",
        );
    }

    fn unit_step(&mut self) -> bool {
        let found = match self.units.look(&self.buffer[self.start..]) {
            Ok(Some(found)) => found,
            Ok(None) => return false,
            Err(error) => {
                let text = error.text();
                let text = text.escape_ascii();
                let line =
                    format!("Protocol error from master: {text}. Closing the replication link.");
                self.log(Level::Warning, line);
                // The stream cannot be trusted at this place.
                self.place = None;
                self.close();
                return true;
            }
        };
        let from = self.place.map_or(-1, |(_, offset)| offset.0);
        let unit = Unit {
            len: found.len,
            commands: found.commands,
            end: Offset(from + found.len as i64),
        };
        self.lent = Some(Lent::Unit(unit, found.asks_ack));
        self.effects.push_back(ReplicaEffect::Unit(unit));
        true
    }
}
