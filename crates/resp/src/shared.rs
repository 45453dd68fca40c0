//! Replies that are sent so often that they are written once.

/// `+OK`
pub const OK: &[u8] = b"+OK\r\n";
/// `+PONG`
pub const PONG: &[u8] = b"+PONG\r\n";
/// `+QUEUED`
pub const QUEUED: &[u8] = b"+QUEUED\r\n";
/// RESP2's absent bulk string.
pub const NULL_BULK: &[u8] = b"$-1\r\n";
/// RESP2's absent array.
pub const NULL_ARRAY: &[u8] = b"*-1\r\n";
/// RESP3's null.
pub const NULL: &[u8] = b"_\r\n";
/// The integer 0.
pub const ZERO: &[u8] = b":0\r\n";
/// The integer 1.
pub const ONE: &[u8] = b":1\r\n";
/// A bulk string of no bytes.
pub const EMPTY_BULK: &[u8] = b"$0\r\n\r\n";
/// An array of no elements.
pub const EMPTY_ARRAY: &[u8] = b"*0\r\n";
/// What a connection is told that came when the table of clients was full.
pub const MAX_CLIENTS: &[u8] = b"-ERR max number of clients reached\r\n";
