//! How a snapshot is framed on the wire, and where it ends.
//!
//! One made on disk is announced by its length, `$123` and a line end. One that is streamed while
//! it is made has no length yet: `$EOF:` and forty characters are announced, and the same forty
//! characters follow the last byte.

/// The forty characters behind a streamed snapshot.
pub type Mark = [u8; 40];

/// How a snapshot is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes.
    Length(u64),
    /// Up to this mark.
    Mark(Mark),
}

impl Framing {
    /// The line before the first byte.
    pub fn header(&self) -> Vec<u8> {
        match self {
            Framing::Length(len) => format!("${len}\r\n").into_bytes(),
            Framing::Mark(mark) => [b"$EOF:", &mark[..], b"\r\n"].concat(),
        }
    }

    /// What follows the last byte.
    pub fn trailer(&self) -> &[u8] {
        match self {
            Framing::Length(_) => b"",
            Framing::Mark(mark) => mark,
        }
    }

    /// Reads a header line without its end; `None` if it is none.
    pub(crate) fn parse(line: &[u8]) -> Option<Framing> {
        let text = line.strip_prefix(b"$")?;
        if let Some(mark) = text.strip_prefix(b"EOF:").and_then(|m| m.first_chunk()) {
            return Some(Framing::Mark(*mark));
        }
        Some(Framing::Length(base::num::parse_u64(text)?))
    }
}

/// Finds the end of a snapshot in bytes that arrive in pieces of any size.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    framing: Framing,
    /// Bytes handed over so far.
    taken: u64,
}

/// What the bytes at hand are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// So many bytes of the snapshot, more than none.
    Data(usize),
    /// The snapshot is complete, and so many bytes of trailer follow it.
    End(usize),
    /// Too little to tell.
    Wait,
}

impl Receiver {
    pub(crate) fn new(framing: Framing) -> Self {
        Receiver { framing, taken: 0 }
    }

    /// Looks at the bytes not yet taken.
    pub(crate) fn look(&self, bytes: &[u8]) -> Part {
        match &self.framing {
            Framing::Length(len) if self.taken == *len => Part::End(0),
            Framing::Length(len) => {
                let left = usize::try_from(len - self.taken).unwrap_or(usize::MAX);
                match bytes.len().min(left) {
                    0 => Part::Wait,
                    n => Part::Data(n),
                }
            }
            Framing::Mark(mark) => match find_start(bytes, mark) {
                0 if bytes.len() >= mark.len() => Part::End(mark.len()),
                0 => Part::Wait,
                n => Part::Data(n),
            },
        }
    }

    /// Bytes were handed over.
    pub(crate) fn take(&mut self, n: usize) {
        self.taken += n as u64;
    }

    /// Bytes handed over so far, and how many there will be where that is known.
    pub(crate) fn progress(&self) -> (u64, Option<u64>) {
        let length = match self.framing {
            Framing::Length(len) => Some(len),
            Framing::Mark(_) => None,
        };
        (self.taken, length)
    }
}

/// Where the mark begins, or may begin with what is not here yet; the length if nowhere.
fn find_start(bytes: &[u8], mark: &Mark) -> usize {
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|b| *b == mark[0]) {
        let start = from + at;
        let n = (bytes.len() - start).min(mark.len());
        if bytes[start..start + n] == mark[..n] {
            return start;
        }
        from = start + 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests;
