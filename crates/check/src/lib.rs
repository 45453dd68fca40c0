//! redis-check-rdb and redis-check-aof.
#![forbid(unsafe_code)]
