//! The table as a whole: every row, and the row of a name.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::option::{Alias, Opt};
use crate::rows;

/// All options, in the order of their families.
pub fn all() -> impl Iterator<Item = &'static Opt> {
    rows::FAMILIES.iter().flat_map(|rows| rows.iter())
}

/// A name that finds an option.
#[derive(Clone, Copy)]
pub(crate) struct Name {
    pub(crate) option: &'static Opt,
    /// The name as the table writes it.
    pub(crate) name: &'static str,
    /// Whether patterns find it.
    pub(crate) shown: bool,
}

/// All names with their options: each option's own name, then its aliases.
pub(crate) fn names() -> impl Iterator<Item = Name> {
    all().flat_map(|option| {
        let own = Name {
            option,
            name: option.name,
            shown: !option.hidden,
        };
        let alias = move |a: &Alias| Name {
            option,
            name: a.name,
            shown: a.shown && !option.hidden,
        };
        std::iter::once(own).chain(option.aliases.iter().map(alias))
    })
}

/// The option of a name or an alias, upper and lower case alike.
pub fn lookup(name: &[u8]) -> Option<&'static Opt> {
    find(name).map(|name| name.option)
}

/// Whether this names an option, in any way of writing it, whose value is a secret.
pub fn is_secret(name: &[u8]) -> bool {
    lookup(name).is_some_and(|option| option.sensitive)
}

pub(crate) fn find(name: &[u8]) -> Option<Name> {
    // The one table of all instances: it depends on nothing and never changes.
    static NAMES: OnceLock<HashMap<&'static [u8], Name>> = OnceLock::new();
    let table = NAMES.get_or_init(|| names().map(|n| (n.name.as_bytes(), n)).collect());
    table.get(name.to_ascii_lowercase().as_slice()).copied()
}
