//! Tests of what workers are told of the cluster.

use super::*;
use std::time::Duration;

#[test]
fn a_new_view_touches_the_slots_that_it_changes_and_no_others() {
    let store = store::Store::new(1);
    let routing = Routing::default();
    let words = |words: &[(u16, u64)]| -> Box<[u8]> {
        let mut all = vec![0; Slot::COUNT];
        words
            .iter()
            .for_each(|&(slot, word)| all[usize::from(slot)] = word as u8);
        all.into()
    };
    let slot = |number| Slot::new(number).unwrap();
    routing.change_words(&store, words(&[(1, MINE), (2, MINE), (3, MOVING)]), || {});
    let is = |number: u16| store.route(slot(number));
    assert_eq!((is(0), is(1), is(2), is(3)), (0, MINE, MINE, MOVING));
    // Who would write all words would write over these.
    store.set_route(slot(1), 99);
    store.set_route(slot(4), 99);
    let new = words(&[(1, MINE), (3, MINE)]);
    routing.change_words(&store, new, || {
        assert_eq!(
            (is(2), is(3)),
            (0, MOVING),
            "what is lost goes before the view"
        );
    });
    assert_eq!((is(1), is(2), is(3), is(4)), (99, 0, MINE, 99));
}

#[test]
fn who_had_no_right_to_serve_for_a_moment_knows_it_afterwards() {
    let routing = Routing::default();
    routing.healthy.store(true, Ordering::Release);
    let now = Instant::now();
    routing.serve_until(now + Duration::from_secs(60));
    let lapses = routing.lapses();
    assert!(routing.has_served_since(lapses));
    routing.serve_until(now + Duration::from_secs(61));
    assert!(routing.has_served_since(lapses), "it was extended in time");
    // The time is up, and then it is given anew: in between another may have been elected.
    routing.serve_until(now);
    assert!(!routing.has_served_since(lapses));
    routing.serve_until(now + Duration::from_secs(60));
    assert!(routing.is_serving(Instant::now()));
    assert!(!routing.has_served_since(lapses));
    assert!(routing.has_served_since(routing.lapses()));
}
