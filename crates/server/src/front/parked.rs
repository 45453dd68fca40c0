//! What connections of a worker wait for, and how they go on.

use super::{Conn, Front, LAST_RETRY};
use crate::everywhere::Reply;
use crate::message::Message;
use base::Slot;
use engine::clients::flags;
use engine::{Answer, Outcome};
use net::{ConnId, Conns, Flow, Output};
use std::sync::Arc;
use std::time::Instant;
use store::order::{Short, brief};

impl Front {
    /// What wakes a parked connection of this worker.
    fn alarm(&self, id: ConnId) -> Arc<dyn store::Wake> {
        let (workers, index) = (self.workers.clone(), self.index);
        Arc::new(move || {
            let _order = brief(Short::Inboxes);
            workers.send(index, Message::Wake(id));
        })
    }

    /// Has the connection executed again when it is the worker's turn at a slot. Returns true when
    /// it is already.
    fn wait_for(&mut self, slot: Slot, conn: &Conn) -> bool {
        let locker = self.worker.locker();
        if !locker.waits_for(slot) && locker.wait_for(slot) {
            return true;
        }
        self.waiting.entry(slot).or_default().push(conn.id);
        false
    }

    /// Has the connection executed again when it is its turn to have the token. Returns true when
    /// it is already.
    #[cold]
    fn wait_for_token(&self, conn: &mut Conn) -> bool {
        let id = conn.id;
        let locker = self.worker.locker();
        let turn = locker.wait_for_token(&mut conn.place, || self.alarm(id));
        if turn {
            locker.take_turn(conn.place.as_ref());
        }
        turn
    }

    /// Has the connection executed again when a key has left, or has not. Returns false when that
    /// is known already.
    #[cold]
    fn wait_for_leaving(&mut self, key: &[u8], conn: &Conn) -> bool {
        let slot = Slot::of_key(key);
        if let Some(mut guard) = self.worker.locker().try_lock(slot) {
            return guard.await_leaving(key, || self.alarm(conn.id));
        }
        !self.wait_for(slot, conn)
    }

    /// A command has had the token, or waits for something else: its place in the queue is free.
    #[cold]
    pub(super) fn give_up_place(&self, conn: &mut Conn) {
        self.worker.locker().take_turn(None);
        conn.place = None;
    }

    /// Has the connection woken when what its command lacks can be had. False: it can be by now.
    pub(super) fn waits(&mut self, conn: &mut Conn, lacks: Outcome) -> bool {
        match lacks {
            Outcome::Busy(slot) => !self.wait_for(slot, conn),
            Outcome::Token => !self.wait_for_token(conn),
            Outcome::Leaving(key) => self.wait_for_leaving(&key, conn),
            _ => {
                self.retry_later(conn);
                true
            }
        }
    }

    /// Something that a connection waited for has come.
    pub(super) fn wake(&mut self, conns: &mut Conns<'_, Front>, id: ConnId) {
        if conns.state(id).is_some_and(|conn| conn.session.has_rest()) {
            self.go_on(conns, id, None);
        }
        conns.unpark(id);
    }

    /// The answer has come that a connection waited for.
    pub(super) fn answer(&mut self, conns: &mut Conns<'_, Front>, id: ConnId, answer: Answer) {
        let Some(conn) = conns.state(id) else { return };
        *conn.session.card.unblock.lock() = None;
        self.worker.engine().answered(&mut conn.session);
        if conn.session.has_rest() {
            let end = self.worker.engine().store.journal.sequence();
            if conn.session.awaits_data() && self.worker.settings().commit_gate {
                conn.session.raise_rest_mark(end);
            }
            return self.go_on(conns, id, Some(answer));
        }
        let (mut bytes, resp3) = (Vec::new(), conn.session.resp3);
        answer(&mut resp::Reply::new(&mut bytes, resp3));
        let awaits_data = conn.session.awaits_data();
        let mark = awaits_data.then(|| self.withhold_all()).flatten();
        self.reply_late(conns, id, bytes, mark);
    }

    /// Sends the reply of a connection that waited for it, and lets the connection go on. The reply
    /// leaves when the file has the record with the sequence `mark`.
    fn reply_late(
        &mut self,
        conns: &mut Conns<'_, Front>,
        id: ConnId,
        mut bytes: Vec<u8>,
        mark: Option<u64>,
    ) {
        if !self.may_tell(conns, id) {
            return conns.close_now(id);
        }
        let Some((conn, out)) = conns.write(id) else {
            return;
        };
        mark.into_iter().for_each(|sequence| out.mark(sequence));
        conn.session.card.set_flag(flags::BLOCKED, false);
        if !conn.session.takes_late_reply() {
            bytes.clear();
        }
        let closes = conn.session.card.has_flag(flags::CLOSING);
        if std::mem::take(&mut conn.session.everywhere) {
            let boundary = self.worker.engine().store.gates().mark();
            return self.everywhere.wait(boundary, id, Reply { bytes, closes });
        }
        conn.wrote_after = None;
        out.buffer().extend_from_slice(&bytes);
        if closes {
            conns.close(id);
        } else {
            conns.unblock(id);
        }
    }

    /// Whether the late reply of a connection may tell of what its command wrote, before it waited:
    /// not if the right to serve has run out since. The reply is asked about once more before it
    /// leaves.
    fn may_tell(&mut self, conns: &mut Conns<'_, Front>, id: ConnId) -> bool {
        let wrote_after = conns.state(id).and_then(|conn| conn.wrote_after);
        let Some(lapses) = wrote_after else {
            return true;
        };
        let may = self.worker.engine().routing.has_served_since(lapses);
        if may {
            self.forget_answered();
            if self.wrote.is_empty() {
                self.lapses = lapses;
            }
            self.wrote.push(id);
        }
        may
    }

    /// Goes on with a transaction of which something is left, with the answer that it waited for if
    /// that has come; its connection is blocked meanwhile.
    fn go_on(&mut self, conns: &mut Conns<'_, Front>, id: ConnId, mut answer: Option<Answer>) {
        let Some(conn) = conns.state(id) else { return };
        let mut reply = Vec::new();
        // A monitor's messages are taken within a batch.
        let in_batch = self.worker.locker().is_open();
        if !in_batch {
            self.worker.begin_batch();
        }
        let replies = loop {
            self.worker.locker().take_turn(conn.place.as_ref());
            let answer = answer.take();
            let outcome = self
                .worker
                .answer_rest(&mut conn.session, answer, &mut reply);
            if outcome.is_undone() {
                if self.waits(conn, outcome) {
                    break false;
                }
            } else {
                self.give_up_place(conn);
                break outcome != Outcome::Blocked;
            }
        };
        self.worker.locker().take_turn(None);
        if !in_batch {
            self.worker.end_batch();
        }
        if replies {
            let released = self.worker.engine().store.journal.released();
            let mark = Some(self.worker.take_mark()).filter(|mark| *mark > released);
            self.owes |= mark.is_some();
            self.reply_late(conns, id, reply, mark);
        }
    }

    /// Holds back the reply of a command that changes what all workers go by, with all that the
    /// client sends behind it, until they do.
    #[cold]
    pub(super) fn reply_everywhere(
        &mut self,
        id: ConnId,
        outcome: &Outcome,
        out: &mut Output,
    ) -> Flow {
        let reply = Reply {
            bytes: out.take_reply(),
            closes: *outcome == Outcome::Close,
        };
        let boundary = self.worker.engine().store.gates().mark();
        self.everywhere.wait(boundary, id, reply);
        Flow::Blocked
    }

    /// Sends the replies that were held back, as far as every worker has come to a boundary.
    pub(super) fn release_replies(&mut self, conns: &mut Conns<'_, Self>) {
        let gates = self.worker.engine().store.gates();
        let mut due = Vec::new();
        self.everywhere
            .release(gates, &mut |id, reply| due.push((id, reply)));
        for (id, reply) in due {
            if !self.may_tell(conns, id) {
                conns.close_now(id);
                continue;
            }
            if let Some((conn, out)) = conns.write(id) {
                conn.wrote_after = None;
                out.push().raw(&reply.bytes);
                if reply.closes {
                    conns.close(id);
                } else {
                    conns.unblock(id);
                }
            }
        }
    }

    fn retry_later(&mut self, conn: &mut Conn) {
        self.retries.push((Instant::now() + conn.retry, conn.id));
        conn.retry = (conn.retry * 2).min(LAST_RETRY);
    }
}
