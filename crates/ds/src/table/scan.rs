//! Walking a table by cursor, through any growth or shrinkage between the steps.

use super::bucket::{self, Array};
use super::{Entry, Table, position};

impl<E: Entry> Table<E> {
    /// Visits the entries of one step: those whose position is `from` or past it, up to the end of
    /// the range of positions that a bucket covers at present. Returns the position at which the
    /// next step begins, or nothing at the end.
    ///
    /// Whoever starts at 0 and goes on to the end sees every entry that is in the table all the
    /// while exactly once, whatever the table does between the steps: all that is below the
    /// returned position has been visited, and nothing past it.
    pub fn visit(&self, from: u64, f: &mut dyn FnMut(&E)) -> Option<u64> {
        let cur = self.cur()?;
        let next = self.next();
        let bits = cur.bits().min(next.map_or(u32::MAX, Array::bits));
        let last = if bits == 0 {
            u64::MAX
        } else {
            u64::MAX >> bits
        };
        // A coarser step than the one before may begin inside a bucket.
        let inside = from & last != 0;
        let low = from.reverse_bits() & ((1 << bits) - 1);
        for array in [Some(cur), next].into_iter().flatten() {
            for high in 0..1usize << (array.bits() - bits) {
                let home = array.at(low as usize | high << bits);
                self.visit_chain(home, &mut |e| {
                    if !inside || position(crate::siphash::of(e.key())) >= from {
                        f(e);
                    }
                });
            }
        }
        (from | last).checked_add(1)
    }

    /// One step of SCAN: 0 begins, and 0 is returned at the end. The cursor is below the number of
    /// buckets.
    pub fn scan(&self, cursor: u64, f: &mut dyn FnMut(&E)) -> u64 {
        self.visit(cursor.reverse_bits(), f)
            .map_or(0, u64::reverse_bits)
    }

    fn visit_chain(&self, home: *mut bucket::Bucket, f: &mut dyn FnMut(&E)) {
        let mut bucket = home;
        loop {
            // SAFETY: a live bucket of this table, which is borrowed.
            let b = unsafe { &*bucket };
            let mut present = b.present();
            while present != 0 {
                let slot = present.trailing_zeros() as usize;
                present &= present - 1;
                // SAFETY: the slot holds an entry of this table.
                f(unsafe { bucket::entry(bucket, slot) });
            }
            match b.child() {
                Some(c) => bucket = c,
                None => return,
            }
        }
    }
}
