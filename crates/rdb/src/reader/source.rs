//! Buffered bytes of a file with the place in it and the checksum of what was consumed.
use super::error::ErrorKind;
use crate::crc64::Crc64;
use crate::lzf;
use std::io::Read;

/// Most bytes asked of the input at a time, and the step in which memory for a long string grows.
const STEP: usize = 64 << 10;

/// How a string is stored, read from its first byte.
pub(crate) enum StringForm {
    /// So many bytes follow.
    Raw(u64),
    /// It was short or compressed, and is complete.
    Whole(Vec<u8>),
}

#[derive(Debug)]
pub(crate) struct Source<R> {
    input: R,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    hashed: usize,
    crc: Crc64,
    offset: u64,
}

impl<R: Read> Source<R> {
    pub(crate) fn new(input: R, buffer: usize) -> Self {
        Source {
            input,
            buffer: vec![0; buffer.clamp(16, STEP)],
            at: 0,
            filled: 0,
            hashed: 0,
            crc: Crc64::new(),
            offset: 0,
        }
    }

    /// Bytes consumed by reads that succeeded.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The checksum of all bytes consumed.
    pub(crate) fn checksum(&mut self) -> u64 {
        self.hash_consumed();
        self.crc.value()
    }

    /// The bytes read ahead and the input behind them.
    pub(crate) fn into_parts(self) -> (Vec<u8>, R) {
        (self.buffer[self.at..self.filled].to_vec(), self.input)
    }

    /// True when no byte is left.
    pub(crate) fn at_end(&mut self) -> Result<bool, ErrorKind> {
        match self.refill() {
            Ok(()) => Ok(false),
            Err(ErrorKind::ShortRead) => Ok(true),
            Err(other) => Err(other),
        }
    }

    fn hash_consumed(&mut self) {
        self.crc.update(&self.buffer[self.hashed..self.at]);
        self.hashed = self.at;
    }

    /// Makes at least one byte available.
    fn refill(&mut self) -> Result<(), ErrorKind> {
        if self.at < self.filled {
            return Ok(());
        }
        self.hash_consumed();
        (self.at, self.hashed, self.filled) = (0, 0, 0);
        loop {
            match self.input.read(&mut self.buffer) {
                Ok(0) => return Err(ErrorKind::ShortRead),
                Ok(n) => {
                    self.filled = n;
                    return Ok(());
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(ErrorKind::Io(e)),
            }
        }
    }

    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], ErrorKind> {
        let mut out = [0; N];
        let mut have = 0;
        while have < N {
            self.refill()?;
            let n = (N - have).min(self.filled - self.at);
            out[have..have + n].copy_from_slice(&self.buffer[self.at..self.at + n]);
            self.at += n;
            have += n;
        }
        self.offset += N as u64;
        Ok(out)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, ErrorKind> {
        Ok(self.fixed::<1>()?[0])
    }

    /// Exactly `len` bytes. Memory grows with what arrives, not with what was announced.
    pub(crate) fn bytes(&mut self, len: u64) -> Result<Vec<u8>, ErrorKind> {
        let len = usize::try_from(len).map_err(|_| ErrorKind::ShortRead)?;
        let mut out = Vec::with_capacity(len.min(STEP));
        while out.len() < len {
            self.refill()?;
            let n = (len - out.len()).min(self.filled - self.at);
            out.extend_from_slice(&self.buffer[self.at..self.at + n]);
            self.at += n;
        }
        self.offset += len as u64;
        Ok(out)
    }

    /// A length. `Err(code)` inside is the code of a specially stored string.
    fn length_or_code(&mut self) -> Result<Result<u64, u8>, ErrorKind> {
        let first = self.byte()?;
        Ok(match first >> 6 {
            0 => Ok(u64::from(first & 0x3f)),
            1 => Ok(u64::from(first & 0x3f) << 8 | u64::from(self.byte()?)),
            3 => Err(first & 0x3f),
            _ => match first {
                0x80 => Ok(u64::from(u32::from_be_bytes(self.fixed()?))),
                0x81 => Ok(u64::from_be_bytes(self.fixed()?)),
                _ => return Err(ErrorKind::BadLength(first)),
            },
        })
    }

    pub(crate) fn length(&mut self) -> Result<u64, ErrorKind> {
        self.length_or_code()?
            .map_err(|code| ErrorKind::BadLength(0xc0 | code))
    }

    pub(crate) fn string_form(&mut self) -> Result<StringForm, ErrorKind> {
        let number = match self.length_or_code()? {
            Ok(len) => return Ok(StringForm::Raw(len)),
            Err(0) => i64::from(i8::from_le_bytes(self.fixed()?)),
            Err(1) => i64::from(i16::from_le_bytes(self.fixed()?)),
            Err(2) => i64::from(i32::from_le_bytes(self.fixed()?)),
            Err(3) => {
                let compressed = self.length()?;
                let len = self.length()?;
                if len > compressed.saturating_mul(lzf::MAX_RATIO as u64) {
                    return Err(ErrorKind::Corrupt("Invalid LZF compressed string"));
                }
                let compressed = self.bytes(compressed)?;
                let text = lzf::decompress(&compressed, len as usize)
                    .map_err(|_| ErrorKind::Corrupt("Invalid LZF compressed string"))?;
                return Ok(StringForm::Whole(text));
            }
            Err(code) => return Err(ErrorKind::BadStringCode(code)),
        };
        let mut text = Vec::with_capacity(11);
        base::num::write_i64(&mut text, number);
        Ok(StringForm::Whole(text))
    }

    pub(crate) fn string(&mut self) -> Result<Vec<u8>, ErrorKind> {
        match self.string_form()? {
            StringForm::Raw(len) => self.bytes(len),
            StringForm::Whole(text) => Ok(text),
        }
    }
}
