//! The command line: redis-cli's options, and the cluster manager.
#![forbid(unsafe_code)]
