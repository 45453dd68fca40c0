//! Worker event loops and connections: bytes in, bytes out.
