//! What can be wrong with a file or payload, and where.
use crate::format::type_name;
use crate::packed::Flaw;
use std::fmt;

/// What the reader was doing, in the words of `redis-check-rdb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// The header.
    Start,
    /// An opcode or a type.
    ReadType,
    /// An expiry.
    ReadExpire,
    /// The name of a key.
    ReadKey,
    /// A value.
    ReadObjectValue,
    /// The checksum.
    CheckSum,
    /// The number or the sizes of a database.
    ReadLen,
    /// An attribute.
    ReadAux,
    /// A module's own data.
    ReadModuleAux,
    /// A function library.
    ReadFunctions,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Doing::Start => "start",
            Doing::ReadType => "read-type",
            Doing::ReadExpire => "read-expire",
            Doing::ReadKey => "read-key",
            Doing::ReadObjectValue => "read-object-value",
            Doing::CheckSum => "check-sum",
            Doing::ReadLen => "read-len",
            Doing::ReadAux => "read-aux",
            Doing::ReadModuleAux => "read-module-aux",
            Doing::ReadFunctions => "read-functions",
        })
    }
}

/// The reason of an [`Error`].
#[derive(Debug, thiserror::Error)]
pub enum ErrorKind {
    /// The input failed.
    #[error("read error: {0}")]
    Io(#[source] std::io::Error),
    /// The input ended in the middle.
    #[error("Unexpected EOF reading RDB file")]
    ShortRead,
    /// Not such a file.
    #[error("Wrong signature trying to load DB from file")]
    Signature,
    /// A version that nobody here knows.
    #[error("Can't handle RDB format version {0}")]
    Version(i64),
    /// Neither opcode nor type.
    #[error("Invalid object type: {0}")]
    UnknownType(u8),
    /// Content that this server cannot hold: refused, so that nothing is lost.
    #[error("it holds {what} (type {code}, {}), which this server cannot store", type_name(*.code))]
    Unsupported {
        /// Plain words, with article.
        what: &'static str,
        /// The type or opcode.
        code: u8,
    },
    /// A length whose first byte is undefined.
    #[error("Unknown length encoding {} in rdbLoadLen()", .0 >> 6)]
    BadLength(u8),
    /// A string form that is undefined.
    #[error("Unknown RDB string encoding type {0}")]
    BadStringCode(u8),
    /// A string or node that breaks a rule.
    #[error("{0}")]
    Corrupt(&'static str),
    /// A packed blob that breaks a rule.
    #[error("{what} integrity check failed: {flaw}")]
    Packed {
        /// The kind of blob, as it is named in messages.
        what: &'static str,
        /// The rule.
        flaw: Flaw,
    },
    /// A payload whose value has no elements.
    #[error("the value is empty")]
    Empty,
    /// A payload with bytes behind its value.
    #[error("bytes follow the value")]
    Trailing,
    /// The checksum of the bytes is not the one stored.
    #[error("RDB CRC error")]
    Checksum {
        /// Of the bytes read.
        computed: u64,
        /// Read behind them.
        stored: u64,
    },
}

impl ErrorKind {
    /// The reason for a flaw in a blob of this name.
    pub(crate) fn packed(what: &'static str) -> impl Fn(Flaw) -> ErrorKind {
        move |flaw| ErrorKind::Packed { what, flaw }
    }
}

/// A reason with its place.
#[derive(Debug)]
pub struct Error {
    /// Bytes read before.
    pub offset: u64,
    /// What was being read.
    pub doing: Doing,
    /// The key whose value was being read.
    pub key: Option<Vec<u8>>,
    /// The type of that value.
    pub value_type: Option<u8>,
    /// What was wrong.
    pub kind: ErrorKind,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at offset {} ({})", self.offset, self.doing)?;
        if let Some(key) = &self.key {
            write!(f, ", key '{}'", key.escape_ascii())?;
        }
        if let Some(code) = self.value_type {
            write!(f, ", type {code} ({})", type_name(code))?;
        }
        write!(f, ": {}", self.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.kind)
    }
}
