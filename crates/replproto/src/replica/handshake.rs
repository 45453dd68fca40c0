//! From PING to the answer of PSYNC, and the line before the snapshot.
//!
//! Everything between PING and PSYNC is sent at once and answered one by one. Texts are those that
//! administrators of Redis know and tests wait for.
use super::{ReplicaEffect, ReplicaSession, State};
use crate::effect::Level;
use crate::transfer::{Framing, Receiver};
use base::{Offset, ReplId};

/// Longest line of a handshake.
const LONGEST_LINE: usize = 64 << 10;

/// No stream gets here: at a gigabyte a second it would take a century.
const HIGHEST_OFFSET: i64 = 1 << 61;

/// Which reply comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    Ping,
    Auth,
    Port,
    Ip,
    Capa,
    Psync,
}

/// Errors to PING that only mean: log in first.
const NOT_YET: [&str; 3] = ["-NOAUTH", "-NOPERM", "-ERR operation not permitted"];

impl ReplicaSession {
    pub(super) fn begin_handshake(&mut self) {
        self.send(&[b"PING"]);
        self.state = State::Handshake(Expect::Ping);
    }

    /// Takes one line without its end; `None` if there is none yet. One that never ends closes the
    /// link.
    fn line(&mut self) -> Option<String> {
        let bytes = &self.buffer[self.start..];
        let Some(end) = bytes.iter().take(LONGEST_LINE).position(|&b| b == b'\n') else {
            if bytes.len() >= LONGEST_LINE {
                self.log(
                    Level::Warning,
                    "Master sent a line without an end during SYNC handshake",
                );
                self.close();
            }
            return None;
        };
        let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
        let line = String::from_utf8_lossy(line).into_owned();
        self.consume(end + 1);
        Some(line)
    }

    pub(super) fn handshake_step(&mut self, expect: Expect) -> bool {
        let Some(reply) = self.line() else {
            return matches!(self.state, State::Idle);
        };
        let next = match expect {
            Expect::Ping => {
                if !reply.starts_with('+') && !NOT_YET.iter().any(|e| reply.starts_with(e)) {
                    let line = format!("Error reply to PING from master: '{reply}'");
                    self.log(Level::Warning, line);
                    self.close();
                    return true;
                }
                let line = "Master replied to PING, replication can continue...";
                self.log(Level::Notice, line);
                self.introduce();
                if self.config.auth.is_some() {
                    Expect::Auth
                } else {
                    Expect::Port
                }
            }
            Expect::Auth => {
                if reply.starts_with('-') {
                    self.log(Level::Warning, format!("Unable to AUTH to MASTER: {reply}"));
                    self.close();
                    return true;
                }
                Expect::Port
            }
            Expect::Port => {
                self.uncritical("listening-port", &reply);
                if self.config.announce_ip.is_some() {
                    Expect::Ip
                } else {
                    Expect::Capa
                }
            }
            Expect::Ip => {
                self.uncritical("ip-address", &reply);
                Expect::Capa
            }
            Expect::Capa => {
                self.uncritical("capa", &reply);
                self.ask();
                Expect::Psync
            }
            Expect::Psync => {
                // Empty lines show that the primary lives.
                if !reply.is_empty() {
                    self.psync_reply(&reply);
                }
                return true;
            }
        };
        self.state = State::Handshake(next);
        true
    }

    fn uncritical(&mut self, what: &str, reply: &str) {
        if reply.starts_with('-') {
            let line =
                format!("(Non critical) Master does not understand REPLCONF {what}: {reply}");
            self.log(Level::Notice, line);
        }
    }

    /// What the primary is told from the next handshake on: user and password, and where we are.
    /// Not for a session that has a connection, whose primary answers what it was told.
    pub fn set_introduction(
        &mut self,
        auth: Option<(Option<String>, String)>,
        (port, ip): (u16, Option<String>),
    ) {
        self.config.auth = auth;
        (self.config.announce_port, self.config.announce_ip) = (port, ip);
    }

    fn introduce(&mut self) {
        if let Some((user, password)) = self.config.auth.clone() {
            match user {
                Some(user) => self.send(&[b"AUTH", user.as_bytes(), password.as_bytes()]),
                None => self.send(&[b"AUTH", password.as_bytes()]),
            }
        }
        let port = self.config.announce_port.to_string();
        self.send(&[b"REPLCONF", b"listening-port", port.as_bytes()]);
        if let Some(ip) = self.config.announce_ip.clone() {
            self.send(&[b"REPLCONF", b"ip-address", ip.as_bytes()]);
        }
        self.send(&[b"REPLCONF", b"capa", b"eof", b"capa", b"psync2"]);
    }

    fn ask(&mut self) {
        let (id, offset) = match self.place {
            Some((id, offset)) => {
                let (id, offset) = (id.to_string(), (offset.0 + 1).to_string());
                let line = format!("Trying a partial resynchronization (request {id}:{offset}).");
                self.log(Level::Notice, line);
                (id, offset)
            }
            None => {
                let line = "Partial resynchronization not possible (no cached master)";
                self.log(Level::Notice, line);
                ("?".into(), "-1".into())
            }
        };
        let mut words = vec![b"PSYNC", id.as_bytes(), offset.as_bytes()];
        if self.config.failover {
            words.push(b"FAILOVER");
        }
        self.send(&words);
    }

    fn psync_reply(&mut self, reply: &str) {
        if let Some(rest) = reply.strip_prefix("+FULLRESYNC") {
            self.full(rest);
        } else if let Some(rest) = reply.strip_prefix("+CONTINUE") {
            self.go_on(rest.trim());
        } else if reply.starts_with("-NOMASTERLINK") || reply.starts_with("-LOADING") {
            let line =
                format!("Master is currently unable to PSYNC but should be in the future: {reply}");
            self.log(Level::Notice, line);
            self.close();
        } else {
            self.fall_back(reply);
        }
    }

    fn full(&mut self, rest: &str) {
        let mut words = rest.split(' ').skip(1);
        let id = words.next().and_then(|id| ReplId::parse(id.as_bytes()));
        let offset = words.next().and_then(|o| o.trim().parse::<i64>().ok());
        // An offset that the stream could overflow is none.
        let offset = offset.filter(|o| (0..HIGHEST_OFFSET).contains(o));
        self.snapshot = id.zip(offset).map(|(id, offset)| (id, Offset(offset)));
        self.old_primary = self.snapshot.is_none();
        match &self.snapshot {
            Some((id, offset)) => {
                let line = format!("Full resync from master: {id}:{offset}");
                self.log(Level::Notice, line);
            }
            None => self.log(
                Level::Warning,
                "Master replied with wrong +FULLRESYNC syntax.",
            ),
        }
        self.effects
            .push_back(ReplicaEffect::FullResync(self.snapshot));
        self.state = State::Header;
    }

    fn go_on(&mut self, id: &str) {
        let Some((old, offset)) = self.place else {
            // Nothing was asked to be continued.
            let line =
                "Unexpected reply to PSYNC from master: +CONTINUE without a place to continue from";
            self.log(Level::Warning, line);
            self.close();
            return;
        };
        self.log(
            Level::Notice,
            "Successful partial resynchronization with master.",
        );
        let new = ReplId::parse(id.as_bytes()).unwrap_or(old);
        if new != old {
            self.log(
                Level::Warning,
                format!("Master replication ID changed to {new}"),
            );
        }
        self.place = Some((new, offset));
        self.old_primary = false;
        let line = "MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.";
        self.log(Level::Notice, line);
        self.effects.push_back(ReplicaEffect::PartialResync(new));
        self.state = State::Online;
    }

    fn fall_back(&mut self, reply: &str) {
        if reply.starts_with("-ERR") {
            let line =
                format!("Master does not support PSYNC or is in error state (reply: {reply})");
            self.log(Level::Notice, line);
        } else {
            self.log(
                Level::Warning,
                format!("Unexpected reply to PSYNC from master: {reply}"),
            );
        }
        self.log(Level::Notice, "Retrying with SYNC...");
        self.effects
            .push_back(ReplicaEffect::Send(b"SYNC\r\n".to_vec()));
        self.snapshot = None;
        self.old_primary = true;
        self.effects.push_back(ReplicaEffect::FullResync(None));
        self.state = State::Header;
    }

    /// The line that announces the snapshot.
    pub(super) fn header_step(&mut self) -> bool {
        let Some(line) = self.line() else {
            return matches!(self.state, State::Idle);
        };
        if line.is_empty() {
            return true;
        }
        if let Some(error) = line.strip_prefix('-') {
            let line = format!("MASTER aborted replication with an error: {error}");
            self.log(Level::Warning, line);
            self.close();
            return true;
        }
        let Some(framing) = Framing::parse(line.as_bytes()) else {
            let line = format!(
                "Bad protocol from MASTER, the first byte is not '$' (we received '{line}'), are you sure the host \
                 and port are right?"
            );
            self.log(Level::Warning, line);
            self.close();
            return true;
        };
        let target = if self.config.diskless_load {
            "to parser"
        } else {
            "to disk"
        };
        let line = match framing {
            Framing::Mark(_) => {
                format!(
                    "MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF {target}"
                )
            }
            Framing::Length(len) => {
                format!("MASTER <-> REPLICA sync: receiving {len} bytes from master {target}")
            }
        };
        self.log(Level::Notice, line);
        if self.config.diskless_load {
            self.begin_loading();
        }
        self.effects
            .push_back(ReplicaEffect::SnapshotBegins(framing));
        self.state = State::Transfer(Receiver::new(framing));
        true
    }
}
