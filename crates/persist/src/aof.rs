//! The append-only file: a reader of the journal that writes what it reads, and the way back.
//!
//! [`Writer`] is one thread. It alone touches the increment that is being written and the
//! manifest; others ask it through [`Orders`] and learn from [`Status`] what it has done. A rewrite
//! is a tap like any other save: at the cut the writer goes over to a new increment, exactly
//! between two records, and when the baseline is on the disk the manifest is exchanged.

pub mod disk;
pub mod files;
pub mod load;
mod lock;
#[doc(hidden)]
pub mod mirror;
mod orders;
mod plain_base;
mod rewrite;
mod writer;

pub use files::{Files, FilesError, Prepared};
pub use load::{AofLoadError, AofLoaded, Apply, LoadOutcome};
pub use lock::{LockError, LogLock};
pub use orders::{Orders, Status};
pub use rewrite::{BaseFormat, NewBase, RewriteError, rewrite, rewrite_alone};
pub use writer::{Notice, Setup, Writer, start};

#[cfg(test)]
mod tests;
