//! How a row says where a command's keys are.

use crate::flags::{KeyFlags, key};

/// Where a key spec begins to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At this argument; the command's name is argument 0.
    Index(u16),
    /// Behind this word, looked for from `start_from` on; a negative start counts from the end
    /// (-1 is the last argument) and searches backwards.
    Keyword {
        /// The word, upper and lower case alike.
        word: &'static str,
        /// Where the search starts.
        start_from: i16,
    },
    /// No rule can tell.
    Unknown,
}

/// Which arguments are keys, counted from where the spec begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Find {
    /// From the first argument to `last`, every `step`-th.
    Range {
        /// Distance to the last key; negative: counted from the end of the arguments.
        last: i16,
        /// Distance between keys.
        step: u16,
        /// With a negative `last`: only the first 1/`limit` of the arguments; 0 and 1 mean all.
        limit: u16,
    },
    /// An argument tells how many keys there are.
    KeyNum {
        /// The argument that holds the number.
        number_at: u16,
        /// The first key.
        first: u16,
        /// Distance between keys.
        step: u16,
    },
    /// No rule can tell.
    Unknown,
}

/// One rule that finds keys among the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// Where it begins.
    pub begin: Begin,
    /// What it finds from there.
    pub find: Find,
    /// What the command does to these keys.
    pub flags: KeyFlags,
    /// A remark for readers of `COMMAND INFO`.
    pub notes: Option<&'static str>,
}

impl KeySpec {
    const fn new(begin: Begin, find: Find, flags: u32) -> KeySpec {
        KeySpec {
            begin,
            find,
            flags: KeyFlags(flags),
            notes: None,
        }
    }

    pub(crate) const fn note(mut self, notes: &'static str) -> KeySpec {
        self.notes = Some(notes);
        self
    }
}

/// One key at argument `index`.
pub(crate) const fn at(index: u16, flags: u32) -> KeySpec {
    range(index, 0, 1, flags)
}

/// Keys from argument `index` on, to `last`, every `step`-th.
pub(crate) const fn range(index: u16, last: i16, step: u16, flags: u32) -> KeySpec {
    KeySpec::new(
        Begin::Index(index),
        Find::Range {
            last,
            step,
            limit: 0,
        },
        flags,
    )
}

/// As many keys as argument `index` says, right behind it.
pub(crate) const fn counted(index: u16, flags: u32) -> KeySpec {
    let find = Find::KeyNum {
        number_at: 0,
        first: 1,
        step: 1,
    };
    KeySpec::new(Begin::Index(index), find, flags)
}

/// All arguments behind a word.
pub(crate) const fn behind(word: &'static str, start_from: i16, flags: u32) -> KeySpec {
    let begin = Begin::Keyword { word, start_from };
    KeySpec::new(
        begin,
        Find::Range {
            last: -1,
            step: 1,
            limit: 0,
        },
        flags,
    )
}

/// Keys that only code can find.
pub(crate) const fn unknown(flags: u32) -> KeySpec {
    KeySpec::new(Begin::Unknown, Find::Unknown, flags)
}

/// The place of a command's keys as one arithmetic progression: the form that `COMMAND` had
/// before key specs, and the fast path of key extraction where [`exact`](Self::exact) holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key's argument, 0 if there is none.
    pub first: i16,
    /// The last key's argument; negative: counted from the end.
    pub last: i16,
    /// Distance between keys.
    pub step: i16,
    /// The range leaves out keys that other specs find (flag `movablekeys`).
    pub movable: bool,
    /// The range holds all keys, always.
    pub placed: bool,
    /// It is [`placed`](Self::placed), and what the command does to the keys never varies.
    pub exact: bool,
    /// What the command does to the first key.
    pub flags: KeyFlags,
}

impl KeyRange {
    /// No keys.
    pub(crate) const NONE: KeyRange = KeyRange {
        first: 0,
        last: 0,
        step: 0,
        movable: false,
        placed: false,
        exact: false,
        flags: KeyFlags(0),
    };

    /// Folds specs into one range by Redis's rule: a lone range stands as it is; several must be
    /// neighbours with step 1, and what does not fit is left out.
    pub(crate) const fn of(specs: &[KeySpec]) -> KeyRange {
        let mut range = KeyRange {
            placed: !specs.is_empty(),
            ..KeyRange::NONE
        };
        let mut varies = false;
        let mut i = 0;
        while i < specs.len() {
            let spec = &specs[i];
            i += 1;
            if spec.flags.has(key::INCOMPLETE) {
                range.movable = true;
            }
            if spec.flags.has(key::NOT_KEY) {
                range.placed = false;
            }
            varies |= spec.flags.has(key::VARIABLE_FLAGS);
            let (Begin::Index(index), Find::Range { last, step, limit }) = (spec.begin, spec.find)
            else {
                range.movable = true;
                continue;
            };
            let (index, step) = (index as i16, step as i16);
            let lone = specs.len() == 1;
            if !lone && (step != 1 || (range.last != 0 && range.last != index - 1)) {
                range.movable = true;
                continue;
            }
            if limit > 1 {
                range.placed = false;
            }
            if range.first == 0 {
                range.first = index;
                range.flags = spec.flags;
            }
            // An end counted from the end of the arguments lies behind any fixed one.
            let end = if last >= 0 { index + last } else { last };
            if range.last >= 0 && (end < 0 || end > range.last) {
                range.last = end;
            }
            range.step = step;
        }
        range.placed = range.placed && !range.movable;
        range.exact = range.placed && !varies;
        range
    }
}
