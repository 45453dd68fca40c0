//! A reply as a test sees it, and its reading from a stream.
//!
//! On purpose not the product's parser: what checks the server must not share its mistakes.

use std::io::{self, BufRead, Read};

/// A RESP2 or RESP3 reply.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// `+text`
    Simple(String),
    /// `-text`
    Error(String),
    /// `:number`
    Int(i64),
    /// `$bytes`
    Bulk(Vec<u8>),
    /// `$-1`, `*-1` or `_`
    Nil,
    /// `*`
    Array(Vec<Reply>),
    /// `%`, pairs in the server's order
    Map(Vec<(Reply, Reply)>),
    /// `~`
    Set(Vec<Reply>),
    /// `>`
    Push(Vec<Reply>),
    /// `,` as the server wrote it
    Double(String),
    /// `#`
    Bool(bool),
    /// `(` as the server wrote it
    Big(String),
    /// `=` with its three-letter format
    Verbatim(String, Vec<u8>),
}

impl Reply {
    /// The text of a simple string, bulk, verbatim, double or big number; a number in decimal.
    ///
    /// # Panics
    /// When it is another kind of reply, or not UTF-8.
    #[track_caller]
    pub fn text(&self) -> String {
        match self {
            Reply::Simple(text) | Reply::Double(text) | Reply::Big(text) => text.clone(),
            Reply::Bulk(bytes) | Reply::Verbatim(_, bytes) => {
                String::from_utf8(bytes.clone()).expect("UTF-8 in the reply")
            }
            Reply::Int(number) => number.to_string(),
            other => panic!("expected text, got {other:?}"),
        }
    }

    /// The bytes of a bulk reply.
    ///
    /// # Panics
    /// When it is another kind of reply.
    #[track_caller]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Reply::Bulk(bytes) | Reply::Verbatim(_, bytes) => bytes,
            other => panic!("expected bytes, got {other:?}"),
        }
    }

    /// The number of an integer reply.
    ///
    /// # Panics
    /// When it is another kind of reply.
    #[track_caller]
    pub fn int(&self) -> i64 {
        match self {
            Reply::Int(number) => *number,
            other => panic!("expected a number, got {other:?}"),
        }
    }

    /// The elements of an array, set or push.
    ///
    /// # Panics
    /// When it is another kind of reply.
    #[track_caller]
    pub fn array(&self) -> &[Reply] {
        match self {
            Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => items,
            other => panic!("expected an array, got {other:?}"),
        }
    }

    /// The elements of an array of texts.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn texts(&self) -> Vec<String> {
        self.array().iter().map(Reply::text).collect()
    }

    /// The text of an error, if it is one.
    pub fn error(&self) -> Option<&str> {
        match self {
            Reply::Error(text) => Some(text),
            _ => None,
        }
    }

    /// Goes on only after `+OK`.
    ///
    /// # Panics
    /// When it is anything else.
    #[track_caller]
    pub fn expect_ok(&self) {
        assert_eq!(*self, Reply::Simple("OK".into()));
    }

    /// Goes on only after an error that begins with `start`.
    ///
    /// # Panics
    /// When it is anything else.
    #[track_caller]
    pub fn expect_error(&self, start: &str) {
        match self.error() {
            Some(text) if text.starts_with(start) => {}
            _ => panic!("expected an error beginning with {start:?}, got {self:?}"),
        }
    }

    /// Reads one reply; blocks until it is whole.
    ///
    /// # Errors
    /// I/O errors of the stream; `InvalidData` when the bytes are no reply.
    pub fn read(from: &mut impl BufRead) -> io::Result<Reply> {
        let line = read_line(from)?;
        let (kind, rest) = line
            .split_at_checked(1)
            .ok_or_else(|| bad("an empty line"))?;
        Ok(match kind {
            "+" => Reply::Simple(rest.into()),
            "-" => Reply::Error(rest.into()),
            ":" => Reply::Int(rest.parse().map_err(|_| bad(&line))?),
            "," => Reply::Double(rest.into()),
            "(" => Reply::Big(rest.into()),
            "#" => Reply::Bool(rest == "t"),
            "_" => Reply::Nil,
            "$" => read_bulk(from, rest)?.map_or(Reply::Nil, Reply::Bulk),
            "=" => {
                let bytes = read_bulk(from, rest)?.ok_or_else(|| bad(&line))?;
                let (format, text) = bytes.split_at_checked(4).ok_or_else(|| bad(&line))?;
                Reply::Verbatim(String::from_utf8_lossy(&format[..3]).into(), text.to_vec())
            }
            "*" if rest == "-1" => Reply::Nil,
            "*" => Reply::Array(read_items(from, rest, 1)?),
            "~" => Reply::Set(read_items(from, rest, 1)?),
            ">" => Reply::Push(read_items(from, rest, 1)?),
            "%" => {
                let items = read_items(from, rest, 2)?;
                Reply::Map(
                    items
                        .chunks(2)
                        .map(|pair| (pair[0].clone(), pair[1].clone()))
                        .collect(),
                )
            }
            _ => return Err(bad(&line)),
        })
    }
}

fn bad(line: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("no reply: {line:?}"))
}

fn read_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line)?;
    if !line.ends_with(b"\r\n") {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "connection closed in a reply",
        ));
    }
    line.truncate(line.len() - 2);
    Ok(String::from_utf8_lossy(&line).into())
}

fn read_bulk(from: &mut impl BufRead, length: &str) -> io::Result<Option<Vec<u8>>> {
    if length == "-1" {
        return Ok(None);
    }
    let length: u64 = length.parse().map_err(|_| bad(length))?;
    let mut bytes = Vec::new();
    Read::by_ref(from)
        .take(length + 2)
        .read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length + 2 {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "connection closed in a reply",
        ));
    }
    if !bytes.ends_with(b"\r\n") {
        return Err(bad("a bulk without its end"));
    }
    bytes.truncate(bytes.len() - 2);
    Ok(Some(bytes))
}

fn read_items(from: &mut impl BufRead, count: &str, per: usize) -> io::Result<Vec<Reply>> {
    let count: usize = count.parse().map_err(|_| bad(count))?;
    (0..count * per).map(|_| Reply::read(from)).collect()
}
