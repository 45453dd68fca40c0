//! Deterministic simulation of the cluster machine.
#![forbid(unsafe_code)]
