//! Payloads of DUMP and RESTORE.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rdb::fuzz::dump(data));
