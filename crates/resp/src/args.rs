//! The arguments of one command: ranges into somebody else's bytes, and an owned form for
//! commands that must outlive the buffer they arrived in.

use std::fmt;
use std::ops::Index;

/// Start and end of one argument, in bytes from the first byte of its command.
pub type Range = (u32, u32);

/// The arguments of one command, the name of the command first. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    bytes: &'a [u8],
    ranges: &'a [Range],
}

impl<'a> Args<'a> {
    /// Arguments that lie at `ranges` of `bytes`.
    #[inline]
    pub fn new(bytes: &'a [u8], ranges: &'a [Range]) -> Self {
        Args { bytes, ranges }
    }

    /// How many arguments there are, the command's name included.
    #[inline]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether there is none at all.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Argument `i`, counted from 0, which is the command's name. Panics when there is none, as
    /// indexing does: whoever asks has checked the arity.
    #[inline]
    pub fn get(&self, i: usize) -> &'a [u8] {
        let (start, end) = self.ranges[i];
        &self.bytes[start as usize..end as usize]
    }

    /// Argument `i`, or `None` past the end.
    #[inline]
    pub fn opt(&self, i: usize) -> Option<&'a [u8]> {
        let &(start, end) = self.ranges.get(i)?;
        Some(&self.bytes[start as usize..end as usize])
    }

    /// The arguments from `first` on; none when there are fewer.
    #[inline]
    pub fn from(&self, first: usize) -> Args<'a> {
        Args {
            bytes: self.bytes,
            ranges: self.ranges.get(first..).unwrap_or(&[]),
        }
    }

    /// The arguments in order.
    #[inline]
    pub fn iter(&self) -> ArgsIter<'a> {
        ArgsIter {
            bytes: self.bytes,
            ranges: self.ranges.iter(),
        }
    }

    /// Sum of the lengths of all arguments, in bytes.
    pub fn payload_len(&self) -> usize {
        self.ranges
            .iter()
            .map(|&(start, end)| (end - start) as usize)
            .sum()
    }

    /// A copy that owns its bytes.
    pub fn to_buf(&self) -> ArgsBuf {
        self.iter().collect()
    }
}

impl Index<usize> for Args<'_> {
    type Output = [u8];

    #[inline]
    fn index(&self, i: usize) -> &[u8] {
        self.get(i)
    }
}

impl<'a> IntoIterator for Args<'a> {
    type Item = &'a [u8];
    type IntoIter = ArgsIter<'a>;

    #[inline]
    fn into_iter(self) -> ArgsIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Args<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|arg| arg.escape_ascii().to_string()))
            .finish()
    }
}

impl PartialEq for Args<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

/// Iterator over the arguments of a command.
#[derive(Clone, Debug)]
pub struct ArgsIter<'a> {
    bytes: &'a [u8],
    ranges: std::slice::Iter<'a, Range>,
}

impl<'a> Iterator for ArgsIter<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let &(start, end) = self.ranges.next()?;
        Some(&self.bytes[start as usize..end as usize])
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ranges.size_hint()
    }
}

impl ExactSizeIterator for ArgsIter<'_> {}

impl DoubleEndedIterator for ArgsIter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let &(start, end) = self.ranges.next_back()?;
        Some(&self.bytes[start as usize..end as usize])
    }
}

/// A command that owns its bytes: a queued one of MULTI, one read from a file, one built here.
/// All its arguments together stay below 4 GiB, as those of a request do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArgsBuf {
    bytes: Vec<u8>,
    ranges: Vec<Range>,
}

impl ArgsBuf {
    /// No arguments yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an argument. Panics when the whole passes 4 GiB.
    pub fn push(&mut self, arg: &[u8]) {
        let start = self.bytes.len();
        let end = start + arg.len();
        assert!(u32::try_from(end).is_ok(), "a command of more than 4 GiB");
        self.bytes.extend_from_slice(arg);
        self.ranges.push((start as u32, end as u32));
    }

    /// Forgets all arguments and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ranges.clear();
    }

    /// The arguments, borrowed.
    #[inline]
    pub fn as_args(&self) -> Args<'_> {
        Args {
            bytes: &self.bytes,
            ranges: &self.ranges,
        }
    }

    /// Bytes of memory held.
    pub fn memory(&self) -> usize {
        self.bytes.capacity() + self.ranges.capacity() * size_of::<Range>()
    }
}

impl<T: AsRef<[u8]>> FromIterator<T> for ArgsBuf {
    fn from_iter<I: IntoIterator<Item = T>>(args: I) -> Self {
        let mut buf = ArgsBuf::new();
        for arg in args {
            buf.push(arg.as_ref());
        }
        buf
    }
}
