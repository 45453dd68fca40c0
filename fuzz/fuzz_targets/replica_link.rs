//! What a primary sends to a replica.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| replproto::fuzz::replica(data));
