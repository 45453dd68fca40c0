//! What a transaction does behind its unit: commands that may wait for something outside of the
//! engine (a change of role, a file, the cluster bus), and what stands behind them without keys.
//!
//! Commands on keys run first, as one unit, with their slots locked. The others run in the order of
//! the queue with nothing locked, each after the one before has its answer; the connection waits
//! and its worker goes on. The reply leaves last, with the places that the queue gives.

use super::Queued;
use crate::family::{forward, monitor};
use crate::{Answer, Outcome, Session, Worker};
use base::num;
use commands::{Cmd, flag};
use resp::{ArgsBuf, Reply};
use std::collections::VecDeque;

/// The commands of a transaction that run behind its unit, by their places in the queue, ascending.
pub(super) type Behind = Vec<usize>;

/// The places of the commands that run behind the unit.
pub(super) fn behind(queue: &[Queued]) -> Behind {
    let hosted = |queued: &Queued| forward::is_hosted(queued.spec, queued.args.as_args());
    let Some(first) = queue.iter().position(hosted) else {
        return Behind::new();
    };
    // SELECT says where the keys of those behind it are.
    let touches_data = |queued: &Queued| {
        queued.spec.has_keys()
            || queued.spec.has(flag::WRITE | flag::READONLY)
            || queued.spec.has(flag::WORLD)
            || queued.spec.id == Cmd::Select
    };
    let runs_behind = |(nth, queued): (usize, &Queued)| {
        let later = hosted(queued) || (nth > first && !touches_data(queued));
        later.then_some(nth)
    };
    queue.iter().enumerate().filter_map(runs_behind).collect()
}

/// The database that each command of a queue finds, which begins in `db`: SELECT runs in the unit,
/// and those behind it go by what it would have been.
fn databases(queue: &[Queued], mut db: u16, count: u16) -> Vec<u16> {
    let select = |queued: &Queued| {
        let number = queued.args.as_args().opt(1).and_then(num::parse_i64)?;
        let number = u16::try_from(number)
            .ok()
            .filter(|number| *number < count)?;
        (queued.spec.id == Cmd::Select).then_some(number)
    };
    let next = |queued: &Queued| {
        db = select(queued).unwrap_or(db);
        db
    };
    queue.iter().map(next).collect()
}

/// How far a transaction has come whose unit has run.
pub(crate) struct Rest {
    queue: Vec<Queued>,
    /// The replies by place; those that are to come are empty.
    replies: Vec<Vec<u8>>,
    /// The places of the commands that are to run.
    todo: VecDeque<usize>,
    /// The number of the database of each command.
    dbs: Vec<u16>,
    /// The place of the command whose answer is waited for.
    awaited: Option<usize>,
    /// The sequence that the reply waits for.
    mark: u64,
    /// Whether the connection is blocked: its EXEC is not executed again, others go on with it.
    blocked: bool,
}

impl Rest {
    /// Behind a unit that has written `replies` one after another, each up to one of `ends`.
    pub(super) fn new(
        queue: Vec<Queued>,
        behind: Behind,
        (replies, ends): (&[u8], &[usize]),
        mark: u64,
        (db, count): (u16, u16),
    ) -> Rest {
        let dbs = databases(&queue, db, count);
        let mut parts = Vec::with_capacity(queue.len());
        let (mut ends, mut start) = (ends.iter(), 0);
        for nth in 0..queue.len() {
            let end = match behind.binary_search(&nth) {
                Ok(_) => start,
                Err(_) => ends.next().copied().unwrap_or(start),
            };
            parts.push(replies[start..end].to_vec());
            start = end;
        }
        Rest {
            queue,
            replies: parts,
            todo: behind.into(),
            dbs,
            awaited: None,
            mark,
            blocked: false,
        }
    }
}

impl Worker {
    /// Runs what is left of a transaction, as far as nothing has to be waited for. The batch is
    /// open.
    pub(crate) fn go_on(&mut self, session: &mut Session, out: &mut Vec<u8>) -> Outcome {
        while let Some(mut rest) = session.rest.take() {
            let Some(&nth) = rest.todo.front() else {
                let mut reply = Reply::new(out, session.resp3);
                reply.array(rest.replies.len());
                rest.replies.iter().for_each(|bytes| reply.raw(bytes));
                self.set_mark(rest.mark);
                let exec: ArgsBuf = [b"EXEC".as_slice()].into_iter().collect();
                monitor::show(&self.engine, session, Cmd::Exec.spec(), exec.as_args());
                return Outcome::Done;
            };
            let mut out = std::mem::take(&mut rest.replies[nth]);
            session.in_rest = true;
            let last_db = std::mem::replace(&mut session.db, rest.dbs[nth]);
            self.look_at_pause();
            let outcome = {
                let Queued { spec, args, .. } = &rest.queue[nth];
                let args = args.as_args();
                session.note_command(spec, args);
                let seen = self.see(args);
                self.call(session, spec, seen, args, &mut out)
            };
            session.in_rest = false;
            session.db = last_db;
            rest.mark = rest.mark.max(self.take_mark());
            if outcome.is_undone() {
                session.rest = Some(rest);
                return outcome;
            }
            rest.replies[nth] = out;
            rest.todo.pop_front();
            if outcome == Outcome::Blocked {
                (rest.awaited, rest.blocked) = (Some(nth), true);
                session.rest = Some(rest);
                return outcome;
            }
            never_empty(&mut rest.replies[nth]);
            session.rest = Some(rest);
        }
        Outcome::Done
    }

    /// Takes the answer that a transaction waited for, if it has come, and goes on with it. The
    /// batch is open.
    pub fn answer_rest(
        &mut self,
        session: &mut Session,
        answer: Option<Answer>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let resp3 = session.resp3;
        if let Some(rest) = &mut session.rest
            && let Some(answer) = answer
            && let Some(nth) = rest.awaited.take()
        {
            answer(&mut Reply::new(&mut rest.replies[nth], resp3));
            never_empty(&mut rest.replies[nth]);
        }
        self.go_on(session, out)
    }
}

/// REPLCONF ACK answers nothing: the array of a transaction has a place for it all the same.
fn never_empty(reply: &mut Vec<u8>) {
    if reply.is_empty() {
        Reply::new(reply, false).ok();
    }
}

impl Session {
    /// What the answer tells of that its transaction waited for is in the journal up to here: the
    /// reply waits for that too.
    pub fn raise_rest_mark(&mut self, sequence: u64) {
        if let Some(rest) = &mut self.rest {
            rest.mark = rest.mark.max(sequence);
        }
    }

    /// Whether it is blocked in a transaction of which something is still to run.
    pub fn has_rest(&self) -> bool {
        self.rest.as_ref().is_some_and(|rest| rest.blocked)
    }
}
