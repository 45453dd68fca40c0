//! Tests of the arithmetic and of the page.

use super::page::merge;
use super::save::percentile;
use super::subject::{cpu_seconds, resident_bytes, thread_ticks};
use super::{hot, load, median, scaling};

#[test]
fn the_median_is_the_middle() {
    assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    assert!(median(&[]).is_nan());
}

#[test]
fn the_ticks_of_a_thread_are_read_past_its_name() {
    let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 31 11 0 0 20 0";
    assert_eq!(thread_ticks(stat), Some(42));
    assert_eq!(thread_ticks("7 (x) S 1"), None);
}

#[test]
fn a_process_costs_time_and_memory() {
    let own = std::process::id();
    assert!(cpu_seconds(own).unwrap() >= 0.0);
    assert!(resident_bytes(own).unwrap() > 100_000);
    assert!(resident_bytes(u32::MAX).is_err());
}

#[test]
fn keys_have_sixteen_bytes() {
    assert_eq!(load::key("key", 42), "key:000000000042");
    assert_eq!(load::key("key", 42).len(), 16);
}

#[test]
fn a_section_is_replaced_and_the_others_stay() {
    let first = merge(
        "",
        "H1\n",
        &[("cpu", "A\n".into()), ("memory", "B\n".into())],
    );
    let second = merge(&first, "H2\n", &[("cpu", "C\n".into())]);
    assert!(
        !second.contains("A\n") && second.contains("C\n\nH2\n") && second.contains("B\n\nH1\n")
    );
    assert_eq!(merge(&second, "", &[]), second);
}

#[test]
fn a_percentile_is_a_value_that_was_seen() {
    let mut values: Vec<u64> = (1..=1000).rev().collect();
    assert_eq!(percentile(&mut values, 0.5), 501);
    assert_eq!(percentile(&mut values, 0.999), 1000);
    assert_eq!(percentile(&mut [7], 0.999), 7);
    assert_eq!(percentile(&mut [], 0.5), 0);
}

#[test]
fn rounds_become_a_row_with_the_median_of_their_ratios() {
    let said = "get uniform 64 one 1000000 500000 0 0 80\nget uniform 64 two 2000000 900000 0 0.2 80\n\
                get uniform 64 apart 1900000 1 0 0 80\nget uniform 64 apart 1900000 1 0 0 80\n\
                get uniform 64 two 1800000 800000 0 0.1 80\nget uniform 64 one 1000000 1000000 0 0 80\n\
                set hot 64 one 1000000 1 90 0 80\nset hot 64 two 500000 1 70 0 80\n\
                set hot 64 moved 800000 1 90 0 80\n";
    let rows = scaling::rows(said).unwrap();
    let wanted = "| get | uniform | 64 | 1.00 | 1.90 | 1.90 | 1.90 | 1.80–2.00 | 1.00 | 1.30 | 15 % | 0 | 80 | ≥ 1.9 of one |\n\
                  | set | hot | 64 | 1.00 | 0.50 | 0.80 | 0.50 | 0.50–0.50 | 0.62 | 1.00 | 0 % | 70 | 80 | ≥ 0.9 of machine **missed** |\n";
    assert_eq!(rows, wanted);
    let fair = said.replace("two 500000", "two 720000");
    assert!(
        scaling::rows(&fair)
            .unwrap()
            .contains("| 70 | 80 | ≥ 0.9 of machine |")
    );
    let slow = said.replace("1800000", "1700000");
    assert!(
        scaling::rows(&slow)
            .unwrap()
            .contains("≥ 1.9 of one **missed** |")
    );
    let disturbed = slow.replace("0.2 80\n", "0.5 80\n");
    assert!(
        scaling::rows(&disturbed)
            .unwrap()
            .contains("| not judged |")
    );
    let far = slow.replace(" 80\n", " 460\n");
    assert!(
        scaling::rows(&far)
            .unwrap()
            .contains("| 460 | not judged |")
    );
    assert!(scaling::rows("get uniform 64 one 1000000 1 1 0 80\n").is_err());
    assert!(scaling::rows("thread panicked").is_err());
}

#[test]
fn two_workers_in_one_slot_are_held_against_one() {
    let one = vec![[1e6, 2e-6], [1.2e6, 1e-6], [1e6, 2e-6]];
    let two = vec![[0.9e6, 2e-6], [1.2e6, 3e-6], [0.8e6, 2e-6]];
    let row = hot::row("get", &[one.clone(), two]);
    let wanted = "| get | 1000 | 900 | 0.90 | 0.80–1.00 | 2.000 | 2.000 | ≥ 0.9 |";
    assert_eq!(row, wanted);
    let slow = vec![[0.5e6, 2e-6]; 3];
    assert!(hot::row("get", &[one, slow]).ends_with("≥ 0.9 **missed** |"));
}
