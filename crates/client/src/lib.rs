//! RESP client with a slot map, for our own programs and tests.
//!
//! It is blocking: a connection belongs to one thread, and a program that wants several at once
//! uses threads. That is all the command line, the benchmark's set-up and the tests need.
//!
//! Two kinds of caller are served. The command line must show a reply as it came, so [`Value`]
//! keeps the reply's type and the text of its numbers. A program wants an answer or an error, so
//! [`Connection::query`] turns error replies into [`Error::Server`].
#![forbid(unsafe_code)]

mod address;
mod cluster;
mod connection;
mod decode;
mod error;
mod redirect;
mod request;
mod skim;
mod slot_map;
mod stream;
mod value;

pub use address::{Address, ParseAddressError};
pub use cluster::ClusterClient;
pub use connection::{Connection, Options, Protocol};
pub use decode::{DecodeError, Decoder, MAX_DEPTH};
pub use error::Error;
pub use redirect::Redirect;
pub use request::{append_request, request};
pub use skim::{Skim, Skimmer};
pub use slot_map::{Node, Shard, SlotMap};
pub use value::Value;

#[doc(hidden)]
pub use decode::fuzz_one;
