//! `fix`: slots left open, slots of nobody, slots of several.

use std::time::Duration;

use testkit::Cluster;

use super::reshard::keys_of;
use super::{Answers, Pair};

const LIMIT: Duration = Duration::from_secs(30);
const YES: &str = "(type 'yes' to accept): ";

/// Sets keys of a slot at a node whatever it thinks of the slot: it is made an importer first,
/// and left as it was found.
fn plant(cluster: &Cluster, node: usize, slot: u16, keys: &[String]) {
    let other = (node + 1) % 3;
    let mut conn = cluster.nodes[node].connect();
    conn.line(&format!(
        "CLUSTER SETSLOT {slot} IMPORTING {}",
        cluster.id(other)
    ))
    .expect_ok();
    for key in keys {
        conn.line("ASKING").expect_ok();
        conn.call(&["SET", key, &format!("value of {key}")])
            .expect_ok();
    }
    conn.line(&format!("CLUSTER SETSLOT {slot} STABLE"))
        .expect_ok();
}

fn set(pair: &Pair, node: usize, keys: &[String]) {
    pair.on_both(|cluster| {
        let mut conn = cluster.nodes[node].connect();
        for key in keys {
            conn.call(&["SET", key, &format!("value of {key}")])
                .expect_ok();
        }
    });
}

fn fix(pair: &Pair, answers: Answers<'_>) -> super::pair::Run {
    pair.compare(&["fix", "{addr0}"], answers)
}

/// Each case opens a slot in its own way and mends it; afterwards the cluster is sound again.
#[test]
fn open_slots_are_closed() {
    let pair = Pair::joined(3, 0);
    let keys = keys_of(0, 5);
    set(&pair, 0, &keys);
    // One gives, one takes.
    pair.line(1, "CLUSTER SETSLOT 0 IMPORTING {id0}");
    pair.line(0, "CLUSTER SETSLOT 0 MIGRATING {id1}");
    let run = pair.compare(&["check", "{addr0}"], &[]);
    assert!(
        !run.success && run.out.contains("The following slots are open: 0."),
        "{}",
        run.out
    );
    assert!(fix(&pair, &[]).out.contains("Case 1: Moving slot 0"));
    // Only takers, one of them with a key.
    let more = &keys_of(1, 3);
    pair.on_both(|cluster| plant(cluster, 2, 1, more));
    pair.line(1, "CLUSTER SETSLOT 1 IMPORTING {id2}");
    assert!(
        fix(&pair, &[])
            .out
            .contains("Case 2: Moving all the 1 slot keys")
    );
    // One gives, several take.
    for (giver_slot, meant) in [(5, "{id1}"), (6, "{id0}")] {
        pair.line(
            1,
            &format!("CLUSTER SETSLOT {giver_slot} IMPORTING {{id0}}"),
        );
        pair.line(
            2,
            &format!("CLUSTER SETSLOT {giver_slot} IMPORTING {{id0}}"),
        );
        let _ = meant;
        pair.line(
            0,
            &format!("CLUSTER SETSLOT {giver_slot} MIGRATING {{id1}}"),
        );
        assert!(fix(&pair, &[]).out.contains("Case 3: Moving slot"));
    }
    // One gives and nobody takes.
    pair.line(0, "CLUSTER SETSLOT 7 MIGRATING {id1}");
    assert!(fix(&pair, &[]).out.contains("Case 4: Closing slot 7"));
    // Several at once.
    for slot in [20, 21] {
        pair.line(1, &format!("CLUSTER SETSLOT {slot} IMPORTING {{id0}}"));
        pair.line(0, &format!("CLUSTER SETSLOT {slot} MIGRATING {{id1}}"));
    }
    pair.compare_output(&["check", "{addr0}"], &[]);
    pair.line(1, "CLUSTER SETSLOT 21 STABLE");
    pair.line(0, "CLUSTER SETSLOT 21 STABLE");
    fix(&pair, &[]);
    pair.on_both(|cluster| cluster.await_ok(LIMIT));
    assert!(pair.compare(&["check", "{addr1}"], &[]).success);
    for key in &keys {
        assert_eq!(
            pair.ours.nodes[1].call(&["GET", key]).text(),
            format!("value of {key}")
        );
    }
}

#[test]
fn a_move_broken_off_goes_on_where_it_was() {
    let pair = Pair::joined(3, 0);
    let keys = keys_of(0, 6);
    set(&pair, 0, &keys);
    pair.line(1, "CLUSTER SETSLOT 0 IMPORTING {id0}");
    pair.line(0, "CLUSTER SETSLOT 0 MIGRATING {id1}");
    // More keys are there than here: there the slot will be.
    for key in &keys[..4] {
        pair.line(0, &format!("MIGRATE 127.0.0.1 {{port1}} {key} 0 5000"));
    }
    // Real servers delete what they still have of a slot as soon as they hear of its new owner, and
    // that may come before the command line has moved it: how many keys move is chance here.
    let run = pair.compare_edited(&["fix", "{addr0}"], &[], |run| {
        run.out = moves(&run.out, |line| line.trim_end_matches('.'));
    });
    assert!(run.success, "{}", run.out);
    let dots = |line: &str| line.len() - line.trim_end_matches('.').len();
    let moved: usize = run.out.lines().filter(|line| is_move(line)).map(dots).sum();
    assert!(moved <= 2, "{}", run.out);
    let there = pair.ours.nodes[1].line("CLUSTER COUNTKEYSINSLOT 0").int();
    assert_eq!(there, 4 + moved as i64, "{}", run.out);
}

fn is_move(line: &str) -> bool {
    line.starts_with("Moving slot ")
}

/// A text with something done to the lines that tell of moving a slot.
fn moves(text: &str, change: impl Fn(&str) -> &str) -> String {
    let lines = text.lines();
    let lines = lines.map(|line| if is_move(line) { change(line) } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_taker_that_owns_the_slot_already_keeps_it() {
    let pair = Pair::joined(3, 0);
    let keys = keys_of(3, 4);
    set(&pair, 0, &keys);
    // The target was told of its new slot, the source was not.
    pair.line(1, "CLUSTER SETSLOT 3 IMPORTING {id0}");
    pair.line(0, "CLUSTER SETSLOT 3 MIGRATING {id1}");
    for key in &keys {
        pair.line(0, &format!("MIGRATE 127.0.0.1 {{port1}} {key} 0 5000"));
    }
    pair.line(1, "CLUSTER SETSLOT 3 NODE {id1}");
    let settled = |cluster: &Cluster| {
        testkit::eventually("the source learns it", LIMIT, || {
            cluster.owner(0, 3) == Some(1)
        });
    };
    pair.on_both(settled);
    pair.compare_output(&["fix", "{addr0}"], &[]);
    pair.on_both(|cluster| cluster.await_ok(LIMIT));
    assert!(pair.compare(&["check", "{addr0}"], &[]).success);
}

/// Takes slots from all nodes' configuration.
fn uncover(pair: &Pair, slots: &[u16]) {
    for node in 0..3 {
        let list: Vec<String> = slots.iter().map(ToString::to_string).collect();
        pair.line(node, &format!("CLUSTER DELSLOTS {}", list.join(" ")));
    }
}

#[test]
fn slots_of_nobody_are_covered() {
    let pair = Pair::joined(3, 0);
    let (single, several) = (keys_of(11, 4), keys_of(12, 4));
    set(&pair, 0, &[single.clone(), several[..1].to_vec()].concat());
    pair.on_both(|cluster| plant(cluster, 1, 12, &several[1..]));
    uncover(&pair, &[10, 11, 12]);
    let run = pair.compare(&["check", "{addr0}"], &[]);
    assert!(
        !run.success && run.out.contains("Not all 16384 slots are covered"),
        "{}",
        run.out
    );
    // Questions are asked whatever --cluster-yes says; a no leaves the slots alone.
    let run = pair.compare(
        &["fix", "{addr0}", "--cluster-yes"],
        &[(YES, "no"), (YES, "no"), (YES, "no")],
    );
    assert!(!run.success);
    // Which node gets the empty slot is chance, and redis-cli does not wait until the nodes know
    // it: so ours alone goes to the end.
    let words = super::pair::filled(&pair.ours, &["fix", "{addr0}"]);
    let yes = (String::new(), "yes".to_owned());
    let run = super::pair::run_ours(&words, &[yes.clone(), yes.clone(), yes]);
    assert!(run.success, "{run:?}");
    assert!(
        run.out.contains("no keys across the cluster:\n[10]\n"),
        "{run:?}"
    );
    assert!(
        run.out.contains("keys in just one node:\n[11]\n"),
        "{run:?}"
    );
    assert!(
        run.out.contains("keys in multiple nodes:\n[12]\n"),
        "{run:?}"
    );
    assert_eq!(
        pair.ours.nodes[1].line("CLUSTER COUNTKEYSINSLOT 12").int(),
        4
    );
    pair.ours.await_ok(LIMIT);
    for key in &several {
        assert_eq!(
            pair.ours.nodes[1].call(&["GET", key]).text(),
            format!("value of {key}")
        );
    }
}

#[test]
fn slots_of_several_get_one_owner() {
    let pair = Pair::joined(3, 0);
    let keys = keys_of(2, 5);
    set(&pair, 0, &keys[..1]);
    pair.on_both(|cluster| plant(cluster, 1, 2, &keys[1..]));
    let words = ["check", "{addr0}", "--cluster-search-multiple-owners"];
    let run = pair.compare(&words, &[]);
    assert!(run.out.contains("Slot 2 has 2 owners"), "{}", run.out);
    // redis-cli 7.0 fails here: the node that it takes the keys from redirects the MIGRATE.
    let fix = ["fix", "{addr0}", "--cluster-search-multiple-owners"];
    let run = super::pair::run_ours(&super::pair::filled(&pair.ours, &fix), &[]);
    assert!(run.success, "{}", run.out);
    assert!(
        run.out
            .contains(">>> Fixing multiple owners for slot 2...\n"),
        "{}",
        run.out
    );
    assert_eq!(
        pair.ours.nodes[1].line("CLUSTER COUNTKEYSINSLOT 2").int(),
        5
    );
    let settled = || (0..3).all(|node| pair.ours.owner(node, 2) == Some(1));
    testkit::eventually("all know the owner", LIMIT, settled);
    let words = super::pair::filled(&pair.ours, &words);
    assert!(super::pair::run_ours(&words, &[]).success);
}

#[test]
fn masters_out_of_reach_stop_a_repair() {
    let mut pair = Pair::joined(3, 0);
    for cluster in [&mut pair.real, &mut pair.ours] {
        cluster.nodes[2].kill();
    }
    pair.on_both(|cluster| {
        let told = || {
            cluster.nodes[0]
                .line("CLUSTER NODES")
                .text()
                .contains("master,fail ")
        };
        testkit::eventually("the loss is known", LIMIT, told);
    });
    let run = |is_ours: bool, words: &[&str]| {
        let cluster = if is_ours { &pair.ours } else { &pair.real };
        let first = &cluster.nodes[..2];
        let words: Vec<String> = words
            .iter()
            .map(|word| word.replace("{addr0}", &format!("127.0.0.1:{}", first[0].port())))
            .collect();
        let run = if is_ours {
            super::pair::run_ours(&words, &[])
        } else {
            super::pair::run_real(&words, &[])
        };
        let mut text = run.out + &run.err;
        for (index, node) in cluster.nodes.iter().enumerate() {
            text = text.replace(&node.port().to_string(), &format!("<port{index}>"));
            if index < 2 {
                let id = cluster.id(index);
                text = text.replace(&id, &format!("<id{index}>"));
                text = text.replace(&id[..8], &format!("<id{index}>"));
            }
        }
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        (lines, run.success)
    };
    for words in [["check", "{addr0}"], ["fix", "{addr0}"]] {
        assert_eq!(
            run(false, &words),
            run(true, &words),
            "{words:?} (left: real)"
        );
    }
    let (lines, success) = run(true, &["fix", "{addr0}"]);
    assert!(
        !success
            && lines
                .iter()
                .any(|line| line.contains("1 unreachable masters"))
    );
}
