//! The option table: names, types, defaults and rules of every setting, and what works on it:
//! the parser of redis.conf and of the command line, CONFIG GET, SET and REWRITE.
//!
//! [`Config`] is plain data with one typed field per option; who serves keeps it behind a pointer
//! of its own and swaps whole values. Nothing here touches a file, a socket or a clock: what
//! loading needs from outside comes through [`Surroundings`].
//!
//! To add an option: a field in `settings.rs` and a row in its family's file. The row says what is
//! told of the value, or who reads it, and where a change is seen; the server carries out what it
//! says when it starts and at CONFIG SET.

#![forbid(unsafe_code)]

mod checks;
mod choices;
mod command_line;
mod defaults;
mod effect;
mod file;
mod get;
mod option;
mod page;
mod rewrite;
mod rows;
mod rules;
mod set;
mod settings;
mod table;
mod values;
mod words;

pub use choices::*;
pub use command_line::{CommandLine, command_line};
pub use effect::{Effect, Observer, Standing};
pub use file::{FileError, FileErrorKind, Loaded, Surroundings, fuzz_load, load};
pub use get::{get, get_all};
pub use option::{Alias, Kind, Opt};
pub use page::page;
pub use rewrite::{SIGNATURE, rewrite, rewrite_all};
pub use set::{Caller, Change, SetError, set};
pub use settings::Config;
pub use table::{all, is_secret, lookup};
pub use values::{NotifyEvents, OutputLimit, OutputLimits, ReplicaOf, SavePoint, ShutdownOn};
pub use words::{quote, split};

#[cfg(test)]
mod tests;
