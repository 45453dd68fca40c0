//! The command line beside the real one.

mod cluster;
mod cluster_mode;
mod formats;
mod modes;
mod oneshot;
mod pair;
mod piped;
mod terminal;
