//! The page with the scoreboard.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::edits::Edits;
use super::output::Outcome;
use super::reasons::{Kind, Reasons};
use super::record::Record;

/// Counts of one unit, or of all.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Score {
    pub(super) tests: usize,
    pub(super) passed: usize,
    pub(super) not_counted: usize,
}

impl Score {
    fn add(&mut self, other: Score) {
        self.tests += other.tests;
        self.passed += other.passed;
        self.not_counted += other.not_counted;
    }

    fn counted(self) -> usize {
        self.tests - self.not_counted
    }

    fn percent(self) -> String {
        match self.counted() {
            0 => "–".into(),
            counted => format!("{:.1} %", 100.0 * self.passed as f64 / counted as f64),
        }
    }
}

/// Units about what exists here, which are promised apart from the rest, and the promise in per
/// cent.
const GROUPS: [(&str, &[&str], u32); 2] = [
    (
        "strings, hashes, lists and what goes with them",
        &[
            "unit/type/string",
            "unit/type/incr",
            "unit/type/hash",
            "unit/type/list",
            "unit/type/list-2",
            "unit/type/list-3",
            "unit/bitops",
            "unit/bitfield",
            "unit/keyspace",
            "unit/expire",
            "unit/scan",
            "unit/sort",
            "unit/multi",
            "unit/dump",
            "unit/protocol",
            "unit/querybuf",
            "unit/obuf-limits",
            "unit/pause",
            "unit/quit",
        ],
        95,
    ),
    ("the cluster", &["unit/cluster/"], 75),
];

/// The day, as years, months and days.
fn today() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let days = since.unwrap_or_default().as_secs() as i64 / 86_400;
    // Days since 0000-03-01, in eras of 400 years.
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let rest = day - (365 * year + year / 4 - year / 100);
    let month = (5 * rest + 2) / 153;
    let day = rest - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

/// Counts a unit: a test that needs what is absent counts only if it passes all the same.
pub(super) fn score(unit: &str, tests: &BTreeMap<String, bool>, reasons: &Reasons) -> Score {
    let mut score = Score::default();
    for (name, passes) in tests {
        score.tests += 1;
        score.passed += usize::from(*passes);
        let counts = *passes
            || reasons
                .find(unit, name)
                .is_none_or(|reason| reason.kind.counts());
        score.not_counted += usize::from(!counts);
    }
    score
}

/// The whole page.
pub(super) fn page(
    record: &Record,
    reasons: &Reasons,
    results: &BTreeMap<String, Vec<(String, Outcome)>>,
    edits: &Edits,
) -> String {
    let mut table = String::new();
    let mut total = Score::default();
    let mut groups = GROUPS.map(|_| Score::default());
    for (unit, tests) in record.units() {
        let score = score(unit, tests, reasons);
        for (group, (_, units, _)) in groups.iter_mut().zip(GROUPS) {
            let member =
                |known: &&str| unit == *known || known.ends_with('/') && unit.starts_with(known);
            if units.iter().any(member) {
                group.add(score);
            }
        }
        let (counted, percent) = (score.counted(), score.percent());
        let Score {
            tests,
            passed,
            not_counted,
        } = score;
        let _ = writeln!(
            table,
            "| {unit} | {tests} | {passed} | {counted} | {percent} | {not_counted} |"
        );
        total.add(score);
    }
    let mut page = String::from(
        "# Conformance\n\nThe test suite of Valkey 8.1.1, run on our programs by `cargo xtask \
         conformance`, which writes this page. *Counted* leaves out tests that need something that \
         does not exist here yet (*absent*), that want what came after Redis 7.2 and that Redis \
         7.4.1 does not pass either (*newer*), and that Valkey 9.1 itself does not pass here \
         (*upstream*); they are listed below with the others. Absent and newer ones are not \
         run, since they may end the unit or leave its connection in the middle of something; \
         `--absent` runs them.\n\n",
    );
    let whole = results.len();
    let _ = writeln!(
        page,
        "Last run: {} ({whole} units), Shoal {}.\n",
        today(),
        env!("CARGO_PKG_VERSION")
    );
    let _ = writeln!(
        page,
        "{} tests, {} pass, {} counted: **{}**.\n",
        total.tests,
        total.passed,
        total.counted(),
        total.percent()
    );
    for (score, (name, _, promise)) in groups.iter().zip(GROUPS) {
        let (passed, counted) = (score.passed, score.counted());
        let _ = writeln!(
            page,
            "- {name}: {passed} of {counted}, **{}** (promised: {promise} %)",
            score.percent()
        );
    }
    page.push('\n');
    page +=
        "| unit | tests | pass | counted | score | not counted |\n|---|---:|---:|---:|---:|---:|\n";
    page += &table;
    page += "\n## Lines of the suite that are left out\n\nThey stand outside of any test and would end \
             their unit.\n\n";
    for (unit, edits) in &edits.0 {
        for edit in edits {
            let lines: Vec<String> = edit.lines.iter().map(|line| format!("`{line}`")).collect();
            let _ = writeln!(page, "- {unit}: {}: {}", edit.reason, lines.join(", "));
        }
    }
    page += "\n## Tests that do not pass, or only alone\n";
    for (unit, tests) in record.units() {
        page += &not_passing(unit, tests, reasons, results.get(unit));
    }
    page
}

/// The tests of a unit that do not pass, grouped by their reasons.
fn not_passing(
    unit: &str,
    tests: &BTreeMap<String, bool>,
    reasons: &Reasons,
    outcomes: Option<&Vec<(String, Outcome)>>,
) -> String {
    let mut groups: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
    let mut whole: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (name, passes) in tests {
        let reason = reasons.find(unit, name);
        if *passes && reason.is_none_or(|reason| reason.kind != Kind::Alone) {
            continue;
        }
        let key = match reason {
            Some(reason) if reason.is_for_all() => {
                *whole.entry((reason.kind.word(), &reason.text)).or_default() += 1;
                continue;
            }
            Some(reason) => (reason.kind.word(), reason.text.clone()),
            None => (Kind::Fault.word(), unexplained(name, outcomes)),
        };
        groups.entry(key).or_default().push(name);
    }
    if groups.is_empty() && whole.is_empty() {
        return String::new();
    }
    let mut text = format!("\n### {unit}\n");
    for ((kind, reason), count) in whole {
        let _ = writeln!(text, "\n{kind}: {reason} ({count} tests)");
    }
    for ((kind, reason), names) in groups {
        let _ = writeln!(text, "\n{kind}: {reason}\n");
        for name in names {
            let _ = writeln!(text, "- `{}`", name.replace('`', "'"));
        }
    }
    text
}

/// What the suite said, for a test that no line explains yet.
fn unexplained(name: &str, outcomes: Option<&Vec<(String, Outcome)>>) -> String {
    let find = |wanted: &str| {
        outcomes?
            .iter()
            .find(|(known, _)| known == wanted)
            .map(|(_, o)| o)
    };
    match find(name) {
        Some(Outcome::Failed(why) | Outcome::Hung(why)) => {
            // The context names files of this machine.
            let said = why.split("(context:").next().unwrap_or_default();
            let said = said.replace(['\n', '|'], " ");
            format!("not explained yet; the suite says: {}", said.trim())
        }
        _ => "not explained yet; not reached".into(),
    }
}
