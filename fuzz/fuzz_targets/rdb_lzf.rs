//! Compressed strings.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rdb::fuzz::lzf(data));
