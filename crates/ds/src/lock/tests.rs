//! Tests of the lock that is tried.

use super::{Left, TryLock};
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn a_held_lock_is_refused_and_its_release_tells_of_the_note() {
    let lock = TryLock::new(1);
    let guard = lock.try_lock().unwrap();
    assert!(lock.try_lock().is_none());
    assert!(!lock.announce());
    assert_eq!(guard.unlock(), Left::Note);
    assert!(lock.announce(), "a free lock says so");
    let guard = lock.try_lock().unwrap();
    assert_eq!(guard.unlock(), Left::Note);
    assert_eq!(lock.try_lock().unwrap().unlock(), Left::Nothing);
}

#[test]
fn a_reservation_stays_while_its_owner_locks_and_unlocks() {
    let lock = TryLock::new(1);
    lock.reserve(true);
    assert!(lock.try_lock().is_none());
    for _ in 0..2 {
        let guard = lock.try_lock_reserved().unwrap();
        assert_eq!(guard.unlock_reserved(), Left::Nothing);
        assert!(lock.is_reserved());
    }
    let guard = lock.try_lock_reserved().unwrap();
    lock.announce();
    assert_eq!(guard.unlock_reserved(), Left::Note);
    let guard = lock.try_lock_reserved().unwrap();
    assert_eq!(guard.unlock(), Left::Reservation, "who ends one is told");
    assert!(!lock.is_reserved());
}

#[test]
fn increments_of_many_threads_all_count() {
    let lock = TryLock::new(0u64);
    let spins = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut done = 0;
                while done < 20_000 {
                    match lock.try_lock() {
                        Some(mut value) => {
                            *value += 1;
                            done += 1;
                        }
                        None => {
                            spins.fetch_add(1, Ordering::Relaxed);
                            std::thread::yield_now();
                        }
                    }
                }
            });
        }
    });
    assert_eq!(*lock.try_lock().unwrap(), 80_000);
}
