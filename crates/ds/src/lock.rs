//! A lock that is tried, not waited for, and that tells whoever releases it that somebody waits.
//!
//! Workers never sleep on a slot: one that finds a slot locked leaves a note
//! ([`TryLock::announce`]) and goes on with other connections; the holder learns of the note in the
//! same atomic step with which it unlocks, so that an uncontended lock and unlock cost one atomic
//! operation each.

#[cfg(feature = "model")]
use shuttle::sync::atomic::{AtomicU32, Ordering};
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
#[cfg(not(feature = "model"))]
use std::sync::atomic::{AtomicU32, Ordering};

const LOCKED: u32 = 1;
const ANNOUNCED: u32 = 2;
const RESERVED: u32 = 4;

/// A value behind a lock word of 32 bits.
#[repr(C)]
pub struct TryLock<T> {
    word: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only through a guard, and `try_lock` gives out at most one guard at
// a time (the LOCKED bit is set by a compare-and-swap and cleared only when the guard goes), so
// sharing the lock hands the value from thread to thread, which `T: Send` allows.
unsafe impl<T: Send> Sync for TryLock<T> {}

impl<T> TryLock<T> {
    /// How many bytes behind the beginning of the lock its value lies.
    pub const VALUE_AT: usize = std::mem::offset_of!(TryLock<T>, value);

    /// An unlocked value.
    pub const fn new(value: T) -> TryLock<T> {
        TryLock {
            word: AtomicU32::new(0),
            value: UnsafeCell::new(value),
        }
    }

    /// Takes the lock if it is free and nobody has it reserved.
    #[inline]
    pub fn try_lock(&self) -> Option<TryLockGuard<'_, T>> {
        self.try_from(LOCKED | RESERVED)
    }

    /// Takes the lock if it is free, also when it is reserved: for whom it is reserved.
    pub fn try_lock_reserved(&self) -> Option<TryLockGuard<'_, T>> {
        self.try_from(LOCKED)
    }

    #[inline]
    fn try_from(&self, unwanted: u32) -> Option<TryLockGuard<'_, T>> {
        let word = self.word.load(Ordering::Relaxed);
        if word & unwanted != 0 {
            return None;
        }
        self.word
            .compare_exchange(word, word | LOCKED, Ordering::Acquire, Ordering::Relaxed)
            .ok()
            .map(|_| TryLockGuard { lock: self })
    }

    /// Leaves a note for the holder. Returns whether the lock is free now, in which case the caller
    /// must try it itself: there may be no holder left to read the note.
    pub fn announce(&self) -> bool {
        self.word.fetch_or(ANNOUNCED, Ordering::SeqCst) & LOCKED == 0
    }

    /// Keeps newcomers from the lock until it is next unlocked ([`TryLockGuard::unlock`]), or lets
    /// them have it again.
    pub fn reserve(&self, on: bool) {
        if on {
            self.word.fetch_or(RESERVED, Ordering::SeqCst);
        } else {
            self.word.fetch_and(!RESERVED, Ordering::SeqCst);
        }
    }

    /// Whether newcomers are kept from the lock.
    pub fn is_reserved(&self) -> bool {
        self.word.load(Ordering::SeqCst) & RESERVED != 0
    }

    /// Whether somebody holds the lock at this moment.
    pub fn is_locked(&self) -> bool {
        self.word.load(Ordering::Relaxed) & LOCKED != 0
    }

    /// The value, without locking: nobody else can have it.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

/// The right to the value of a [`TryLock`].
pub struct TryLockGuard<'a, T> {
    lock: &'a TryLock<T>,
}

/// Who has come since the lock was last released.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Left {
    /// Nobody.
    Nothing,
    /// Somebody had announced itself.
    Note,
    /// Somebody for whom the lock was reserved: it no longer is.
    Reservation,
}

impl<T> TryLockGuard<'_, T> {
    /// Unlocks, which ends a reservation, in one step whoever came meanwhile.
    #[inline]
    pub fn unlock(self) -> Left {
        let word = self.release();
        std::mem::forget(self);
        if word & (ANNOUNCED | RESERVED) == 0 {
            Left::Nothing
        } else if word & RESERVED == 0 {
            Left::Note
        } else {
            Left::Reservation
        }
    }

    /// Unlocks and leaves a reservation as it is: for whom the lock was reserved, or for who went
    /// before.
    pub fn unlock_reserved(self) -> Left {
        let word = self
            .lock
            .word
            .fetch_and(!(LOCKED | ANNOUNCED), Ordering::SeqCst);
        std::mem::forget(self);
        if word & ANNOUNCED == 0 {
            Left::Nothing
        } else {
            Left::Note
        }
    }

    #[inline]
    fn release(&self) -> u32 {
        self.lock.word.swap(0, Ordering::SeqCst)
    }
}

impl<T> Drop for TryLockGuard<'_, T> {
    fn drop(&mut self) {
        self.release();
    }
}

impl<T> Deref for TryLockGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this guard is the only one (see the `Sync` impl), so nobody writes the value
        // while the shared borrow of the guard lives.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for TryLockGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and the guard itself is borrowed mutably, so this borrow is unique.
        unsafe { &mut *self.lock.value.get() }
    }
}

#[cfg(test)]
mod tests;
