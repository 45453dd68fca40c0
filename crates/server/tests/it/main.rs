//! Tests of the server as a process: what it keeps when it ends in every way.

mod append_only;
mod bad_input;
mod bounds;
mod concurrency;
mod crash;
mod introspection;
mod lapsed;
mod leaving;
mod loading;
mod lost_slots;
mod options;
mod panics;
mod replica_link;
mod same_answers;
mod traffic;
mod waits;
mod withheld;
