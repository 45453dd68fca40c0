//! Rows of the table: what all clients send.

use crate::flags::flag;
use crate::spec::Group;

family!(
    monitor,
    Monitor = engine("monitor", 1, "1.0.0", Group::Server)
        .flags(flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE)
        .text("Streams every command that the server runs.", ""),
);
