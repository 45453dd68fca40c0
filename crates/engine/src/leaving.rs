//! Keys that are on their way to another server (MIGRATE): commands on them wait for the outcome.

use commands::Spec;
use parking_lot::Mutex;
use resp::Args;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The set of such keys, of all databases; nearly always empty. A key is added and looked for
/// under the lock of its slot.
#[derive(Default)]
pub struct Leaving {
    count: AtomicUsize,
    keys: Mutex<HashSet<Box<[u8]>>>,
}

impl Leaving {
    /// Adds a key, whose slot the caller has locked. Returns false when it is on its way already.
    pub fn add(&self, key: &[u8]) -> bool {
        let mut keys = self.keys.lock();
        let new = keys.insert(key.into());
        self.count.store(keys.len(), Ordering::Release);
        new
    }

    /// Takes a key out again.
    pub fn remove(&self, key: &[u8]) {
        let mut keys = self.keys.lock();
        keys.remove(key);
        self.count.store(keys.len(), Ordering::Release);
    }

    /// Whether a command, whose slots are locked, names such a key.
    #[inline]
    pub(crate) fn touched_by(&self, spec: &'static Spec, args: Args<'_>) -> bool {
        self.count.load(Ordering::Acquire) != 0 && self.look(spec, args)
    }

    #[cold]
    fn look(&self, spec: &'static Spec, args: Args<'_>) -> bool {
        let keys = self.keys.lock();
        let mut found = false;
        let argv = commands::ByIndex::new(args.len(), |index| args.get(index));
        commands::keys(spec, &argv, &mut |index, _| {
            found |= keys.contains(args.get(index));
        });
        found
    }
}
