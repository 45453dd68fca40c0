//! RESP client with a slot map, for our own programs and tests.
#![forbid(unsafe_code)]
