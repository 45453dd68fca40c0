//! The replication stream cut into whole units: a command, or everything from MULTI to EXEC.
//!
//! Offsets only ever stand between units: what is journalled, acknowledged or continued from is
//! never half a transaction.
use resp::{Arena, Limits, Parser, ProtocolError, Step};

/// Longest argument of a stream. A primary is not held to the limit of clients.
const LONGEST: u64 = i32::MAX as u64;

/// A whole unit at the beginning of the bytes held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub len: usize,
    pub commands: u32,
    pub asks_ack: bool,
}

/// Finds units in bytes that arrive in pieces.
#[derive(Debug, Default)]
pub(crate) struct Units {
    parser: Parser,
    arena: Arena,
    /// Bytes of whole commands of the unit that is being collected.
    scanned: usize,
    commands: u32,
    in_multi: bool,
    asks_ack: bool,
}

impl Units {
    /// Looks for a unit. `bytes` begins where the last unit ended, and keeps what it held the last
    /// time.
    pub(crate) fn look(&mut self, bytes: &[u8]) -> Result<Option<Found>, ProtocolError> {
        let limits = Limits {
            max_bulk: LONGEST,
            authenticated: true,
        };
        loop {
            let rest = &bytes[self.scanned..];
            match self.parser.next(rest, &mut self.arena, &limits)? {
                Step::Incomplete { .. } => return Ok(None),
                Step::Nothing(len) => self.scanned += len,
                Step::Command(command) => {
                    let args = self.arena.args(&command, rest);
                    let name = args.get(0);
                    if name.eq_ignore_ascii_case(b"multi") {
                        self.in_multi = true;
                    } else if name.eq_ignore_ascii_case(b"exec") {
                        self.in_multi = false;
                    } else if name.eq_ignore_ascii_case(b"replconf") {
                        let verb = args.opt(1).unwrap_or_default();
                        self.asks_ack |= verb.eq_ignore_ascii_case(b"getack");
                    }
                    self.scanned += command.len;
                    self.commands += 1;
                    self.arena.clear();
                }
            }
            if !self.in_multi {
                let found = Found {
                    len: self.scanned,
                    commands: self.commands,
                    asks_ack: self.asks_ack,
                };
                (self.scanned, self.commands, self.asks_ack) = (0, 0, false);
                return Ok(Some(found));
            }
        }
    }
}
