//! Requests: finds the commands in the bytes a client has sent so far.
//!
//! The parser keeps no bytes. It is called with what lies in the query buffer from the first
//! byte of the command that is being read, says how long that command is once it is complete,
//! and remembers between calls how far it came, so that no byte is looked at twice however small
//! the pieces are in which a command arrives.

use base::num;
use memchr::memchr2;

use crate::args::{Args, Range};
use crate::inline;
use crate::protocol_error::ProtocolError;

/// Longest inline request, and longest header line of a multibulk one, that may be incomplete.
pub const INLINE_MAX: usize = 64 * 1024;
/// Most arguments before authentication.
const UNAUTHENTICATED_ARGS: i64 = 10;
/// Longest bulk before authentication.
const UNAUTHENTICATED_BULK: i64 = 16384;

/// What a client may send, by its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `proto-max-bulk-len`: longest argument, in bytes.
    pub max_bulk: u64,
    /// Whether the client has shown its password (or needs none).
    pub authenticated: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_bulk: 512 << 20,
            authenticated: true,
        }
    }
}

/// Where the parser puts what it finds: one for many commands of many connections, emptied
/// after each batch, so that a command costs no allocation.
#[derive(Debug, Default)]
pub struct Arena {
    ranges: Vec<Range>,
    inline: Vec<u8>,
}

impl Arena {
    /// An empty arena.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all commands; keeps the memory, unless it was unusually much.
    pub fn clear(&mut self) {
        self.ranges.clear();
        self.inline.clear();
        if self.ranges.capacity() > 64 * 1024 {
            self.ranges = Vec::new();
        }
        if self.inline.capacity() > 256 * 1024 {
            self.inline = Vec::new();
        }
    }

    /// The arguments of a command. `bytes` is what the parser was given, from the command's
    /// first byte.
    #[inline]
    pub fn args<'a>(&'a self, command: &Command, bytes: &'a [u8]) -> Args<'a> {
        let first = command.first as usize;
        let ranges = &self.ranges[first..first + command.argc as usize];
        match command.inline {
            None => Args::new(bytes, ranges),
            Some(at) => Args::new(&self.inline[at as usize..], ranges),
        }
    }
}

/// A command that was found.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// Bytes it takes in the query buffer.
    pub len: usize,
    /// Arguments, its name included; at least one.
    pub argc: u32,
    first: u32,
    inline: Option<u32>,
}

/// What the bytes so far are.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A whole command.
    Command(Command),
    /// So many bytes that mean nothing: an empty line, or a command of no arguments.
    Nothing(usize),
    /// Not yet a whole command.
    Incomplete {
        /// Bytes that the argument being read still lacks, its line end included; 0 when that is
        /// not known yet.
        missing: usize,
    },
}

/// Reads the requests of one connection.
#[derive(Debug, Default)]
pub struct Parser {
    /// Where to go on, from the command's first byte.
    at: usize,
    /// Arguments still to come; 0 before the header is read.
    left: u32,
    /// Length of the argument being read, once its header is.
    bulk: Option<u32>,
    /// Arguments of a command that came in pieces.
    ranges: Vec<Range>,
}

impl Parser {
    /// A parser at the beginning of a command.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets how far it came, so that the command being read is read again from its first
    /// byte.
    pub fn reset(&mut self) {
        *self = Parser::default();
    }

    /// Bytes of memory that a half-read command takes here.
    pub fn memory(&self) -> usize {
        self.ranges.capacity() * size_of::<Range>()
    }

    /// Looks for the next command. `bytes` begins at its first byte, in this call and in each
    /// later one until it is complete; they may move in memory meanwhile. After an error the
    /// connection has nothing more to say.
    #[inline]
    pub fn next(
        &mut self,
        bytes: &[u8],
        arena: &mut Arena,
        limits: &Limits,
    ) -> Result<Step, ProtocolError> {
        match bytes.first() {
            None => Ok(Step::Incomplete { missing: 0 }),
            Some(b'*') => {
                if self.left == 0
                    && let Some(command) = plain(bytes, &mut arena.ranges, limits)
                {
                    return Ok(Step::Command(command));
                }
                self.multibulk(bytes, arena, limits)
            }
            Some(_) => self.inline(bytes, arena),
        }
    }

    #[inline(never)]
    fn multibulk(
        &mut self,
        bytes: &[u8],
        arena: &mut Arena,
        limits: &Limits,
    ) -> Result<Step, ProtocolError> {
        if self.left == 0 {
            let invalid = ProtocolError::MultibulkLength;
            let found = header(bytes, 0, invalid, ProtocolError::BigMultibulkCount)?;
            let Some((count, next)) = found else {
                return Ok(Step::Incomplete { missing: 0 });
            };
            if count > i64::from(i32::MAX) {
                return Err(ProtocolError::MultibulkLength);
            }
            if count > UNAUTHENTICATED_ARGS && !limits.authenticated {
                return Err(ProtocolError::UnauthenticatedMultibulk);
            }
            if count <= 0 {
                return Ok(Step::Nothing(next));
            }
            self.left = count as u32;
            self.at = next;
            let first = arena.ranges.len();
            return match self.bulks(bytes, &mut arena.ranges, limits)? {
                None => Ok(Step::Command(self.finish(first, count as u32))),
                Some(missing) => {
                    self.ranges.extend_from_slice(&arena.ranges[first..]);
                    arena.ranges.truncate(first);
                    Ok(Step::Incomplete { missing })
                }
            };
        }
        let mut ranges = std::mem::take(&mut self.ranges);
        let missing = self.bulks(bytes, &mut ranges, limits)?;
        if let Some(missing) = missing {
            self.ranges = ranges;
            return Ok(Step::Incomplete { missing });
        }
        let first = arena.ranges.len();
        arena.ranges.extend_from_slice(&ranges);
        Ok(Step::Command(self.finish(first, ranges.len() as u32)))
    }

    #[inline]
    fn finish(&mut self, first: usize, argc: u32) -> Command {
        let len = self.at;
        self.at = 0;
        Command {
            len,
            argc,
            first: first as u32,
            inline: None,
        }
    }

    /// Reads arguments until there are none left (`None`) or no bytes left (how many are missing).
    fn bulks(
        &mut self,
        bytes: &[u8],
        ranges: &mut Vec<Range>,
        limits: &Limits,
    ) -> Result<Option<usize>, ProtocolError> {
        let mut at = self.at;
        let mut bulk = self.bulk.take();
        while self.left > 0 {
            let len = match bulk.take() {
                Some(len) => len,
                None => {
                    let found = bulk_header(bytes, at, limits)?;
                    let Some((len, next)) = found else {
                        self.at = at;
                        return Ok(Some(0));
                    };
                    at = next;
                    len
                }
            };
            let end = at + len as usize;
            // Like Redis, takes any two bytes for the line end.
            if bytes.len() < end + 2 {
                self.at = at;
                self.bulk = Some(len);
                return Ok(Some(end + 2 - bytes.len()));
            }
            ranges.push((at as u32, end as u32));
            at = end + 2;
            self.left -= 1;
        }
        self.at = at;
        Ok(None)
    }

    #[cold]
    fn inline(&mut self, bytes: &[u8], arena: &mut Arena) -> Result<Step, ProtocolError> {
        let found = memchr2(b'\n', 0, &bytes[self.at..]).map(|at| at + self.at);
        let Some(end) = found.filter(|&at| bytes[at] == b'\n') else {
            if bytes.len() > INLINE_MAX {
                return Err(ProtocolError::BigInline);
            }
            // A NUL hides the rest of the line from Redis's C: it must be found again.
            self.at = found.unwrap_or(bytes.len());
            return Ok(Step::Incomplete { missing: 0 });
        };
        if end > INLINE_MAX {
            return Err(ProtocolError::BigInline);
        }
        self.at = 0;
        let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
        let inline = arena.inline.len();
        let first = arena.ranges.len();
        if !inline::split(line, &mut arena.inline, &mut arena.ranges) {
            return Err(ProtocolError::UnbalancedQuotes);
        }
        let argc = (arena.ranges.len() - first) as u32;
        if argc == 0 {
            return Ok(Step::Nothing(end + 1));
        }
        let command = Command {
            len: end + 1,
            argc,
            first: first as u32,
            inline: Some(inline as u32),
        };
        Ok(Step::Command(command))
    }
}

/// The command that `bytes` begin with, if it is whole and none of its numbers has more than three
/// digits: nearly all commands are so. For any other, `None`, with `ranges` as they were.
#[inline]
fn plain(bytes: &[u8], ranges: &mut Vec<Range>, limits: &Limits) -> Option<Command> {
    if !limits.authenticated || limits.max_bulk < 1000 {
        return None;
    }
    let (argc, mut at) = short_header(bytes)?;
    let first = ranges.len();
    for _ in 0..argc {
        let found = match bytes.get(at..) {
            Some(rest @ [b'$', ..]) => short_header(rest),
            _ => None,
        };
        let Some((len, size)) = found.filter(|(len, size)| bytes.len() >= at + size + len + 2)
        else {
            ranges.truncate(first);
            return None;
        };
        // The query buffer is below 4 GiB.
        ranges.push(((at + size) as u32, (at + size + len) as u32));
        at += size + len + 2;
    }
    (argc > 0).then_some(Command {
        len: at,
        argc: argc as u32,
        first: first as u32,
        inline: None,
    })
}

/// The number of up to three digits in the line that `bytes` begin with, behind its first byte,
/// and the length of that line.
#[inline(always)]
fn short_header(bytes: &[u8]) -> Option<(usize, usize)> {
    let &[_, a, b, c, d, _, ..] = bytes else {
        return None;
    };
    let digit = |c: u8| usize::from(c.wrapping_sub(b'0'));
    let (a, is_end) = (digit(a), |c| c == b'\r');
    if is_end(b) {
        return (a <= 9).then_some((a, 4));
    }
    let b = digit(b);
    if a == 0 || a > 9 || b > 9 {
        return None;
    }
    if is_end(c) {
        return Some((a * 10 + b, 5));
    }
    let c = digit(c);
    (c <= 9 && is_end(d)).then_some((a * 100 + b * 10 + c, 6))
}

/// The length line of an argument: its length and where its bytes begin; `None` when the line is
/// not complete.
fn bulk_header(
    bytes: &[u8],
    at: usize,
    limits: &Limits,
) -> Result<Option<(u32, usize)>, ProtocolError> {
    let Some(&first) = bytes.get(at) else {
        return Ok(None);
    };
    // A wrong first byte is reported once its line is whole, as in Redis.
    let invalid = match first {
        b'$' => ProtocolError::BulkLength,
        other => ProtocolError::ExpectedDollar(other),
    };
    let Some((len, next)) = header(bytes, at, invalid, ProtocolError::BigBulkCount)? else {
        return Ok(None);
    };
    if first != b'$' {
        return Err(invalid);
    }
    if len < 0 || len as u64 > limits.max_bulk {
        return Err(ProtocolError::BulkLength);
    }
    if len > UNAUTHENTICATED_BULK && !limits.authenticated {
        return Err(ProtocolError::UnauthenticatedBulk);
    }
    // Ranges are 32 bits wide; a query buffer never grows beyond them.
    match u32::try_from(next as u64 + len as u64 + 2) {
        Ok(_) => Ok(Some((len as u32, next))),
        Err(_) => Err(ProtocolError::BulkLength),
    }
}

/// The number in the line that begins at `at`, behind its first byte, and where the next line
/// begins; `None` when the line is not complete.
fn header(
    bytes: &[u8],
    at: usize,
    invalid: ProtocolError,
    too_big: ProtocolError,
) -> Result<Option<(i64, usize)>, ProtocolError> {
    // Redis searches with strchr, to which a NUL is the end.
    let found = memchr2(b'\r', 0, &bytes[at..]).map(|end| end + at);
    let Some(end) = found.filter(|&end| bytes[end] == b'\r') else {
        return if bytes.len() - at > INLINE_MAX {
            Err(too_big)
        } else {
            Ok(None)
        };
    };
    if end - at > INLINE_MAX {
        // The verdict must not hang on whether the line came in one piece.
        return Err(too_big);
    }
    // The byte after the carriage return must have come; what it is does not matter to Redis.
    if bytes.len() < end + 2 {
        return Ok(None);
    }
    let number = bytes
        .get(at + 1..end)
        .and_then(num::parse_i64)
        .ok_or(invalid)?;
    Ok(Some((number, end + 2)))
}

/// Parses `data` whole and in pieces and demands the same commands both ways: for fuzzing.
pub fn fuzz_one(data: &[u8]) {
    let Some((&mode, data)) = data.split_first() else {
        return;
    };
    let limits = Limits {
        max_bulk: 1 << 20,
        authenticated: mode & 1 == 0,
    };
    let whole = commands(data, usize::MAX, &limits);
    let pieces = commands(data, 1 + usize::from(mode >> 1), &limits);
    assert_eq!(whole, pieces);
}

/// The commands in `data` when it comes in pieces of at most `piece` bytes, and how it ended.
pub(crate) fn commands(
    data: &[u8],
    piece: usize,
    limits: &Limits,
) -> (Vec<Vec<Vec<u8>>>, Option<ProtocolError>) {
    let mut parser = Parser::new();
    let mut arena = Arena::new();
    let mut found = Vec::new();
    let (mut start, mut end) = (0, 0);
    loop {
        match parser.next(&data[start..end], &mut arena, limits) {
            Ok(Step::Command(command)) => {
                let args = arena.args(&command, &data[start..end]);
                found.push(args.iter().map(<[u8]>::to_vec).collect());
                start += command.len;
                arena.clear();
            }
            Ok(Step::Nothing(len)) => start += len,
            Ok(Step::Incomplete { .. }) if end < data.len() => {
                end = end.saturating_add(piece).min(data.len());
            }
            Ok(Step::Incomplete { .. }) => return (found, None),
            Err(error) => return (found, Some(error)),
        }
    }
}
