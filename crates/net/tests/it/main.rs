//! The worker loop over real sockets, with a handler made for testing.

mod accepting;
mod lab;
mod limits;
mod pipelines;
mod rough;
mod waiting;
