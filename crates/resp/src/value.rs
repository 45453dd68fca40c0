//! Replies as a client reads them: a tree of values, RESP2 and RESP3.
//!
//! [`parse`] reads one whole reply. While a long reply arrives in pieces, [`Scanner`] finds its
//! end without reading anything twice; then it is parsed once.

use base::num;
use memchr::memchr;

/// Deepest nesting that is accepted.
pub const DEPTH_MAX: usize = 128;
/// Longest line (status, error, number, length) that is accepted, in bytes.
const LINE_MAX: usize = 1 << 20;
/// Longest bulk string that is accepted, in bytes: Redis's own highest limit is far below.
const BULK_MAX: i64 = 1 << 40;

/// A reply, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `+`: a status line.
    Status(Vec<u8>),
    /// `-`: an error, its code first. Also `!`, RESP3's error with any bytes.
    Error(Vec<u8>),
    /// `:`
    Int(i64),
    /// `$`
    Bulk(Vec<u8>),
    /// RESP2's absent bulk string, and RESP3's null.
    Null,
    /// RESP2's absent array.
    NullArray,
    /// `*`
    Array(Vec<Value>),
    /// `%`, in the order sent.
    Map(Vec<(Value, Value)>),
    /// `~`
    Set(Vec<Value>),
    /// `,`: the text as sent, which is a number, `inf`, `-inf` or `nan`.
    Double(String),
    /// `#`
    Bool(bool),
    /// `(`: decimal digits with an optional sign.
    BigNumber(String),
    /// `=`
    Verbatim {
        /// Three letters, such as `txt`.
        format: [u8; 3],
        /// What follows the format and its colon.
        text: Vec<u8>,
    },
    /// `>`: an out-of-band message.
    Push(Vec<Value>),
    /// `|`: a value that came with attributes.
    Attribute(Vec<(Value, Value)>, Box<Value>),
}

impl Value {
    /// The bytes of a string of any kind: bulk, status or verbatim.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bulk(bytes) | Value::Status(bytes) => Some(bytes),
            Value::Verbatim { text, .. } => Some(text),
            Value::Attribute(_, value) => value.as_bytes(),
            _ => None,
        }
    }

    /// The same as text, when it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.as_bytes()?).ok()
    }

    /// An integer, sent as one or as a string.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(value) => Some(*value),
            Value::Attribute(_, value) => value.as_int(),
            other => num::parse_i64(other.as_bytes()?),
        }
    }

    /// The elements of an array, set or push.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) | Value::Set(items) | Value::Push(items) => Some(items),
            Value::Attribute(_, value) => value.as_array(),
            _ => None,
        }
    }

    /// The text of an error, its code first.
    pub fn as_error(&self) -> Option<&[u8]> {
        match self {
            Value::Error(text) => Some(text),
            Value::Attribute(_, value) => value.as_error(),
            _ => None,
        }
    }

    /// Whether there is nothing: RESP3's null or one of RESP2's two.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null | Value::NullArray)
    }
}

/// What was sent is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A first byte that no type has.
    UnknownType(u8),
    /// A line that is too long, or that does not end in CR LF.
    Line,
    /// A number, length or truth value that is none.
    Number,
    /// Nested too deeply.
    Depth,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::UnknownType(byte) => {
                write!(
                    f,
                    "Protocol error, got \"{}\" as reply type byte",
                    byte.escape_ascii()
                )
            }
            Error::Line => f.write_str("Protocol error, bad line in a reply"),
            Error::Number => f.write_str("Protocol error, bad number in a reply"),
            Error::Depth => f.write_str("Protocol error, a reply is nested too deeply"),
        }
    }
}

impl std::error::Error for Error {}

/// Reads one reply from the beginning of `bytes`: it and its length in bytes, or `None` when it
/// is not complete. Memory taken is bounded by a multiple of the bytes given.
pub fn parse(bytes: &[u8]) -> Result<Option<(Value, usize)>, Error> {
    let mut scanner = Scanner::new();
    match scanner.scan(bytes)? {
        None => Ok(None),
        Some(len) => {
            let mut reader = Reader {
                bytes: &bytes[..len],
                at: 0,
            };
            let value = reader.value()?;
            Ok(Some((value, len)))
        }
    }
}

/// Finds the end of a reply that arrives in pieces.
#[derive(Clone, Debug, Default)]
pub struct Scanner {
    at: usize,
    /// Values still to come at each level of nesting.
    open: Vec<u64>,
}

impl Scanner {
    /// A scanner at the beginning of a reply.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks on in `bytes`, which begin with the reply in this call and each later one. Its
    /// length once it is complete; then the scanner stands at the beginning of the next reply.
    pub fn scan(&mut self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        loop {
            let Some((head, next)) = head(bytes, self.at)? else {
                return Ok(None);
            };
            let children = match head {
                Head::Leaf => 0,
                Head::Text(len) => {
                    let end = next as u64 + len + 2;
                    if (bytes.len() as u64) < end {
                        return Ok(None);
                    }
                    let end = end as usize;
                    if &bytes[end - 2..end] != b"\r\n" {
                        return Err(Error::Line);
                    }
                    self.at = end;
                    self.close();
                    if self.open.is_empty() {
                        return Ok(Some(std::mem::take(&mut self.at)));
                    }
                    continue;
                }
                Head::Aggregate(children) => children,
                // The value that an attribute belongs to takes the attribute's place.
                Head::Attribute(pairs) => 2 * pairs + 1,
            };
            self.at = next;
            if children > 0 {
                if self.open.len() >= DEPTH_MAX {
                    return Err(Error::Depth);
                }
                self.open.push(children);
                continue;
            }
            self.close();
            if self.open.is_empty() {
                return Ok(Some(std::mem::take(&mut self.at)));
            }
        }
    }

    /// One value is complete, and with it perhaps those around it.
    fn close(&mut self) {
        while let Some(left) = self.open.last_mut() {
            *left -= 1;
            if *left > 0 {
                return;
            }
            self.open.pop();
        }
    }
}

/// What a first line announces.
enum Head {
    /// Complete in itself.
    Leaf,
    /// So many bytes follow.
    Text(u64),
    /// So many values follow.
    Aggregate(u64),
    /// So many pairs follow, and a value.
    Attribute(u64),
}

/// The line at `at` without its end, and where the next begins.
fn line(bytes: &[u8], at: usize) -> Result<Option<(&[u8], usize)>, Error> {
    let rest = bytes.get(at..).unwrap_or(&[]);
    match memchr(b'\r', &rest[..rest.len().min(LINE_MAX)]) {
        Some(end) if end + 1 == rest.len() => Ok(None),
        Some(end) if rest[end + 1] == b'\n' => Ok(Some((&rest[..end], at + end + 2))),
        None if rest.len() < LINE_MAX => Ok(None),
        _ => Err(Error::Line),
    }
}

fn head(bytes: &[u8], at: usize) -> Result<Option<(Head, usize)>, Error> {
    match bytes.get(at) {
        None => return Ok(None),
        Some(b'+' | b'-' | b':' | b'$' | b'*' | b'_' | b',' | b'#' | b'(' | b'%' | b'~') => {}
        Some(b'!' | b'=' | b'>' | b'|') => {}
        Some(&other) => return Err(Error::UnknownType(other)),
    }
    let Some((line, next)) = line(bytes, at)? else {
        return Ok(None);
    };
    let length = || -> Result<Option<u64>, Error> {
        match num::parse_i64(&line[1..]) {
            Some(-1) if matches!(line[0], b'$' | b'*') => Ok(None),
            Some(len @ 0..=BULK_MAX) => Ok(Some(len as u64)),
            _ => Err(Error::Number),
        }
    };
    let head = match line[0] {
        b'$' | b'!' | b'=' => length()?.map_or(Head::Leaf, Head::Text),
        b'*' | b'~' | b'>' => length()?.map_or(Head::Leaf, Head::Aggregate),
        b'%' => length()?.map_or(Head::Leaf, |pairs| Head::Aggregate(2 * pairs)),
        b'|' => length()?.map_or(Head::Leaf, Head::Attribute),
        _ => Head::Leaf,
    };
    Ok(Some((head, next)))
}

/// Builds the tree of a reply that is known to be complete.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The scanner has bounded the depth.
    fn value(&mut self) -> Result<Value, Error> {
        let (line, next) = line(self.bytes, self.at)?.ok_or(Error::Line)?;
        self.at = next;
        let (kind, rest) = (line[0], &line[1..]);
        Ok(match kind {
            b'+' => Value::Status(rest.to_vec()),
            b'-' => Value::Error(rest.to_vec()),
            b':' => Value::Int(num::parse_i64(rest).ok_or(Error::Number)?),
            b'_' => Value::Null,
            b'#' => match rest {
                b"t" => Value::Bool(true),
                b"f" => Value::Bool(false),
                _ => return Err(Error::Number),
            },
            b',' => Value::Double(number(rest, is_double)?),
            b'(' => Value::BigNumber(number(rest, is_integer)?),
            b'$' if rest == b"-1" => Value::Null,
            b'*' if rest == b"-1" => Value::NullArray,
            b'$' => Value::Bulk(self.text(rest)?.to_vec()),
            b'!' => Value::Error(self.text(rest)?.to_vec()),
            b'=' => match self.text(rest)? {
                [a, b, c, b':', text @ ..] => Value::Verbatim {
                    format: [*a, *b, *c],
                    text: text.to_vec(),
                },
                _ => return Err(Error::Line),
            },
            b'*' => Value::Array(self.values(rest)?),
            b'~' => Value::Set(self.values(rest)?),
            b'>' => Value::Push(self.values(rest)?),
            b'%' => Value::Map(self.pairs(rest)?),
            b'|' => {
                let pairs = self.pairs(rest)?;
                Value::Attribute(pairs, Box::new(self.value()?))
            }
            other => return Err(Error::UnknownType(other)),
        })
    }

    fn text(&mut self, len: &[u8]) -> Result<&[u8], Error> {
        let len = num::parse_i64(len).and_then(|len| usize::try_from(len).ok());
        let end = self.at + len.ok_or(Error::Number)?;
        let text = self.bytes.get(self.at..end).ok_or(Error::Line)?;
        self.at = end + 2;
        Ok(text)
    }

    fn values(&mut self, len: &[u8]) -> Result<Vec<Value>, Error> {
        let len = num::parse_i64(len).ok_or(Error::Number)?;
        // Each value takes three bytes at least.
        let room = (self.bytes.len() - self.at) / 3;
        let mut values = Vec::with_capacity((len as usize).min(room));
        for _ in 0..len {
            values.push(self.value()?);
        }
        Ok(values)
    }

    fn pairs(&mut self, len: &[u8]) -> Result<Vec<(Value, Value)>, Error> {
        let len = num::parse_i64(len).ok_or(Error::Number)?;
        let room = (self.bytes.len() - self.at) / 6;
        let mut pairs = Vec::with_capacity((len as usize).min(room));
        for _ in 0..len {
            let key = self.value()?;
            pairs.push((key, self.value()?));
        }
        Ok(pairs)
    }
}

fn number(text: &[u8], valid: impl Fn(&[u8]) -> bool) -> Result<String, Error> {
    match std::str::from_utf8(text) {
        Ok(number) if valid(text) => Ok(number.to_string()),
        _ => Err(Error::Number),
    }
}

fn is_double(text: &[u8]) -> bool {
    text.eq_ignore_ascii_case(b"nan")
        || text.eq_ignore_ascii_case(b"-nan")
        || num::parse_f64(text).is_some()
}

fn is_integer(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// Parses `data` whole and piece by piece and demands the same both ways: for fuzzing.
pub fn fuzz_one(data: &[u8]) {
    let whole = parse(data);
    let mut scanner = Scanner::new();
    let mut pieces = Ok(None);
    for end in 0..=data.len() {
        pieces = scanner.scan(&data[..end]);
        if !matches!(pieces, Ok(None)) {
            break;
        }
    }
    match (whole, pieces) {
        (Ok(Some((_, len))), Ok(Some(scanned))) => assert_eq!(len, scanned),
        (Ok(None), Ok(None)) => {}
        // A number that is none shows only when the tree is built.
        (Err(_), Err(_) | Ok(Some(_))) => {}
        (whole, pieces) => panic!("{whole:?} whole, {pieces:?} in pieces"),
    }
}
