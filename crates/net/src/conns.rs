//! What a handler may do with the connections of its worker.

use std::sync::Arc;

use crate::batch::UNCOUNTED_OUTPUT;
use crate::conn::{ConnStats, Connection, Ending, stall};
use crate::handler::{CloseReason, ConnId, Handler};
use crate::output::Output;
use crate::table::Table;

/// The connections of the worker that calls. A name of a connection that is gone, or of another
/// worker, finds nothing; neither does that of one that is being closed.
pub struct Conns<'a, H: Handler> {
    table: &'a mut Table<H::Conn>,
}

impl<'a, H: Handler> Conns<'a, H> {
    pub(crate) fn new(table: &'a mut Table<H::Conn>) -> Self {
        Conns { table }
    }

    fn live(&mut self, id: ConnId) -> Option<&mut Connection<H::Conn>> {
        self.table
            .named(id)
            .filter(|conn| conn.stall & stall::ENDING == 0)
    }

    /// The index of this worker.
    pub fn worker(&self) -> u16 {
        self.table.worker
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of all connections.
    pub fn ids(&self) -> Vec<ConnId> {
        (0..self.table.index_end())
            .filter_map(|index| self.table.id_at(index))
            .collect()
    }

    /// A connection's state.
    pub fn state(&mut self, id: ConnId) -> Option<&mut H::Conn> {
        self.live(id).map(|conn| &mut conn.state)
    }

    /// A connection's counters.
    pub fn stats(&mut self, id: ConnId) -> Option<&Arc<ConnStats>> {
        self.table.named(id).map(|conn| &conn.stats)
    }

    /// A connection's state, and its output to append to: what is appended is sent before the
    /// worker sleeps.
    pub fn write(&mut self, id: ConnId) -> Option<(&mut H::Conn, &mut Output)> {
        self.live(id)?;
        self.table.make_dirty(id.index);
        let conn = self.table.enter(id.index)?;
        if conn.out.len() > UNCOUNTED_OUTPUT {
            // Looked at before the next message, which might be one of very many.
            self.table.swollen = true;
        }
        self.live(id).map(|conn| (&mut conn.state, &mut conn.out))
    }

    /// Appends bytes to a connection's output. Whether there is such a connection.
    pub fn push(&mut self, id: ConnId, bytes: &[u8]) -> bool {
        self.write(id)
            .map(|(_, out)| out.push().raw(bytes))
            .is_some()
    }

    /// The same for bytes that many connections get.
    pub fn push_shared(&mut self, id: ConnId, bytes: &Arc<[u8]>) -> bool {
        self.write(id)
            .map(|(_, out)| out.push_shared(bytes))
            .is_some()
    }

    /// Has the command that parked or was held executed again. Nothing happens to a connection
    /// that does neither.
    pub fn unpark(&mut self, id: ConnId) {
        if self.live(id).is_some() {
            self.table.unstall(id.index, stall::PARKED | stall::HELD);
        }
    }

    /// Lets a blocked connection read on. Nothing happens to one that is not blocked.
    pub fn unblock(&mut self, id: ConnId) {
        if self.live(id).is_some() {
            self.table.unstall(id.index, stall::BLOCKED);
        }
    }

    /// Whether the connection is parked, held or blocked.
    pub fn is_waiting(&self, id: ConnId) -> bool {
        self.table.id_at(id.index) == Some(id) && self.table.is_waiting(id.index)
    }

    /// Closes a connection once its output is sent. It executes nothing more.
    pub fn close(&mut self, id: ConnId) {
        if self.live(id).is_some() {
            self.table
                .end(id.index, Ending::Flushed(CloseReason::Asked));
        }
    }

    /// Closes a connection and drops what it has not been sent. It executes nothing more.
    pub fn close_now(&mut self, id: ConnId) {
        if self.table.named(id).is_some() {
            self.table.end_now(id.index, CloseReason::Asked);
        }
    }

    /// Lets everything be sent that waits for a sequence up to `seq`.
    pub fn release(&mut self, seq: u64) {
        self.table.release(seq);
    }

    /// The highest sequence released.
    pub fn released(&self) -> u64 {
        self.table.released
    }

    /// The connections that have output which waits for a sequence that is not released.
    pub fn withheld(&mut self) -> Vec<ConnId> {
        let released = self.table.released;
        let ids: Vec<_> = self
            .table
            .marked
            .iter()
            .filter_map(|&index| self.table.id_at(index))
            .collect();
        ids.into_iter()
            .filter(|id| {
                let conn = self.table.named(*id);
                conn.is_some_and(|conn| conn.out.highest_mark().is_some_and(|seq| seq > released))
            })
            .collect()
    }
}
