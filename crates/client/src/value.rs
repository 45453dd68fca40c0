//! One reply, as it came.

use std::borrow::Cow;

use crate::error::Error;

/// A reply of any RESP2 or RESP3 type. Numbers that have no exact machine form keep their text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// RESP3 null, RESP2 null bulk or null array.
    Null,
    /// A status line (`+OK`).
    Status(Vec<u8>),
    /// An error, without its leading minus.
    Error(Vec<u8>),
    /// An integer.
    Int(i64),
    /// A string.
    Bulk(Vec<u8>),
    /// A string with its three-letter format (`txt`, `mkd`).
    Verbatim {
        /// The three letters before the colon.
        format: [u8; 3],
        /// What follows the colon.
        text: Vec<u8>,
    },
    /// A double, as the server wrote it.
    Double(Vec<u8>),
    /// A number of any size, as the server wrote it.
    BigNumber(Vec<u8>),
    /// A boolean.
    Bool(bool),
    /// An array.
    Array(Vec<Value>),
    /// A set, in the server's order.
    Set(Vec<Value>),
    /// A map, in the server's order.
    Map(Vec<(Value, Value)>),
    /// A message that answers no request.
    Push(Vec<Value>),
}

impl Value {
    /// The bytes of a string-like reply (bulk, status, verbatim, double, big number).
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bulk(b) | Value::Status(b) | Value::Double(b) | Value::BigNumber(b) => Some(b),
            Value::Verbatim { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The same as text; bytes that are no UTF-8 are replaced.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        self.as_bytes().map(String::from_utf8_lossy)
    }

    /// An integer, or a string that is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(*n),
            other => base_int(other.as_bytes()?),
        }
    }

    /// A double, an integer, or a string that is either.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(n) => Some(*n as f64),
            other => std::str::from_utf8(other.as_bytes()?).ok()?.parse().ok(),
        }
    }

    /// The elements of an array, set or push.
    pub fn items(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) | Value::Set(items) | Value::Push(items) => Some(items),
            _ => None,
        }
    }

    /// The elements of an array, set or push, by value.
    pub fn into_items(self) -> Option<Vec<Value>> {
        match self {
            Value::Array(items) | Value::Set(items) | Value::Push(items) => Some(items),
            _ => None,
        }
    }

    /// The pairs of a map, or of an array that RESP2 sends in its place.
    pub fn pairs(&self) -> Option<Vec<(&Value, &Value)>> {
        match self {
            Value::Map(pairs) => Some(pairs.iter().map(|(k, v)| (k, v)).collect()),
            Value::Array(items) if items.len() % 2 == 0 => Some(
                items
                    .chunks_exact(2)
                    .map(|pair| (&pair[0], &pair[1]))
                    .collect(),
            ),
            _ => None,
        }
    }

    /// The value under `key` in a map (or its RESP2 form).
    pub fn field(&self, key: &str) -> Option<&Value> {
        let pairs = self.pairs()?;
        pairs
            .into_iter()
            .find(|(k, _)| k.as_bytes() == Some(key.as_bytes()))
            .map(|(_, v)| v)
    }

    /// Whether this is an error reply.
    pub fn is_error(&self) -> bool {
        matches!(self, Value::Error(_))
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Whether this is the status `OK`.
    pub fn is_ok(&self) -> bool {
        matches!(self, Value::Status(text) if text == b"OK")
    }

    /// The text of an error reply.
    pub fn error_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Value::Error(text) => Some(String::from_utf8_lossy(text)),
            _ => None,
        }
    }

    /// Turns an error reply into [`Error::Server`].
    pub fn into_result(self) -> Result<Value, Error> {
        match self {
            Value::Error(text) => Err(Error::Server(String::from_utf8_lossy(&text).into_owned())),
            other => Ok(other),
        }
    }
}

fn base_int(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
