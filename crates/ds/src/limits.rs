//! When collections change their encoding: the options of every type, in one value.

use crate::{HashLimits, ListLimits};

/// The limits of all types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of hashes.
    pub hash: HashLimits,
    /// Of lists.
    pub list: ListLimits,
}
