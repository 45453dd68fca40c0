//! Which tests there are and which of them pass: the file that only gains pluses.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::output::Outcome;
use super::reasons::{Kind, Reasons};

const HEAD: &str = "\
# Tests of the upstream suite, by unit. `+` passes, `-` does not (yet).
# Written by `cargo xtask conformance`; a `+` that would become a `-` fails the run.
";

/// How the tests of a unit are run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sorting {
    /// Not at all.
    pub(super) left_out: Vec<String>,
    /// In a run of their own.
    pub(super) alone: Vec<String>,
    /// How many tests the unit is known to have.
    pub(super) all: usize,
}

/// The tests of each unit, with whether they pass.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    units: BTreeMap<String, BTreeMap<String, bool>>,
}

impl Record {
    /// Reads the file; none is as good as an empty one.
    pub(super) fn read(path: &Path) -> Result<Record, String> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map_err(|error| format!("{}: {error}", path.display())),
            Err(_) => Ok(Record::default()),
        }
    }

    /// Reads the text of the file.
    pub(super) fn parse(text: &str) -> Result<Record, String> {
        let mut units: BTreeMap<String, BTreeMap<String, bool>> = BTreeMap::new();
        let mut unit = None;
        for (index, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                unit = Some(units.entry(name.to_string()).or_default());
                continue;
            }
            let test = line.strip_prefix("+ ").map(|name| (name, true));
            let test = test.or_else(|| line.strip_prefix("- ").map(|name| (name, false)));
            match (test, &mut unit) {
                (Some((name, passes)), Some(unit)) => unit.insert(name.to_string(), passes),
                _ => return Err(format!("line {}: neither unit nor test", index + 1)),
            };
        }
        Ok(Record { units })
    }

    /// The text of the file.
    pub(super) fn text(&self) -> String {
        let mut text = HEAD.to_string();
        for (unit, tests) in &self.units {
            let _ = writeln!(text, "\n[{unit}]");
            for (name, passes) in tests {
                let _ = writeln!(text, "{} {name}", if *passes { '+' } else { '-' });
            }
        }
        text
    }

    /// Writes the file.
    pub(super) fn write(&self, path: &Path) -> Result<(), String> {
        let folder = path.parent().expect("the file lies in a folder");
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        fs::write(path, self.text()).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Takes in which tests exist, from a run on a real server.
    pub(super) fn add_known(&mut self, unit: &str, outcomes: &[(String, Outcome)]) {
        let tests = self.units.entry(unit.to_string()).or_default();
        for name in ran(outcomes).keys() {
            tests.entry((*name).to_string()).or_insert(false);
        }
    }

    /// Tests that passed before and did not in this run.
    pub(super) fn regressions(&self, unit: &str, outcomes: &[(String, Outcome)]) -> Vec<String> {
        let Some(tests) = self.units.get(unit) else {
            return Vec::new();
        };
        let ran = ran(outcomes);
        let lost = tests.iter().filter(|(name, passed)| {
            **passed
                && ran
                    .get(name.as_str())
                    .is_none_or(|outcome| **outcome != Outcome::Passed)
        });
        lost.map(|(name, _)| format!("{unit}: {name}{}", why(ran.get(name.as_str()).copied())))
            .collect()
    }

    /// Takes in a run: tests gain their plus; they lose it only if that is accepted.
    pub(super) fn update(&mut self, unit: &str, outcomes: &[(String, Outcome)], accept: bool) {
        let tests = self.units.entry(unit.to_string()).or_default();
        let ran = ran(outcomes);
        for (name, outcome) in &ran {
            let entry = tests.entry((*name).to_string()).or_insert(false);
            let passed = **outcome == Outcome::Passed;
            *entry = passed || (*entry && !accept);
        }
        if accept {
            for (name, passes) in tests.iter_mut() {
                *passes &= ran.contains_key(name.as_str());
            }
        }
    }

    /// How each unit's tests are to be run. Left out are those that do not pass because something
    /// does not exist here yet or came later, unless `absent` wants them run too. The names are the
    /// suite's: one that several tests share is left out only if that holds for all of them.
    pub(super) fn sorting(&self, reasons: &Reasons, absent: bool) -> BTreeMap<String, Sorting> {
        let mut all = BTreeMap::new();
        for (unit, tests) in self.units() {
            let kind = |name: &str| reasons.find(unit, name).map(|reason| reason.kind);
            let mut names: BTreeMap<&str, bool> = BTreeMap::new();
            for (name, passes) in tests {
                let known = names.entry(suites_name(name, tests)).or_insert(!absent);
                *known &= !passes && matches!(kind(name), Some(Kind::Absent | Kind::Newer));
            }
            let names = names.into_iter().filter(|(_, absent)| *absent);
            let alone = tests.keys().filter(|name| kind(name) == Some(Kind::Alone));
            let sorting = Sorting {
                left_out: names.map(|(name, _)| name.to_string()).collect(),
                alone: alone.cloned().collect(),
                all: tests.len(),
            };
            all.insert(unit.to_string(), sorting);
        }
        all
    }

    /// The units in order.
    pub(super) fn units(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, bool>)> {
        self.units
            .iter()
            .map(|(unit, tests)| (unit.as_str(), tests))
    }

    /// Tests that do not pass and that no line explains.
    pub(super) fn without_reason(&self, reasons: &Reasons) -> BTreeSet<(String, String)> {
        let mut missing = BTreeSet::new();
        for (unit, tests) in self.units() {
            for (name, passes) in tests {
                if !passes && reasons.find(unit, name).is_none() {
                    missing.insert((unit.to_string(), name.clone()));
                }
            }
        }
        missing
    }
}

/// The name without the count that tells apart tests of one name. The suite itself calls some tests
/// `... #1`.
fn suites_name<'a>(name: &'a str, tests: &BTreeMap<String, bool>) -> &'a str {
    match name.rsplit_once(" #") {
        Some((start, count)) if count.parse::<u32>().is_ok() && tests.contains_key(start) => start,
        _ => name,
    }
}

/// The tests that the suite did not leave out.
fn ran(outcomes: &[(String, Outcome)]) -> BTreeMap<&str, &Outcome> {
    let real = |outcome: &Outcome| !matches!(outcome, Outcome::Left(_) | Outcome::Ended(_));
    let tests = outcomes.iter().filter(|(_, outcome)| real(outcome));
    tests
        .map(|(name, outcome)| (name.as_str(), outcome))
        .collect()
}

fn why(outcome: Option<&Outcome>) -> String {
    match outcome {
        Some(Outcome::Failed(why) | Outcome::Hung(why)) => format!("\n    {why}"),
        _ => "\n    it was not reached".into(),
    }
}
