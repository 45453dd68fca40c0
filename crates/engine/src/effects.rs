//! What a command changed, as commands that every replica knows.

use base::num;
use store::journal::{Audience, Effect, Journal};

/// The effects of the command or transaction that is running.
#[derive(Default)]
pub struct Effects {
    bytes: Vec<u8>,
    /// Database and end of each effect in `bytes`.
    ends: Vec<(u16, Audience, usize)>,
    on: bool,
}

impl Effects {
    /// Begins a command. With no reader of the journal nothing is noted.
    pub fn begin(&mut self, journal: &Journal) {
        self.bytes.clear();
        self.ends.clear();
        self.on = journal.is_active();
    }

    /// Whether effects are noted at all.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Whether none was noted.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Notes one effect in a database (by its number).
    pub fn push<'b>(&mut self, db: u16, args: impl ExactSizeIterator<Item = &'b [u8]>) {
        self.push_for(db, Audience::ALL, args);
    }

    /// Notes one effect for some readers only.
    pub fn push_for<'b>(
        &mut self,
        db: u16,
        audience: Audience,
        args: impl ExactSizeIterator<Item = &'b [u8]>,
    ) {
        if !self.on {
            return;
        }
        self.bytes.push(b'*');
        num::write_i64(&mut self.bytes, args.len() as i64);
        self.bytes.extend_from_slice(b"\r\n");
        for arg in args {
            self.bytes.push(b'$');
            num::write_i64(&mut self.bytes, arg.len() as i64);
            self.bytes.extend_from_slice(b"\r\n");
            self.bytes.extend_from_slice(arg);
            self.bytes.extend_from_slice(b"\r\n");
        }
        self.ends.push((db, audience, self.bytes.len()));
    }

    /// As [`Effects::commit`], for EXEC: a unit even if it is one command that Redis would wrap.
    pub fn commit_transaction(&mut self, journal: &Journal) -> u64 {
        self.commit(journal)
    }

    /// Appends what was noted as one unit; returns its sequence number, 0 when there was nothing.
    pub fn commit(&mut self, journal: &Journal) -> u64 {
        if self.ends.is_empty() {
            return 0;
        }
        let sequence = {
            let bytes = &self.bytes;
            let mut start = 0;
            let effect = |&(db, audience, end): &(u16, Audience, usize)| {
                let command = &bytes[std::mem::replace(&mut start, end)..end];
                Effect {
                    db,
                    audience,
                    command,
                }
            };
            let effects: smallvec::SmallVec<[Effect<'_>; 4]> =
                self.ends.iter().map(effect).collect();
            journal.append(&effects)
        };
        self.ends.clear();
        self.bytes.clear();
        self.bytes.shrink_to(1 << 20);
        sequence
    }
}
