//! What other threads send to a worker.

use base::Slot;
use engine::Answer;
use net::ConnId;
use std::sync::Arc;

/// A message to a worker, about one of its connections or all of them.
pub enum Message {
    /// Something that a parked connection waited for has come: execute its command again.
    Wake(ConnId),
    /// It is the worker's turn at a slot that connections of it wait for.
    Turn(Slot),
    /// The reply of a waiting connection.
    Answer(ConnId, Answer),
    /// Bytes out of turn.
    Push(ConnId, Arc<[u8]>),
    /// The connection's card has new orders.
    Look(ConnId),
    /// The pause is over.
    Resume,
    /// What waits for a sequence up to this one may be sent.
    Release(u64),
    /// The role has changed: connections with output that waits for the disk are closed.
    CloseWithheld,
}
