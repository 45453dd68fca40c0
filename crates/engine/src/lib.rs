//! Command handlers by family.
#![forbid(unsafe_code)]
