//! Tests of the server as a process: what it keeps when it ends in every way.

mod append_only;
mod argument_checks;
mod bad_input;
mod bounds;
mod concurrency;
mod crash;
mod descriptors;
mod exec_chores;
mod front_door;
mod half_moved;
mod introspection;
mod last_save;
mod leaving;
mod loading;
mod lost_slots;
mod maxmemory;
mod options;
mod order;
mod panics;
mod replica_link;
mod same_answers;
mod second_process;
mod stalled;
mod traffic;
mod waits;
mod withheld;
