//! Words that every crate shares: slots, node ids, epochs, offsets, glob, number text.
#![forbid(unsafe_code)]
