//! CONFIG GET.

use std::collections::HashSet;

use base::glob;

use crate::settings::Config;
use crate::table::{find, names};

/// The options that a pattern finds, by the names it finds them under, with their values. A
/// pattern without special characters is a name, which is given back as it was asked for, and
/// finds hidden options too.
pub fn get(config: &Config, pattern: &[u8]) -> Vec<(String, Vec<u8>)> {
    get_all(config, &[pattern])
}

/// As [`get`] for several patterns; no name comes twice, however it is written.
pub fn get_all<P: AsRef<[u8]>>(config: &Config, patterns: &[P]) -> Vec<(String, Vec<u8>)> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for pattern in patterns {
        let pattern = pattern.as_ref();
        let is_name = !pattern.iter().any(|b| matches!(b, b'[' | b'*' | b'?'));
        if is_name {
            if let Some(name) = find(pattern)
                && seen.insert(name.name)
            {
                let asked = String::from_utf8_lossy(pattern).into_owned();
                found.push((asked, name.option.text(config)));
            }
            continue;
        }
        for name in names().filter(|name| name.shown) {
            if glob::matches(pattern, name.name.as_bytes(), true) && seen.insert(name.name) {
                found.push((name.name.to_owned(), name.option.text(config)));
            }
        }
    }
    found
}
