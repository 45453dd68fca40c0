//! RESP2 and RESP3: incremental request parser and reply writer.
#![forbid(unsafe_code)]
