//! Worker event loops and connections: bytes in, bytes out.
//!
//! A server runs some workers, each a thread with its own poller, connections
//! and inbox, and one thread that accepts connections and hands them round. `net` knows no
//! command: whoever embeds it implements [`Handler`], of which each worker owns one value.
#![deny(unsafe_code)]

mod accept;
mod batch;
mod conn;
mod conns;
mod delivery;
mod handler;
mod input;
mod listen;
mod mailbox;
mod options;
mod output;
mod server;
mod stream;
mod sys;
mod table;
mod worker;

pub use conn::{ConnStats, Ticket};
pub use conns::Conns;
pub use handler::{
    CloseReason, ConnId, Detached, Flow, Handler, OutputClass, OutputLimits, PeerInfo, ReadLimits,
};
pub use listen::{Listen, ListenError};
pub use mailbox::{Totals, Workers};
pub use options::{Notice, Options};
pub use output::Output;
pub use resp::{Args, Reply};
pub use server::{Listening, Server, Start, StartError};
pub use stream::{Address, Stream};
pub use sys::limit_unsent;
