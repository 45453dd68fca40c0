//! `create`: plans, questions, and the clusters that come of them.

use super::{Answers, Pair};

const YES: Answers<'static> = &[("(type 'yes' to accept): ", "yes")];
const NO: Answers<'static> = &[("(type 'yes' to accept): ", "no")];

/// On one host replicas get their masters by chance; that lines of the plan and the result have
/// the same form is what can be compared.
fn without_replicas(text: &str) -> String {
    text.lines()
        .filter(|line| !line.starts_with("   replicates "))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn three_masters_are_created() {
    let pair = Pair::apart(3);
    let run = pair.compare(&["create", "{addr0}", "{addr1}", "{addr2}"], YES);
    assert!(
        run.out.contains("[OK] All 16384 slots covered."),
        "{}",
        run.out
    );
    pair.on_both(|cluster| cluster.await_ok(std::time::Duration::from_secs(20)));
    // Now they are not empty.
    let run = pair.compare(&["create", "{addr0}", "{addr1}", "{addr2}"], &[]);
    assert!(!run.success);
    pair.compare(&["check", "{addr1}"], &[]);
}

#[test]
fn whoever_declines_changes_nothing() {
    let pair = Pair::apart(3);
    let run = pair.compare(&["create", "{addr0}", "{addr1}", "{addr2}"], NO);
    assert!(run.success);
    assert_eq!(
        pair.ours.info(1, "cluster_slots_assigned").as_deref(),
        Some("0")
    );
}

#[test]
fn too_few_nodes_and_nodes_with_keys_are_refused() {
    let pair = Pair::apart(5);
    let five = [
        "create", "{addr0}", "{addr1}", "{addr2}", "{addr3}", "{addr4}",
    ];
    let mut with_replicas = five.to_vec();
    with_replicas.extend(["--cluster-replicas", "1"]);
    let run = pair.compare(&with_replicas, &[]);
    assert!(
        run.out.contains("At least 6 nodes are required"),
        "{}",
        run.out
    );
    let run = pair.compare(&["create", "{addr0}", "{addr1}", "nonsense"], &[]);
    assert!(run.err.contains("Invalid address format"), "{}", run.err);
}

#[test]
fn replicas_are_spread_over_masters() {
    let pair = Pair::apart(7);
    let words = [
        "create",
        "{addr0}",
        "{addr1}",
        "{addr2}",
        "{addr3}",
        "{addr4}",
        "{addr5}",
        "{addr6}",
        "--cluster-replicas",
        "1",
        "--cluster-yes",
    ];
    let real = super::pair::run_real(&super::pair::filled(&pair.real, &words), &[]);
    let ours = super::pair::run_ours(&super::pair::filled(&pair.ours, &words), &[]);
    let real = super::pair::normal(&pair.real, &real);
    let ours = super::pair::normal(&pair.ours, &ours);
    assert!(ours.success && real.success);
    let plan = |text: &str| text.split("M: ").next().unwrap_or_default().to_owned();
    assert_eq!(plan(&real.out), plan(&ours.out));
    let (real, ours) = (without_replicas(&real.out), without_replicas(&ours.out));
    assert_eq!(real.lines().count(), ours.lines().count(), "{real}\n{ours}");
    pair.on_both(|cluster| cluster.await_ok(std::time::Duration::from_secs(30)));
    let counts: Vec<usize> = (0..3)
        .map(|master| {
            let replicas =
                pair.ours.nodes[master].line(&format!("CLUSTER REPLICAS {}", pair.ours.id(master)));
            replicas.array().len()
        })
        .collect();
    assert_eq!(counts.iter().sum::<usize>(), 4, "{counts:?}");
    assert!(counts.iter().all(|count| *count >= 1), "{counts:?}");
}
