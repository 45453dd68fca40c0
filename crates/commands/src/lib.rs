//! The command table and the evaluator of its key specs.
#![forbid(unsafe_code)]
