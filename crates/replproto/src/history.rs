//! Replication histories: which stream a server's offset belongs to, and who may continue from
//! where.
//!
//! A history is an id and an offset. A server that took over from its primary keeps the primary's
//! id as a second one, good up to the offset of the take-over, so that the primary's other replicas
//! can go on with it without a full resynchronization.
use base::{Offset, ReplId};

/// The ids and the offset of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// The id of the stream that the server writes or follows.
    pub id: ReplId,
    /// The id before; [`ReplId::NONE`] for none.
    pub id2: ReplId,
    /// The first offset that the second id does not cover; -1 for none.
    pub second_offset: Offset,
    /// Bytes of the stream so far.
    pub offset: Offset,
}

/// The part of the stream that is kept: offsets from `first` to `first + len`, exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The offset of the first byte kept.
    pub first: Offset,
    /// How many bytes are kept.
    pub len: u64,
}

impl Window {
    /// Whether a replica that wants `offset` next can be served: it may be the one behind the last.
    pub fn reaches(&self, offset: i64) -> bool {
        let end = i128::from(self.first.0) + i128::from(self.len);
        offset >= self.first.0 && i128::from(offset) <= end
    }
}

/// What a request to continue is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// From this offset on.
    Continue(Offset),
    /// With a full resynchronization, for this reason.
    Full(Refusal),
}

/// Why a replica cannot continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It asked for a full one.
    Asked,
    /// Its id is neither of ours.
    OtherHistory,
    /// Its id is our second, but it went further than we followed that.
    PastSecond,
    /// We no longer, or not yet, have what it needs.
    NoBacklog {
        /// It is ahead of us.
        ahead: bool,
    },
}

impl History {
    /// A history that begins: a server that is nobody's replica.
    pub fn begin(id: ReplId) -> History {
        History {
            id,
            id2: ReplId::NONE,
            second_offset: Offset(-1),
            offset: Offset(0),
        }
    }

    /// Decides on `PSYNC id offset`, where `offset` is that of the first byte wanted.
    pub fn answer(&self, id: &[u8], offset: i64, window: Option<Window>) -> Answer {
        let first = id.eq_ignore_ascii_case(self.id.as_bytes());
        let second = id.eq_ignore_ascii_case(self.id2.as_bytes());
        let second_covers = second && offset <= self.second_offset.0;
        if !first && !second_covers {
            return Answer::Full(match id.first() {
                Some(b'?') => Refusal::Asked,
                _ if second => Refusal::PastSecond,
                _ => Refusal::OtherHistory,
            });
        }
        match window {
            Some(window) if window.reaches(offset) => Answer::Continue(Offset(offset)),
            _ => Answer::Full(Refusal::NoBacklog {
                ahead: offset > self.offset.0,
            }),
        }
    }

    /// The server becomes a primary: its stream goes on under `new`, the old id is good up to here.
    pub fn promote(&mut self, new: ReplId) {
        self.id2 = self.id;
        self.second_offset = Offset(self.offset.0 + 1);
        self.id = new;
    }

    /// The primary that we continued with has another id by now: ours becomes the second.
    pub fn follow(&mut self, new: ReplId) {
        if new != self.id {
            self.promote(new);
        }
    }

    /// A full resynchronization was loaded: nothing from before counts.
    pub fn restart(&mut self, id: ReplId, offset: Offset) {
        *self = History {
            offset,
            ..History::begin(id)
        };
    }

    /// The backlog was given up, or is made anew: nobody may continue from before.
    pub fn forget(&mut self, new: ReplId) {
        *self = History {
            offset: self.offset,
            ..History::begin(new)
        };
    }
}

#[cfg(test)]
mod tests;
