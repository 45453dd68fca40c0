//! Tests of the machine's parts; the protocol as a whole is tested by the simulator.

mod admin;
mod candidacy;
mod conf;
mod elections;
mod faults;
mod meeting;
mod ownership;
mod rig;
