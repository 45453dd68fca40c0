//! RESP2 and RESP3: incremental request parser, reply writer, and a reader of replies.
//!
//! Nothing here does I/O. A server hands the bytes it has read to a [`Parser`], which finds the
//! commands in them without copying anything ([`Args`] are ranges into the caller's buffer), and
//! writes answers with [`Reply`]. A client reads answers with [`value`].
#![forbid(unsafe_code)]

mod args;
mod inline;
mod protocol_error;
mod reply;
mod request;
pub mod shared;
pub mod value;

pub use args::{Args, ArgsBuf, ArgsIter, Range};
pub use inline::split as split_inline;
pub use protocol_error::ProtocolError;
pub use reply::{Deferred, Reply};
pub use request::{Arena, Command, Limits, Parser, Step};

#[doc(hidden)]
pub use request::fuzz_one as fuzz_request;
#[doc(hidden)]
pub use value::fuzz_one as fuzz_value;

#[cfg(test)]
mod tests;
