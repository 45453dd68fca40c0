//! Drives the cluster machine with sockets, time and nodes.conf.
#![forbid(unsafe_code)]
