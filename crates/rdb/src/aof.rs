//! Append-only files: the manifest that lists them and the commands in them.
mod arguments;
pub mod commands;
pub mod manifest;
#[cfg(test)]
mod tests;

pub use commands::{AofError, Commands, Item};
pub use manifest::{FileInfo, FileKind, Manifest, ManifestError};

/// True for the first bytes of a file whose beginning, or whole, is in RDB format.
pub fn begins_with_rdb(head: &[u8]) -> bool {
    head.starts_with(b"REDIS") || head.starts_with(b"VALKEY")
}

/// Appends the line that dates the commands behind it, in Unix seconds.
pub fn put_timestamp(out: &mut Vec<u8>, seconds: i64) {
    out.extend_from_slice(b"#TS:");
    base::num::write_i64(out, seconds);
    out.extend_from_slice(b"\r\n");
}

/// Appends one command.
pub fn put_command(out: &mut Vec<u8>, arguments: &[&[u8]]) {
    base::words::put(out, arguments.iter());
}
