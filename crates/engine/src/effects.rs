//! What a command changed, as commands that every replica knows.

use base::words;
use std::sync::Arc;
use store::journal::{Audience, Effect, Journal};
use store::{Event, Events, Expiries, Locker, SlotGuard, Store};

/// The effects of the command or transaction that is running.
#[derive(Default)]
pub struct Effects {
    bytes: Vec<u8>,
    /// Database and end of each effect in `bytes`.
    ends: Vec<(u16, Audience, usize)>,
    on: bool,
    /// Who is to see them at most.
    reach: Audience,
    /// Commands of a primary's stream, to be journalled as they are: database, audience and end of
    /// each in `foreign_bytes`.
    foreign: Vec<(u16, Audience, usize)>,
    /// The database that the stream is in behind them.
    foreign_db: u16,
    foreign_bytes: Vec<u8>,
    /// The replication offset behind what was appended last.
    offset: i64,
    /// Deletions of expired keys that the thread's commands meet: they are effects too.
    expiries: Option<Arc<Expiries>>,
    /// What happened to keys, where somebody hears of it.
    events: Events,
    /// Of the running command: [`ANNOUNCED`] and [`NOTED`].
    told: u8,
}

/// A change was announced.
const ANNOUNCED: u8 = 1;
/// An effect was noted, or there is to be none.
const NOTED: u8 = 2;

impl Effects {
    /// Those of the commands that run with this locker.
    pub(crate) fn of(locker: &Locker) -> Effects {
        Effects {
            expiries: Some(locker.expiries().clone()),
            ..Effects::default()
        }
    }

    /// Begins a command. With no reader of the journal nothing is noted.
    #[inline]
    pub fn begin(&mut self, store: &Store) {
        self.bytes.clear();
        self.ends.clear();
        self.reach = Audience::ALL;
        self.on = store.journal.is_active();
        if let Some(expiries) = &self.expiries {
            expiries.open();
        }
    }

    /// Begins a command of a client of a writable replica: its own replicas get nothing but their
    /// common primary's stream, whose offset only that moves.
    pub fn begin_local(&mut self, store: &Store) {
        self.begin(store);
        self.reach = Audience::AOF;
        self.on &= store.journal.active_for(Audience::AOF);
    }

    /// Begins a command whose effects nobody is to see, because its own bytes are journalled.
    pub fn begin_silent(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.on = false;
    }

    /// Notes what happened to a key in a database (by its number), behind the deletions that came
    /// before. It is called where somebody hears of events.
    pub(crate) fn event(&mut self, db: u16, event: Event, key: &[u8]) {
        self.take_expired();
        self.events.note(db, event, key);
    }

    /// Notes that a key of a database (by its number) was deleted by no command: its slot has gone
    /// to another server, or the key has.
    pub fn deleted(&mut self, store: &Store, db: u16, key: &[u8]) {
        self.push(db, [b"DEL".as_slice(), key].into_iter());
        if store.is_heard() {
            self.event(db, crate::event::DELETED, key);
        }
    }

    /// Appends what was noted of the keys of one slot, and tells of it.
    pub fn settle(&mut self, store: &Store, guard: &mut SlotGuard<'_>) {
        let sequence = self.commit(&store.journal);
        if sequence != 0 {
            guard.set_last_effect(sequence);
        }
        self.post(store);
    }

    /// A change was announced.
    #[inline(always)]
    pub(crate) fn announced(&mut self) {
        self.told |= ANNOUNCED;
    }

    /// The effect of the changes that were announced was noted.
    #[inline(always)]
    pub(crate) fn noted(&mut self) {
        self.told |= NOTED;
    }

    /// A command has ended: what it changed has an effect, and what has an effect was announced.
    #[inline(always)]
    pub(crate) fn end_command(&mut self) {
        let told = std::mem::take(&mut self.told);
        debug_assert!(
            told == 0 || told == ANNOUNCED | NOTED,
            "a change without an effect, or an effect without a change"
        );
    }

    /// Tells who listens what has happened: behind the append, and while the slots are locked.
    #[inline(always)]
    pub fn post(&mut self, store: &Store) {
        if !self.events.is_empty() {
            store.post(&mut self.events);
        }
    }

    /// Notes a command of a primary's stream.
    pub(crate) fn foreign(&mut self, (db, behind): (u16, u16), audience: Audience, raw: &[u8]) {
        self.foreign_db = behind;
        self.foreign_bytes.extend_from_slice(raw);
        self.foreign.push((db, audience, self.foreign_bytes.len()));
    }

    /// The noted commands of a primary's stream failed here: replicas get them, for the offset's
    /// sake, but the append-only file does not, which they would fail in again.
    pub(crate) fn keep_from_file(&mut self) {
        for (_, audience, _) in &mut self.foreign {
            *audience = audience.within(Audience::REPLICAS);
        }
    }

    /// Appends the noted commands of a primary's stream; returns the sequence number of the last.
    pub(crate) fn commit_foreign(&mut self, journal: &Journal) -> u64 {
        if self.foreign.is_empty() {
            return 0;
        }
        let bytes = &self.foreign_bytes;
        let mut start = 0;
        let record = |&(db, audience, end): &(u16, Audience, usize)| {
            let command = &bytes[std::mem::replace(&mut start, end)..end];
            Effect {
                db,
                audience,
                command,
            }
        };
        let records: Vec<Effect<'_>> = self.foreign.iter().map(record).collect();
        let sequence = journal.append_verbatim(&records, self.foreign_db);
        self.offset = journal.offset();
        self.foreign.clear();
        self.foreign_bytes.clear();
        sequence
    }

    /// The replication offset behind what was appended last.
    pub(crate) fn offset(&self) -> i64 {
        self.offset
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
    #[inline(always)]
    pub fn push<'b>(&mut self, db: u16, args: impl ExactSizeIterator<Item = &'b [u8]>) {
        self.push_words(db, args.len(), args);
    }

    /// Notes one effect of so many words.
    pub(crate) fn push_words<'b>(
        &mut self,
        db: u16,
        words: usize,
        args: impl Iterator<Item = &'b [u8]>,
    ) {
        if !self.on {
            return;
        }
        self.take_expired();
        words::begin(&mut self.bytes, words);
        args.for_each(|word| words::put_word(&mut self.bytes, word));
        let audience = Audience::ALL.within(self.reach);
        self.ends.push((db, audience, self.bytes.len()));
    }

    /// Notes the deletions of expired keys that have been met since the last effect.
    #[inline]
    fn take_expired(&mut self) {
        if self.expiries.as_ref().is_some_and(|met| met.any()) {
            self.note_expired();
        }
    }

    #[cold]
    fn note_expired(&mut self) {
        let met = self.expiries.as_ref().map(|met| met.take());
        for deletion in met.unwrap_or_default() {
            if let Some(audience) = deletion.audience {
                deletion.write(&mut self.bytes);
                let audience = audience.within(self.reach);
                self.ends.push((deletion.db, audience, self.bytes.len()));
            }
            if deletion.heard {
                self.events.note(deletion.db, Event::EXPIRED, &deletion.key);
            }
        }
    }

    /// Appends what was noted as one unit; returns its sequence number, 0 when there was nothing.
    #[inline]
    pub fn commit(&mut self, journal: &Journal) -> u64 {
        self.take_expired();
        if let Some(expiries) = &self.expiries {
            expiries.close();
        }
        if self.foreign.is_empty() && self.ends.is_empty() {
            return 0;
        }
        self.commit_noted(journal)
    }

    fn commit_noted(&mut self, journal: &Journal) -> u64 {
        if !self.foreign.is_empty() {
            return self.commit_foreign(journal);
        }
        let (sequence, offset) = {
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
            journal.append_at(&effects)
        };
        self.offset = offset;
        self.ends.clear();
        self.bytes.clear();
        self.bytes.shrink_to(1 << 20);
        sequence
    }
}
