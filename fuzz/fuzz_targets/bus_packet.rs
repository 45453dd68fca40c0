//! Packets of the cluster bus.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bus::fuzz_one(data));
