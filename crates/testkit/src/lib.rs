//! Test kit: real processes, reserved ports, peers.
