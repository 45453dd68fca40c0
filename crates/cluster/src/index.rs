//! Nodes by their ids: every entry of gossip is looked up.

use crate::node::Ix;
use base::NodeId;

/// An open-addressed table of places, by a part of each id. Which comes first depends on nothing
/// but the ids and their order of arrival, so that runs repeat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// A power of two of entries, at most half of them in use.
    table: Vec<Option<Entry>>,
    used: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Tells most others apart without looking at their nodes.
    tag: u32,
    at: u32,
}

/// A number that differs where ids do: they are random, but for those that people make up.
fn mix(id: &NodeId) -> u64 {
    let (words, _) = id.as_bytes().as_chunks::<8>();
    words.iter().fold(0, |mixed: u64, word| {
        let mixed = (mixed ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ mixed >> 32
    })
}

fn tag(mixed: u64) -> u32 {
    (mixed >> 32) as u32
}

impl Index {
    /// The place of an id; `id_at` answers whose place one is.
    pub fn find<'a>(&self, id: &NodeId, id_at: impl Fn(Ix) -> &'a NodeId) -> Option<Ix> {
        let mixed = mix(id);
        let mut at = self.home(mixed);
        loop {
            let entry = (*self.table.get(at)?)?;
            if entry.tag == tag(mixed) && id_at(entry.at as Ix) == id {
                return Some(entry.at as Ix);
            }
            at = self.next(at);
        }
    }

    /// Adds the place of an id that has none.
    pub fn insert(&mut self, id: &NodeId, at: Ix, id_at: impl Fn(Ix) -> NodeId) {
        if (self.used + 1) * 2 > self.table.len() {
            let room = (self.table.len() * 2).max(16);
            let old = std::mem::replace(&mut self.table, vec![None; room]);
            for entry in old.into_iter().flatten() {
                self.put(mix(&id_at(entry.at as Ix)), entry.at);
            }
        }
        self.put(mix(id), at as u32);
        self.used += 1;
    }

    /// Removes the place of an id.
    pub fn remove(&mut self, id: &NodeId, at: Ix, id_at: impl Fn(Ix) -> NodeId) {
        let mut hole = self.home(mix(id));
        loop {
            match self.table.get(hole).copied().flatten() {
                Some(entry) if entry.at as Ix == at => break,
                Some(_) => hole = self.next(hole),
                None => return,
            }
        }
        self.used -= 1;
        self.table[hole] = None;
        // Those behind it that were pushed on come back, so that no search ends too early.
        let mut from = self.next(hole);
        while let Some(entry) = self.table[from].take() {
            self.put(mix(&id_at(entry.at as Ix)), entry.at);
            from = self.next(from);
        }
    }

    fn put(&mut self, mixed: u64, at: u32) {
        let mut free = self.home(mixed);
        while self.table[free].is_some() {
            free = self.next(free);
        }
        let tag = tag(mixed);
        self.table[free] = Some(Entry { tag, at });
    }

    fn home(&self, mixed: u64) -> usize {
        mixed as usize & self.table.len().wrapping_sub(1)
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.table.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    //! The index beside a map of the standard library.

    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_finds_what_a_map_finds() {
        let mut random = 1u64;
        let mut next = |below: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 33) % below
        };
        // Ids of which many are alike in all but one byte.
        let id_of = |number: u64| {
            let mut bytes = [0; 20];
            bytes[number as usize % 20] = (number / 20) as u8;
            bytes[19] ^= 1;
            NodeId::from_random(bytes)
        };
        let (mut index, mut map) = (Index::default(), BTreeMap::new());
        let mut ids = vec![id_of(0); 600];
        for _ in 0..20_000 {
            let number = next(600);
            let (id, at) = (id_of(number), number as Ix);
            assert_eq!(index.find(&id, |at| &ids[at]), map.get(&id).copied());
            if map.contains_key(&id) {
                let at = map.remove(&id).unwrap();
                index.remove(&id, at, |at| ids[at]);
            } else if !map.values().any(|other| *other == at) {
                ids[at] = id;
                map.insert(id, at);
                index.insert(&id, at, |at| ids[at]);
            }
        }
        assert!(!map.is_empty() && index.used == map.len());
        for (id, at) in &map {
            assert_eq!(index.find(id, |at| &ids[at]), Some(*at));
        }
    }
}
