//! Applying commands that others have executed: a primary's stream, an append-only file.

use crate::{Caller, ClientCard, Engine, Outcome, Session, Worker};
use base::num;
use resp::{Arena, Args, Limits, Parser, Step};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::Locker;
use store::journal::Audience;

/// How long a stream waits for a disk that is too slow before it goes on all the same.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long it waits for what nobody tells it of.
const SHORT_WAIT: Duration = Duration::from_millis(1);

/// A thread's way to apply foreign commands. Nothing is checked, redirected or expired.
pub struct Foreign {
    worker: Worker,
    session: Session,
    arena: Arena,
    reply: Vec<u8>,
    /// The database that the stream is in, by its SELECTs. That of the session follows behind the
    /// EXEC of a transaction only.
    db: u16,
    /// See [`Foreign::failures`].
    failures: (u64, Option<String>),
}

impl Foreign {
    /// For the calling thread. The bytes of a stream go to the journal as they are; of what comes
    /// from a log nothing does.
    pub fn new(engine: &Arc<Engine>, caller: Caller) -> Foreign {
        let card = ClientCard::new(0, String::new(), String::new(), -1, (0, 0));
        let mut session = Session::new(Arc::new(card), true);
        debug_assert!(caller.replays(), "the commands of clients are checked");
        session.caller = caller;
        let worker = Worker::new(engine);
        Foreign {
            worker,
            session,
            arena: Arena::new(),
            reply: Vec::new(),
            db: 0,
            failures: (0, None),
        }
    }

    /// Sets the database that the stream is in.
    pub fn set_db(&mut self, db: u16) {
        (self.db, self.session.db) = (db, db);
    }

    /// Applies whole commands, one after another, as one batch: no cut falls between them. False: a
    /// primary's stream waits while clients are paused, and nothing was done.
    ///
    /// # Errors
    /// The first command that is unknown or fails, and what it was answered.
    pub fn unit(&mut self, mut bytes: &[u8]) -> Result<bool, String> {
        self.wait_for_room();
        self.worker.begin_batch();
        if self.session.caller == Caller::Stream && self.worker.engine.pause.level().is_some() {
            self.worker.end_batch();
            return Ok(false);
        }
        let mut result = Ok(());
        while !bytes.is_empty() && result.is_ok() {
            self.arena.clear();
            let limits = Limits {
                authenticated: true,
                ..Limits::default()
            };
            match Parser::new().next(bytes, &mut self.arena, &limits) {
                Ok(Step::Command(command)) => {
                    let (raw, rest) = bytes.split_at(command.len);
                    bytes = rest;
                    let arena = std::mem::take(&mut self.arena);
                    result = self.apply(arena.args(&command, raw), raw);
                    self.arena = arena;
                }
                Ok(Step::Nothing(length)) => {
                    self.worker.effects.foreign(
                        (self.db, self.db),
                        Audience::REPLICAS,
                        &bytes[..length],
                    );
                    bytes = &bytes[length..];
                    self.worker
                        .effects
                        .commit_foreign(&self.worker.engine.store.journal);
                }
                Ok(Step::Incomplete { .. }) => result = Err("a command is not complete".into()),
                Err(error) => result = Err(error.to_string()),
            }
        }
        self.worker.end_batch();
        result.map(|()| true)
    }

    /// Waits with the gate closed: the command that is to be executed again has done nothing yet,
    /// and those before it are whole.
    fn pause_batch(&mut self, wait: impl FnOnce(&Locker)) {
        self.worker.end_batch();
        wait(self.worker.locker());
        self.worker.begin_batch();
    }

    /// Waits until a disk has caught up, but not for ever: a stream cannot be refused.
    fn wait_for_room(&self) {
        let deadline = Instant::now() + LONGEST_WAIT;
        while self.worker.engine.store.is_full() && Instant::now() < deadline {
            nap();
        }
    }

    /// Applies one command; `raw` are its bytes in the stream.
    ///
    /// # Errors
    /// What it was answered.
    fn apply(&mut self, args: Args<'_>, raw: &[u8]) -> Result<(), String> {
        if self.session.caller == Caller::Stream {
            let behind = selected(args).unwrap_or(self.db);
            let before = std::mem::replace(&mut self.db, behind);
            let dbs = (before, behind);
            self.worker.effects.foreign(dbs, audience(args), raw);
        }
        let mut place = None;
        loop {
            self.reply.clear();
            match self
                .worker
                .execute(&mut self.session, args, &mut self.reply)
            {
                Outcome::Busy(slot) => self.pause_batch(|locker| locker.wait(slot)),
                Outcome::Token => self.pause_batch(|locker| locker.wait_for_turn(&mut place)),
                Outcome::Later => self.pause_batch(|_| nap()),
                _ => break,
            }
        }
        self.worker.locker().take_turn(None);
        drop(place);
        let failed = self.reply.first() == Some(&b'-') && !is_talk(args);
        if failed {
            self.worker.effects.keep_from_file();
        }
        if !self.session.in_multi() {
            self.worker
                .effects
                .commit_foreign(&self.worker.engine.store.journal);
        }
        if failed { self.failed(args) } else { Ok(()) }
    }

    /// A command of a log that fails is passed over, as in Redis: it changed nothing when it was
    /// written either. One that is not known, or not in this form, would be lost. A stream that
    /// does not fit is not gone on with.
    fn failed(&mut self, args: Args<'_>) -> Result<(), String> {
        let name = args.get(0).escape_ascii();
        let answer = self.reply.trim_ascii_end().escape_ascii();
        let text = format!("the command '{name}' failed: {answer}");
        let argv = commands::ByIndex::new(args.len(), |index| args.get(index));
        let row = self.worker.engine.directory.resolve(&argv);
        let is_known = row.is_ok_and(|spec| spec.takes(args.len()));
        if self.session.caller != Caller::Log || !is_known {
            return Err(text);
        }
        self.failures.0 += 1;
        self.failures.1.get_or_insert(text);
        Ok(())
    }

    /// How many commands of a log were passed over, and how the first of them failed.
    pub fn failures(&self) -> (u64, Option<&str>) {
        (self.failures.0, self.failures.1.as_deref())
    }
}

/// Waits a little for what nobody tells of.
#[expect(
    clippy::disallowed_methods,
    reason = "the stream has a thread of its own, and its gate is closed"
)]
fn nap() {
    std::thread::sleep(SHORT_WAIT);
}

/// What is about the link and not about data.
fn is_talk(args: Args<'_>) -> bool {
    args.get(0).eq_ignore_ascii_case(b"REPLCONF") || args.get(0).eq_ignore_ascii_case(b"PING")
}

/// The database that a SELECT selects.
fn selected(args: Args<'_>) -> Option<u16> {
    let number = args.opt(1).filter(|_| is_select(args))?;
    num::parse_i64(number).and_then(|number| u16::try_from(number).ok())
}

fn is_select(args: Args<'_>) -> bool {
    args.get(0).eq_ignore_ascii_case(b"SELECT")
}

/// Who is to see a command of the stream besides replicas: the append-only file selects its
/// databases itself, and wants no talk.
fn audience(args: Args<'_>) -> Audience {
    let link_only = is_talk(args) || is_select(args);
    if link_only {
        Audience::REPLICAS
    } else {
        Audience::ALL
    }
}
