//! Tests of pauses that overlap.

use super::*;
use std::time::Duration;

#[test]
fn the_last_pause_outlives_all_others() {
    let pause = Pause::new(store::Store::new(1));
    let now = Instant::now();
    pause.begin_ending();
    assert_eq!(pause.level(), Some(PauseKind::Writes));
    assert!(pause.holds_offset());
    pause.begin(PauseKind::All, now + Duration::from_secs(60), true);
    assert_eq!(pause.level(), Some(PauseKind::All));
    pause.end(true);
    pause.begin(PauseKind::Writes, now, false);
    assert!(pause.has_ended(), "that of the client is over");
    assert!(!pause.has_ended(), "this one has no end of its own");
    pause.end(false);
    assert_eq!(pause.level(), Some(PauseKind::Writes));
    pause.end_ending();
    assert_eq!(pause.level(), None);
    assert!(!pause.holds_offset());
}
