//! Requests as a client sends them, inline ones included.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| resp::fuzz_request(data));
