//! Reads replies out of a stream.
//!
//! The decoder pulls bytes as it needs them, so a reply of any size is read in one pass. What it
//! allocates is bounded by what has arrived: a length that the stream announces is never trusted.

use std::io::{self, Read};

use crate::value::Value;

/// How deep replies may nest. The server never goes near it; a stream that does is foreign.
pub const MAX_DEPTH: usize = 128;

/// The longest line (a status, an error, a number, a length).
const MAX_LINE: usize = 1 << 20;

/// How much is asked of the stream at once.
const CHUNK: usize = 16 * 1024;

/// Bytes that are no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The first byte names no type.
    #[error("got {} as reply type byte", quoted(*.0))]
    Type(u8),
    /// A length or an integer that is none.
    #[error("Bad {0}")]
    Number(&'static str),
    /// A string does not end where its length says.
    #[error("Bad bulk string format")]
    Terminator,
    /// Nested beyond [`MAX_DEPTH`].
    #[error("reply nested too deeply")]
    Depth,
    /// A line beyond one megabyte.
    #[error("line too long")]
    Line,
}

fn quoted(byte: u8) -> String {
    match byte {
        b'"' | b'\\' => format!("\"\\{}\"", byte as char),
        b'\n' => "\"\\n\"".to_owned(),
        b'\r' => "\"\\r\"".to_owned(),
        b'\t' => "\"\\t\"".to_owned(),
        0x07 => "\"\\a\"".to_owned(),
        0x08 => "\"\\b\"".to_owned(),
        0x20..=0x7e => format!("\"{}\"", byte as char),
        _ => format!("\"\\x{byte:02x}\""),
    }
}

/// Why no reply could be read.
#[derive(Debug)]
pub(crate) enum Fault {
    Io(io::Error),
    Decode(DecodeError),
}

impl From<io::Error> for Fault {
    fn from(fault: io::Error) -> Self {
        Fault::Io(fault)
    }
}

impl From<DecodeError> for Fault {
    fn from(fault: DecodeError) -> Self {
        Fault::Decode(fault)
    }
}

/// A stream and what has been read of it ahead of need.
#[derive(Debug)]
pub struct Decoder<R> {
    source: R,
    buffer: Vec<u8>,
    at: usize,
}

impl<R: Read> Decoder<R> {
    /// A decoder that has read nothing yet.
    pub fn new(source: R) -> Self {
        Decoder {
            source,
            buffer: Vec::new(),
            at: 0,
        }
    }

    /// The stream itself, for writing.
    pub fn source_mut(&mut self) -> &mut R {
        &mut self.source
    }

    /// The stream itself.
    pub fn source(&self) -> &R {
        &self.source
    }

    /// Whether bytes have been read that belong to no reply yet.
    pub fn has_buffered(&self) -> bool {
        self.at < self.buffer.len()
    }

    /// Takes what has been read ahead, or reads once: the raw stream after a SYNC or a MONITOR.
    pub fn read_raw(&mut self) -> io::Result<Vec<u8>> {
        if !self.has_buffered() {
            self.fill()?;
        }
        let rest = self.buffer.split_off(self.at);
        self.buffer.clear();
        self.at = 0;
        Ok(rest)
    }

    /// Puts bytes before those that come next.
    pub fn unread(&mut self, bytes: &[u8]) {
        self.buffer.splice(..self.at, bytes.iter().copied());
        self.at = 0;
    }

    /// Reads once more; an end of the stream is an error here, because a reply is due.
    fn fill(&mut self) -> io::Result<()> {
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        let old = self.buffer.len();
        // A long string grows the buffer by its own size, so that few calls fetch it.
        self.buffer.resize(old + CHUNK.max(old.min(1 << 20)), 0);
        let result = loop {
            match self.source.read(&mut self.buffer[old..]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        match result {
            Ok(0) => {
                self.buffer.truncate(old);
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(n) => {
                self.buffer.truncate(old + n);
                Ok(())
            }
            Err(e) => {
                self.buffer.truncate(old);
                Err(e)
            }
        }
    }

    /// One line, without its end.
    fn line(&mut self) -> Result<Vec<u8>, Fault> {
        let mut from = self.at;
        loop {
            if let Some(n) = self.buffer[from..].iter().position(|&b| b == b'\n') {
                let end = from + n;
                let mut line = self.buffer[self.at..end].to_vec();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                self.at = end + 1;
                return Ok(line);
            }
            let seen = self.buffer.len() - self.at;
            if seen > MAX_LINE {
                return Err(DecodeError::Line.into());
            }
            self.fill()?;
            from = self.at + seen;
        }
    }

    fn length(&mut self, what: &'static str) -> Result<Option<usize>, Fault> {
        let line = self.line()?;
        match parse_int(&line) {
            Some(-1) => Ok(None),
            Some(n) => Ok(Some(
                usize::try_from(n).map_err(|_| DecodeError::Number(what))?,
            )),
            None => Err(DecodeError::Number(what).into()),
        }
    }

    /// `n` bytes and the line end behind them.
    fn string(&mut self, n: usize) -> Result<Vec<u8>, Fault> {
        let mut text = Vec::with_capacity(n.min(CHUNK));
        while text.len() < n {
            if !self.has_buffered() {
                self.fill()?;
            }
            let take = (n - text.len()).min(self.buffer.len() - self.at);
            text.extend_from_slice(&self.buffer[self.at..self.at + take]);
            self.at += take;
        }
        while self.buffer.len() - self.at < 2 {
            self.fill()?;
        }
        if &self.buffer[self.at..self.at + 2] != b"\r\n" {
            return Err(DecodeError::Terminator.into());
        }
        self.at += 2;
        Ok(text)
    }

    fn elements(&mut self, n: usize, depth: usize) -> Result<Vec<Value>, Fault> {
        let mut items = Vec::new();
        for _ in 0..n {
            items.push(self.value(depth + 1)?);
        }
        Ok(items)
    }

    fn pairs(&mut self, n: usize, depth: usize) -> Result<Vec<(Value, Value)>, Fault> {
        let mut pairs = Vec::new();
        for _ in 0..n {
            let key = self.value(depth + 1)?;
            pairs.push((key, self.value(depth + 1)?));
        }
        Ok(pairs)
    }

    /// The next reply. Attributes are read and dropped: nobody here has a use for them.
    pub(crate) fn reply(&mut self) -> Result<Value, Fault> {
        self.value(0)
    }

    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        if depth > MAX_DEPTH {
            return Err(DecodeError::Depth.into());
        }
        loop {
            while !self.has_buffered() {
                self.fill()?;
            }
            let kind = self.buffer[self.at];
            self.at += 1;
            if kind != b'|' {
                return self.body(kind, depth);
            }
            if let Some(n) = self.length("attribute length")? {
                self.pairs(n, depth)?;
            }
        }
    }

    fn body(&mut self, kind: u8, depth: usize) -> Result<Value, Fault> {
        const BULK: &str = "bulk string length";
        const MULTI: &str = "multi-bulk length";
        Ok(match kind {
            b'+' => Value::Status(self.line()?),
            b'-' => Value::Error(self.line()?),
            b':' => {
                let line = self.line()?;
                Value::Int(parse_int(&line).ok_or(DecodeError::Number("integer value"))?)
            }
            b',' => Value::Double(self.line()?),
            b'(' => Value::BigNumber(self.line()?),
            b'_' => {
                self.line()?;
                Value::Null
            }
            b'#' => match self.line()?.as_slice() {
                [b't' | b'T'] => Value::Bool(true),
                [b'f' | b'F'] => Value::Bool(false),
                _ => return Err(DecodeError::Number("bool value").into()),
            },
            b'$' | b'!' | b'=' => match self.length(BULK)? {
                None => Value::Null,
                Some(n) => string_value(kind, self.string(n)?)?,
            },
            b'*' | b'~' | b'>' => match self.length(MULTI)? {
                None => Value::Null,
                Some(n) => {
                    let items = self.elements(n, depth)?;
                    match kind {
                        b'*' => Value::Array(items),
                        b'~' => Value::Set(items),
                        _ => Value::Push(items),
                    }
                }
            },
            b'%' => match self.length(MULTI)? {
                None => Value::Null,
                Some(n) => Value::Map(self.pairs(n, depth)?),
            },
            other => return Err(DecodeError::Type(other).into()),
        })
    }
}

fn string_value(kind: u8, mut text: Vec<u8>) -> Result<Value, DecodeError> {
    Ok(match kind {
        b'$' => Value::Bulk(text),
        b'!' => Value::Error(text),
        _ => {
            let &[a, b, c, b':', ..] = text.as_slice() else {
                return Err(DecodeError::Number("verbatim string"));
            };
            text.drain(..4);
            Value::Verbatim {
                format: [a, b, c],
                text,
            }
        }
    })
}

fn parse_int(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Decodes foreign bytes to their end: for fuzzing and for replaying what it found.
#[doc(hidden)]
pub fn fuzz_one(data: &[u8]) {
    let mut decoder = Decoder::new(data);
    while decoder.reply().is_ok() {}
}

#[cfg(test)]
mod tests;
