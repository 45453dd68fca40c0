//! The benchmark: redis-benchmark's options.
#![forbid(unsafe_code)]
