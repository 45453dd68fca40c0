//! `--pipe`: sends standard input as it is and counts the replies.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use client::{Connection, Value, request};

use crate::options::Options;
use crate::output::{self, Exit};
use crate::wait;

/// How long the reader waits before it looks whether it has waited too long.
const STEP: Duration = Duration::from_millis(100);

/// Runs the transfer.
///
/// # Errors
/// Exit code 1 where a command failed or the server fell silent.
pub(crate) fn run(mut connection: Connection, options: &Options) -> Result<(), Exit> {
    let broken = |text: &str| {
        output::complain(text);
        Exit(1)
    };
    let mut writer = connection
        .writer()
        .map_err(|e| broken(&format!("Error: {e}")))?;
    let end = end_mark();
    let sent = Arc::new(AtomicBool::new(false));
    let sender = {
        let (sent, end) = (Arc::clone(&sent), end.clone());
        thread::spawn(move || -> io::Result<()> {
            let result = send(&mut writer, &end);
            sent.store(true, Ordering::SeqCst);
            result
        })
    };
    let (mut errors, mut replies) = (0_u64, 0_u64);
    let mut heard = Instant::now();
    loop {
        if !wait::readable_within(&connection, STEP) {
            if !sent.load(Ordering::SeqCst) {
                heard = Instant::now();
            } else if let Some(limit) = options.pipe_timeout
                && heard.elapsed() >= limit
            {
                let seconds = limit.as_secs();
                output::complain(&format!("No replies for {seconds} seconds: exiting."));
                errors += 1;
                break;
            }
            continue;
        }
        heard = Instant::now();
        match connection.read_reply() {
            Ok(Value::Bulk(text)) if text == end => {
                output::print("Last reply received from server.\n")?;
                break;
            }
            Ok(Value::Error(text)) => {
                output::complain(&String::from_utf8_lossy(&text));
                errors += 1;
                replies += 1;
            }
            Ok(_) => replies += 1,
            Err(fault) => return Err(broken(&format!("Error reading from the server: {fault}"))),
        }
    }
    output::print(&format!("errors: {errors}, replies: {replies}\n"))?;
    // A sender that is stuck ends with the program.
    if sender.is_finished()
        && let Ok(Err(fault)) = sender.join()
    {
        return Err(broken(&format!("Error writing to the server: {fault}")));
    }
    if errors > 0 { Err(Exit(1)) } else { Ok(()) }
}

/// Sends all of standard input, and a request whose reply is the last.
fn send(writer: &mut impl Write, end: &[u8]) -> io::Result<()> {
    io::copy(&mut io::stdin().lock(), writer)?;
    output::print("All data transferred. Waiting for the last reply...\n")
        .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
    // The line end ends an inline command that lacks one.
    writer.write_all(b"\r\n")?;
    writer.write_all(&request(&[b"ECHO".as_slice(), end]))
}

/// Twenty bytes that no reply holds by chance.
fn end_mark() -> Vec<u8> {
    let mut mark = vec![0; 20];
    // Without randomness the clock must do.
    if getrandom::fill(&mut mark).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let nanos = now.map_or(0, |t| t.as_nanos());
        mark[..16].copy_from_slice(&nanos.to_le_bytes());
    }
    mark
}
