//! The row of replicas that want a snapshot: the first tries, the others wait.

use parking_lot::Mutex;
use std::collections::VecDeque;

/// After a holder was told to end, in ms: what it held is free and taken again by then, so that it
/// is known whether one was enough.
const LETTING_GO: u64 = 1000;

/// Those that want one, in the order in which they came.
#[derive(Default)]
pub(crate) struct Row(Mutex<Wants>);

#[derive(Default)]
struct Wants {
    all: VecDeque<Wanting>,
    /// When a holder was last told to end for those who wait, in ms of the steady clock.
    ended_one: Option<u64>,
}

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
        self.0.lock().all.push_back(Wanting { id, waits: false });
        Place { row: self, id }
    }

    /// Whether a holder may be told to end, at `now` in ms of the steady clock, because somebody
    /// has tried in vain and waits. One is, then the others have time.
    pub(crate) fn may_end_one(&self, now: u64) -> bool {
        let mut row = self.0.lock();
        let rests = |at: u64| now.saturating_sub(at) < LETTING_GO;
        let may = row.all.iter().any(|wanting| wanting.waits) && !row.ended_one.is_some_and(rests);
        if may {
            row.ended_one = Some(now);
        }
        may
    }
}

impl Place<'_> {
    /// Whether it is its turn to try.
    pub(crate) fn is_first(&self) -> bool {
        let row = self.row.0.lock();
        row.all.front().is_some_and(|first| first.id == self.id)
    }

    /// It has tried in vain.
    pub(crate) fn wait(&self) {
        let mut row = self.row.0.lock();
        if let Some(own) = row.all.iter_mut().find(|wanting| wanting.id == self.id) {
            own.waits = true;
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.row
            .0
            .lock()
            .all
            .retain(|wanting| wanting.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::{LETTING_GO, Row};

    #[test]
    fn nobody_ends_for_who_tries_for_the_first_time() {
        let row = Row::default();
        let (first, second) = (row.enter(1), row.enter(2));
        assert!(first.is_first() && !second.is_first() && !row.may_end_one(0));
        second.wait();
        assert!(row.may_end_one(0));
        drop(first);
        assert!(second.is_first());
        drop(second);
        assert!(!row.may_end_one(LETTING_GO));
    }

    #[test]
    fn one_ends_at_a_time() {
        let row = Row::default();
        row.enter(1).wait();
        assert!(!row.may_end_one(0), "it has left");
        let place = row.enter(2);
        place.wait();
        assert!(row.may_end_one(5));
        assert!(!row.may_end_one(5) && !row.may_end_one(5 + LETTING_GO - 1));
        assert!(row.may_end_one(5 + LETTING_GO));
    }
}
