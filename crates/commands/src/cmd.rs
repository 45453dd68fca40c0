//! One number for every command and subcommand: what handlers are found by.

use crate::lookup::BY_ID;
use crate::spec::Spec;
use std::fmt;

/// A command or a subcommand, by the number of its row. The numbers are dense and in the order of
/// the families; they may change with every release and are not for storing.
///
/// Each row of a family makes a constant of its name: `Cmd::Get`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cmd(u16);

impl Cmd {
    /// How many there are.
    pub const COUNT: usize = crate::family::COUNT;

    pub(crate) const fn new(number: usize) -> Cmd {
        assert!(number < Cmd::COUNT);
        Cmd(number as u16)
    }

    /// The row of this id.
    #[inline]
    pub const fn spec(self) -> &'static Spec {
        BY_ID[self.0 as usize]
    }

    /// The id with this number; none from [`Cmd::COUNT`] on.
    pub const fn from_index(index: usize) -> Option<Cmd> {
        if index < Cmd::COUNT {
            Some(Cmd(index as u16))
        } else {
            None
        }
    }

    /// The number of this id: dense, from 0 to [`Cmd::COUNT`] - 1, not for storing.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// All of them, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Cmd> {
        (0..Cmd::COUNT).filter_map(Cmd::from_index)
    }
}

/// Shows the name.
impl fmt::Debug for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spec().full_name)
    }
}
