//! Being a replica for a while: to fetch an RDB file, or to show what the master sends.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use client::{Connection, Error, Value};

use crate::format;
use crate::options::{Format, Options};
use crate::output::{self, Exit};
use crate::wait;

/// How long the mark is that ends a transfer of unknown length.
const MARK: usize = 40;

/// How often a replica tells that it is there.
const ACK_INTERVAL: Duration = Duration::from_secs(1);

/// What the answer to SYNC announces.
enum Payload {
    Length(u64),
    UntilMark([u8; MARK]),
}

/// The bytes after SYNC, some of which may have been read too early.
struct Stream<'a> {
    connection: &'a mut Connection,
    ahead: Vec<u8>,
}

impl Stream<'_> {
    fn more(&mut self) -> Result<(), Error> {
        let chunk = self.connection.read_raw()?;
        self.ahead.extend(chunk);
        Ok(())
    }

    /// One line; the empty lines by which a busy master shows that it lives are passed over.
    fn line(&mut self) -> Result<Vec<u8>, Error> {
        loop {
            let blank = self
                .ahead
                .iter()
                .take_while(|b| matches!(b, b'\n' | b'\r'))
                .count();
            self.ahead.drain(..blank);
            if let Some(end) = self.ahead.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = self.ahead.drain(..=end).collect();
                return Ok(line.trim_ascii_end().to_vec());
            }
            self.more()?;
        }
    }

    /// Passes the payload to `sink`; answers its length, the mark left out.
    fn copy(&mut self, payload: &Payload, sink: &mut dyn Write) -> Result<u64, Error> {
        match payload {
            Payload::Length(length) => {
                let mut left = *length;
                while left > 0 {
                    if self.ahead.is_empty() {
                        self.more()?;
                    }
                    let take = usize::try_from(left)
                        .unwrap_or(usize::MAX)
                        .min(self.ahead.len());
                    sink.write_all(&self.ahead[..take]).map_err(Error::Io)?;
                    self.ahead.drain(..take);
                    left -= take as u64;
                }
                Ok(*length)
            }
            Payload::UntilMark(mark) => {
                let mut written = 0;
                loop {
                    // Nothing follows the mark until the master hears from us, so it stands last.
                    if self.ahead.ends_with(mark) {
                        let last = self.ahead.len() - MARK;
                        sink.write_all(&self.ahead[..last]).map_err(Error::Io)?;
                        self.ahead.clear();
                        return Ok(written + last as u64);
                    }
                    let safe = self.ahead.len().saturating_sub(MARK);
                    sink.write_all(&self.ahead[..safe]).map_err(Error::Io)?;
                    self.ahead.drain(..safe);
                    written += safe as u64;
                    self.more()?;
                }
            }
        }
    }
}

fn fatal(fault: &Error) -> Exit {
    output::complain(&format!("Error: {fault}"));
    Exit(1)
}

/// Tells the master what we are; it may know nothing of it.
fn announce(connection: &mut Connection, what: &str, value: &str) -> Result<(), Exit> {
    output::complain(&format!("sending REPLCONF {what} {value}"));
    match connection.call(&["REPLCONF", what, value]) {
        Ok(Value::Error(text)) => {
            let text = String::from_utf8_lossy(&text).into_owned();
            output::complain(&format!("REPLCONF {what} error: {text}"));
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(fault) => Err(fatal(&fault)),
    }
}

/// Sends SYNC (or what the user typed) and reads what will come.
fn synchronise<'a>(
    connection: &'a mut Connection,
    command: &[Vec<u8>],
) -> Result<(Stream<'a>, Payload), Exit> {
    connection.push_request(command);
    connection.flush().map_err(|e| fatal(&e))?;
    let mut stream = Stream {
        connection,
        ahead: Vec::new(),
    };
    let mut line = stream.line().map_err(|e| fatal(&e))?;
    // PSYNC answers with its own line before the payload's.
    if line.starts_with(b"+FULLRESYNC") {
        line = stream.line().map_err(|e| fatal(&e))?;
    }
    if let Some(mark) = line.strip_prefix(b"$EOF:") {
        let mark = mark
            .get(..MARK)
            .and_then(|m| m.try_into().ok())
            .ok_or(Exit(1))?;
        return Ok((stream, Payload::UntilMark(mark)));
    }
    let length = line
        .strip_prefix(b"$")
        .and_then(|n| std::str::from_utf8(n).ok()?.parse().ok());
    match length {
        Some(length) => Ok((stream, Payload::Length(length))),
        None => {
            let text = String::from_utf8_lossy(&line).into_owned();
            output::complain(&format!("SYNC with master failed: {text}\r"));
            Err(Exit(1))
        }
    }
}

/// Tells the master that we are there; it does not answer to that.
fn acknowledge(connection: &mut Connection) -> Result<(), Exit> {
    connection.push_request(&["REPLCONF", "ACK", "0"]);
    connection.flush().map_err(|e| fatal(&e))
}

/// Takes the data set and throws it away, then shows the commands that follow.
///
/// # Errors
/// The exit code, when the master cannot be followed (any more).
pub(crate) fn follow(
    connection: &mut Connection,
    command: &[Vec<u8>],
    options: &Options,
) -> Result<(), Exit> {
    let (mut stream, payload) = synchronise(connection, command)?;
    let length = match &payload {
        Payload::Length(n) => format!(" {n}"),
        Payload::UntilMark(_) => String::new(),
    };
    let until = if length.is_empty() {
        " until EOF marker"
    } else {
        ""
    };
    output::complain(&format!(
        "SYNC with master, discarding{length} bytes of bulk transfer{until}..."
    ));
    let got = stream
        .copy(&payload, &mut io::sink())
        .map_err(|e| fatal(&e))?;
    let after = match payload {
        Payload::Length(_) => String::new(),
        // redis-cli counts the mark here, and does not where it writes a file.
        Payload::UntilMark(_) => format!(" after {} bytes", got + MARK as u64),
    };
    output::complain(&format!("SYNC done{after}. Logging commands from master."));
    let ahead = std::mem::take(&mut stream.ahead);
    connection.unread(&ahead);
    // The master holds its commands back until it hears that the data is loaded; it may not listen
    // yet when it hears that first, and it drops a replica that is silent for long.
    output::complain("sending REPLCONF ACK 0");
    acknowledge(connection)?;
    let csv = Options {
        format: Format::Csv,
        ..options.clone()
    };
    loop {
        if !wait::readable_within(connection, ACK_INTERVAL) {
            acknowledge(connection)?;
            continue;
        }
        let message = connection.read_message().map_err(|e| fatal(&e))?;
        output::write(&format::reply(&message, &csv, false))?;
    }
}

/// `--replica`.
///
/// # Errors
/// The exit code: there is no good end.
pub(crate) fn run(connection: &mut Connection, options: &Options) -> Result<(), Exit> {
    announce(connection, "capa", "eof")?;
    // Nothing of the data set is wanted, so the master need not send any.
    announce(connection, "rdb-filter-only", "")?;
    follow(connection, &[b"SYNC".to_vec()], options)
}

/// `--rdb` and `--functions-rdb`: writes the master's RDB file to `path`, `-` being standard
/// output.
///
/// # Errors
/// The exit code, where the file could not be got.
pub(crate) fn fetch(
    connection: &mut Connection,
    path: &Path,
    functions_only: bool,
) -> Result<(), Exit> {
    announce(connection, "capa", "eof")?;
    announce(connection, "rdb-only", "1")?;
    if functions_only {
        announce(connection, "rdb-filter-only", "functions")?;
    }
    let (mut stream, payload) = synchronise(connection, &[b"SYNC".to_vec()])?;
    let name = path.display();
    output::complain(&match &payload {
        Payload::Length(n) => format!("SYNC sent to master, writing {n} bytes to '{name}'"),
        Payload::UntilMark(_) => format!(
            "SYNC sent to master, writing bytes of bulk transfer until EOF marker to '{name}'"
        ),
    });
    let got = if path.as_os_str() == "-" {
        let mut stdout = io::stdout().lock();
        let got = stream.copy(&payload, &mut stdout).map_err(|e| fatal(&e))?;
        stdout.flush().map_err(|_| Exit(1))?;
        got
    } else {
        let mut file = File::create(path).map_err(|e| {
            let reason = plain(&e);
            output::complain(&format!("Error opening '{name}': {reason}"));
            Exit(1)
        })?;
        let got = stream.copy(&payload, &mut file).map_err(|e| fatal(&e))?;
        file.sync_all().map_err(|e| {
            let reason = plain(&e);
            output::complain(&format!("Fail to fsync '{name}': {reason}"));
            Exit(1)
        })?;
        got
    };
    output::complain(&match payload {
        Payload::Length(_) => "Transfer finished with success.".to_owned(),
        Payload::UntilMark(_) => format!("Transfer finished with success after {got} bytes"),
    });
    Ok(())
}

/// The system's words for an error.
pub(crate) fn plain(fault: &io::Error) -> String {
    let text = fault.to_string();
    match text.rfind(" (os error ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}
