//! Tests of reading the suite's output and of keeping score.

use super::edits::Edits;
use super::output::{Outcome, parse, summary};
use super::reasons::{Kind, Reasons};
use super::record::Record;
use super::report::{page, score};

const OUTPUT: &str = "\
Cleanup: may take some time... OK
[ready]: 15208
\u{1b}[1;37;49mTesting unit/type/incr\u{1b}[0m
[\u{1b}[0;32;49mok\u{1b}[0m]: INCR (again) works (1 ms)
[ok]: twice (0 ms)
[ok]: twice (0 ms)
[err]: INCR in vain in tests/unit/type/incr.tcl
Expected '1' to be equal to '2'
(context: x)
[ignore]: big one: large-memory flag not provided
[ok]: last (0 ms)
.....[ok]: after dots (0 ms)
W[err]: after a letter in tests/unit/type/incr.tcl
[1/1 \u{1b}[0;33;49mdone\u{1b}[0m]: unit/type/incr (0 seconds)

                   The End

*** [err]: INCR in vain in tests/unit/type/incr.tcl
";

fn passed(name: &str) -> (String, Outcome) {
    (name.into(), Outcome::Passed)
}

fn failed(name: &str) -> (String, Outcome) {
    (name.into(), Outcome::Failed("no".into()))
}

#[test]
fn the_outcome_of_each_test_is_read() {
    let output = parse(OUTPUT);
    assert!(output.done);
    let why = "Expected '1' to be equal to '2' (context: x)";
    let expected = [
        passed("INCR (again) works"),
        passed("twice"),
        passed("twice #2"),
        ("INCR in vain".into(), Outcome::Failed(why.into())),
        (
            "big one".into(),
            Outcome::Left("large-memory flag not provided".into()),
        ),
        passed("last"),
        passed("after dots"),
        ("after a letter".into(), Outcome::Failed(String::new())),
    ];
    assert_eq!(output.tests, expected);
    assert_eq!(summary(&output.tests), "   5 ok    2 failed");
}

#[test]
fn a_unit_that_hangs_or_breaks_off_is_told() {
    let hung = parse(
        "[ok]: a (0 ms)\n[TIMEOUT]: clients state report follows.\nsock5 => (IN PROGRESS) b c\n",
    );
    assert_eq!(hung.hung.as_deref(), Some("b c"));
    assert!(!hung.done);
    let broken =
        parse("[exception]: Executing test client: ERR unknown command.\nERR unknown command\n");
    let why = "Executing test client: ERR unknown command. ERR unknown command";
    assert_eq!(broken.exception.as_deref(), Some(why));
}

#[test]
fn a_test_that_passed_may_not_fail_again() {
    let mut record = Record::default();
    record.update("u", &[passed("a"), failed("b")], false);
    assert!(
        record
            .regressions("u", &[passed("a"), failed("b")])
            .is_empty()
    );
    assert_eq!(
        record.regressions("u", &[failed("a"), passed("b")]),
        ["u: a\n    no"]
    );
    assert_eq!(
        record.regressions("u", &[]),
        ["u: a\n    it was not reached"]
    );
    record.update("u", &[failed("a"), passed("b")], false);
    assert_eq!(record.regressions("u", &[]).len(), 2);
    record.update("u", &[failed("a")], true);
    assert!(record.regressions("u", &[]).is_empty());
}

#[test]
fn the_record_is_read_as_it_was_written() {
    let mut record = Record::default();
    record.add_known("unit/b", &[passed("x"), failed("y: z")]);
    record.update("unit/a", &[passed("x")], false);
    assert_eq!(Record::parse(&record.text()), Ok(record));
    assert!(Record::parse("+ a test without unit\n").is_err());
    assert!(Record::parse("[u]\n? x\n").is_err());
}

#[test]
fn reasons_are_found_by_pattern_and_in_order() {
    let text = "# why\nunit/x: a: b => differs: on purpose\nunit/*: * => absent: no scripts\n";
    let reasons = Reasons::parse(text).unwrap();
    assert_eq!(reasons.find("unit/x", "a: b").unwrap().kind, Kind::Differs);
    assert_eq!(reasons.find("unit/x", "a").unwrap().text, "no scripts");
    assert!(reasons.find("other", "a").is_none());
    assert!(Reasons::parse("unit/x: a => because: no\n").is_err());
    assert!(Reasons::parse("unit/x a\n").is_err());
}

#[test]
fn what_is_absent_does_not_count_unless_it_passes() {
    let mut record = Record::default();
    record.update(
        "u",
        &[
            passed("a"),
            failed("b"),
            failed("needs x"),
            passed("needs x too"),
        ],
        false,
    );
    let reasons = Reasons::parse("u: needs x* => absent: x\nu: b => fault: wrong\n").unwrap();
    let (_, tests) = record.units().next().unwrap();
    let counts = score("u", tests, &reasons);
    assert_eq!((counts.tests, counts.passed, counts.not_counted), (4, 2, 1));
    let text = page(
        &record,
        &reasons,
        &std::collections::BTreeMap::new(),
        &Edits::default(),
    );
    assert!(text.contains("| u | 4 | 2 | 3 | 66.7 % | 1 |"), "{text}");
    assert!(text.contains("fault: wrong\n\n- `b`"), "{text}");
    assert!(record.without_reason(&reasons).is_empty());
}

#[test]
fn what_is_absent_is_left_out_and_what_must_be_is_run_alone() {
    let mut record = Record::default();
    let tests = ["a", "b", "b #2", "c", "d #1", "d #2", "passes"].map(failed);
    record.update("u", &tests, false);
    record.update("u", &[passed("passes")], false);
    let text = "u: c => alone: it wants the keys of a\nu: b #2 => fault: wrong\n\
                u: * => absent: sets\n";
    let reasons = Reasons::parse(text).unwrap();
    let sorting = &record.sorting(&reasons, false)["u"];
    assert_eq!(sorting.left_out, ["a", "d #1", "d #2"]);
    assert_eq!(sorting.alone, ["c"]);
    assert_eq!(sorting.all, 7);
    assert!(record.sorting(&reasons, true)["u"].left_out.is_empty());
}

#[test]
fn lines_outside_of_tests_are_left_out_if_they_are_there() {
    let edits = Edits::parse("# why\n[unit/x] no sets\n  sadd a\n\n[unit/y] no scripts\neval\n");
    let edits = edits.unwrap();
    assert_eq!(
        edits.apply("unit/x", "a\n    sadd a\nb\n").unwrap(),
        "a\nb\n"
    );
    assert_eq!(edits.apply("unit/z", "eval\n").unwrap(), "eval\n");
    assert!(edits.apply("unit/y", "b\n").is_err());
    assert!(Edits::parse("sadd a\n").is_err());
}
