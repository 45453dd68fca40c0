//! Configuration files.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| config::fuzz_load(data));
