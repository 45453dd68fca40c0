//! Reads a file as the C library would: lines of bounded length, and blocks, each with its place.
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// A file read from its beginning, or from the end of its RDB part.
pub(crate) struct Lines<R> {
    input: BufReader<io::Chain<Cursor<Vec<u8>>, R>>,
    at: u64,
}

/// The ends of a block that was read and dropped.
pub(crate) struct Block {
    /// How many bytes there were.
    pub len: u64,
    /// The first of them, at most eight.
    pub head: Vec<u8>,
    /// The last two.
    pub tail: [u8; 2],
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(at: u64, ahead: Vec<u8>, input: R) -> Self {
        Lines {
            input: BufReader::with_capacity(64 << 10, Cursor::new(ahead).chain(input)),
            at,
        }
    }

    /// The place of the next byte.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// The next byte, which stays; `None` at the end.
    pub(crate) fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    /// At most `most` bytes, ending with a line end if there is one among them; empty at the end of
    /// the file.
    pub(crate) fn line(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        (&mut self.input)
            .take(most as u64)
            .read_until(b'\n', &mut line)?;
        self.at += line.len() as u64;
        Ok(line)
    }

    /// Passes over `len` bytes, or as many as there are.
    pub(crate) fn block(&mut self, len: u64) -> io::Result<Block> {
        let mut block = Block {
            len: 0,
            head: Vec::new(),
            tail: [0; 2],
        };
        while block.len < len {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            let n = buffer
                .len()
                .min(usize::try_from(len - block.len).unwrap_or(usize::MAX));
            let taken = &buffer[..n];
            let room = 8 - block.head.len();
            block.head.extend_from_slice(&taken[..n.min(room)]);
            block.tail = match taken {
                [.., a, b] => [*a, *b],
                [b] => [block.tail[1], *b],
                [] => block.tail,
            };
            self.input.consume(n);
            block.len += n as u64;
        }
        self.at += block.len;
        Ok(block)
    }
}
