//! What one thread does for all that come, while the others go on.

use crate::order::{Short, about_to_work, brief};
use crate::sync::{AtomicBool, Mutex, Ordering, fence};

/// How often a thread goes on with what others have brought meanwhile, before it leaves that to
/// somebody who has nothing better to do.
const ROUNDS: usize = 3;

/// Work that any thread may do and one at a time does. Nobody waits for another: who finds it being
/// done leaves, and the one that does it looks again before it goes.
#[derive(Default)]
pub struct Baton<T> {
    held: Mutex<T>,
    /// Somebody has come since the holder began.
    more: AtomicBool,
}

impl<T> Baton<T> {
    /// A baton over `value`.
    pub const fn new(value: T) -> Baton<T> {
        Baton {
            held: Mutex::new(value),
            more: AtomicBool::new(false),
        }
    }

    /// Does the work, unless another thread is at it: that one does it once more. False: others
    /// came again and again meanwhile, and somebody has to do it once more.
    #[must_use]
    pub fn offer(&self, mut work: impl FnMut(&mut T)) -> bool {
        about_to_work();
        // Either the holder sees this after it has let go, or the baton is seen free here.
        self.more.store(true, Ordering::SeqCst);
        for _ in 0..ROUNDS {
            fence(Ordering::SeqCst);
            let order = brief(Short::File);
            let Some(mut held) = self.held.try_lock() else {
                return true;
            };
            self.more.swap(false, Ordering::SeqCst);
            work(&mut held);
            drop(held);
            drop(order);
            fence(Ordering::SeqCst);
            if !self.more.load(Ordering::SeqCst) {
                return true;
            }
        }
        false
    }

    /// What a model breaks the rule with: whoever finds the baton taken leaves, and nobody looks
    /// again.
    #[cfg(all(test, feature = "model"))]
    pub(crate) fn try_once(&self, work: impl FnOnce(&mut T)) {
        if let Some(mut held) = self.held.try_lock() {
            work(&mut held);
        }
    }

    /// Waits for the baton, and does something with it. Also answers whether somebody came for the
    /// work meanwhile and left: the caller has to see to it that it is done once more. Not for
    /// workers.
    #[must_use]
    pub fn hold<R>(&self, act: impl FnOnce(&mut T) -> R) -> (R, bool) {
        about_to_work();
        let order = brief(Short::File);
        let mut held = self.held.lock();
        let result = act(&mut held);
        drop(held);
        drop(order);
        fence(Ordering::SeqCst);
        (result, self.more.swap(false, Ordering::SeqCst))
    }
}
