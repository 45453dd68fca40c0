//! Going through all of a table, shared or consuming it.

use std::marker::PhantomData;
use std::ptr::NonNull;

use super::bucket::{self, Array, Bucket};
use super::{Entry, Table};

/// All entries of a borrowed table, in no order to rely on.
pub struct Iter<'a, E: Entry> {
    arrays: [Option<Array>; 2],
    index: usize,
    bucket: *mut Bucket,
    present: u32,
    left: usize,
    _table: PhantomData<&'a E>,
}

impl<E: Entry> Table<E> {
    /// All entries, in no order to rely on.
    pub fn iter(&self) -> Iter<'_, E> {
        Iter {
            arrays: [self.cur(), self.next()],
            index: 0,
            bucket: std::ptr::null_mut(),
            present: 0,
            left: self.len(),
            _table: PhantomData,
        }
    }
}

impl<'a, E: Entry> IntoIterator for &'a Table<E> {
    type Item = &'a E;
    type IntoIter = Iter<'a, E>;

    fn into_iter(self) -> Iter<'a, E> {
        self.iter()
    }
}

impl<E: Entry> Iter<'_, E> {
    /// Goes to the next bucket, in the chain or after it.
    fn advance(&mut self) -> Option<()> {
        // SAFETY: a bucket of a live table, which is borrowed for as long as this iterator.
        let child = unsafe { self.bucket.as_ref() }.and_then(Bucket::child);
        self.bucket = match child {
            Some(c) => c,
            None => {
                let mut array = self.arrays[0]?;
                if self.index == array.len() {
                    self.arrays = [self.arrays[1], None];
                    self.index = 0;
                    array = self.arrays[0]?;
                }
                self.index += 1;
                array.at(self.index - 1)
            }
        };
        // SAFETY: as above.
        self.present = unsafe { (*self.bucket).present() };
        Some(())
    }
}

impl<'a, E: Entry> Iterator for Iter<'a, E> {
    type Item = &'a E;

    fn next(&mut self) -> Option<&'a E> {
        while self.present == 0 {
            self.advance()?;
        }
        let slot = self.present.trailing_zeros() as usize;
        self.present &= self.present - 1;
        self.left -= 1;
        // SAFETY: the slot is filled, and the table is borrowed for `'a`.
        Some(unsafe { bucket::entry(self.bucket, slot) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<E: Entry> ExactSizeIterator for Iter<'_, E> {}

/// The entries of a table, which empties bucket by bucket: what is not taken is dropped with it.
pub struct IntoIter<E: Entry> {
    table: Table<E>,
    index: usize,
    ready: Vec<NonNull<u8>>,
}

impl<E: Entry> IntoIterator for Table<E> {
    type Item = E;
    type IntoIter = IntoIter<E>;

    fn into_iter(self) -> IntoIter<E> {
        IntoIter {
            table: self,
            index: 0,
            ready: Vec::new(),
        }
    }
}

impl<E: Entry> Iterator for IntoIter<E> {
    type Item = E;

    fn next(&mut self) -> Option<E> {
        while self.ready.is_empty() {
            let cur = self.table.cur()?;
            let (array, i) = match self.table.next() {
                Some(next) if self.index >= cur.len() => (next, self.index - cur.len()),
                _ => (cur, self.index),
            };
            if i == array.len() {
                return None;
            }
            self.index += 1;
            let ready = &mut self.ready;
            // SAFETY: the chain is of the table that this iterator owns.
            let freed = unsafe { bucket::empty_chain(array, i, |raw| ready.push(raw)) };
            self.table.children -= freed;
            self.table.len -= ready.len();
        }
        // SAFETY: the handle was put in by `insert` and has left the table.
        self.ready.pop().map(|raw| unsafe { E::from_raw(raw) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let n = self.table.len() + self.ready.len();
        (n, Some(n))
    }
}

impl<E: Entry> Drop for IntoIter<E> {
    fn drop(&mut self) {
        for raw in self.ready.drain(..) {
            // SAFETY: as in `next`.
            drop(unsafe { E::from_raw(raw) });
        }
    }
}
