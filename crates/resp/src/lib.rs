//! RESP2 and RESP3: incremental request parser and reply writer.
//!
//! Nothing here does I/O. A server hands the bytes it has read to a [`Parser`], which finds the
//! commands in them without copying anything ([`Args`] are ranges into the caller's buffer), and
//! writes answers with [`Reply`].
#![forbid(unsafe_code)]

mod args;
mod inline;
mod protocol_error;
mod reply;
mod request;
pub mod shared;

pub use args::{Args, ArgsBuf, ArgsIter, Range};
pub use inline::split as split_inline;
pub use protocol_error::ProtocolError;
pub use reply::{Deferred, Reply};
pub use request::{Arena, Command, Limits, Parser, Step};

#[doc(hidden)]
pub use request::fuzz_one as fuzz_request;

#[cfg(test)]
mod tests;
