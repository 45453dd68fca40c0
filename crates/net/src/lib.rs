//! Worker event loops and connections: bytes in, bytes out.
//!
//! A server runs some workers, each a thread with its own poller, connections
//! and inbox, and one thread that accepts connections and hands them round. `net` knows no
//! command: whoever embeds it implements [`Handler`], of which each worker owns one value.
#![deny(unsafe_code)]

mod conn;
mod conns;
mod handler;
mod output;
mod stream;
mod table;

pub use conn::{ConnStats, Ticket};
pub use conns::Conns;
pub use handler::{
    CloseReason, ConnId, Detached, Flow, Handler, OutputClass, OutputLimits, PeerInfo, ReadLimits,
    Stage,
};
pub use output::Output;
pub use resp::{Args, Reply};
pub use stream::{Address, Stream};
