//! Lines of the suite's files that are left out, because they stand outside of any test and would
//! end the unit: `docs/conformance/edits.txt`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A group of lines of one unit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// Why they are left out.
    pub(super) reason: String,
    /// The lines, without the blanks around them.
    pub(super) lines: Vec<String>,
}

/// All groups, by unit.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Edits(pub(super) BTreeMap<String, Vec<Edit>>);

impl Edits {
    /// Reads the file; none is as good as an empty one.
    pub(super) fn read(path: &Path) -> Result<Edits, String> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map_err(|error| format!("{}: {error}", path.display())),
            Err(_) => Ok(Edits::default()),
        }
    }

    /// Reads the text of the file: `[unit] reason` and then the lines.
    pub(super) fn parse(text: &str) -> Result<Edits, String> {
        let mut edits = Edits::default();
        let mut current: Option<&mut Edit> = None;
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some((unit, reason)) = line.strip_prefix('[').and_then(|l| l.split_once("] ")) {
                let group = edits.0.entry(unit.to_string()).or_default();
                group.push(Edit {
                    reason: reason.trim().to_string(),
                    lines: Vec::new(),
                });
                current = group.last_mut();
                continue;
            }
            let edit = current.as_mut();
            let edit = edit.ok_or_else(|| format!("line {}: no unit before it", index + 1))?;
            edit.lines.push(line.trim().to_string());
        }
        Ok(edits)
    }

    /// The unit's text without its lines.
    ///
    /// # Errors
    /// When a line is not there: the suite has changed, and the edit must be looked at again.
    pub(super) fn apply(&self, unit: &str, text: &str) -> Result<String, String> {
        let edits = self.0.get(unit).map_or(&[][..], Vec::as_slice);
        let unwanted: Vec<&String> = edits.iter().flat_map(|edit| &edit.lines).collect();
        for line in &unwanted {
            if !text.lines().any(|known| known.trim() == **line) {
                return Err(format!("{unit} has no line {line:?} to leave out"));
            }
        }
        let wanted = |line: &&str| !unwanted.iter().any(|unwanted| line.trim() == **unwanted);
        let kept: Vec<&str> = text.lines().filter(wanted).collect();
        Ok(kept.join("\n") + "\n")
    }

    /// Leaves the lines out of the files of a copy of the suite.
    pub(super) fn carry_out(&self, suite: &Path) -> Result<(), String> {
        for unit in self.0.keys() {
            let path = suite.join("tests").join(format!("{unit}.tcl"));
            let read = fs::read_to_string(&path);
            let text = read.map_err(|error| format!("{}: {error}", path.display()))?;
            fs::write(&path, self.apply(unit, &text)?)
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}
