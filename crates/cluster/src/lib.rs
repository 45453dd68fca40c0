//! Cluster state machine: events in, effects out.
#![forbid(unsafe_code)]
