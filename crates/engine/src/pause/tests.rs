//! Tests of pauses that overlap.

use super::*;
use std::time::Duration;

#[test]
fn the_last_pause_outlives_all_others() {
    let pause = Pause::new(store::Store::new(1));
    let now = Instant::now();
    pause.begin(PauseBy::Ending, PauseKind::Writes, None);
    assert_eq!(pause.level(), Some(PauseKind::Writes));
    assert!(pause.holds_offset());
    let later = now + Duration::from_secs(60);
    pause.begin(PauseBy::Failover, PauseKind::All, Some(later));
    assert_eq!(pause.level(), Some(PauseKind::All));
    pause.end(PauseBy::Failover);
    pause.begin(PauseBy::Client, PauseKind::Writes, Some(now));
    assert!(pause.has_ended(), "that of the client is over");
    assert!(!pause.has_ended(), "this one has no end of its own");
    pause.end(PauseBy::Client);
    assert_eq!(pause.level(), Some(PauseKind::Writes));
    pause.end(PauseBy::Ending);
    assert_eq!(pause.level(), None);
    assert!(!pause.holds_offset());
}

#[test]
fn each_ends_its_own_only() {
    let pause = Pause::new(store::Store::new(1));
    pause.begin(PauseBy::Reload, PauseKind::All, None);
    assert!(!pause.holds_offset());
    pause.begin(PauseBy::Failover, PauseKind::Writes, Some(Instant::now()));
    assert!(pause.holds_offset() && pause.has_ended());
    pause.end(PauseBy::Failover);
    pause.end(PauseBy::Client);
    assert_eq!(pause.level(), Some(PauseKind::All));
    pause.end(PauseBy::Reload);
    assert_eq!(pause.level(), None);
}
