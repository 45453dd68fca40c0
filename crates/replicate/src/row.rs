//! The row of replicas that want a snapshot: the first tries, the others wait.

use parking_lot::Mutex;
use std::collections::VecDeque;

/// Those that want one, in the order in which they came.
#[derive(Default)]
pub(crate) struct Row(Mutex<VecDeque<Wanting>>);

struct Wanting {
    id: u64,
    /// Whether it has tried in vain.
    waits: bool,
}

/// The place of one replica, which it leaves when this goes.
pub(crate) struct Place<'a> {
    row: &'a Row,
    id: u64,
}

impl Row {
    /// Takes a place at the end.
    pub(crate) fn enter(&self, id: u64) -> Place<'_> {
        self.0.lock().push_back(Wanting { id, waits: false });
        Place { row: self, id }
    }

    /// Whether anybody has tried in vain and waits.
    pub(crate) fn has_waiting(&self) -> bool {
        self.0.lock().iter().any(|wanting| wanting.waits)
    }
}

impl Place<'_> {
    /// Whether it is its turn to try.
    pub(crate) fn is_first(&self) -> bool {
        let row = self.row.0.lock();
        row.front().is_some_and(|first| first.id == self.id)
    }

    /// It has tried in vain.
    pub(crate) fn wait(&self) {
        let mut row = self.row.0.lock();
        if let Some(own) = row.iter_mut().find(|wanting| wanting.id == self.id) {
            own.waits = true;
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.row.0.lock().retain(|wanting| wanting.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::Row;

    #[test]
    fn who_tries_for_the_first_time_does_not_wait_yet() {
        let row = Row::default();
        let (first, second) = (row.enter(1), row.enter(2));
        assert!(first.is_first() && !second.is_first() && !row.has_waiting());
        second.wait();
        assert!(row.has_waiting());
        drop(first);
        assert!(second.is_first());
        drop(second);
        assert!(!row.has_waiting());
    }
}
