//! `rebalance`.

use super::Pair;

#[test]
fn slots_follow_weights() {
    let mut pair = Pair::apart(4);
    pair.join_first(3);
    // Slots that all lie at one end: no order among equals decides who gives first.
    let run = pair.compare(&["rebalance", "{addr0}"], &[]);
    assert!(run.out.contains("No rebalancing needed"), "{}", run.out);
    pair.compare(
        &[
            "reshard",
            "{addr1}",
            "--cluster-from",
            "{id0}",
            "--cluster-to",
            "{id1}",
            "--cluster-slots",
            "60",
            "--cluster-yes",
        ],
        &[],
    );
    pair.compare(&["rebalance", "{addr0}", "--cluster-threshold", "5"], &[]);
    pair.compare(
        &[
            "rebalance",
            "{addr0}",
            "--cluster-simulate",
            "--cluster-threshold",
            "1",
        ],
        &[],
    );
    pair.compare(&["rebalance", "{addr0}", "--cluster-threshold", "0.5"], &[]);
    pair.compare(
        &[
            "rebalance",
            "{addr0}",
            "--cluster-weight",
            "{id0}=1.02",
            "{id1}=1",
            "{id2}=0.99",
            "--cluster-simulate",
            "--cluster-threshold",
            "0.1",
        ],
        &[],
    );
    let unknown = "ffffffffffffffffffffffffffffffffffffffff=2";
    pair.compare(&["rebalance", "{addr0}", "--cluster-weight", unknown], &[]);
    // A master without slots takes part only if asked to.
    pair.compare(&["add-node", "{addr3}", "{addr0}"], &[]);
    pair.on_both(|cluster| cluster.await_ok(std::time::Duration::from_secs(20)));
    pair.compare(&["rebalance", "{addr0}"], &[]);
    // Who gives first among equals depends on the ids: the lines are compared, not their order.
    let words = [
        "rebalance",
        "{addr0}",
        "--cluster-use-empty-masters",
        "--cluster-simulate",
        "--cluster-weight",
        "{id3}=0.01",
    ];
    let lines = |cluster, run: super::pair::Run| {
        let run = super::pair::normal(cluster, &run);
        let moves = run.out.lines().filter(|line| line.starts_with("Moving"));
        let mut moves: Vec<String> = moves.map(str::to_owned).collect();
        moves.sort();
        moves
    };
    let real = super::pair::run_real(&super::pair::filled(&pair.real, &words), &[]);
    let ours = super::pair::run_ours(&super::pair::filled(&pair.ours, &words), &[]);
    let masked = |moves: Vec<String>| -> Vec<String> {
        // Which of the equals gives one more is chance as well.
        moves
            .iter()
            .map(|line| line.split(" from ").next().unwrap_or_default().into())
            .collect()
    };
    assert_eq!(
        masked(lines(&pair.real, real)),
        masked(lines(&pair.ours, ours))
    );
    // The move itself evens everything out.
    let words = [
        "rebalance",
        "{addr0}",
        "--cluster-use-empty-masters",
        "--cluster-weight",
        "{id3}=0.01",
    ];
    let run = super::pair::run_ours(&super::pair::filled(&pair.ours, &words), &[]);
    assert!(run.success, "{run:?}");
    let nodes = pair.ours.nodes[3].line("CLUSTER NODES").text();
    let own = nodes
        .lines()
        .find(|line| line.contains("myself"))
        .expect("its line");
    assert!(own.split(' ').count() > 8, "{own}");
}
