//! Tests of the engine as a whole, in process: no server, no socket.

mod events;
mod grammar;
mod keys;
mod lab;
mod scripts;
mod transactions;
