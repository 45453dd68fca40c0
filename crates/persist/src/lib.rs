//! RDB and AOF drivers: customers of tap and the journal.
#![forbid(unsafe_code)]
