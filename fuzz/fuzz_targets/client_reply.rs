//! Replies as our own client reads them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| client::fuzz_one(data));
