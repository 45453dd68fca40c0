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

#[test]
fn hundreds_of_seeds_are_safe_and_come_to_agree() {
    let (failed, promotions) = run_many(1, 240);
    for report in &failed {
        eprintln!("{report:?}");
    }
    assert!(failed.is_empty(), "{} seeds failed", failed.len());
    assert!(
        promotions > 200,
        "only {promotions} promotions: the faults are too gentle"
    );
}
