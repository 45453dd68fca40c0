//! Periods and limits.
use super::*;

#[test]
fn a_ping_is_due_once_a_period_unless_held() {
    let mut beat = Heartbeat::new(10_000);
    assert!(!beat.due(500, 1, false));
    assert!(!beat.due(10_499, 1, false));
    assert!(beat.due(10_500, 1, false));
    assert!(!beat.due(10_501, 1, false));
    assert!(!beat.due(20_500, 1, true), "held");
    assert!(!beat.due(20_600, 1, false), "a held one is not made up for");
    assert!(!beat.due(30_500, 0, false), "nobody to ping");
    beat.set_period(1000);
    assert!(beat.due(31_500, 2, false));
}

#[test]
fn a_backlog_is_given_up_after_its_limit_without_replicas() {
    let mut idle = Idle::default();
    assert!(!idle.expired(0, 0, false, 5000));
    assert!(!idle.expired(5000, 0, false, 5000));
    assert!(!idle.expired(5001, 1, false, 5000), "somebody came");
    assert!(!idle.expired(6000, 0, false, 5000));
    assert!(idle.expired(11_001, 0, false, 5000));
    assert!(!idle.expired(11_002, 0, false, 5000), "once");
    assert!(!idle.expired(99_000, 0, true, 5000));
    assert!(!idle.expired(199_000, 0, false, 0));
    let line = "Replication backlog freed after 3600 seconds without connected replicas.";
    assert_eq!(Idle::log_line(3_600_000), line);
}
