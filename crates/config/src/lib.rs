//! The option table, redis.conf parser, and CONFIG GET, SET and REWRITE.
#![forbid(unsafe_code)]
