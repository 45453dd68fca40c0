//! The rows of the table, by family.

mod cluster;
mod encoding;
mod memory;
mod network;
mod observe;
mod persistence;
mod process;
mod replication;
mod tls;
mod valkey;

use crate::option::{Alias, Opt};

/// Every family, in the order of CONFIG GET.
pub(crate) static FAMILIES: &[&[Opt]] = &[
    network::ROWS,
    process::ROWS,
    persistence::ROWS,
    replication::ROWS,
    cluster::ROWS,
    memory::ROWS,
    encoding::ROWS,
    observe::ROWS,
    valkey::ROWS,
    tls::ROWS,
];

/// Largest value of Redis's `int` options.
const INT: i64 = i32::MAX as i64;
/// Largest value of its `unsigned int` options.
const UINT: i64 = u32::MAX as i64;
/// Largest value of its 64-bit options.
const LONG: i64 = i64::MAX;

/// An older name, which CONFIG GET shows beside the present one.
const fn shown(name: &'static str) -> Alias {
    Alias { name, shown: true }
}

/// Valkey's name, taken and answered but not listed.
const fn valkey(name: &'static str) -> Alias {
    Alias { name, shown: false }
}
