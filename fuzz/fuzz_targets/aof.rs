//! Commands in append-only files.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rdb::fuzz::aof(data));
