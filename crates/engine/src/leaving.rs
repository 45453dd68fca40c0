//! Keys that are on their way to another server (MIGRATE): commands on them wait for the outcome.

use commands::Spec;
use parking_lot::Mutex;
use resp::Args;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use store::Wake;
use store::order::{Short, brief};

/// Who waits for the outcome of one key.
type Waiters = Vec<Arc<dyn Wake>>;

/// The set of such keys, of all databases; nearly always empty. A key is added and looked for
/// under the lock of its slot.
#[derive(Default)]
pub struct Leaving {
    count: AtomicUsize,
    keys: Mutex<HashMap<Box<[u8]>, Waiters>>,
}

impl Leaving {
    /// Adds a key, whose slot the caller has locked. Returns false when it is on its way already.
    pub fn add(&self, key: &[u8]) -> bool {
        let _order = brief(Short::Registries);
        let mut keys = self.keys.lock();
        let new = !keys.contains_key(key);
        if new {
            keys.insert(key.into(), Waiters::new());
        }
        self.count.store(keys.len(), Ordering::Release);
        new
    }

    /// Takes a key out again, and wakes those that wait for that.
    pub fn remove(&self, key: &[u8]) {
        let _order = brief(Short::Registries);
        let mut keys = self.keys.lock();
        let waiters = keys.remove(key);
        self.count.store(keys.len(), Ordering::Release);
        drop(keys);
        let waiters = waiters.into_iter().flatten();
        waiters.for_each(|waiter| waiter.wake());
    }

    /// Has `waiter` woken, once, when the key is taken out. False when it is not there (any more):
    /// nobody would wake it.
    pub fn wait(&self, key: &[u8], waiter: impl FnOnce() -> Arc<dyn Wake>) -> bool {
        let _order = brief(Short::Registries);
        match self.keys.lock().get_mut(key) {
            Some(waiters) => {
                waiters.push(waiter());
                true
            }
            None => false,
        }
    }

    /// The first such key that a command, whose slots are locked, names.
    #[inline]
    pub(crate) fn touched_by(&self, spec: &'static Spec, args: Args<'_>) -> Option<Box<[u8]>> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.look(spec, args)
    }

    #[cold]
    fn look(&self, spec: &'static Spec, args: Args<'_>) -> Option<Box<[u8]>> {
        let _order = brief(Short::Registries);
        let keys = self.keys.lock();
        let mut found = None;
        let argv = commands::ByIndex::new(args.len(), |index| args.get(index));
        commands::keys(spec, &argv, &mut |index, _| {
            let key = args.get(index);
            if found.is_none() && keys.contains_key(key) {
                found = Some(key.into());
            }
        });
        found
    }
}

#[cfg(test)]
mod tests;
