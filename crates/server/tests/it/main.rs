//! Tests of the server as a process: what it keeps when it ends in every way.

mod append_only;
mod concurrency;
mod crash;
mod same_answers;
