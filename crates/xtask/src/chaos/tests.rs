//! The judge judged: each thing it must see, in a made-up run.

use std::collections::HashMap;

use super::faults::{Fault, Kind};
use super::judge::{Verdict, broken, judge, page};
use super::workload::{Attempt, Outcome, shard_of, value_of};

fn attempt(key: &str, at: u64, outcome: Outcome) -> Attempt {
    Attempt {
        key: key.into(),
        shard: 0,
        begin: at,
        end: at + 1,
        outcome,
    }
}

fn fault(kind: Kind, begin: u64, end: u64) -> Fault {
    Fault {
        kind,
        shard: 0,
        begin,
        end,
        healed: end + 500,
    }
}

fn stored(keys: &[&str]) -> HashMap<String, String> {
    keys.iter()
        .map(|key| (key.to_string(), value_of(key)))
        .collect()
}

fn verdict(attempts: &[Attempt], faults: &[Fault], stored: &HashMap<String, String>) -> Verdict {
    // Probes every 100 ms, but none from 10000 to 13000.
    let times = (0..300)
        .map(|n| n * 100)
        .filter(|time| !(10_000..13_000).contains(time));
    let probes: Vec<Attempt> = times
        .map(|time| attempt(&format!("p{time}"), time, Outcome::Acknowledged))
        .collect();
    let mut stored = stored.clone();
    stored.extend(
        probes
            .iter()
            .map(|probe| (probe.key.clone(), value_of(&probe.key))),
    );
    judge("x".into(), attempts, &[probes], faults, &stored)
}

#[test]
fn a_run_without_loss_is_sound() {
    let faults = [fault(Kind::Killed, 10_000, 14_000)];
    let attempts = [
        attempt("a", 5000, Outcome::Acknowledged),
        attempt("b", 11_000, Outcome::Refused),
        attempt("c", 11_000, Outcome::Unknown),
    ];
    let verdict = verdict(&attempts, &faults, &stored(&["a", "c"]));
    assert_eq!(broken(std::slice::from_ref(&verdict)), Vec::<String>::new());
    assert_eq!(verdict.unavailable, [3001]);
    assert!(page("", "", &[verdict]).contains("| shard unavailable, median, ms | 3001 |"));
}

#[test]
fn a_lost_write_is_excused_only_near_a_fault_on_its_shard() {
    let lost = |at, kind| {
        let attempts = [attempt("a", at, Outcome::Acknowledged)];
        verdict(&attempts, &[fault(kind, 10_000, 14_000)], &stored(&[]))
    };
    assert_eq!(lost(9000, Kind::Killed).lost_inside, 1);
    assert_eq!(lost(15_500, Kind::Paused).lost_inside, 1);
    assert_eq!(lost(7000, Kind::Killed).lost_outside.len(), 1);
    assert_eq!(lost(17_000, Kind::Killed).lost_outside.len(), 1);
    assert_eq!(lost(12_000, Kind::Planned).lost_outside.len(), 1);
    assert_eq!(broken(&[lost(7000, Kind::Killed)]).len(), 1);
    let mut other = attempt("a", 12_000, Outcome::Acknowledged);
    other.shard = 1;
    let faults = [fault(Kind::Killed, 10_000, 14_000)];
    assert_eq!(
        verdict(&[other], &faults, &stored(&[])).lost_outside.len(),
        1
    );
}

#[test]
fn what_nobody_wrote_is_found() {
    let faults = [fault(Kind::Killed, 10_000, 14_000)];
    let attempts = [attempt("a", 5000, Outcome::Acknowledged)];
    let wrong = HashMap::from([("a".to_string(), "other".to_string())]);
    assert_eq!(verdict(&attempts, &faults, &wrong).strangers, ["a = other"]);
    let strange = verdict(&attempts, &faults, &stored(&["a", "z"]));
    assert_eq!(strange.strangers.len(), 1);
    assert_eq!(broken(&[strange]).len(), 1);
}

#[test]
fn slow_healing_long_gaps_and_empty_runs_are_broken() {
    let mut slow = fault(Kind::Killed, 10_000, 14_000);
    slow.healed = 25_000;
    let slow = verdict(&[], &[slow], &stored(&[]));
    assert_eq!(broken(&[slow]).len(), 1);
    let verdict = |gap| Verdict {
        acknowledged: 1,
        faults: [1, 0, 0],
        unavailable: vec![gap],
        ..Verdict::default()
    };
    assert!(broken(&[verdict(4000), verdict(4000)]).is_empty());
    assert_eq!(broken(&[verdict(4001), verdict(5000)]).len(), 1);
    assert_eq!(broken(&[verdict(3000), verdict(2900)]).len(), 1);
    assert_eq!(broken(&[Verdict::default()]).len(), 1);
}

#[test]
fn shards_are_even_ranges_of_slots() {
    // foo lies in slot 12182, bar in 5061.
    assert_eq!((shard_of("foo"), shard_of("bar")), (2, 0));
}
