//! Seeds, replay, mutants, traffic.

use super::*;
use cluster::Mutants;

fn small(commands: Commands) -> Params {
    Params {
        primaries: 3,
        replicas: 1,
        node_timeout: 1_000,
        delay: 5,
        loss: 5,
        chaos: 30_000,
        fault_every: 1_500,
        command_every: 3_000,
        commands,
        disk: 50,
        disk_errors: 0,
        codec: true,
        mutants: Mutants::default(),
        patience: 90_000,
    }
}

#[test]
fn a_seed_replays_the_same_trace() {
    for seed in [1, 2, 3] {
        let params = small(Commands::All);
        let first = run(seed, &params);
        assert_eq!(first, run(seed, &params));
        assert_ne!(first.trace, run(seed + 100, &params).trace);
    }
}

/// Runs seeds, all of which must hold.
fn seeds(first: u64, count: u64) {
    let (failed, promotions) = run_many(first, count);
    for report in &failed {
        eprintln!("{report:?}");
    }
    assert!(failed.is_empty(), "{} seeds failed", failed.len());
    assert!(
        promotions > count,
        "only {promotions} promotions: the faults are too gentle"
    );
}

// Two halves, so that two cores share them.
#[test]
fn a_hundred_seeds_are_safe_and_come_to_agree() {
    seeds(1, 110);
}

#[test]
fn another_hundred_seeds_are_safe_and_come_to_agree() {
    seeds(1_001, 110);
}

#[test]
fn gossip_costs_no_more_than_real_gossip() {
    let traffic = measure_gossip(40, 2_000, 5, 1);
    let formula = formula_bytes_per_second(40, 2_000);
    println!("{traffic:?}, formula {formula:.0} bytes per second");
    assert_eq!(traffic.ok, 40, "all nodes see the cluster as working");
    assert!(traffic.bytes_per_second < formula);
    // Failure detection needs some of it.
    assert!(traffic.bytes_per_second > formula / 10.0);
}

/// Runs seeds with a fault switched on in every node until a check notices; returns what it says.
fn caught(mutants: Mutants, words: &str) -> String {
    for seed in 1..=120 {
        let mut params = small(Commands::Voted);
        params.mutants = mutants;
        // Two replicas stand in one election.
        params.replicas = 2;
        params.loss = 50;
        params.fault_every = 500;
        params.chaos = 40_000;
        let report = run(seed, &params);
        if let Some(text) = report.violations.iter().find(|v| v.contains(words)) {
            return text.clone();
        }
    }
    panic!("nobody noticed {mutants:?}");
}

#[test]
fn a_vote_that_is_sent_before_it_is_on_disk_is_caught() {
    for seed in 1..=5 {
        let mut params = small(Commands::Voted);
        params.replicas = 2;
        params.loss = 0;
        let report = vote_lost_in_a_crash(seed, &params);
        assert!(report.violations.is_empty(), "{report:?}");
        params.mutants = Mutants {
            vote_before_persist: true,
            ..Mutants::default()
        };
        let report = vote_lost_in_a_crash(seed, &params);
        assert!(
            report
                .violations
                .iter()
                .any(|v| v.contains("voted in epoch")),
            "{report:?}"
        );
    }
}

#[test]
fn a_second_vote_in_an_epoch_is_caught() {
    caught(
        Mutants {
            vote_twice: true,
            ..Mutants::default()
        },
        "voted in epoch",
    );
}

#[test]
fn a_promotion_without_a_majority_is_caught() {
    caught(
        Mutants {
            win_without_quorum: true,
            ..Mutants::default()
        },
        "is written by",
    );
}

#[test]
fn slots_taken_without_regard_to_epochs_are_caught() {
    caught(
        Mutants {
            ignore_epochs: true,
            ..Mutants::default()
        },
        "",
    );
}
