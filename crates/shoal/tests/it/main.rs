//! Tests of the one binary as its user meets it: names, links, the local cluster, the tutorial.

mod clients;
mod links;
mod local;
mod mixed;
mod names;
mod tutorial;
