//! `reshard`, by options and by prompts.

use super::Pair;

/// Keys of slot 0 and a few of its neighbours, set at their owner.
fn fill_slots(pair: &Pair, node: usize, slots: std::ops::Range<u16>, keys: usize) {
    pair.on_both(|cluster| {
        let mut conn = cluster.nodes[node].connect();
        for slot in slots.clone() {
            for key in keys_of(slot, keys) {
                conn.call(&["SET", &key, &format!("value of {key}")])
                    .expect_ok();
            }
        }
    });
}

/// Some keys of a slot, the same at every call.
pub fn keys_of(slot: u16, count: usize) -> Vec<String> {
    let tag = (0..)
        .map(|n: u64| format!("{{{n}}}"))
        .find(|tag| base::Slot::of_key(tag.as_bytes()).number() == slot);
    let tag = tag.expect("every slot has keys");
    (0..count).map(|number| format!("{tag}{number}")).collect()
}

#[test]
fn options_say_everything() {
    let pair = Pair::joined(3, 0);
    fill_slots(&pair, 0, 0..3, 25);
    let run = pair.compare(
        &[
            "reshard",
            "{addr1}",
            "--cluster-from",
            "{id0}",
            "--cluster-to",
            "{id1}",
            "--cluster-slots",
            "5",
            "--cluster-yes",
            "--cluster-pipeline",
            "7",
        ],
        &[],
    );
    assert!(run.out.contains(&".".repeat(25)), "{}", run.out);
    pair.compare(
        &[
            "reshard",
            "{addr1}",
            "--cluster-from",
            "all",
            "--cluster-to",
            "{id0}",
            "--cluster-slots",
            "12",
            "--cluster-yes",
        ],
        &[],
    );
    pair.compare(
        &[
            "reshard",
            "{addr2}",
            "--cluster-from",
            "{id0},{id1}",
            "--cluster-to",
            "{id2}",
            "--cluster-slots",
            "9",
            "--cluster-yes",
            "--cluster-timeout",
            "5000",
        ],
        &[],
    );
    pair.on_both(|cluster| {
        for slot in 0..3 {
            let owner = cluster.owner(0, slot).expect("an owner");
            for key in keys_of(slot, 25) {
                assert_eq!(
                    cluster.nodes[owner].call(&["GET", &key]).text(),
                    format!("value of {key}")
                );
            }
        }
    });
}

const HOW_MANY: &str = "How many slots do you want to move (from 1 to 16384)? ";
const TO: &str = "What is the receiving node ID? ";
const PROCEED: &str = "Do you want to proceed with the proposed reshard plan (yes/no)? ";

#[test]
fn prompts_ask_for_what_is_missing() {
    let pair = Pair::joined(3, 0);
    fill_slots(&pair, 0, 0..2, 3);
    pair.compare(
        &["reshard", "{addr0}"],
        &[
            (HOW_MANY, "0"),
            (HOW_MANY, "99999"),
            (HOW_MANY, "3"),
            (TO, "{id1}"),
            ("Source node #1: ", "{id1}"),
            ("Source node #1: ", "{id0}"),
            ("Source node #2: ", "done"),
            (PROCEED, "yes"),
        ],
    );
    pair.compare(
        &["reshard", "{addr0}"],
        &[
            (HOW_MANY, "4"),
            (TO, "{id0}"),
            ("Source node #1: ", "all"),
            (PROCEED, "no"),
        ],
    );
    let unknown = "0123456789012345678901234567890123456789";
    let run = pair.compare(&["reshard", "{addr0}"], &[(HOW_MANY, "4"), (TO, unknown)]);
    assert!(!run.success);
    pair.compare(
        &["reshard", "{addr0}"],
        &[
            (HOW_MANY, "4"),
            (TO, "{id0}"),
            ("Source node #1: ", unknown),
        ],
    );
    pair.compare(
        &["reshard", "{addr0}"],
        &[(HOW_MANY, "4"), (TO, "{id0}"), ("Source node #1: ", "done")],
    );
}

#[test]
fn an_end_of_input_ends_the_questions() {
    let pair = Pair::joined(3, 0);
    let words = super::pair::filled(&pair.ours, &["reshard", "{addr0}"]);
    let run = super::pair::run_ours(&words, &[]);
    assert!(!run.success);
    assert!(run.err.contains("No answer, operation aborted"), "{run:?}");
}

#[test]
fn wrong_nodes_are_refused() {
    let pair = Pair::joined(3, 1);
    let unknown = "0123456789012345678901234567890123456789";
    for (from, to) in [
        (unknown, "{id0}"),
        ("{id0}", unknown),
        ("{id0}", "{id0}"),
        ("{id3}", "{id0}"),
        ("{id0}", "{id4}"),
        ("{id1},{id0}", "{id0}"),
    ] {
        pair.compare(
            &[
                "reshard",
                "{addr0}",
                "--cluster-from",
                from,
                "--cluster-to",
                to,
                "--cluster-slots",
                "2",
                "--cluster-yes",
            ],
            &[],
        );
    }
}

#[test]
fn keys_that_exist_at_the_target_are_compared_first() {
    let pair = Pair::joined(3, 0);
    // A key of the slot at both nodes: the target takes it as one that imports, with ASKING.
    let keys = keys_of(0, 3);
    fill_slots(&pair, 0, 0..1, 3);
    let plant = |value: &str| {
        pair.on_both(|cluster| {
            let mut conn = cluster.nodes[1].connect();
            conn.line(&format!("CLUSTER SETSLOT 0 IMPORTING {}", cluster.id(0)))
                .expect_ok();
            conn.line("ASKING").expect_ok();
            conn.call(&["SET", &keys[0], value]).expect_ok();
            conn.line("CLUSTER SETSLOT 0 STABLE").expect_ok();
        });
    };
    plant("another value");
    let move_slot = [
        "reshard",
        "{addr0}",
        "--cluster-from",
        "{id0}",
        "--cluster-to",
        "{id1}",
        "--cluster-slots",
        "1",
        "--cluster-yes",
    ];
    let run = pair.compare(&move_slot, &[]);
    assert!(run.out.contains("having different values"), "{}", run.out);
    assert!(!run.success);
    // The slot is open now: that is mended first.
    pair.compare(&move_slot, &[]);
    for node in 0..2 {
        pair.line(node, "CLUSTER SETSLOT 0 STABLE");
    }
    plant(&format!("value of {}", keys[0]));
    let run = pair.compare(&move_slot, &[]);
    assert!(
        run.success && run.out.contains("Replacing target keys"),
        "{}",
        run.out
    );
}

#[test]
fn keys_that_exist_at_the_target_are_replaced_if_asked() {
    let pair = Pair::joined(3, 0);
    fill_slots(&pair, 0, 0..1, 3);
    let key = &keys_of(0, 1)[0];
    pair.on_both(|cluster| {
        let mut conn = cluster.nodes[1].connect();
        conn.line(&format!("CLUSTER SETSLOT 0 IMPORTING {}", cluster.id(0)))
            .expect_ok();
        conn.line("ASKING").expect_ok();
        conn.call(&["SET", key, "another value"]).expect_ok();
        conn.line("CLUSTER SETSLOT 0 STABLE").expect_ok();
    });
    let run = pair.compare(
        &[
            "reshard",
            "{addr0}",
            "--cluster-from",
            "{id0}",
            "--cluster-to",
            "{id1}",
            "--cluster-slots",
            "1",
            "--cluster-yes",
            "--cluster-replace",
        ],
        &[],
    );
    assert!(run.success, "{}", run.out);
    let value = pair.ours.nodes[1].call(&["GET", key]).text();
    assert_eq!(value, format!("value of {key}"));
}
