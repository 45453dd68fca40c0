//! Filling a server with known keys, as fast as one connection goes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Requests sent before their replies are read.
const BATCH: u64 = 500;

/// Sends `count` requests, the words of number i made by `request(i)`; every reply must be one
/// line, and none an error.
pub(super) fn fill(
    port: u16,
    numbers: std::ops::Range<u64>,
    request: impl Fn(u64) -> Vec<String>,
) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("filling port {port}: {error}");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(fail)?;
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .map_err(fail)?;
    let mut bytes = Vec::new();
    let mut next = numbers.start;
    while next < numbers.end {
        let end = (next + BATCH).min(numbers.end);
        bytes.clear();
        for number in next..end {
            base::words::put(&mut bytes, request(number).iter());
        }
        stream.write_all(&bytes).map_err(fail)?;
        let mut expected = usize::try_from(end - next).expect("a batch is small");
        while expected > 0 {
            let mut replies = [0; 16 << 10];
            let count = stream.read(&mut replies).map_err(fail)?;
            if count == 0 {
                return Err(format!("filling port {port}: closed by the server"));
            }
            let replies = &replies[..count];
            if replies.contains(&b'-') {
                return Err(format!("filling: {}", String::from_utf8_lossy(replies)));
            }
            expected -= replies.iter().filter(|byte| **byte == b'\n').count();
        }
        next = end;
    }
    Ok(())
}

/// A key as valkey-benchmark makes it: 16 bytes with the prefix `key`.
pub(super) fn key(prefix: &str, number: u64) -> String {
    format!("{prefix}:{number:012}")
}
