//! `COMMAND GETKEYS` and `COMMAND GETKEYSANDFLAGS`.

use crate::argv::Argv;
use crate::flags::{KeyFlags, flag};
use crate::keys::keys;
use crate::lookup::resolve;
use crate::rename::Directory;
use crate::spec::Spec;
use crate::unknown::Unknown;

/// Why no keys can be told. The texts are Redis's, without the leading `-ERR `.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetKeysError {
    /// There is no such command.
    NoCommand,
    /// The command takes no keys.
    NoKeys,
    /// The command takes another number of arguments.
    Arity,
    /// The arguments make no sense.
    Arguments,
}

impl std::fmt::Display for GetKeysError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            GetKeysError::NoCommand => "Invalid command specified",
            GetKeysError::NoKeys => "The command has no key arguments",
            GetKeysError::Arity => "Invalid number of arguments specified for command",
            GetKeysError::Arguments => "Invalid arguments specified for command",
        })
    }
}

impl std::error::Error for GetKeysError {}

/// The argument numbers of a full command's keys, and what it does to them.
///
/// # Errors
/// If that cannot be told.
pub fn get_keys<A: Argv + ?Sized>(argv: &A) -> Result<Vec<(usize, KeyFlags)>, GetKeysError> {
    of(resolve(argv), argv)
}

/// As [`get_keys`], by the names in force.
///
/// # Errors
/// If the keys cannot be told.
pub fn get_keys_by<A: Argv + ?Sized>(
    names: &Directory,
    argv: &A,
) -> Result<Vec<(usize, KeyFlags)>, GetKeysError> {
    of(names.resolve(argv), argv)
}

fn of<A: Argv + ?Sized>(
    spec: Result<&'static Spec, Unknown>,
    argv: &A,
) -> Result<Vec<(usize, KeyFlags)>, GetKeysError> {
    let spec = spec.map_err(|_| GetKeysError::NoCommand)?;
    if !spec.has_keys() {
        return Err(GetKeysError::NoKeys);
    }
    if !spec.takes(argv.count()) {
        return Err(GetKeysError::Arity);
    }
    let mut found = Vec::new();
    keys(spec, argv, &mut |index, flags| found.push((index, flags)));
    if found.is_empty() && !spec.has(flag::NO_MANDATORY_KEYS) {
        return Err(GetKeysError::Arguments);
    }
    Ok(found)
}
