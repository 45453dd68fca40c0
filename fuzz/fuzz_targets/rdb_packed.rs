//! Packed collections inside of RDB files.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rdb::fuzz::packed(data));
