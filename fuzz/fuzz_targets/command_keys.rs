//! Finding the keys in a command's words.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| commands::fuzz_keys(data));
