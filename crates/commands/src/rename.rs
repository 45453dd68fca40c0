//! `rename-command`: the same table under other names.

use crate::argv::Argv;
use crate::lookup::{below, lookup, top_level};
use crate::spec::Spec;
use crate::unknown::Unknown;

/// Why a renaming was refused. The texts are Redis's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenameError {
    /// Nothing has the old name.
    NoSuchCommand,
    /// Something has the new name already.
    TargetExists,
}

impl std::fmt::Display for RenameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            RenameError::NoSuchCommand => "No such command in rename-command",
            RenameError::TargetExists => "Target command name already exists",
        })
    }
}

impl std::error::Error for RenameError {}

/// The names under which commands are reachable. Without renamings it adds one comparison to
/// [`lookup`].
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// Names that differ from the table: another row, or none. They are few, so that a list that
    /// is looked through without allocating beats a map.
    changed: Vec<(Vec<u8>, Option<&'static Spec>)>,
}

impl Directory {
    /// The table under its own names.
    pub fn new() -> Directory {
        Directory::default()
    }

    /// Makes a command reachable by another name only; an empty one hides it.
    ///
    /// # Errors
    /// If the old name does not exist or the new one does.
    pub fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), RenameError> {
        let spec = self.lookup(from).ok_or(RenameError::NoSuchCommand)?;
        self.change(from, None);
        if to.is_empty() {
            return Ok(());
        }
        if self.lookup(to).is_some() {
            return Err(RenameError::TargetExists);
        }
        self.change(to, Some(spec));
        Ok(())
    }

    fn change(&mut self, name: &[u8], to: Option<&'static Spec>) {
        self.changed
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.changed.push((name.to_vec(), to));
    }

    /// As [`lookup`](crate::lookup()), by the names in force.
    #[inline]
    pub fn lookup(&self, name: &[u8]) -> Option<&'static Spec> {
        if self.changed.is_empty() {
            return lookup(name);
        }
        let changed = self
            .changed
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        changed.map_or_else(|| lookup(name), |(_, spec)| *spec)
    }

    /// As [`lookup_full`](crate::lookup_full), by the names in force: only a command's own part
    /// can be renamed.
    pub fn lookup_full(&self, name: &[u8]) -> Option<&'static Spec> {
        let mut parts = name.splitn(2, |b| *b == b'|');
        let spec = self.lookup(parts.next()?)?;
        match parts.next() {
            None => Some(spec),
            Some(sub) => spec.subcommand(sub),
        }
    }

    /// The rows of all commands that have a name, in the table's order.
    pub fn top_level(&self) -> impl Iterator<Item = &'static Spec> {
        let same = |a: &Spec, b: &Spec| a.id == b.id;
        top_level().filter(move |spec| {
            self.changed.is_empty()
                || self
                    .lookup(spec.name.as_bytes())
                    .is_some_and(|found| same(found, spec))
                || self
                    .changed
                    .iter()
                    .filter_map(|(_, to)| *to)
                    .any(|found| same(found, spec))
        })
    }

    /// As [`resolve`](crate::resolve), by the names in force.
    ///
    /// # Errors
    /// Says which part of the name nobody knows.
    #[inline]
    pub fn resolve<A: Argv + ?Sized>(&self, argv: &A) -> Result<&'static Spec, Unknown> {
        if argv.count() == 0 {
            return Err(Unknown::Command);
        }
        below(self.lookup(argv.arg(0)), argv)
    }
}
