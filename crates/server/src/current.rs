//! A value that is read whole and replaced whole.

use parking_lot::RwLock;
use std::sync::Arc;

/// What is true now. Readers have it as it was when they asked, and hold no lock: a lock that is
/// held while something else is called would be taken again there one day, with a writer in
/// between.
pub(crate) struct Current<T>(RwLock<Arc<T>>);

impl<T: Clone> Current<T> {
    pub(crate) fn new(value: T) -> Current<T> {
        Current(RwLock::new(Arc::new(value)))
    }

    /// The value now.
    pub(crate) fn read(&self) -> Arc<T> {
        self.0.read().clone()
    }

    /// The value now, unless it is being replaced: by the caller itself, perhaps.
    pub(crate) fn try_read(&self) -> Option<Arc<T>> {
        self.0.try_read().map(|value| value.clone())
    }

    /// Puts another in its place, and answers the one before.
    pub(crate) fn replace(&self, value: T) -> Arc<T> {
        std::mem::replace(&mut *self.0.write(), Arc::new(value))
    }

    /// Changes a part of it.
    pub(crate) fn change(&self, change: impl FnOnce(&mut T)) {
        change(Arc::make_mut(&mut self.0.write()));
    }
}
