//! What a replica says of itself.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| replproto::fuzz::primary(data));
