//! Keys whose time to live a client of a writable replica has set. The primary knows nothing of
//! that and will not delete them: the replica does, for itself alone.

use crate::journal::Audience;
use crate::order::{Short, brief};
use crate::sync::{AtomicUsize, Mutex, Ordering};
use crate::{Expiry, Locker, Store, When};
use base::Slot;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A key: its physical database and its name.
type Name = (u16, Arc<[u8]>);

/// Such keys, by when they are due.
#[derive(Default)]
pub(crate) struct LocalExpiries {
    count: AtomicUsize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    due: BTreeSet<(i64, Name)>,
    /// When each is due, in ms since 1970.
    times: HashMap<Name, i64>,
}

impl Known {
    fn forget(&mut self, name: &Name) {
        if let Some(at) = self.times.remove(name) {
            self.due.remove(&(at, name.clone()));
        }
    }

    fn note(&mut self, name: Name, at: i64) {
        self.forget(&name);
        self.times.insert(name.clone(), at);
        self.due.insert((at, name));
    }
}

impl LocalExpiries {
    fn change<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        let _order = brief(Short::Registries);
        let mut known = self.known.lock();
        let result = change(&mut known);
        self.count.store(known.times.len(), Ordering::Relaxed);
        result
    }
}

impl Store {
    /// Notes that a key, whose slot is locked, is due at `at`, in ms since 1970, and that no
    /// primary will delete it.
    #[cold]
    pub fn note_local_expiry(&self, db: u16, key: &[u8], at: i64) {
        self.local.change(|known| known.note((db, key.into()), at));
    }

    /// How many such keys there are.
    pub fn local_expiries(&self) -> usize {
        self.local.count.load(Ordering::Relaxed)
    }

    /// There are none any more: the data set was replaced, or there is no primary any more.
    pub fn forget_local_expiries(&self) {
        self.local.change(|known| *known = Known::default());
    }
}

impl Locker {
    /// Deletes such keys that are due, for at most `budget`; the append-only file learns of it,
    /// replicas do not. A slot that another thread has is left for the next time.
    pub fn expire_local(&self, now: i64, budget: Duration) {
        let store = self.store();
        if store.local_expiries() == 0 {
            return;
        }
        let deadline = Instant::now() + budget;
        let due = store.local.change(|known| {
            let due = known.due.iter().take_while(|(at, _)| *at <= now);
            due.map(|(_, name)| name.clone()).collect::<Vec<_>>()
        });
        for name in due {
            self.end_local(&name, now);
            if Instant::now() >= deadline {
                return;
            }
        }
    }

    /// Deletes one of them if it is due; forgets it if it is not what it was.
    fn end_local(&self, name: &Name, now: i64) {
        let (db, key) = (name.0, &*name.1);
        let hash = ds::siphash::of(key);
        let _open = self.enter();
        let Some(mut guard) = self.try_lock(Slot::of_key(key)) else {
            return;
        };
        let as_it_is = When {
            now,
            expiry: Expiry::Ignore,
        };
        let expire = guard.find(db, hash, key, as_it_is);
        let expire = expire.and_then(ds::Object::expire);
        if self.store().is_held(Slot::of_key(key)) {
            return;
        }
        if expire.is_some_and(|at| at <= now) {
            guard.expire_for(db, hash, key, Audience::AOF);
        }
        let later = expire.filter(|at| *at > now);
        self.store().local.change(|known| match later {
            Some(at) => known.note(name.clone(), at),
            None => known.forget(name),
        });
    }
}
