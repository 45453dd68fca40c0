//! RDB and AOF drivers: customers of tap and the journal.
//!
//! Saving never forks: a [`store::Tap`] gives the data set as it was at one instant while commands
//! go on, and [`save`] turns it into a file.
#![forbid(unsafe_code)]

pub mod aof;
mod file;
pub mod load;
pub mod save;

pub use file::replace_file;
pub use load::{LoadError, Loaded};
pub use save::{SaveError, SaveOptions, Saved};

#[cfg(test)]
mod tests;
