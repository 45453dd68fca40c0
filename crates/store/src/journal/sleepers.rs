//! Readers that sleep until something is appended.

use crate::order::{Short, brief};
use crate::sync::{AtomicBool, Mutex, Ordering, Thread, current};

/// Who sleeps, or is about to. Apart from the log, so that nobody who wakes them waits for someone
/// that reads it.
#[derive(Default)]
pub(super) struct Sleepers {
    /// Whether there are any.
    any: AtomicBool,
    /// Whether something was appended since there are.
    news: AtomicBool,
    threads: Mutex<Vec<(u64, Thread)>>,
}

impl Sleepers {
    /// The calling thread is about to sleep as the reader with this number.
    pub(super) fn add(&self, reader: u64) {
        let _order = brief(Short::JournalSleepers);
        let mut threads = self.threads.lock();
        threads.retain(|(id, _)| *id != reader);
        threads.push((reader, current()));
        self.any.store(true, Ordering::SeqCst);
    }

    /// The reader with this number ends.
    pub(super) fn remove(&self, reader: u64) {
        let _order = brief(Short::JournalSleepers);
        self.threads.lock().retain(|(id, _)| *id != reader);
    }

    /// Wakes the reader with this number.
    pub(super) fn wake(&self, reader: u64) {
        let _order = brief(Short::JournalSleepers);
        let mut threads = self.threads.lock();
        if let Some(index) = threads.iter().position(|(id, _)| *id == reader) {
            threads.swap_remove(index).1.unpark();
        }
    }

    /// After something was appended: has them woken at the end of the batch.
    #[inline]
    pub(super) fn note_news(&self) {
        // Looked at first: the file's thread mostly sleeps, and workers that append would take this
        // line from each other.
        if self.any.load(Ordering::Relaxed) && !self.news.load(Ordering::Relaxed) {
            self.news.store(true, Ordering::Relaxed);
        }
    }

    /// Has them woken whether or not something was appended.
    pub(super) fn tell(&self) {
        self.news.store(true, Ordering::SeqCst);
    }

    /// Wakes all, if there is news for them.
    #[inline]
    pub(super) fn wake_all(&self) {
        if self.news.load(Ordering::Relaxed) && self.news.swap(false, Ordering::SeqCst) {
            self.wake_now();
        }
    }

    #[cold]
    fn wake_now(&self) {
        let _order = brief(Short::JournalSleepers);
        let mut threads = self.threads.lock();
        self.any.store(false, Ordering::SeqCst);
        for (_, thread) in threads.drain(..) {
            thread.unpark();
        }
    }
}
