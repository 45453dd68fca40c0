//! What a slot owns: its tables, one a database, and the state that few slots have.

use crate::guard::Leavers;
use crate::tap::{LANES, LaneSet};
use crate::watch::Watchers;
use ds::{Object, Table};

/// The keys of one slot in one database.
pub struct Keys {
    /// The keys.
    pub(crate) table: Table<Object>,
    /// How many of them have an expiry.
    pub(crate) expires: u32,
}

impl Keys {
    pub(crate) const fn new() -> Keys {
        Keys {
            table: Table::new(),
            expires: 0,
        }
    }

    /// How many keys there are, expired ones that nobody has deleted yet included.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.table.len() == 0
    }

    /// How many keys have an expiry.
    pub fn expires(&self) -> usize {
        self.expires as usize
    }

    /// The table.
    pub fn table(&self) -> &Table<Object> {
        &self.table
    }
}

/// What the lock of a slot protects, what every command looks at first.
#[repr(C)]
pub(crate) struct SlotState {
    pub(crate) first: Keys,
    /// Taps whose baseline of this slot is not complete.
    pub(crate) taps: LaneSet,
    /// Sequence number of the slot's last effect in the journal.
    pub(crate) last_effect: u64,
    pub(crate) rare: Option<Box<Rare>>,
}

/// State that most slots do not have.
#[derive(Default)]
pub(crate) struct Rare {
    /// Databases other than 0 that have keys here, by number.
    pub(crate) others: Vec<(u16, Keys)>,
    pub(crate) watchers: Watchers,
    pub(crate) leavers: Leavers,
    /// How far each tap has walked this slot.
    pub(crate) walks: [Walk; LANES],
}

/// How far a tap has walked a slot: databases below `db` are done, and of `db` the keys whose
/// position lies before `cursor`.
#[derive(Clone, Copy, Default)]
pub(crate) struct Walk {
    pub(crate) db: u16,
    pub(crate) cursor: u64,
}

impl SlotState {
    pub(crate) const fn new() -> SlotState {
        SlotState {
            first: Keys::new(),
            taps: LaneSet::EMPTY,
            last_effect: 0,
            rare: None,
        }
    }

    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The keys of a database, if it ever had any here.
    #[inline]
    pub(crate) fn keys(&self, db: u16) -> Option<&Keys> {
        if db == 0 {
            return Some(&self.first);
        }
        let others = &self.rare.as_ref()?.others;
        others
            .iter()
            .find(|(number, _)| *number == db)
            .map(|(_, keys)| keys)
    }

    /// The keys of a database, for changing.
    #[inline]
    pub(crate) fn keys_mut(&mut self, db: u16) -> Option<&mut Keys> {
        if db == 0 {
            return Some(&mut self.first);
        }
        let others = &mut self.rare.as_mut()?.others;
        others
            .iter_mut()
            .find(|(number, _)| *number == db)
            .map(|(_, keys)| keys)
    }

    /// The keys of a database, made when there were none.
    pub(crate) fn keys_or_new(&mut self, db: u16) -> &mut Keys {
        if db == 0 {
            return &mut self.first;
        }
        let others = &mut self.rare().others;
        let at = match others.binary_search_by_key(&db, |(number, _)| *number) {
            Ok(at) => at,
            Err(at) => {
                others.insert(at, (db, Keys::new()));
                at
            }
        };
        &mut others[at].1
    }

    /// The databases that have keys here, in ascending order.
    pub(crate) fn databases(&self) -> impl Iterator<Item = (u16, &Keys)> {
        let others = self.rare.iter().flat_map(|rare| rare.others.iter());
        std::iter::once((0, &self.first))
            .chain(others.map(|(number, keys)| (*number, keys)))
            .filter(|(_, keys)| !keys.is_empty())
    }

    /// Gives back what empty databases took.
    pub(crate) fn tidy(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.others.retain(|(_, keys)| !keys.is_empty());
            let idle = rare.others.is_empty()
                && rare.watchers.is_empty()
                && rare.leavers.is_empty()
                && self.taps.is_empty();
            if idle {
                self.rare = None;
            }
        }
    }
}
