//! A primary's side of the link to one replica.
//!
//! The driver hands over the REPLCONF, PSYNC and SYNC commands of the connection and reports what
//! became of the snapshot; the session says what to reply, when a snapshot is needed, and from
//! where the stream begins. The bytes of snapshot and stream do not pass through here.
mod replconf;
#[cfg(test)]
mod tests;

use crate::effect::Level;
use crate::history::{Answer, History, Refusal, Window};
use crate::transfer::{Framing, Mark};
use base::{Offset, ReplId};
use std::collections::VecDeque;

/// How often a replica that waits for its snapshot is shown that we live.
const BEAT_MS: u64 = 1000;

/// What this server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Nobody's replica.
    Primary,
    /// A replica itself; its own link may stand or not.
    Replica {
        /// The stream from its primary flows.
        link_up: bool,
    },
}

/// What a session needs to know of the server.
#[derive(Clone, Copy, Debug)]
pub struct PrimaryView<'a> {
    /// Ids and offset.
    pub history: &'a History,
    /// What is kept of the stream; `None` without a backlog.
    pub window: Option<Window>,
    /// What the server is.
    pub role: Role,
    /// A coordinated failover is under way.
    pub failing_over: bool,
    /// The connection has replies that are not sent yet.
    pub pending_replies: bool,
}

/// What the driver is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrimaryEffect {
    /// Send this to the replica, before anything else.
    Send(Vec<u8>),
    /// Write a log line.
    Log(Level, String),
    /// Take a snapshot for this replica, alone or with others, and call
    /// [`PrimarySession::snapshot_begins`]. If there is no backlog yet, make one first, with a new
    /// id in the history.
    NeedSnapshot,
    /// Begin to send the stream at this offset.
    Stream(Offset),
    /// The replica says how far it is.
    Acknowledged {
        /// Bytes applied.
        applied: Offset,
        /// Bytes on its disk, if it says so.
        fsynced: Option<Offset>,
    },
    /// This server is a replica and is asked for an acknowledgement at once.
    AcknowledgeNow,
    /// The failover has come: become a primary now, under a new id, then hand the same command over
    /// again, without its word FAILOVER.
    TakeOver,
    /// Close the connection.
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A client that has not asked for a stream.
    Client,
    /// Waits for a snapshot to begin.
    Waiting,
    /// The snapshot is being made; for a streamed one, also sent.
    Making { streamed: bool },
    /// The file is being sent.
    Sending,
    /// Received its snapshot; the stream begins at its first acknowledgement.
    Received,
    /// Follows the stream.
    Streaming,
}

/// What a replica said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Introduction {
    /// The port it listens on.
    pub port: Option<i64>,
    /// The address to show for it.
    pub ip: Option<String>,
    /// It can receive a snapshot without a length.
    pub eof: bool,
    /// It keeps two histories apart.
    pub psync2: bool,
    /// It wants the snapshot and no stream.
    pub rdb_only: bool,
    /// It wants a snapshot without keys.
    pub without_data: bool,
    /// It wants a snapshot without functions.
    pub without_functions: bool,
    /// The server version it named.
    pub version: Option<String>,
}

/// Serves one replica.
#[derive(Debug)]
pub struct PrimarySession {
    peer_ip: String,
    said: Introduction,
    state: State,
    effects: VecDeque<PrimaryEffect>,
    /// The replica knows no PSYNC: it never acknowledges.
    old_replica: bool,
    snapshot_offset: Offset,
    /// It acknowledged a streamed snapshot before the driver said that all of it was sent.
    received_early: bool,
    acknowledged: Offset,
    fsynced: Option<Offset>,
    last_ack: u64,
    last_beat: u64,
    last_progress: u64,
}

impl PrimarySession {
    /// A session for a connection from this address.
    pub fn new(peer_ip: &str) -> Self {
        PrimarySession {
            peer_ip: peer_ip.into(),
            said: Introduction::default(),
            state: State::Client,
            effects: VecDeque::new(),
            old_replica: false,
            snapshot_offset: Offset(-1),
            received_early: false,
            acknowledged: Offset(0),
            fsynced: None,
            last_ack: 0,
            last_beat: 0,
            last_progress: 0,
        }
    }

    /// The next effect.
    pub fn poll(&mut self) -> Option<PrimaryEffect> {
        self.effects.pop_front()
    }

    /// What the replica said of itself.
    pub fn introduction(&self) -> &Introduction {
        &self.said
    }

    /// True from the request for a stream on.
    pub fn is_replica(&self) -> bool {
        self.state != State::Client
    }

    /// True while the stream flows.
    pub fn is_streaming(&self) -> bool {
        self.state == State::Streaming
    }

    /// Whether the effects that happen from now on must be kept for this replica.
    pub fn needs_stream(&self) -> bool {
        let served = !matches!(self.state, State::Client | State::Waiting);
        served && !self.said.rdb_only
    }

    /// The highest offset acknowledged.
    pub fn acknowledged(&self) -> Offset {
        self.acknowledged
    }

    /// The highest offset that the replica said is on its disk.
    pub fn fsynced(&self) -> Option<Offset> {
        self.fsynced
    }

    /// When the last acknowledgement came, in the time of the events.
    pub fn last_ack(&self) -> u64 {
        self.last_ack
    }

    /// The replica's state in the words of INFO.
    pub fn info_state(&self) -> &'static str {
        match self.state {
            State::Client => "",
            State::Waiting | State::Making { .. } => "wait_bgsave",
            State::Sending => "send_bulk",
            State::Received | State::Streaming => "online",
        }
    }

    /// The replica's address as log lines name it.
    pub fn name(&self) -> String {
        let ip = self.said.ip.as_deref().unwrap_or(&self.peer_ip);
        match self.said.port {
            Some(port) if ip.contains(':') => format!("[{ip}]:{port}"),
            Some(port) => format!("{ip}:{port}"),
            None => format!("{ip}:<unknown-replica-port>"),
        }
    }

    /// `PSYNC id offset [FAILOVER]` or `SYNC`, with its name as first argument.
    pub fn sync(&mut self, now: u64, args: &[&[u8]], view: &PrimaryView<'_>) {
        if self.is_replica() {
            return;
        }
        let psync = args
            .first()
            .is_some_and(|name| name.eq_ignore_ascii_case(b"psync"));
        if psync
            && args
                .get(3)
                .is_some_and(|word| word.eq_ignore_ascii_case(b"failover"))
        {
            match self.failover(args, view) {
                // The driver promotes this server and asks again, this time a primary.
                Some(effect) => self.effects.push_back(effect),
                None => return,
            }
            return;
        }
        if let Some(error) = self.refusal(view) {
            self.reply_error(error);
            return;
        }
        let name = self.name();
        self.log(
            Level::Notice,
            format!("Replica {name} asks for synchronization"),
        );
        self.last_ack = now;
        self.last_beat = now;
        self.last_progress = now;
        if psync {
            let offset = args.get(2).and_then(|text| base::num::parse_i64(text));
            let (Some(id), Some(offset)) = (args.get(1), offset) else {
                self.reply_error("ERR value is not an integer or out of range");
                let line =
                    format!("Replica {name} asks for synchronization but with a wrong offset");
                self.log(Level::Warning, line);
                return;
            };
            if self.try_partial(id, offset, view) {
                return;
            }
        } else {
            self.old_replica = true;
        }
        self.state = State::Waiting;
        self.effects.push_back(PrimaryEffect::NeedSnapshot);
    }

    fn failover(&mut self, args: &[&[u8]], view: &PrimaryView<'_>) -> Option<PrimaryEffect> {
        let id = args[1];
        let shown = id.escape_ascii();
        self.log(
            Level::Warning,
            format!("Failover request received for replid {shown}."),
        );
        if view.role == Role::Primary {
            self.reply_error("ERR PSYNC FAILOVER can't be sent to a master.");
            return None;
        }
        if !id.eq_ignore_ascii_case(view.history.id.as_bytes()) {
            self.reply_error("ERR PSYNC FAILOVER replid must match my replid.");
            return None;
        }
        Some(PrimaryEffect::TakeOver)
    }

    fn refusal(&self, view: &PrimaryView<'_>) -> Option<&'static str> {
        if view.failing_over {
            return Some("NOMASTERLINK Can't SYNC while failing over");
        }
        if view.role == (Role::Replica { link_up: false }) {
            return Some("NOMASTERLINK Can't SYNC while not connected with my master");
        }
        if view.pending_replies {
            return Some("ERR SYNC and PSYNC are invalid with pending output");
        }
        if (self.said.without_data || self.said.without_functions) && !self.said.eof {
            return Some("ERR Filtered replica requires EOF capability");
        }
        None
    }

    fn try_partial(&mut self, id: &[u8], offset: i64, view: &PrimaryView<'_>) -> bool {
        let name = self.name();
        let history = view.history;
        let from = match history.answer(id, offset, view.window) {
            Answer::Continue(from) => from,
            Answer::Full(refusal) => {
                self.log_refusal(refusal, id, offset, history);
                return false;
            }
        };
        let reply = match self.said.psync2 {
            true => format!("+CONTINUE {}\r\n", history.id),
            false => "+CONTINUE\r\n".into(),
        };
        self.effects
            .push_back(PrimaryEffect::Send(reply.into_bytes()));
        let end = view.window.map_or(offset, |w| w.first.0 + w.len as i64);
        let line = format!(
            "Partial resynchronization request from {name} accepted. Sending {} bytes of backlog starting from \
             offset {offset}.",
            end - offset
        );
        self.log(Level::Notice, line);
        self.state = State::Streaming;
        self.effects.push_back(PrimaryEffect::Stream(from));
        true
    }

    fn log_refusal(&mut self, refusal: Refusal, id: &[u8], offset: i64, history: &History) {
        let name = self.name();
        let line = match refusal {
            Refusal::Asked => format!("Full resync requested by replica {name}"),
            Refusal::OtherHistory => format!(
                "Partial resynchronization not accepted: Replication ID mismatch (Replica asked for '{}', my \
                 replication IDs are '{}' and '{}')",
                id.escape_ascii(),
                history.id,
                history.id2
            ),
            Refusal::PastSecond => format!(
                "Partial resynchronization not accepted: Requested offset for second ID was {offset}, but I can reply \
                 up to {}",
                history.second_offset
            ),
            Refusal::NoBacklog { .. } => format!(
                "Unable to partial resync with replica {name} for lack of backlog (Replica request was: {offset})."
            ),
        };
        self.log(Level::Notice, line);
        if refusal == (Refusal::NoBacklog { ahead: true }) {
            let line = format!(
                "Warning: replica {name} tried to PSYNC with an offset that is greater than the master replication \
                 offset."
            );
            self.log(Level::Warning, line);
        }
    }

    /// The snapshot that was asked for has its cut at this offset of the history `id`; it may have
    /// begun before the replica asked. One that is streamed has its mark now; one that goes to a
    /// file has its length later, see [`PrimarySession::snapshot_on_disk`].
    pub fn snapshot_begins(&mut self, now: u64, id: ReplId, offset: Offset, mark: Option<Mark>) {
        if self.state != State::Waiting {
            return;
        }
        self.snapshot_offset = offset;
        if !self.old_replica {
            let reply = format!("+FULLRESYNC {id} {offset}\r\n");
            self.effects
                .push_back(PrimaryEffect::Send(reply.into_bytes()));
        }
        if let Some(mark) = mark {
            let header = Framing::Mark(mark).header();
            self.effects.push_back(PrimaryEffect::Send(header));
        }
        self.state = State::Making {
            streamed: mark.is_some(),
        };
        self.last_progress = now;
    }

    /// The file is written: send its bytes behind the line that announces them, then call
    /// [`PrimarySession::snapshot_sent`].
    pub fn snapshot_on_disk(&mut self, len: u64) {
        if self.state == (State::Making { streamed: false }) {
            self.effects
                .push_back(PrimaryEffect::Send(Framing::Length(len).header()));
            self.state = State::Sending;
        }
    }

    /// Bytes of a streamed snapshot went out; without this call a replica that takes none is given
    /// up.
    pub fn snapshot_progress(&mut self, now: u64) {
        self.last_progress = now;
    }

    /// The last byte of the snapshot, and the mark behind it, went out.
    pub fn snapshot_sent(&mut self, now: u64) {
        self.last_ack = now;
        match self.state {
            State::Sending => self.begin_stream(),
            State::Making { streamed: true } => {
                let name = self.name();
                let line = format!(
                    "Streamed RDB transfer with replica {name} succeeded (socket). Waiting for REPLCONF ACK from \
                     replica to enable streaming"
                );
                self.log(Level::Notice, line);
                self.state = State::Received;
                if self.old_replica || self.received_early {
                    self.begin_stream();
                }
            }
            _ => {}
        }
    }

    /// The snapshot could not be made.
    pub fn snapshot_failed(&mut self) {
        if matches!(self.state, State::Waiting | State::Making { .. }) {
            let line = "SYNC failed. BGSAVE child returned an error";
            self.log(Level::Warning, line);
            self.effects.push_back(PrimaryEffect::Close);
        }
    }

    fn begin_stream(&mut self) {
        let name = self.name();
        self.state = State::Streaming;
        if self.said.rdb_only {
            let line =
                format!("Close the connection with replica {name} as RDB transfer is complete");
            self.log(Level::Notice, line);
            self.effects.push_back(PrimaryEffect::Close);
            return;
        }
        let line = format!("Synchronization with replica {name} succeeded");
        self.log(Level::Notice, line);
        self.effects
            .push_back(PrimaryEffect::Stream(Offset(self.snapshot_offset.0 + 1)));
    }

    /// Time passes; call it at least once a second. `timeout_ms` is the option `repl-timeout`.
    pub fn tick(&mut self, now: u64, timeout_ms: u64) {
        let name = self.name();
        let silent = |since: u64| now.saturating_sub(since) > timeout_ms;
        let lost = match self.state {
            State::Received | State::Streaming => {
                (!self.old_replica && silent(self.last_ack)).then_some("streaming sync")
            }
            State::Making { streamed: true } => silent(self.last_progress).then_some("full sync"),
            _ => None,
        };
        if let Some(phase) = lost {
            let line = format!("Disconnecting timedout replica ({phase}): {name}");
            self.log(Level::Warning, line);
            self.effects.push_back(PrimaryEffect::Close);
            return;
        }
        let waits = matches!(
            self.state,
            State::Waiting | State::Making { streamed: false }
        );
        if waits && now.saturating_sub(self.last_beat) >= BEAT_MS {
            self.last_beat = now;
            self.effects.push_back(PrimaryEffect::Send(b"\n".to_vec()));
        }
    }

    fn log(&mut self, level: Level, line: impl Into<String>) {
        self.effects
            .push_back(PrimaryEffect::Log(level, line.into()));
    }

    fn reply_error(&mut self, error: &str) {
        let mut reply = Vec::new();
        resp::Reply::new(&mut reply, false).error(error);
        self.effects.push_back(PrimaryEffect::Send(reply));
    }
}
