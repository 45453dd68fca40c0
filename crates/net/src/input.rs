//! Input: reading sockets, finding commands, and keeping what could not be executed yet.

use std::io;
use std::time::Duration;

use resp::Step;

use crate::conn::{Ending, add, stall};
use crate::handler::{CloseReason, Handler};
use crate::worker::Worker;

/// Most bytes that are read at once into the worker's buffer.
pub(crate) const READ: usize = 16 * 1024;
/// Size of the worker's buffer: what several connections sent, executed in one batch.
pub(crate) const INPUT: usize = 8 * READ;
/// An argument that lacks at least so much is read in place, with room made for it.
const LARGE: usize = 32 * 1024;
/// Room that is made on the mere announcement of a large argument.
const ON_CREDIT: usize = 1 << 20;

impl<H: Handler> Worker<H> {
    /// Looks at a connection's input, that which waits and then that in its socket.
    pub(crate) fn serve(&mut self, index: u32) {
        let Some(conn) = self.table.at(index) else {
            return;
        };
        conn.in_ready = false;
        if conn.stall != 0 {
            if conn.hangup && conn.stall & (stall::HELD | stall::BLOCKED) != 0 {
                self.table.end_now(index, CloseReason::Peer);
            }
            return;
        }
        let waits = conn.parsed < conn.query.len();
        if waits || conn.finish.is_some() {
            self.touch(index);
        }
        if waits {
            self.parse(index);
        }
        let Some(conn) = self.table.at(index) else {
            return;
        };
        if conn.stall != 0 || conn.halted || !conn.readable || conn.finish.is_some() {
            return;
        }
        self.touch(index);
        if self.read(index) {
            self.parse(index);
        }
        let Some(conn) = self.table.at(index) else {
            return;
        };
        // One that stands still by now is looked at once more for a peer that has left.
        if conn.readable {
            self.table.make_ready(index);
        }
    }

    /// Has the connection settled after the batch.
    fn touch(&mut self, index: u32) {
        if let Some(conn) = self.table.at(index)
            && !conn.in_batch
        {
            conn.in_batch = true;
            self.batch.touched.push(index);
        }
    }

    /// Reads once. Whether there is something new to parse.
    fn read(&mut self, index: u32) -> bool {
        let Some(conn) = self.table.at(index) else {
            return false;
        };
        let private = !conn.query.is_empty();
        if !private && self.input_used + READ > INPUT {
            self.run_batch(Some(index));
            self.input_used = 0;
        }
        let Some(conn) = self.table.at(index) else {
            return false;
        };
        let (result, offered) = if private {
            let wanted = match conn.missing {
                missing if missing >= LARGE => missing,
                _ => READ,
            };
            let spare = conn.query.capacity() - conn.query.len();
            if spare < wanted {
                // Beyond that no more is set aside than has come: announcing costs nothing.
                conn.query
                    .reserve_exact(wanted.min(conn.query.len().max(ON_CREDIT)));
            }
            let offered = conn.query.capacity() - conn.query.len();
            (conn.stream.read(&mut conn.query), offered)
        } else {
            let place = &mut self.input[self.input_used..self.input_used + READ];
            (conn.stream.read_into(place), READ)
        };
        match result {
            Ok(0) => {
                conn.readable = false;
                conn.finish = Some(CloseReason::Peer);
                false
            }
            Ok(read) => {
                // A short read has emptied the socket; only its end can be left in it.
                conn.readable = read == offered || conn.hangup;
                conn.stats.active(self.now, read);
                add(&self.stats.bytes_in, read as u64);
                add(&self.stats.reads, 1);
                if !private {
                    conn.chunk = Some((self.input_used, self.input_used + read));
                    self.input_used += read;
                }
                true
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                conn.readable = false;
                false
            }
            Err(error) => {
                conn.readable = false;
                conn.finish = Some(CloseReason::Io(error));
                false
            }
        }
    }

    /// Adds the commands in a connection's input to the batch, which runs whenever it is full.
    fn parse(&mut self, index: u32) {
        let Some(conn) = self.table.at(index) else {
            return;
        };
        let mut limits = self.handler.read_limits(&conn.state);
        loop {
            let Some(conn) = self.table.at(index) else {
                return;
            };
            if conn.stall != 0 || conn.halted {
                return;
            }
            if conn.out.len() > limits.unsent {
                // Writing comes first; what is left in the socket's way decides.
                conn.stall |= stall::UNREAD;
                self.table.make_dirty(index);
                return;
            }
            let bytes = match conn.chunk {
                Some((start, end)) => &self.input[start + conn.parsed..end],
                None => &conn.query[conn.parsed..],
            };
            match conn
                .parser
                .next(bytes, &mut self.batch.arena, &limits.request)
            {
                Ok(Step::Command(command)) => {
                    self.batch.add(index, conn, command);
                    conn.parsed += command.len;
                    let bounded = limits.unsent != usize::MAX;
                    if self.batch.is_full() || (bounded && self.batch.is_long()) {
                        self.run_batch(Some(index));
                        let Some(conn) = self.table.at(index) else {
                            return;
                        };
                        limits = self.handler.read_limits(&conn.state);
                    }
                }
                Ok(Step::Nothing(len)) => conn.parsed += len,
                Ok(Step::Incomplete { missing }) => {
                    conn.missing = missing;
                    let bytes = bytes.len();
                    if bytes > limits.query_buffer.min(u32::MAX as usize) {
                        conn.finish = Some(CloseReason::QueryBuffer { bytes });
                    }
                    return;
                }
                // A command before this one may change what is allowed: AUTH does.
                Err(_) if self.batch.ends_with(index) => {
                    conn.parser.reset();
                    self.run_batch(Some(index));
                    let Some(conn) = self.table.at(index) else {
                        return;
                    };
                    limits = self.handler.read_limits(&conn.state);
                }
                Err(error) => {
                    conn.readable = false;
                    conn.finish = Some(CloseReason::Protocol(error));
                    return;
                }
            }
        }
    }

    /// After a connection's commands were executed: keeps what is left of its input, and ends
    /// the connection if its input has ended.
    pub(crate) fn settle(&mut self, index: u32) {
        let Some((conn, pool)) = self.table.at_with_pool(index) else {
            return;
        };
        conn.in_batch = false;
        let waits = conn.stall & (stall::PARKED | stall::HELD | stall::BLOCKED) != 0;
        let again = std::mem::take(&mut conn.halted);
        if !again {
            conn.done = conn.parsed;
        }
        if let Some((start, end)) = conn.chunk.take() {
            let rest = &self.input[start + conn.done..end];
            if !rest.is_empty() {
                if conn.query.capacity() == 0 {
                    conn.query = pool.take();
                }
                conn.query.extend_from_slice(rest);
            }
            conn.parsed -= conn.done;
            conn.done = 0;
        } else if conn.done == conn.query.len() {
            // Its memory stays for a while: see [`Worker::shrink_query`].
            conn.query.clear();
            conn.parsed = 0;
            conn.done = 0;
        } else if conn.done > 0 && conn.done >= conn.query.len() - conn.done {
            // What is left is the smaller half: moving it costs no more than reading did.
            conn.query.drain(..conn.done);
            conn.parsed -= conn.done;
            conn.done = 0;
        }
        if again {
            // What was parsed and not executed is parsed again, from the first such command.
            conn.parser.reset();
            conn.parsed = conn.done;
            conn.missing = 0;
        }
        if matches!(
            conn.ending,
            Some(Ending::Flushed(_) | Ending::Offered(_) | Ending::Now(_))
        ) {
            pool.give(std::mem::take(&mut conn.query));
            conn.parsed = 0;
            conn.done = 0;
        }
        let memory = conn.query.capacity() + conn.parser.memory();
        conn.stats.holds_input(conn.waiting_input(), memory);
        if again && conn.stall == 0 {
            // It was woken before the batch was over.
            self.table.make_ready(index);
        } else if conn.finish.is_some() {
            self.finish(index, waits);
        }
    }

    /// Gives back memory of a connection's own buffer that it does not need. Called about twice a
    /// second: one that sends large commands without pause gets a new buffer as often, which costs
    /// it nothing to speak of, and one that has sent nothing for two seconds keeps no room.
    pub(crate) fn shrink_query(&mut self, index: u32) {
        let Some(conn) = self.table.at(index) else {
            return;
        };
        let (len, capacity) = (conn.query.len(), conn.query.capacity());
        if capacity == 0 {
            return;
        }
        if conn.stats.idle() > Duration::from_secs(2) && capacity > 2 * len {
            conn.query.shrink_to_fit();
        } else if capacity > LARGE && capacity > 2 * len && conn.missing < LARGE {
            conn.query.shrink_to(len.max(READ));
        } else {
            return;
        }
        let memory = conn.query.capacity() + conn.parser.memory();
        conn.stats.holds_input(conn.waiting_input(), memory);
    }

    /// The input has ended and all of it that is executed at all has been.
    fn finish(&mut self, index: u32, waits: bool) {
        let Some(conn) = self.table.at(index) else {
            return;
        };
        if conn.stall & stall::ENDING != 0 {
            return;
        }
        if waits {
            let gone = matches!(conn.finish, Some(CloseReason::Peer | CloseReason::Io(_)));
            if !gone {
                // It will be found again when the command that waits has been executed.
                conn.finish = None;
            } else if conn.stall & stall::PARKED == 0 {
                conn.hangup = true;
                self.table.end_now(index, CloseReason::Peer);
            }
            return;
        }
        if conn.stall != 0 {
            return;
        }
        match conn.finish.take() {
            None => {}
            Some(CloseReason::Protocol(error)) => {
                conn.out.push().raw(&error.reply());
                conn.end(Ending::Flushed(CloseReason::Protocol(error)));
            }
            Some(why @ CloseReason::Peer) => conn.end(Ending::Offered(why)),
            Some(why) => self.table.end_now(index, why),
        }
    }
}
