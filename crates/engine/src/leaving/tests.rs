//! Tests of keys that are on their way.

use super::*;

fn counting(count: &Arc<AtomicUsize>) -> Arc<dyn Wake> {
    let count = count.clone();
    Arc::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
    })
}

#[test]
fn who_waits_for_a_key_is_woken_once_when_it_is_taken_out() {
    let leaving = Leaving::default();
    let woken = Arc::new(AtomicUsize::new(0));
    let count = || woken.load(Ordering::Relaxed);
    assert!(!leaving.wait(b"a", || counting(&woken)));
    assert!(leaving.add(b"a") && leaving.add(b"b") && !leaving.add(b"a"));
    assert!(leaving.wait(b"a", || counting(&woken)));
    assert!(leaving.wait(b"a", || counting(&woken)));
    leaving.remove(b"b");
    assert_eq!(count(), 0, "another key is not theirs");
    leaving.remove(b"a");
    assert_eq!(count(), 2);
    // It may leave again: that is another wait.
    assert!(leaving.add(b"a"));
    leaving.remove(b"a");
    assert_eq!(count(), 2);
    assert!(!leaving.wait(b"a", || counting(&woken)));
}
