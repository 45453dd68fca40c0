//! A worker's connections, and the lists of those that something is to be done for.

use crate::conn::{Connection, Ending, stall};
use crate::handler::{CloseReason, ConnId};
use crate::output::BufferPool;

struct Place<C> {
    generation: u32,
    conn: Option<Box<Connection<C>>>,
}

/// The connections of one worker.
pub(crate) struct Table<C> {
    places: Vec<Place<C>>,
    free: Vec<u32>,
    pub(crate) worker: u16,
    /// Connections with input to look at, in order.
    pub(crate) ready: Vec<u32>,
    /// Connections with output to write.
    pub(crate) dirty: Vec<u32>,
    /// Connections with marks.
    pub(crate) marked: Vec<u32>,
    /// Connections that must be removed.
    pub(crate) ended: Vec<u32>,
    /// Highest sequence whose replies may be sent.
    pub(crate) released: u64,
    /// Whether a handler appended to an output that is long already.
    pub(crate) swollen: bool,
    pub(crate) pool: BufferPool,
}

impl<C> Table<C> {
    pub(crate) fn new(worker: u16) -> Self {
        Table {
            places: Vec::new(),
            free: Vec::new(),
            worker,
            ready: Vec::new(),
            dirty: Vec::new(),
            marked: Vec::new(),
            ended: Vec::new(),
            released: 0,
            swollen: false,
            pool: BufferPool::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// One more than the highest index in use.
    pub(crate) fn index_end(&self) -> u32 {
        self.places.len() as u32
    }

    /// The name that the next connection gets.
    pub(crate) fn next_id(&mut self) -> ConnId {
        let index = match self.free.last() {
            Some(&index) => index,
            None => {
                self.places.push(Place {
                    generation: 0,
                    conn: None,
                });
                self.free.push(self.places.len() as u32 - 1);
                self.places.len() as u32 - 1
            }
        };
        let generation = self.places[index as usize].generation;
        ConnId {
            worker: self.worker,
            index,
            generation,
        }
    }

    /// Puts a connection where [`Table::next_id`] said.
    pub(crate) fn insert(&mut self, id: ConnId, conn: Box<Connection<C>>) {
        let index = self.free.pop();
        debug_assert_eq!(index, Some(id.index));
        self.places[id.index as usize].conn = Some(conn);
    }

    /// The connection at an index of a list.
    #[inline]
    pub(crate) fn at(&mut self, index: u32) -> Option<&mut Connection<C>> {
        self.places.get_mut(index as usize)?.conn.as_deref_mut()
    }

    /// The same, with the pool of buffers beside it.
    #[inline]
    pub(crate) fn at_with_pool(
        &mut self,
        index: u32,
    ) -> Option<(&mut Connection<C>, &mut BufferPool)> {
        let conn = self.places.get_mut(index as usize)?.conn.as_deref_mut()?;
        Some((conn, &mut self.pool))
    }

    /// The connection at an index, with a buffer to write replies to.
    #[inline]
    pub(crate) fn enter(&mut self, index: u32) -> Option<&mut Connection<C>> {
        let (conn, pool) = self.at_with_pool(index)?;
        conn.out.lend(pool);
        Some(conn)
    }

    #[inline]
    pub(crate) fn peek(&self, index: u32) -> Option<&Connection<C>> {
        self.places.get(index as usize)?.conn.as_deref()
    }

    /// The connection with a name, if it is there still.
    #[inline]
    pub(crate) fn named(&mut self, id: ConnId) -> Option<&mut Connection<C>> {
        if id.worker != self.worker {
            return None;
        }
        self.at(id.index)
            .filter(|conn| conn.generation == id.generation)
    }

    pub(crate) fn id_at(&self, index: u32) -> Option<ConnId> {
        let generation = self.peek(index)?.generation;
        Some(ConnId {
            worker: self.worker,
            index,
            generation,
        })
    }

    pub(crate) fn remove(&mut self, index: u32) -> Option<Box<Connection<C>>> {
        let place = self.places.get_mut(index as usize)?;
        let conn = place.conn.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(index);
        Some(conn)
    }

    /// Has a connection served soon.
    pub(crate) fn make_ready(&mut self, index: u32) {
        let Some(conn) = self.places[index as usize].conn.as_deref_mut() else {
            return;
        };
        if !conn.in_ready {
            conn.in_ready = true;
            self.ready.push(index);
        }
    }

    /// Has a connection's output written soon.
    pub(crate) fn make_dirty(&mut self, index: u32) {
        let Some(conn) = self.places[index as usize].conn.as_deref_mut() else {
            return;
        };
        if !conn.in_dirty {
            conn.in_dirty = true;
            self.dirty.push(index);
        }
    }

    /// Clears reasons to stand still; with none left the connection is served again.
    pub(crate) fn unstall(&mut self, index: u32, reasons: u8) {
        let Some(conn) = self.places[index as usize].conn.as_deref_mut() else {
            return;
        };
        if conn.stall & reasons == 0 {
            return;
        }
        conn.stall &= !reasons;
        if conn.stall == 0 {
            self.make_ready(index);
        }
    }

    /// Ends a connection.
    pub(crate) fn end(&mut self, index: u32, ending: Ending) {
        let Some(conn) = self.places[index as usize].conn.as_deref_mut() else {
            return;
        };
        let now = matches!(ending, Ending::Now(_));
        conn.end(ending);
        if now {
            self.ended.push(index);
        } else {
            self.make_dirty(index);
        }
    }

    /// Ends a connection at once, because its peer or its socket is gone.
    pub(crate) fn end_now(&mut self, index: u32, why: CloseReason) {
        self.end(index, Ending::Now(why));
    }

    /// Raises the released sequence; connections with marks are looked at.
    pub(crate) fn release(&mut self, seq: u64) {
        if seq <= self.released {
            return;
        }
        self.released = seq;
        let mut marked = std::mem::take(&mut self.marked);
        marked.retain(|&index| {
            let Some(conn) = self.places[index as usize].conn.as_deref_mut() else {
                return false;
            };
            if conn.out.first_mark().is_some_and(|first| first > seq) {
                return true;
            }
            conn.in_marked = false;
            self.make_dirty(index);
            false
        });
        self.marked.append(&mut marked);
    }

    /// Whether the connection is parked, held or blocked.
    pub(crate) fn is_waiting(&self, index: u32) -> bool {
        let waits = stall::PARKED | stall::HELD | stall::BLOCKED;
        self.peek(index).is_some_and(|conn| conn.stall & waits != 0)
    }
}
