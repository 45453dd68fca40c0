//! The row of replicas that want a snapshot: the first tries, the others wait.

use parking_lot::Mutex;
use std::collections::VecDeque;

/// Those that wait, in the order in which they came.
#[derive(Default)]
pub(crate) struct Row(Mutex<VecDeque<u64>>);

/// The place of one replica, which it leaves when this goes.
pub(crate) struct Place<'a> {
    row: &'a Row,
    id: u64,
}

impl Row {
    /// Takes a place at the end.
    pub(crate) fn enter(&self, id: u64) -> Place<'_> {
        self.0.lock().push_back(id);
        Place { row: self, id }
    }

    /// Whether anybody waits.
    pub(crate) fn has_some(&self) -> bool {
        !self.0.lock().is_empty()
    }
}

impl Place<'_> {
    /// Whether it is its turn to try.
    pub(crate) fn is_first(&self) -> bool {
        self.row.0.lock().front() == Some(&self.id)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.row.0.lock().retain(|&id| id != self.id);
    }
}
