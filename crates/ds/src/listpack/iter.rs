//! Iteration over the elements of a listpack, from both ends, without allocation.

use super::{HEAD, Item, decode, skip_back};

/// The elements of a valid pack.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    front: usize,
    back: usize,
}

impl<'a> Iter<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self::between(bytes, HEAD, bytes.len() - 1)
    }

    /// The entries from offset `front` up to offset `back`.
    pub(crate) fn between(bytes: &'a [u8], front: usize, back: usize) -> Self {
        Iter { bytes, front, back }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Item<'a>> {
        if self.front >= self.back {
            return None;
        }
        let (item, next) = decode(self.bytes, self.front);
        self.front = next;
        Some(item)
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline(always)]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        self.back = skip_back(self.bytes, self.back);
        Some(decode(self.bytes, self.back).0)
    }
}
