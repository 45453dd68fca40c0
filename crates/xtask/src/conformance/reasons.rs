//! Why tests do not pass: lines written by hand, `unit: test => kind: reason`.
//!
//! Both unit and test may be patterns with `*`; the first line that matches counts.

use std::path::Path;

use base::glob;

/// What sort of reason it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It needs something that does not exist here yet: not counted.
    Absent,
    /// Valkey 9.1 itself does not pass it here: not counted.
    Upstream,
    /// It wants what came after Redis 7.2; Redis 7.4.1 does not pass it either: not counted.
    Newer,
    /// It passes, but only in a run without the others: in its unit it wants the state that a test
    /// leaves which is left out.
    Alone,
    /// We differ on purpose: counted as not passing.
    Differs,
    /// A fault of ours: counted as not passing.
    Fault,
}

impl Kind {
    const ALL: [Kind; 6] = [
        Kind::Absent,
        Kind::Upstream,
        Kind::Newer,
        Kind::Alone,
        Kind::Differs,
        Kind::Fault,
    ];

    /// True if the test counts in the score.
    pub(super) fn counts(self) -> bool {
        matches!(self, Kind::Differs | Kind::Fault | Kind::Alone)
    }

    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Absent => "absent",
            Kind::Upstream => "upstream",
            Kind::Newer => "newer",
            Kind::Alone => "alone",
            Kind::Differs => "differs",
            Kind::Fault => "fault",
        }
    }
}

/// One line.
#[derive(Debug)]
pub(super) struct Reason {
    unit: String,
    test: String,
    /// Its sort.
    pub(super) kind: Kind,
    /// Its words.
    pub(super) text: String,
}

impl Reason {
    /// True if it stands for every test of its units.
    pub(super) fn is_for_all(&self) -> bool {
        self.test == "*"
    }
}

/// All lines.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    lines: Vec<Reason>,
}

impl Reasons {
    /// Reads the file; none is as good as an empty one.
    pub(super) fn read(path: &Path) -> Result<Reasons, String> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map_err(|error| format!("{}: {error}", path.display())),
            Err(_) => Ok(Reasons::default()),
        }
    }

    /// Reads the text of the file.
    pub(super) fn parse(text: &str) -> Result<Reasons, String> {
        let mut lines = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let reason = parse_line(line).ok_or_else(|| {
                format!(
                    "line {}: not of the form `unit: test => kind: reason`",
                    index + 1
                )
            })?;
            lines.push(reason);
        }
        Ok(Reasons { lines })
    }

    /// The reason for a test.
    pub(super) fn find(&self, unit: &str, test: &str) -> Option<&Reason> {
        let matches = |pattern: &str, text: &str| {
            pattern == text || glob::matches(pattern.as_bytes(), text.as_bytes(), false)
        };
        self.lines
            .iter()
            .find(|line| matches(&line.unit, unit) && matches(&line.test, test))
    }
}

fn parse_line(line: &str) -> Option<Reason> {
    let (test, reason) = line.rsplit_once(" => ")?;
    let (unit, test) = test.split_once(": ")?;
    let (kind, text) = reason.split_once(": ")?;
    let kind = Kind::ALL
        .into_iter()
        .find(|known| known.word() == kind.trim())?;
    let text = text.trim().to_string();
    Some(Reason {
        unit: unit.trim().into(),
        test: test.trim().into(),
        kind,
        text,
    })
}
