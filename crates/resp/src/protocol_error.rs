//! What a client is told whose bytes are no request.

use std::borrow::Cow;
use std::fmt;

/// Why a connection must be closed: what it sent is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// No line end in 64 KiB of an inline request.
    BigInline,
    /// Quotes in an inline request that do not match.
    UnbalancedQuotes,
    /// No line end in 64 KiB after `*`.
    BigMultibulkCount,
    /// The number after `*` is none, or too large.
    MultibulkLength,
    /// Too many arguments before authentication.
    UnauthenticatedMultibulk,
    /// No line end in 64 KiB after `$`.
    BigBulkCount,
    /// Something else where `$` belongs.
    ExpectedDollar(u8),
    /// The number after `$` is none, negative, or too large.
    BulkLength,
    /// Too long an argument before authentication.
    UnauthenticatedBulk,
}

impl ProtocolError {
    /// The text after `Protocol error: `, byte for byte as Redis 7.2 words it.
    pub fn text(&self) -> Cow<'static, [u8]> {
        let text: &'static str = match self {
            ProtocolError::BigInline => "too big inline request",
            ProtocolError::UnbalancedQuotes => "unbalanced quotes in request",
            ProtocolError::BigMultibulkCount => "too big mbulk count string",
            ProtocolError::MultibulkLength => "invalid multibulk length",
            ProtocolError::UnauthenticatedMultibulk => "unauthenticated multibulk length",
            ProtocolError::BigBulkCount => "too big bulk count string",
            ProtocolError::ExpectedDollar(c) => {
                let mut text = b"expected '$', got '".to_vec();
                match c {
                    // Redis formats with C's %c: a NUL ends the text.
                    0 => {}
                    b'\r' | b'\n' => text.extend_from_slice(b" '"),
                    c => text.extend_from_slice(&[*c, b'\'']),
                }
                return Cow::Owned(text);
            }
            ProtocolError::BulkLength => "invalid bulk length",
            ProtocolError::UnauthenticatedBulk => "unauthenticated bulk length",
        };
        Cow::Borrowed(text.as_bytes())
    }

    /// The whole error reply.
    pub fn reply(&self) -> Vec<u8> {
        let mut reply = b"-ERR Protocol error: ".to_vec();
        reply.extend_from_slice(&self.text());
        reply.extend_from_slice(b"\r\n");
        reply
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Protocol error: {}", self.text().escape_ascii())
    }
}

impl std::error::Error for ProtocolError {}
