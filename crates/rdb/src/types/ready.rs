//! What a decoder has checked and not given out yet.
use crate::packed::{Repacked, listpack};
use std::collections::VecDeque;

/// Listpacks that wait for their turn, and how many elements or pairs came so far, those in them
/// included.
#[derive(Debug, Default)]
pub(super) struct Ready {
    listpacks: VecDeque<Vec<u8>>,
    pub(super) count: u64,
}

impl Ready {
    /// Adds a checked listpack of so many elements or pairs. An empty one is nothing.
    pub(super) fn add(&mut self, count: usize, listpack: Vec<u8>) {
        if count > 0 {
            self.count += count as u64;
            self.listpacks.push_back(listpack);
        }
    }

    /// Adds listpacks that older forms became; `width` is 2 for pairs.
    pub(super) fn add_all(&mut self, repacked: Repacked, width: usize) {
        for listpack in repacked.listpacks {
            self.add(listpack::elements(&listpack).count() / width, listpack);
        }
    }

    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        self.listpacks.pop_front()
    }
}
