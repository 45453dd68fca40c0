//! Looking ahead: what is found out about the commands of a batch before the first is executed.
//!
//! A command's row, its keys' slots and their hashes depend on its arguments alone. They are found
//! when the command is looked at first and carried to its execution, so that each key is hashed
//! once; meanwhile the memory that execution will look at is asked for.

use crate::Worker;
use base::Slot;
use commands::{Spec, Unknown, flag};
use resp::Args;
use store::Locker;

/// How many keys before its bucket is looked at a key's bucket is asked for, while commands are
/// still being looked at: by then the slot's head has come.
const SLOTS_AHEAD: usize = 8;
/// How many keys before it is executed a key's entry is asked for: what memory takes is spent on
/// executing the keys between.
const ENTRIES_AHEAD: usize = 24;
/// The same for an entry that was not in the first bucket of its chain.
const CHAINS_AHEAD: usize = 12;
/// Keys and commands for which memory is kept between batches.
const KEPT: usize = 4096;

/// A key of a command.
#[derive(Clone, Copy)]
pub(crate) struct KnownKey {
    /// Which argument it is.
    pub(crate) index: u32,
    pub(crate) slot: Slot,
    /// Whether its entry is to be looked for in the second bucket of its chain.
    chained: bool,
    pub(crate) hash: u64,
}

/// Calls `visit` with the name and the hash of each of a command's keys.
pub(crate) fn each_key(args: Args<'_>, keys: &[KnownKey], visit: &mut dyn FnMut(&[u8], u64)) {
    for key in keys {
        visit(args.get(key.index as usize), key.hash);
    }
}

/// A command that was looked at.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) spec: Result<&'static Spec, Unknown>,
    /// Where its keys begin in [`Lookahead::keys`], and where they end.
    first: u32,
    end: u32,
}

/// The commands of a batch.
#[derive(Default)]
pub(crate) struct Lookahead {
    commands: Vec<Option<Seen>>,
    keys: Vec<KnownKey>,
    /// Keys whose buckets, whose entries and whose second buckets' entries were asked for.
    buckets: usize,
    entries: usize,
    chains: usize,
}

impl Lookahead {
    /// The keys of a command, in the order in which its key specs name them.
    #[inline]
    pub(crate) fn keys(&self, seen: Seen) -> &[KnownKey] {
        &self.keys[seen.first as usize..seen.end as usize]
    }

    fn clear(&mut self) {
        self.commands.clear();
        self.keys.clear();
        (self.buckets, self.entries, self.chains) = (0, 0, 0);
        if self.keys.capacity() > KEPT {
            self.keys = Vec::new();
        }
    }

    /// Asks for the buckets of the keys up to number `end`.
    #[inline]
    fn ask_buckets(&mut self, locker: &Locker, end: usize) {
        while self.buckets < end {
            let key = self.keys[self.buckets];
            locker.store().prefetch_bucket(key.slot, key.hash);
            self.buckets += 1;
        }
    }

    /// Asks for the entries of the keys that are executed soon, `at` being the next, and at least
    /// for those before `until`.
    #[inline]
    fn ask_entries(&mut self, locker: &Locker, at: usize, until: usize) {
        let end = self.buckets.min(until.max(at + ENTRIES_AHEAD));
        while self.entries < end {
            let key = &mut self.keys[self.entries];
            key.chained = locker.prefetch_entry(key.slot, key.hash, 0);
            self.entries += 1;
        }
        let end = self.entries.min(until.max(at + CHAINS_AHEAD));
        while self.chains < end {
            let key = self.keys[self.chains];
            if key.chained {
                locker.prefetch_entry(key.slot, key.hash, 1);
            }
            self.chains += 1;
        }
    }

    #[inline]
    fn look(&mut self, directory: &commands::Directory, args: Args<'_>) -> Seen {
        let argv = commands::ByIndex::new(args.len(), |index| args.get(index));
        let spec = directory.resolve(&argv);
        let first = self.keys.len() as u32;
        if let Ok(spec) = spec {
            let keys = &mut self.keys;
            commands::keys(spec, &argv, &mut |index, _| {
                let key = args.get(index);
                keys.push(KnownKey {
                    index: index as u32,
                    slot: Slot::of_key(key),
                    chained: false,
                    hash: ds::siphash::of(key),
                });
            });
        }
        let end = self.keys.len() as u32;
        Seen { spec, first, end }
    }
}

impl Worker {
    /// Looks at command `nth` of a batch that is about to be executed and asks for the heads of its
    /// slots. Call it for each command in order, then [`Worker::prefetch`], then
    /// [`Worker::execute_nth`].
    #[inline]
    pub fn look_ahead(&mut self, nth: usize, args: Args<'_>) {
        if nth == 0 {
            self.ahead.clear();
        }
        let seen = self.ahead.look(&self.engine.directory, args);
        self.ahead.commands.resize(nth, None);
        self.ahead.commands.push(Some(seen));
        let store = &self.engine.store;
        let change = seen.spec.is_ok_and(|spec| spec.has(flag::WRITE));
        for key in self.ahead.keys(seen) {
            store.prefetch_slot(key.slot, change);
        }
        let asked = self.ahead.keys.len().saturating_sub(SLOTS_AHEAD);
        self.ahead.ask_buckets(&self.locker, asked);
    }

    /// Asks for the memory of the keys that were looked at, if there are several.
    pub fn prefetch(&mut self) {
        let (locker, keys) = (&self.locker, self.ahead.keys.len());
        if keys > 1 {
            self.ahead.ask_buckets(locker, keys);
            self.ahead.ask_entries(locker, 0, 0);
        }
    }

    /// What is known of command `nth`, which is looked at now if it was not before.
    #[inline]
    pub(crate) fn seen(&mut self, nth: usize, args: Args<'_>) -> Seen {
        match self.ahead.commands.get(nth) {
            Some(Some(seen)) => {
                let seen = *seen;
                if self.ahead.entries > 0 {
                    let locker = &self.locker;
                    self.ahead
                        .ask_entries(locker, seen.first as usize, seen.end as usize);
                }
                seen
            }
            _ => self.ahead.look(&self.engine.directory, args),
        }
    }

    /// Looks at a command that is no part of a batch that was looked at.
    #[inline]
    pub(crate) fn see(&mut self, args: Args<'_>) -> Seen {
        self.ahead.clear();
        self.ahead.look(&self.engine.directory, args)
    }
}
