//! Active expiry: deleting keys whose time is up before anybody asks for them.

use crate::{Expiry, Locker, When};
use base::Slot;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Where active expiry goes on.
#[derive(Default)]
pub struct ExpireCycle {
    slot: usize,
    bucket: u64,
    db: u16,
}

/// What one run of active expiry did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpireProgress {
    /// Keys that were deleted.
    pub expired: u64,
    /// Keys with an expiry that were looked at.
    pub sampled: u64,
    /// How long the others have to live, in milliseconds, by physical database: sum and count.
    pub lives: BTreeMap<u16, (i64, i64)>,
    /// Whether the time was up before the key space had been gone through once.
    pub cut_short: bool,
}

impl ExpireCycle {
    /// Deletes keys whose time is up, for at most `budget`, going on where the last run stopped.
    pub fn run(&mut self, locker: &Locker, now: i64, budget: Duration) -> ExpireProgress {
        let mut progress = ExpireProgress::default();
        let store = locker.store();
        let any = (0..store.databases()).any(|db| store.database_size(db).1 > 0);
        if !any {
            return progress;
        }
        let deadline = Instant::now() + budget;
        let begin = self.slot;
        let mut wrapped = false;
        loop {
            let Some(slot) = store.next_slot_with_keys(self.slot) else {
                if wrapped {
                    return progress;
                }
                wrapped = true;
                *self = ExpireCycle::default();
                continue;
            };
            if wrapped && slot.index() >= begin {
                return progress;
            }
            self.move_to(slot);
            self.step(locker, slot, now, &mut progress);
            if Instant::now() >= deadline {
                progress.cut_short = true;
                return progress;
            }
        }
    }

    fn move_to(&mut self, slot: Slot) {
        if slot.index() != self.slot {
            *self = ExpireCycle {
                slot: slot.index(),
                bucket: 0,
                db: 0,
            };
        }
    }

    fn go_to_next(&mut self, slot: Slot) {
        *self = ExpireCycle {
            slot: slot.index() + 1,
            bucket: 0,
            db: 0,
        };
    }

    /// Looks at a few buckets of one slot under its lock.
    fn step(&mut self, locker: &Locker, slot: Slot, now: i64, progress: &mut ExpireProgress) {
        let _open = locker.enter();
        let Some(mut guard) = locker.try_lock(slot) else {
            return self.go_to_next(slot);
        };
        if locker.store().is_held(slot) {
            // A pause has begun since this run did.
            return self.go_to_next(slot);
        }
        let done = self.db.checked_sub(1);
        let Some(db) = guard.next_database(done) else {
            return self.go_to_next(slot);
        };
        if db != self.db {
            (self.db, self.bucket) = (db, 0);
        }
        let Some(keys) = guard.keys(db).filter(|keys| keys.expires() > 0) else {
            (self.db, self.bucket) = (db + 1, 0);
            return;
        };
        let mut due: Vec<Box<[u8]>> = Vec::new();
        let mut lives = (0, 0);
        for _ in 0..16 {
            self.bucket = keys.table().scan(self.bucket, &mut |object: &ds::Object| {
                if let Some(expire) = object.expire() {
                    progress.sampled += 1;
                    if expire <= now {
                        due.push(object.key().into());
                    } else {
                        lives.0 = expire.saturating_sub(now).saturating_add(lives.0);
                        lives.1 += 1;
                    }
                }
            });
            if self.bucket == 0 {
                self.db = db + 1;
                break;
            }
        }
        if lives.1 > 0 {
            let sum = progress.lives.entry(db).or_default();
            *sum = (sum.0.saturating_add(lives.0), sum.1 + lives.1);
        }
        let when = When {
            now,
            expiry: Expiry::Delete,
        };
        for key in due {
            let hash = ds::siphash::of(&key);
            let before = progress.expired;
            progress.expired = before + u64::from(guard.find(db, hash, &key, when).is_none());
        }
    }
}
