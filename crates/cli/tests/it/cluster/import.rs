//! `import`: keys of a server outside, moved or copied, with and without a password.

use testkit::{Program, Server};

use super::Pair;
use super::pair::{fill, filled, run_ours, run_real};

/// Source of the keys: node 3 of each cluster's list, alone and not in cluster mode.
fn with_source(keys: usize) -> Pair {
    let mut pair = Pair::joined(3, 0);
    pair.add(|| Server::of(Program::Redis70));
    pair.on_both(|cluster| {
        for number in 0..keys {
            let source = &cluster.nodes[3];
            source
                .call(&["SET", &format!("key:{number}"), &number.to_string()])
                .expect_ok();
        }
    });
    pair
}

/// SCAN's order depends on each server's hash seed.
fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn compare(pair: &Pair, words: &[&str]) -> bool {
    let real = run_real(&filled(&pair.real, words), &[]);
    let ours = run_ours(&filled(&pair.ours, words), &[]);
    let normal = |cluster, run| super::pair::normal(cluster, run);
    let (real, ours) = (normal(&pair.real, &real), normal(&pair.ours, &ours));
    assert_eq!(
        sorted(&real.out),
        sorted(&ours.out),
        "{words:?} (left: real)"
    );
    assert_eq!(
        sorted(&real.err),
        sorted(&ours.err),
        "{words:?} (left: real)"
    );
    assert_eq!(real.success, ours.success);
    ours.success
}

#[test]
fn keys_move_or_are_copied() {
    let pair = with_source(40);
    assert!(compare(
        &pair,
        &[
            "import",
            "{addr0}",
            "--cluster-from",
            "{addr3}",
            "--cluster-copy"
        ]
    ));
    pair.on_both(|cluster| {
        assert_eq!(cluster.nodes[3].line("DBSIZE").int(), 40);
        let all: i64 = (0..3)
            .map(|node| cluster.nodes[node].line("DBSIZE").int())
            .sum();
        assert_eq!(all, 40);
    });
    // They exist now.
    let words = filled(
        &pair.ours,
        &["import", "{addr0}", "--cluster-from", "{addr3}"],
    );
    let run = run_ours(&words, &[]);
    assert!(!run.success && run.out.contains("BUSYKEY"), "{run:?}");
    assert!(compare(
        &pair,
        &[
            "import",
            "{addr1}",
            "--cluster-from",
            "{addr3}",
            "--cluster-replace"
        ]
    ));
    assert_eq!(pair.ours.nodes[3].line("DBSIZE").int(), 0);
    assert!(!compare(
        &pair,
        &["import", "{addr0}", "--cluster-from", "{addr1}"]
    ));
}

#[test]
fn a_source_with_a_password_wants_it() {
    let mut pair = Pair::joined(3, 0);
    pair.add(|| Server::of(Program::Redis70).password("secret"));
    pair.on_both(|cluster| {
        cluster.nodes[3].call(&["SET", "foo", "bar"]).expect_ok();
    });
    let from = |cluster| fill(cluster, "{addr3}");
    assert_ne!(from(&pair.real), from(&pair.ours));
    let base = ["import", "{addr0}", "--cluster-from", "{addr3}"];
    assert!(!compare(&pair, &base));
    let with = |word: &'static str| [base.as_slice(), &["--cluster-from-pass", word]].concat();
    assert!(!compare(&pair, &with("wrong")));
    let user = [
        with("secret").as_slice(),
        &["--cluster-from-user", "default"],
    ]
    .concat();
    assert!(compare(&pair, &user));
}
