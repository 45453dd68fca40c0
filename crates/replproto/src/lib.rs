//! PSYNC and replica-link session machines: events in, effects out.
#![forbid(unsafe_code)]
