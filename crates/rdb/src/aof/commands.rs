//! The commands of an append-only file, and how far the file is whole.
use std::io::Read;

/// Longest line of a count, a length or an annotation.
const LONGEST_LINE: usize = 1024;
const STEP: usize = 64 << 10;

/// What stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A command and its arguments, never empty.
    Command(Vec<Vec<u8>>),
    /// When the commands that follow were run, in Unix seconds.
    Timestamp(i64),
    /// Another annotation, without its `#` and line end.
    Annotation(Vec<u8>),
}

/// Why reading stopped.
#[derive(Debug, thiserror::Error)]
pub enum AofError {
    /// The input failed.
    #[error("read error at offset {offset}: {source}")]
    Io {
        /// Where.
        offset: u64,
        /// How.
        source: std::io::Error,
    },
    /// The file ends inside a command: it may be cut at [`Commands::valid_up_to`].
    #[error("the file ends at offset {offset} inside a command")]
    Truncated {
        /// Where it ends.
        offset: u64,
    },
    /// The file ends between MULTI and EXEC: it may be cut at [`Commands::valid_up_to`].
    #[error("the file ends at offset {offset} inside a transaction")]
    OpenTransaction {
        /// Where it ends.
        offset: u64,
    },
    /// What stands there is no command.
    #[error("bad format at offset {offset}: {what}")]
    Format {
        /// Where.
        offset: u64,
        /// What was expected.
        what: &'static str,
    },
}

impl AofError {
    /// True for the two endings that a crash leaves behind.
    pub fn is_truncation(&self) -> bool {
        matches!(
            self,
            AofError::Truncated { .. } | AofError::OpenTransaction { .. }
        )
    }
}

/// Reads one file of commands.
#[derive(Debug)]
pub struct Commands<R> {
    input: R,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    offset: u64,
    valid_up_to: u64,
    in_multi: bool,
}

impl<R: Read> Commands<R> {
    /// A reader whose input stands at `offset` of the file: zero, or the end of the RDB preamble.
    /// `ahead` holds bytes that were already read from the input.
    pub fn new(input: R, offset: u64, ahead: Vec<u8>) -> Self {
        let filled = ahead.len();
        let mut buffer = ahead;
        buffer.resize(filled.max(STEP), 0);
        Commands {
            input,
            buffer,
            at: 0,
            filled,
            offset,
            valid_up_to: offset,
            in_multi: false,
        }
    }

    /// Bytes of the file consumed so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Where the last whole unit ends: a command or annotation outside of a transaction, or its
    /// EXEC.
    pub fn valid_up_to(&self) -> u64 {
        self.valid_up_to
    }

    /// True between MULTI and EXEC.
    pub fn in_multi(&self) -> bool {
        self.in_multi
    }

    /// The next item, `None` at a clean end.
    pub fn next_item(&mut self) -> Result<Option<Item>, AofError> {
        if !self.refill()? {
            if self.in_multi {
                return Err(AofError::OpenTransaction {
                    offset: self.offset,
                });
            }
            return Ok(None);
        }
        let item = match self.buffer[self.at] {
            b'#' => self.annotation()?,
            b'*' => Item::Command(self.command()?),
            _ => return Err(self.format("expected '*' or '#'")),
        };
        if !self.in_multi {
            self.valid_up_to = self.offset;
        }
        Ok(Some(item))
    }

    fn annotation(&mut self) -> Result<Item, AofError> {
        let line = self.line()?;
        Ok(
            match line.strip_prefix(b"#TS:").and_then(base::num::parse_i64) {
                Some(seconds) => Item::Timestamp(seconds),
                None => Item::Annotation(line[1..].to_vec()),
            },
        )
    }

    fn command(&mut self) -> Result<Vec<Vec<u8>>, AofError> {
        let start = self.offset;
        let count = self.number(b'*', "expected the number of arguments")?;
        if !(1..=i64::from(i32::MAX)).contains(&count) {
            return Err(AofError::Format {
                offset: start,
                what: "bad number of arguments",
            });
        }
        let mut arguments = Vec::new();
        for _ in 0..count {
            let at = self.offset;
            let len = self.number(b'$', "expected '$' and a length")?;
            let len = usize::try_from(len).map_err(|_| AofError::Format {
                offset: at,
                what: "bad length",
            })?;
            arguments.push(self.bytes(len)?);
            let end = self.offset;
            if self.bytes(2)? != b"\r\n" {
                return Err(AofError::Format {
                    offset: end,
                    what: "expected a line end",
                });
            }
        }
        let name = arguments[0].as_slice();
        if name.eq_ignore_ascii_case(b"multi") {
            if self.in_multi {
                return Err(AofError::Format {
                    offset: start,
                    what: "MULTI inside MULTI",
                });
            }
            self.in_multi = true;
        } else if name.eq_ignore_ascii_case(b"exec") {
            if !self.in_multi {
                return Err(AofError::Format {
                    offset: start,
                    what: "EXEC without MULTI",
                });
            }
            self.in_multi = false;
        }
        Ok(arguments)
    }

    fn number(&mut self, prefix: u8, what: &'static str) -> Result<i64, AofError> {
        let start = self.offset;
        if !self.refill()? {
            return Err(AofError::Truncated {
                offset: self.offset,
            });
        }
        if self.buffer[self.at] != prefix {
            return Err(self.format(what));
        }
        let line = self.line()?;
        base::num::parse_i64(&line[1..]).ok_or(AofError::Format {
            offset: start,
            what,
        })
    }

    /// A line without its end, which must be CR LF.
    fn line(&mut self) -> Result<Vec<u8>, AofError> {
        let start = self.offset;
        let mut line = Vec::new();
        loop {
            if !self.refill()? {
                return Err(AofError::Truncated {
                    offset: self.offset,
                });
            }
            let byte = self.buffer[self.at];
            self.at += 1;
            self.offset += 1;
            if byte == b'\n' {
                break;
            }
            line.push(byte);
            if line.len() > LONGEST_LINE {
                return Err(AofError::Format {
                    offset: start,
                    what: "line too long",
                });
            }
        }
        if line.pop() != Some(b'\r') || line.is_empty() {
            return Err(AofError::Format {
                offset: start,
                what: "expected a line end",
            });
        }
        Ok(line)
    }

    fn bytes(&mut self, len: usize) -> Result<Vec<u8>, AofError> {
        let mut out = Vec::with_capacity(len.min(STEP));
        while out.len() < len {
            if !self.refill()? {
                return Err(AofError::Truncated {
                    offset: self.offset,
                });
            }
            let n = (len - out.len()).min(self.filled - self.at);
            out.extend_from_slice(&self.buffer[self.at..self.at + n]);
            self.at += n;
            self.offset += n as u64;
        }
        Ok(out)
    }

    /// Makes at least one byte available; false at the end.
    fn refill(&mut self) -> Result<bool, AofError> {
        while self.at == self.filled {
            match self.input.read(&mut self.buffer) {
                Ok(0) => return Ok(false),
                Ok(n) => (self.at, self.filled) = (0, n),
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(AofError::Io {
                        offset: self.offset,
                        source,
                    });
                }
            }
        }
        Ok(true)
    }

    fn format(&self, what: &'static str) -> AofError {
        AofError::Format {
            offset: self.offset,
            what,
        }
    }
}
