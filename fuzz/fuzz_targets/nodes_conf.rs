//! A node's own cluster file, `nodes.conf`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cluster::fuzz_one(data));
