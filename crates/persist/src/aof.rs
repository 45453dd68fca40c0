//! The append-only file: a reader of the journal that writes what it reads, and the way back.
//!
//! Workers write what they append, at the [`Desk`]; what could make them wait they leave to the
//! file's thread, and syncs to a thread of its own. The file's thread alone touches the manifest
//! and goes over to another increment; others ask it through [`Orders`] and learn from [`Status`]
//! what was done. A rewrite is a tap like any other save: at the cut the thread goes over to a new
//! increment, exactly between two records, and when the baseline is on the disk the manifest is
//! exchanged.

mod desk;
pub mod disk;
pub mod files;
pub mod load;
mod lock;
#[doc(hidden)]
pub mod mirror;
mod orders;
mod pen;
mod plain_base;
mod rewrite;
mod syncer;
mod writer;

pub use desk::Desk;
pub use files::{Files, FilesError, Prepared};
pub use load::{AofLoadError, AofLoaded, Apply, LoadOutcome};
pub use lock::{Kept, LockError, LogLock};
pub use orders::{Orders, Status};
pub use rewrite::{BaseFormat, NewBase, RewriteError, rewrite, rewrite_alone};
pub use writer::{Notice, Setup, Started, start};

#[cfg(test)]
mod tests;
