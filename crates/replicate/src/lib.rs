//! Primary and replica drivers.
#![forbid(unsafe_code)]
