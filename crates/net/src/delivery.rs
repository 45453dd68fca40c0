//! Delivery: writing what connections have to send, and ending those that are to be ended.

use mio::{Interest, Token};

use crate::batch::UNCOUNTED_OUTPUT;
use crate::conn::{Connection, Ending, add, stall};
use crate::conns::Conns;
use crate::handler::{CloseReason, Detached, Handler};
use crate::worker::Worker;

/// Output withheld by marks at which a connection's input stops.
const WITHHELD_MAX: usize = 1 << 20;
/// Output at which a long pipeline is answered before all of it is executed.
const EARLY: usize = 256 * 1024;

/// The poller's name for a connection. One that reuses the index of another has another name.
pub(crate) fn token(index: u32, generation: u32) -> Token {
    Token((generation as usize) << 32 | index as usize)
}

impl<H: Handler> Worker<H> {
    /// Writes a connection's output between two batches of its own if there is much of it.
    pub(crate) fn deliver_early(&mut self, index: u32) {
        if self
            .table
            .at(index)
            .is_some_and(|conn| conn.out.len() >= EARLY)
        {
            self.handler.rest(&mut Conns::new(&mut self.table));
            self.deliver(index);
        }
    }

    /// Writes once what a connection has to send, and ends it if that is due.
    pub(crate) fn deliver(&mut self, index: u32) {
        let released = self.table.released;
        let Some(conn) = self.table.at(index) else {
            return;
        };
        conn.in_dirty = false;
        let had = conn.out.len();
        if had > UNCOUNTED_OUTPUT {
            self.limit_output(index);
        }
        let Some((conn, pool)) = self.table.at_with_pool(index) else {
            return;
        };
        if matches!(conn.ending, Some(Ending::Now(_))) {
            self.table.ended.push(index);
            return;
        }
        let marked = conn.out.release(released);
        // While the socket is full, the poller says when to go on.
        if had > 0 && !conn.wants_write {
            match conn.out.flush(&conn.stream) {
                Ok((sent, all)) => {
                    conn.stats.sent(sent);
                    add(&self.stats.bytes_out, sent as u64);
                    add(&self.stats.writes, 1);
                    if !all {
                        conn.wants_write = true;
                        set_interest(&self.registry, conn, index);
                    }
                }
                Err(error) => {
                    self.table.end_now(index, CloseReason::Io(error));
                    return;
                }
            }
        }
        conn.out.reclaim(pool);
        conn.stats.holds_output(&conn.out);
        if conn.out.len() <= UNCOUNTED_OUTPUT {
            conn.over_soft = None;
        }
        if marked {
            self.withhold(index);
        } else {
            self.table.unstall(index, stall::WITHHELD);
        }
        self.go_on_reading(index);
        self.end_if_due(index, marked);
    }

    /// A connection whose input stopped because of what it has not read goes on once it has.
    fn go_on_reading(&mut self, index: u32) {
        let Some(conn) = self.table.at(index) else {
            return;
        };
        if conn.stall & stall::UNREAD != 0
            && conn.out.len() <= self.handler.read_limits(&conn.state).unsent
        {
            self.table.unstall(index, stall::UNREAD);
        }
    }

    /// The poller says that a socket takes more.
    pub(crate) fn writable(&mut self, index: u32) {
        let Some(conn) = self.table.at(index) else {
            return;
        };
        if conn.wants_write {
            conn.wants_write = false;
            self.deliver(index);
            let Some(conn) = self.table.at(index) else {
                return;
            };
            if !conn.wants_write {
                set_interest(&self.registry, conn, index);
            }
        }
    }

    /// A connection has marks: it is looked at when their sequences are released, and its input
    /// stops while they withhold too much.
    fn withhold(&mut self, index: u32) {
        let Some(conn) = self.table.at(index) else {
            return;
        };
        let too_much = conn.out.withheld() > WITHHELD_MAX;
        if too_much {
            conn.stall |= stall::WITHHELD;
        }
        if !conn.in_marked {
            conn.in_marked = true;
            self.table.marked.push(index);
        }
        if !too_much {
            self.table.unstall(index, stall::WITHHELD);
        }
    }

    /// Ends a connection that is being ended, if its output allows it.
    fn end_if_due(&mut self, index: u32, marked: bool) {
        let Some(conn) = self.table.at(index) else {
            return;
        };
        let due = match &conn.ending {
            None => return,
            Some(Ending::Now(_)) => true,
            Some(Ending::Flushed(_)) => conn.out.is_empty(),
            // The peer is gone, or at least has closed its side: what it does not take now, it
            // will not be waited for to take.
            Some(Ending::Offered(_) | Ending::Detach(_)) => !marked,
        };
        if due {
            self.table.ended.push(index);
        }
    }

    /// Removes the connections that are to be removed now.
    pub(crate) fn bury(&mut self) {
        while let Some(index) = self.table.ended.pop() {
            let Some(conn) = self.table.at(index) else {
                continue;
            };
            let Some(ending) = conn.ending.take() else {
                continue;
            };
            debug_assert!(
                !conn.in_batch,
                "connections are removed between batches only"
            );
            let Some(conn) = self.table.remove(index) else {
                continue;
            };
            // A socket that the poller has lost needs no removal.
            let _ = conn.stream.deregister(&self.registry);
            match ending {
                Ending::Detach(hand_over) => self.hand_over(*conn, hand_over),
                Ending::Flushed(why) => {
                    conn.stream.linger();
                    self.close(*conn, why);
                }
                Ending::Offered(why) | Ending::Now(why) => self.close(*conn, why),
            }
        }
    }

    fn close(&mut self, conn: Connection<H::Conn>, why: CloseReason) {
        let Connection {
            stream,
            state,
            out,
            query,
            ticket,
            ..
        } = conn;
        self.table.pool.give(query);
        drop(out);
        // The descriptor and the place are free before the handler hears of it.
        drop(stream);
        drop(ticket);
        self.handler.close(state, why);
    }

    fn hand_over(
        &mut self,
        mut conn: Connection<H::Conn>,
        hand_over: Box<dyn FnOnce(Detached) + Send>,
    ) {
        let unread = conn.query.split_off(conn.done);
        let unsent = conn.out.take_unsent();
        let Connection {
            stream,
            state,
            stats,
            ticket,
            ..
        } = conn;
        self.handler.close(state, CloseReason::Detached);
        hand_over(Detached {
            stream,
            unread,
            unsent,
            stats,
            ticket,
        });
    }
}

fn set_interest<C>(registry: &mio::Registry, conn: &mut Connection<C>, index: u32) {
    let interest = match conn.wants_write {
        true => Interest::READABLE | Interest::WRITABLE,
        false => Interest::READABLE,
    };
    if let Err(error) = conn
        .stream
        .reregister(registry, token(index, conn.generation), interest)
    {
        // Without the poller the connection could only hang.
        conn.end(Ending::Now(CloseReason::Io(error)));
    }
}
