//! A piece of a list: a listpack with room at either end.
//!
//! The bytes are a whole listpack, header and all, that ends where the buffer ends but need not
//! begin where it begins: adding to and taking from the front moves the header, not the elements.

use crate::listpack::{EMPTY, HEAD, Item, Iter, Pack, skip};
use crate::sizes;

/// Up to here a buffer doubles; past it, it grows by the allocator's classes.
const DOUBLING: usize = 16384;

/// One listpack of a list.
pub(super) struct Leaf {
    buf: Vec<u8>,
    start: usize,
}

impl Clone for Leaf {
    fn clone(&self) -> Self {
        Leaf::from_valid(self.bytes())
    }
}

impl Pack for Leaf {
    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.buf[self.start..]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buf[self.start..]
    }

    fn splice(&mut self, at: usize, del: usize, ins: usize) -> &mut [u8] {
        let len = self.bytes().len();
        let front = at <= len / 2;
        if ins <= del {
            self.close(at, del, del - ins, front);
        } else {
            let more = ins - del;
            let behind = self.buf.capacity() - self.buf.len() >= more;
            if self.start >= more && (front || !behind) {
                self.open_front(at, more);
            } else if behind {
                self.open_back(at + del, more);
            } else {
                self.grow(len + more, front);
                if front {
                    self.open_front(at, more);
                } else {
                    self.open_back(at + del, more);
                }
            }
        }
        let from = self.start + at;
        &mut self.buf[from..from + ins]
    }
}

impl Leaf {
    pub(super) fn new() -> Leaf {
        Leaf::from_valid(&[EMPTY as u8, 0, 0, 0, 0, 0, 0xff])
    }

    /// A leaf of one element.
    pub(super) fn of(item: Item<'_>) -> Leaf {
        let mut leaf = Leaf::new();
        leaf.insert_at(HEAD, item);
        leaf
    }

    /// A copy of a valid pack.
    pub(super) fn from_valid(pack: &[u8]) -> Leaf {
        let mut buf = Vec::with_capacity(sizes::usable(pack.len()));
        buf.extend_from_slice(pack);
        Leaf { buf, start: 0 }
    }

    /// A copy of the entries of a valid pack in these runs of bytes, `count` of them in all.
    pub(super) fn from_runs(runs: &[&[u8]], count: usize) -> Leaf {
        let len = EMPTY + runs.iter().map(|r| r.len()).sum::<usize>();
        let mut buf = Vec::with_capacity(sizes::usable(len));
        buf.extend_from_slice(&[0; HEAD]);
        for run in runs {
            buf.extend_from_slice(run);
        }
        buf.push(0xff);
        let mut leaf = Leaf { buf, start: 0 };
        leaf.set_header(count, 0);
        leaf
    }

    fn close(&mut self, at: usize, del: usize, gap: usize, front: bool) {
        let from = self.start + at;
        if front {
            self.buf.copy_within(self.start..from, self.start + gap);
            self.start += gap;
        } else {
            self.buf.copy_within(from + del.., from + del - gap);
            self.buf.truncate(self.buf.len() - gap);
        }
        // Less than a quarter in use: give the rest back.
        let len = self.bytes().len();
        if self.buf.capacity() > 64 && self.buf.capacity() > 4 * sizes::usable(len) {
            *self = self.clone();
        }
    }

    fn open_front(&mut self, at: usize, more: usize) {
        let end = self.start + at;
        self.buf.copy_within(self.start..end, self.start - more);
        self.start -= more;
    }

    fn open_back(&mut self, at: usize, more: usize) {
        let (from, end) = (self.start + at, self.buf.len());
        self.buf.resize(end + more, 0);
        self.buf.copy_within(from..end, from + more);
    }

    /// Goes on in a larger buffer with all the room at one end.
    fn grow(&mut self, len: usize, front: bool) {
        let room = sizes::usable(len.max(DOUBLING.min(2 * len)));
        let old = self.bytes();
        let start = if front { room - old.len() } else { 0 };
        let mut buf = Vec::with_capacity(room);
        buf.resize(start, 0);
        buf.extend_from_slice(old);
        *self = Leaf { buf, start };
    }

    /// Gives back room that will not be used, the leaf being full.
    pub(super) fn settle(&mut self) {
        if self.buf.capacity() > sizes::usable(self.bytes().len()) {
            *self = self.clone();
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.buf.capacity()
    }

    pub(super) fn iter(&self) -> Iter<'_> {
        Iter::new(self.bytes())
    }

    /// The leaf's elements before and from `index` on, which is inside.
    pub(super) fn split(&self, index: usize) -> (Leaf, Leaf) {
        let (b, count) = (self.bytes(), self.count());
        let at = self.seek(index).expect("an index inside");
        (
            Leaf::from_runs(&[&b[HEAD..at]], index),
            Leaf::from_runs(&[&b[at..b.len() - 1]], count - index),
        )
    }

    /// Takes out `n` elements from `index` on.
    pub(super) fn delete_range(&mut self, index: usize, n: usize) {
        if let Some(at) = self.seek(index) {
            let to = match self.seek(index + n) {
                Some(to) => to,
                None => self.end(),
            };
            self.delete_bytes(at, to, n);
        }
    }

    /// Both leaves' elements in one.
    pub(super) fn merged(&self, next: &Leaf) -> Leaf {
        let (a, b) = (self.bytes(), next.bytes());
        let runs = [&a[HEAD..a.len() - 1], &b[HEAD..b.len() - 1]];
        Leaf::from_runs(&runs, self.count() + next.count())
    }

    /// How many elements are `wanted`.
    pub(super) fn matches(&self, wanted: &Item<'_>) -> usize {
        self.iter().filter(|i| i.is(wanted)).count()
    }

    /// The leaf without the elements that are `wanted`, but for the first `skip` of those; takes
    /// out `take` at most.
    pub(super) fn without(&self, wanted: &Item<'_>, mut skipped: usize, mut take: usize) -> Leaf {
        let b = self.bytes();
        let mut runs: Vec<&[u8]> = Vec::new();
        let mut left = self.count();
        let (mut at, mut run) = (HEAD, HEAD);
        for item in self.iter() {
            let next = skip(b, at);
            if take > 0 && item.is(wanted) {
                if skipped > 0 {
                    skipped -= 1;
                } else {
                    runs.push(&b[run..at]);
                    run = next;
                    take -= 1;
                    left -= 1;
                }
            }
            at = next;
        }
        runs.push(&b[run..at]);
        Leaf::from_runs(&runs, left)
    }
}
