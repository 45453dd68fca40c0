//! Manifests of append-only files.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rdb::fuzz::manifest(data));
