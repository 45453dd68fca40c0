//! Looking ahead: what is found out about the commands of a batch before the first is executed.
//!
//! A command's row, its keys' slots and their hashes depend on its arguments alone. They are found
//! when the command is looked at first and carried to its execution, so that each key is hashed
//! once; meanwhile the memory that execution will look at is asked for.

use crate::Worker;
use base::Slot;
use commands::{Spec, Unknown};
use resp::Args;

/// Keys of a batch whose memory is asked for: more would drive one another out of the cache.
const PREFETCHED: usize = 1024;
/// Buckets of a chain that are looked through for an entry to ask for.
const CHAIN: usize = 4;
/// Keys and commands for which memory is kept between batches.
const KEPT: usize = 4096;

/// A key of a command.
#[derive(Clone, Copy)]
pub(crate) struct KnownKey {
    /// Which argument it is.
    pub(crate) index: u32,
    pub(crate) slot: Slot,
    pub(crate) hash: u64,
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
    /// Those whose entries were not in the first bucket of their chain.
    behind: Vec<KnownKey>,
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
        if self.keys.capacity() > KEPT {
            self.keys = Vec::new();
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
                    hash: ds::hash::of(key),
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
        if seen.end as usize <= PREFETCHED {
            for key in self.ahead.keys(seen) {
                self.engine.store.prefetch_slot(key.slot);
            }
        }
    }

    /// Asks for the memory of all keys that were looked at.
    pub fn prefetch(&mut self) {
        let keys = &self.ahead.keys[..self.ahead.keys.len().min(PREFETCHED)];
        let store = &self.engine.store;
        for key in keys {
            store.prefetch_bucket(key.slot, key.hash);
        }
        // A bucket is full oftener than not, and the entry in the next of its chain.
        let behind = &mut self.ahead.behind;
        behind.clear();
        behind.extend(
            keys.iter()
                .filter(|key| store.prefetch_entry(key.slot, key.hash, 0)),
        );
        for nth in 1..CHAIN {
            if behind.is_empty() {
                break;
            }
            behind.retain(|key| store.prefetch_entry(key.slot, key.hash, nth));
        }
    }

    /// What is known of command `nth`, which is looked at now if it was not before.
    #[inline]
    pub(crate) fn seen(&mut self, nth: usize, args: Args<'_>) -> Seen {
        match self.ahead.commands.get(nth) {
            Some(Some(seen)) => *seen,
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
