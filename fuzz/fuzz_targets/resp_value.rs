//! Replies and values of RESP2 and RESP3.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| resp::fuzz_value(data));
